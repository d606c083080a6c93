/**
 * Evidence against validators that contradict themselves: made here when consensus sees a contradiction, taken from
 * peers when it verifies, kept for good, and told to every peer once. Nothing else follows from it: what to do with a
 * validator that lies is for the consortium to decide (docs/adr/0016).
 */
import type { SetChange } from '../chain/anchor.ts';
import {
  decodeEquivocation,
  EQUIVOCATION_KINDS,
  type EquivocationFile,
  type EquivocationKind,
  type EquivocationName,
  encodeEquivocation,
  type SignedContent,
  verifyEquivocation,
} from '../chain/equivocation.ts';
import { decodeHeader } from '../chain/header.ts';
import { PROOF_LIMITS } from '../chain/receipt.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import { accountIdToText } from '../codec/account-id.ts';
import { equal } from '../codec/bytes.ts';
import type { Proposal, Vote } from '../consensus/types.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Log } from '../ports/log.ts';
import type { ChainStore } from './chain-store.ts';
import { Garbage } from './garbage.ts';
import { encodeMessage } from './messages.ts';
import { blockOf } from './vote-wire.ts';

/** A proposal with what its proposer has signed it with. */
export type SignedProposal = Proposal & Pick<Vote, 'key' | 'signature'>;
/** Two votes or two proposals of one validator that contradict each other; their signatures have been verified. */
export type Contradiction =
  | readonly [first: Vote, second: Vote]
  | readonly [first: SignedProposal, second: SignedProposal];

export class Equivocations {
  private readonly crypto: CryptoProvider;
  private readonly store: ChainStore;
  private readonly log: Log;
  private readonly toAll: (message: Uint8Array) => void;

  constructor(parts: {
    readonly crypto: CryptoProvider;
    readonly store: ChainStore;
    readonly log: Log;
    /** To every peer that is connected. */
    readonly toAll: (message: Uint8Array) => void;
  }) {
    this.crypto = parts.crypto;
    this.store = parts.store;
    this.log = parts.log;
    this.toAll = parts.toAll;
  }

  /** A contradiction at a height that `set` was deciding when it was seen. */
  async witnessed([first, second]: Contradiction, set: ValidatorSet): Promise<void> {
    const { height, round } = first;
    const index = 'proposer' in first ? first.proposer : first.validator;
    const kind: EquivocationKind = 'proposer' in first ? 'proposal' : first.type;
    const name = { validator: set.validators[index]!.id, height, kind };
    if (!this.store.equivocations.isWanted(name)) return;
    const setChanges = this.store.setChanges().filter(([header]) => decodeHeader(header).height < height);
    const parent = await this.parentOf(height, setChanges);
    if (parent === undefined) return this.unproven(name, 'the block before is not here');
    const evidence = encodeEquivocation({
      type: 'brop.equivocation.v1',
      ...{ genesis: this.store.genesis.bytes, setChanges, parent, height, round },
      validator: name.validator,
      kind: EQUIVOCATION_KINDS.indexOf(kind),
      first: contentOf(first),
      second: contentOf(second),
    });
    if (evidence.length > PROOF_LIMITS.maxBytes) return this.unproven(name, 'too many changes of the validator set');
    await this.keep(name, evidence, 'seen here');
  }

  private unproven({ validator, height, kind }: EquivocationName, why: string): void {
    const fields = { validator: accountIdToText(validator), height, kind, why };
    this.log.error('a validator contradicts itself, and it cannot be proven here', fields);
  }

  /**
   * Evidence that a peer has. Each correct node verifies what it passes on.
   * @throws {Garbage} when it does not verify.
   */
  async receive(evidence: Uint8Array): Promise<void> {
    const claimed = decodeEquivocation(evidence);
    if ('code' in claimed) throw new Garbage(`evidence: ${claimed.detail ?? claimed.code}`);
    if (!this.store.equivocations.isWanted(claimed.name)) return;
    const facts = verifyEquivocation(this.crypto, evidence, this.store.genesis.hash);
    if ('code' in facts) throw new Garbage(`evidence: ${facts.detail ?? facts.code}`);
    await this.keep(facts, evidence, 'from a peer');
  }

  private async keep(name: EquivocationName, evidence: Uint8Array, from: string): Promise<void> {
    await this.store.equivocations.add(name, evidence);
    const { height, kind } = name;
    this.log.error('a validator contradicts itself', {
      validator: accountIdToText(name.validator),
      height,
      kind,
      from,
    });
    this.toAll(encodeMessage(['equivocation', evidence]));
  }

  /** What shows the set of `height` where the set changes do not; undefined when that block is not here. */
  private async parentOf(
    height: number,
    setChanges: readonly SetChange[],
  ): Promise<EquivocationFile['parent'] | undefined> {
    if (height === 1) return null;
    const parent = await this.store.block(height - 1);
    if (parent === undefined) return undefined;
    const last = setChanges.at(-1)?.[0];
    return last !== undefined && equal(last, parent.headerBytes) ? null : [parent.headerBytes, parent.certificate];
  }
}

function contentOf(said: Vote | SignedProposal): SignedContent {
  const { valueId, key, signature } = said;
  const block = valueId === null ? null : blockOf(valueId);
  const value = block === null ? null : ([block.headerHash, block.logRoot] as const);
  return [key, value, 'validRound' in said ? said.validRound : null, signature];
}
