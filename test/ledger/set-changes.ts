/** Changes of the validator set for tests: proposed, approved with the consensus keys of the set in force, packed. */
import {
  entryOf,
  SET_VALIDATORS,
  type SetValidators,
  setValidatorsBody,
} from '../../node-core/chain/operations/set-validators.ts';
import { approvalMessage, type ProposedSet, proposedSet } from '../../node-core/chain/set-approval.ts';
import type { Operation } from '../../node-core/chain/transaction.ts';
import type { Validator, ValidatorSet } from '../../node-core/chain/validator-set.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { KeyPair } from '../../node-core/crypto/generate.ts';
import type { PublicKey } from '../../node-core/crypto/provider.ts';
import { inForceSince } from '../../node-core/ledger/validators.ts';
import type { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { signWith } from '../simulation/fixture.ts';
import { crypto } from './world.ts';

export interface Approver {
  /** In the set in force. */
  readonly index: number;
  readonly keyIndex?: 0 | 1;
  readonly key: KeyPair;
}

export interface SetChangeDraft {
  readonly validators: readonly Validator[];
  readonly effectiveHeight: number;
  readonly approvers: readonly Approver[];
  /** What is signed instead of the truth. */
  readonly signed?: Partial<ProposedSet>;
}

/** The operation, approved for the set that is in force in `store`. */
export function setChange(store: ChainStore, draft: SetChangeDraft, fields: Partial<SetValidators> = {}): Operation {
  const { validators, effectiveHeight, approvers, signed } = draft;
  const entries = validators.map(entryOf);
  const facts = {
    chain: store.genesis.hash,
    protocolVersion: 1,
    current: store.validators.hash,
    since: inForceSince(store),
    next: proposedSet(crypto, { validators: entries }).hash,
    effectiveHeight,
    ...signed,
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

/** Consensus keys of many sets. */
export class Keyring {
  private readonly pairs: Map<string, KeyPair>;

  constructor(pairs: readonly KeyPair[]) {
    this.pairs = new Map(pairs.map((pair) => [toHex(pair.publicKey.bytes), pair]));
  }

  of(key: PublicKey): KeyPair {
    return this.pairs.get(toHex(key.bytes))!;
  }

  /** These of a set, with their primary keys; all without `indexes`. */
  approvers({ validators }: ValidatorSet, indexes: readonly number[] = validators.map((_, i) => i)): Approver[] {
    return indexes.map((index) => ({ index, key: this.of(validators[index]!.keys[0]) }));
  }
}
