/** Changes of the validator set for tests: proposed, approved with the consensus keys of the set in force, packed. */
import {
  entryOf,
  SET_VALIDATORS,
  type SetValidators,
  setValidatorsBody,
} from '../../node-core/chain/operations/set-validators.ts';
import { approvalMessage, proposedSet } from '../../node-core/chain/set-approval.ts';
import type { Operation } from '../../node-core/chain/transaction.ts';
import type { Validator } from '../../node-core/chain/validator-set.ts';
import type { KeyPair } from '../../node-core/crypto/generate.ts';
import type { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { signWith } from '../simulation/fixture.ts';
import { crypto } from './world.ts';

export interface SetChangeDraft {
  readonly validators: readonly Validator[];
  readonly effectiveHeight: number;
  /** Of the set in force, by index: who approves, with which key. */
  readonly approvers: readonly { readonly index: number; readonly keyIndex?: 0 | 1; readonly key: KeyPair }[];
}

/** The operation, approved for the set that is in force in `store`. */
export function setChange(store: ChainStore, draft: SetChangeDraft, fields: Partial<SetValidators> = {}): Operation {
  const { validators, effectiveHeight, approvers } = draft;
  const entries = validators.map(entryOf);
  const facts = {
    chain: store.genesis.hash,
    protocolVersion: 1,
    current: store.validators.hash,
    next: proposedSet(crypto, { validators: entries }).hash,
    effectiveHeight,
  };
  const approvals = approvers.map(({ index, keyIndex = 0, key }) => {
    const validator = store.validators.validators[index]!;
    const message = approvalMessage(crypto, facts, validator, key.publicKey);
    return [index, keyIndex, signWith(key, message)] as const;
  });
  return {
    type: SET_VALIDATORS,
    body: setValidatorsBody.encode({ validators: entries, effectiveHeight, approvals, ...fields }),
  };
}
