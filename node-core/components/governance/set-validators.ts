/** governance.setValidators: checks the approvals and keeps the set until its height. */
import { type Refusal, refusal } from '../../chain/codes.ts';
import type { AccountId } from '../../chain/identifiers.ts';
import {
  MAX_HEIGHTS_AHEAD,
  SET_VALIDATORS,
  type SetValidators,
  setValidatorsBody,
} from '../../chain/operations/set-validators.ts';
import { approvalRefusal, proposedSet, proposedSetOrRefusal } from '../../chain/set-approval.ts';
import { stateKey } from '../../chain/state-keys.ts';
import { equal } from '../../codec/bytes.ts';
import { decode } from '../../codec/cbor.ts';
import { isSameKey, keyId, spkiHash } from '../../crypto/keys.ts';
import type { PublicKey } from '../../crypto/provider.ts';
import { accountOf, reserveKey } from '../../ledger/accounts.ts';
import { accountOfNode } from '../../ledger/nodes.ts';
import type { OperationContext, OperationType } from '../../ledger/operation-type.ts';
import { encodePendingSet, inForceSince, pendingSetIn } from '../../ledger/validators.ts';

export const setValidators: OperationType<SetValidators> = {
  type: SET_VALIDATORS,
  clause: 'governance',
  body: setValidatorsBody,

  /** The pending set, and the keys that were nobody's. */
  stateEntries: ({ validators }) => 1 + validators.reduce((sum, v) => sum + (v.standbyKey === undefined ? 1 : 2), 0),

  check: (context, body) => timeRefusal(context, body) ?? memberRefusal(context, body) ?? approved(context, body),

  apply: (context, body, effects) => {
    const { crypto } = context;
    const { effectiveHeight } = body;
    const set = proposedSet(crypto, body);
    effects.set(stateKey.nextValidators(), encodePendingSet({ effectiveHeight, bytes: set.bytes }));
    for (const { id, keys } of set.validators) for (const key of keys) reserveKey(crypto, id, key, effects);
    effects.emit(
      'governance.validatorsApproved',
      new Map<string, Uint8Array | number>([
        ['effectiveHeight', effectiveHeight],
        ['set', set.hash],
      ]),
    );
  },
};

function timeRefusal({ state, height }: OperationContext, { effectiveHeight }: SetValidators): Refusal | null {
  if (effectiveHeight <= height || effectiveHeight > height + MAX_HEIGHTS_AHEAD)
    return refusal('SET_HEIGHT', `effective at ${effectiveHeight}, at height ${height}`);
  // Approvals of an earlier change must not undo a later one: the one that was approved first comes first.
  const pending = pendingSetIn(state);
  return pending === null ? null : refusal('SET_PENDING', `a change is effective at ${pending.effectiveHeight}`);
}

function memberRefusal(context: OperationContext, body: SetValidators): Refusal | null {
  const { crypto, state, validators } = context;
  const set = proposedSetOrRefusal(crypto, body);
  if ('code' in set) return set;
  if (equal(set.hash, validators.hash)) return refusal('SET_INVALID', 'it is the set in force');
  if (set.validators.some(({ id }) => accountOf(state, id)?.kind !== 'validator')) return refusal('SET_ACCOUNT');
  for (const { id, keys } of set.validators) {
    for (const key of keys) {
      const found = keyRefusal(context, id, key);
      if (found !== null) return found;
    }
  }
  return null;
}

/** As the genesis has it: what signs votes signs nothing else. A key of the same validator that was retired may come back. */
function keyRefusal({ crypto, state, genesis }: OperationContext, id: AccountId, key: PublicKey): Refusal | null {
  const owner = state.get(stateKey.accountByKey(keyId(crypto, key)));
  if (owner !== undefined && !equal(decode(owner) as Uint8Array, id))
    return refusal('KEY_IN_USE', 'it belongs to another account');
  const account = accountOf(state, id);
  if (account !== undefined && isSameKey(account.key, key))
    return refusal('KEY_IN_USE', "it is the key of the validator's account");
  // Nobody proves to have the node keys that it registers: what others register must not keep a key out.
  const nodeOwner = accountOfNode(state, genesis, spkiHash(crypto, key));
  return nodeOwner !== undefined && equal(nodeOwner, id)
    ? refusal('KEY_IN_USE', 'it is the TLS key of a node of the validator')
    : null;
}

function approved({ crypto, chain, protocolVersion, state, validators }: OperationContext, body: SetValidators) {
  const { effectiveHeight, approvals } = body;
  const next = proposedSet(crypto, body).hash;
  const set = { current: validators.hash, since: inForceSince(state) };
  const proposed = { chain, protocolVersion, ...set, next, effectiveHeight };
  return approvalRefusal(crypto, validators, proposed, approvals);
}
