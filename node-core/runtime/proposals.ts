/**
 * Proposals of the height: are they what they claim, do they execute, and are they durable before anybody votes. What
 * is judged here depends on the chain and the proposal alone, so that all correct nodes judge alike.
 */
import { type Block, decodeBlock, encodeBlock } from '../chain/block.ts';
import { headerHash } from '../chain/identifiers.ts';
import { proposalMessage } from '../chain/votes.ts';
import { equal } from '../codec/bytes.ts';
import { type ConsensusState, isTimely, type Proposal, proposerIndex, type ValueId } from '../consensus/index.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ExecutedBlock } from '../ledger/execute-block.ts';
import type { Log } from '../ports/log.ts';
import type { ChainJournal } from './chain-journal.ts';
import type { ChainStore } from './chain-store.ts';
import type { SignedProposal } from './equivocations.ts';
import type { Executor } from './executor.ts';
import { fromPeer, Garbage } from './garbage.ts';
import type { KeptProposal } from './kept-proposals.ts';
import { decodeMessage, encodeMessage, type MessageOf } from './messages.ts';
import type { Telemetry } from './telemetry.ts';
import { scopeOf, valueIdOf } from './vote-wire.ts';

export type ProposalMessage = MessageOf<'proposal'>;

export interface JudgedInput {
  readonly kind: 'proposal';
  readonly proposal: Proposal;
  readonly valid: boolean;
  readonly timely: boolean;
}

/** A proposal whose form and signature are right; its block has not been executed yet. */
export interface OpenedProposal {
  readonly proposal: Proposal;
  readonly block: Block;
  readonly timely: boolean;
  readonly message: ProposalMessage;
  /** The whole message as it came. */
  readonly bytes: Uint8Array;
}

/** Two proposals of a round are all that the core keeps. */
const KEPT_PER_ROUND = 2;
/** Proposals further ahead are resent when we get there; executing them all would be work without bound. */
const MAX_ROUNDS_AHEAD = 8;
/** Executed blocks in memory, beside the one that is locked or valid. */
const MAX_EXECUTED = 8;
/** Proposals of rounds further back are forgotten on disk, too, unless locked or valid: those we vote for no more. */
const ROUNDS_KEPT = 2;

export class Proposals {
  private readonly crypto: CryptoProvider;
  private readonly store: ChainStore;
  private readonly journal: ChainJournal | undefined;
  private readonly executor: Executor;
  private readonly log: Log;
  private readonly telemetry: Telemetry;
  private executed = new Map<ValueId, ExecutedBlock>();
  private kept: { readonly valueId: ValueId; readonly row: KeptProposal }[] = [];
  /** What the proposals of the height were signed with; the core keeps as many as these. */
  private signatures = new Map<string, Pick<SignedProposal, 'key' | 'signature'>>();

  constructor(parts: {
    readonly crypto: CryptoProvider;
    readonly store: ChainStore;
    /** Of a node whose disk may vanish. */
    readonly journal?: ChainJournal | undefined;
    readonly executor: Executor;
    readonly log: Log;
    readonly telemetry: Telemetry;
  }) {
    this.crypto = parts.crypto;
    this.store = parts.store;
    this.journal = parts.journal;
    this.executor = parts.executor;
    this.log = parts.log;
    this.telemetry = parts.telemetry;
  }

  /** A new height begins. */
  clear(): void {
    this.executed = new Map();
    this.kept = [];
    this.signatures = new Map();
  }

  get count(): number {
    return this.executed.size;
  }

  /** A proposal that came from its proposer, with its signature. */
  signed(proposal: Proposal): SignedProposal | undefined {
    const signature = this.signatures.get(nameOf(proposal));
    return signature && { ...proposal, ...signature };
  }

  block(valueId: ValueId): ExecutedBlock | undefined {
    return this.executed.get(valueId);
  }

  /** Remembers a block that was executed here. */
  add(executed: ExecutedBlock, state: ConsensusState): ValueId {
    const valueId = valueIdOf({ headerHash: executed.headerHash, logRoot: executed.header.logRoot });
    this.executed.delete(valueId);
    this.executed.set(valueId, executed);
    const needed = new Set([valueId, state.locked?.valueId, state.valid?.valueId]);
    const spare = [...this.executed.keys()].filter((id) => !needed.has(id));
    for (const id of spare.slice(0, Math.max(0, spare.length - MAX_EXECUTED))) this.executed.delete(id);
    return valueId;
  }

  /**
   * Form, proposer and signature of what a peer sent; null when it is of no use now.
   * @throws {Garbage}
   */
  open(message: ProposalMessage, bytes: Uint8Array, state: ConsensusState, receivedMs: number): OpenedProposal | null {
    const [, height, round, validRound, proposer, key, signature, blockBytes] = message;
    const known = state.proposals.get(round) ?? [];
    if (round > state.round + MAX_ROUNDS_AHEAD || known.length >= KEPT_PER_ROUND) return null;
    if (validRound >= round || proposer !== proposerIndex(state.members, height, round))
      throw new Garbage('a proposal out of turn');
    const { hash, document } = this.store.genesis;
    const scope = scopeOf(
      { height, round, validator: proposer, key },
      this.store.validators,
      hash,
      document.protocolVersion,
    );
    if (scope === undefined) throw new Garbage('a proposal by a key that its proposer does not have');
    const block = fromPeer(() => decodeBlock(blockBytes));
    const value = { headerHash: headerHash(this.crypto, block.headerBytes), logRoot: block.header.logRoot };
    const valueId = valueIdOf(value);
    if (known.some(({ proposal }) => proposal.valueId === valueId && proposal.validRound === validRound)) return null;
    if (!this.crypto.verify(scope.key, proposalMessage(this.crypto, scope, value, validRound), signature)) {
      throw new Garbage('a proposal whose signature does not verify');
    }
    const timing = { precisionMs: document.parameters.precisionMs, delayMs: document.parameters.messageDelayMs };
    const timely = validRound !== -1 || isTimely(timing, round, block.header.timeMs, receivedMs);
    const proposal = { height, round, valueId, validRound, proposer };
    this.signatures.set(nameOf(proposal), { key, signature });
    return { proposal, block, timely, message, bytes };
  }

  /**
   * Executes the block and makes it durable when it is right; only then may the core vote on it. Null for a proposal
   * that its proposer should not have made: the block may be right all the same, and decided by another proposal.
   */
  async judge(opened: OpenedProposal, state: ConsensusState): Promise<JudgedInput | null> {
    const { proposal, block, timely } = opened;
    const { height, round, valueId, proposer } = proposal;
    if (!this.isProposedRightly(block, proposal, state)) {
      this.log.warn('a proposal names another round or proposer than its own', { height, round, proposer });
      this.telemetry.proposal('misplaced');
      return null;
    }
    const startMs = this.telemetry.now();
    const known = this.executed.get(valueId);
    const outcome = known ?? (await this.executor.judge(block));
    if ('code' in outcome) {
      this.log.warn('a proposed block is not valid', { height, round, proposer, ...outcome });
      this.telemetry.proposal('invalid');
      return { kind: 'proposal', proposal, valid: false, timely };
    }
    if (known === undefined) this.telemetry.executed('judge', outcome, startMs);
    this.telemetry.proposal(timely ? 'valid' : 'untimely');
    this.add(outcome, state);
    const message = known === undefined ? opened.bytes : withBlock(opened, blockBytesOf(known));
    await this.keep({ height, round, isOwn: false, headerHash: outcome.headerHash, timely, message }, valueId, state);
    return { kind: 'proposal', proposal, valid: true, timely };
  }

  /** Durable when it resolves. What can no longer be needed goes in the same write. */
  async keep(row: KeptProposal, valueId: ValueId, state: ConsensusState): Promise<void> {
    const { locked, valid, round } = state;
    const isObsolete = (other: { readonly valueId: ValueId; readonly row: KeptProposal }) =>
      other.row.round < round - ROUNDS_KEPT && other.valueId !== locked?.valueId && other.valueId !== valid?.valueId;
    const obsolete = this.kept.filter(isObsolete);
    this.kept = [...this.kept.filter((other) => !isObsolete(other)), { valueId, row: { ...row, message: NO_BYTES } }];
    const gone = obsolete.map((other) => other.row);
    await Promise.all([this.store.keepProposal(row, gone), this.journal?.keepProposal(row, gone)]);
  }

  /**
   * A store that was lost gets the proposals of the height again. Of the own ones, those that were let out: the journal
   * may hold a draft that never was.
   */
  async recover(height: number, wasSent: (message: ProposalMessage) => boolean): Promise<void> {
    if (this.journal === undefined || this.store.keptProposals(height).length > 0) return;
    for (const row of await this.journal.proposals(height)) {
      const isDraft = row.isOwn && !wasSent(decodeMessage(row.message) as ProposalMessage);
      if (!isDraft) await this.store.keepProposal(row);
    }
  }

  /**
   * Proposals that were judged before a crash. The own ones only as far as `wasSent` knows them: one that was kept but
   * never let out is forgotten, and its round may get another.
   */
  async *restore(
    state: ConsensusState,
    wasSent: (message: ProposalMessage) => boolean,
  ): AsyncGenerator<{ readonly input: JudgedInput; readonly message: ProposalMessage; readonly row: KeptProposal }> {
    for (const row of this.store.keptProposals(state.height)) {
      const message = decodeMessage(row.message) as ProposalMessage;
      if (row.isOwn && !wasSent(message)) continue;
      const [, height, round, validRound, proposer, key, signature, blockBytes] = message;
      const executed = await this.executor.judge(decodeBlock(blockBytes));
      if ('code' in executed) {
        this.log.error('a kept proposal no longer executes and is left aside', { height, round, ...executed });
        continue;
      }
      const valueId = this.add(executed, state);
      this.kept.push({ valueId, row: { ...row, headerHash: executed.headerHash, message: NO_BYTES } });
      const proposal = { height, round, valueId, validRound, proposer };
      this.signatures.set(nameOf(proposal), { key, signature });
      yield { input: { kind: 'proposal', proposal, valid: true, timely: row.timely }, message, row };
    }
  }

  /** The header names the round and the proposer of the first proposal; a fresh proposal is its own first. */
  private isProposedRightly(
    { header }: Block,
    { height, round, validRound }: Proposal,
    state: ConsensusState,
  ): boolean {
    if (validRound === -1 ? header.round !== round : header.round > validRound) return false;
    const first = this.store.validators.validators[proposerIndex(state.members, height, header.round)];
    return first !== undefined && equal(first.id, header.proposer);
  }
}

function nameOf({ round, validRound, valueId }: Proposal): string {
  return `${round}/${validRound}/${valueId}`;
}

const NO_BYTES = new Uint8Array(0);

/**
 * The message with the block that was executed. A block that is known by its header is not executed again, and what came
 * with the header this time may be something else: it must not be what we keep.
 */
function withBlock({ message, bytes }: OpenedProposal, executed: Uint8Array): Uint8Array {
  const [kind, height, round, validRound, proposer, key, signature, block, proof] = message;
  if (equal(block, executed)) return bytes;
  return encodeMessage([kind, height, round, validRound, proposer, key, signature, executed, proof]);
}

/** The block of an execution as it travels. */
export function blockBytesOf({ header, headerBytes, transactions }: ExecutedBlock): Uint8Array {
  return encodeBlock({ header, headerBytes, transactions: transactions.map(({ transaction }) => transaction.bytes) });
}
