/**
 * Checks the signatures of the votes of one height, each once. What was checked is remembered by every byte of it, per
 * validator, the newest few: a liar that signs thousands of votes makes us forget its own, never those of others, and
 * never deaf.
 */
import type { ValidatorSet } from '../chain/validator-set.ts';
import { toHex } from '../codec/bytes.ts';
import type { Vote } from '../consensus/types.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { Garbage } from './garbage.ts';
import { isSigned, scopeOf } from './vote-wire.ts';

/** Two votes a round: this is a hundred rounds of a correct validator. */
const REMEMBERED_PER_VALIDATOR = 200;

export class VoteCheck {
  private readonly crypto: CryptoProvider;
  private readonly chain: Uint8Array;
  private readonly protocolVersion: number;
  private remembered = new Map<number, Set<string>>();

  constructor(crypto: CryptoProvider, chain: Uint8Array, protocolVersion: number) {
    this.crypto = crypto;
    this.chain = chain;
    this.protocolVersion = protocolVersion;
  }

  /**
   * Whether this very vote is heard for the first time.
   * @throws {Garbage} when nobody of the set has signed it: a correct node passes on only what it has checked.
   */
  isNew(vote: Vote, set: ValidatorSet): boolean {
    const known = this.remembered.get(vote.validator) ?? new Set<string>();
    const name = `${vote.type}/${vote.round}/${vote.valueId}/${vote.key}/${toHex(vote.signature)}`;
    if (known.has(name)) return false;
    const scope = scopeOf(vote, set, this.chain, this.protocolVersion);
    if (scope === undefined || !isSigned(this.crypto, vote, scope))
      throw new Garbage('a vote whose signature does not verify');
    this.remembered.set(vote.validator, known.add(name));
    if (known.size > REMEMBERED_PER_VALIDATOR) known.delete(known.values().next().value!);
    return true;
  }

  get count(): number {
    return [...this.remembered.values()].reduce((sum, known) => sum + known.size, 0);
  }

  /** A new height begins. */
  clear(): void {
    this.remembered = new Map();
  }
}
