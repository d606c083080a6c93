/**
 * Drives the pure consensus core for one height after the other: inputs come from peers, timers and the executor;
 * outputs are signed, stored and sent here. Everything runs in the node's serial queue.
 */
import type { Certificate } from '../chain/certificate.ts';
import {
  type ConsensusState,
  checkpoint,
  decidedWithoutProposal,
  type Input,
  initial,
  type Output,
  type Proposal,
  polka,
  proposerIndex,
  resume,
  step,
  type TimeoutStep,
  type Vote,
  votesToResend,
} from '../consensus/index.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ExecutedBlock } from '../ledger/execute-block.ts';
import type { Log } from '../ports/log.ts';
import type { PeerId } from '../ports/transport.ts';
import type { ChainJournal } from './chain-journal.ts';
import { OwnProposal } from './compact-proposals.ts';
import type { Contradiction } from './equivocations.ts';
import type { Executor } from './executor.ts';
import { HeightTiming, type HeightTimingParts } from './height-timing.ts';
import type { Mempool } from './mempool.ts';
import { encodeMessage, type MessageOf } from './messages.ts';
import { blockBytesOf, type ProposalMessage, Proposals } from './proposals.ts';
import type { Telemetry } from './telemetry.ts';
import { VoteCheck } from './vote-check.ts';
import { fromWire, toWire } from './vote-wire.ts';
import { type SignedProposal, type Voting, VotingStopped } from './voting.ts';

export interface DriverParts extends HeightTimingParts {
  readonly crypto: CryptoProvider;
  readonly journal?: ChainJournal | undefined;
  readonly executor: Executor;
  readonly mempool: Mempool;
  readonly log: Log;
  readonly voting: Voting;
  readonly telemetry: Telemetry;
  /** To all validators that are connected. */
  readonly broadcast: (message: Uint8Array) => void;
  /** A block is decided: makes it part of the chain and tells the world; the driver then starts the next height. */
  readonly commit: (executed: ExecutedBlock, certificate: Certificate) => Promise<void>;
  /** More than 2/3 decided a block that is not here: somebody else has it. */
  readonly fetchBlock: () => void;
  /** Two votes or proposals of one validator that contradict each other. */
  readonly accused: (contradiction: Contradiction) => void;
}

/**
 * How long transactions are added to a block of our own. The others execute it while they wait for it, on machines that
 * are as busy as this one: the more there is to do, the smaller it must be, or the round ends before they have judged it.
 */
const PACKING_MS = 200;

export class ConsensusDriver {
  private readonly parts: DriverParts;
  private readonly timing: HeightTiming;
  private readonly votes: VoteCheck;
  private readonly proposals: Proposals;
  private state: ConsensusState;
  private ownProposal: OwnProposal | null = null;
  private stopped = false;
  /** Whether the set of the height has our key in it. */
  private isMember: boolean;
  /** Whether the standby key of the set's entry signs. */
  private isStandby = false;

  constructor(parts: DriverParts) {
    const { crypto, store } = parts;
    const { hash, document } = store.genesis;
    this.parts = parts;
    this.timing = new HeightTiming(parts);
    this.votes = new VoteCheck(crypto, hash, document.protocolVersion);
    this.proposals = new Proposals(parts);
    this.isMember = parts.voting.follow(store.validators);
    this.noticeStandby(store.height + 1);
    this.state = this.stateOf(store.height + 1);
  }

  get height(): number {
    return this.state.height;
  }

  get round(): number {
    return this.state.round;
  }

  /** False while our key is not in the set: the node is a follower then. */
  get takesPart(): boolean {
    return this.isMember;
  }

  /** What peers have made this node keep for the height. */
  get load(): { readonly votes: number; readonly blocks: number } {
    return { votes: this.votes.count, blocks: this.proposals.count };
  }

  /** Whether the votes of this validator are those of a standby key: the set's, or the one of its own two. */
  get fallsBack(): boolean {
    return this.isStandby || this.parts.voting.isOnStandby;
  }

  private get self(): number {
    return this.parts.voting.identity.index;
  }

  /** Begins the height after the newest block. Own votes and proposals of before a crash count again. */
  async startHeight(): Promise<void> {
    const { store, voting, log } = this.parts;
    const height = store.height + 1;
    this.endHeight();
    if (this.stopped) return;
    this.takeRole(height);
    this.state = this.stateOf(height);
    if (!this.isMember) return;
    if (!voting.covers(height)) {
      log.warn('this validator has voted at a later height: it waits for the blocks before that', { height });
      return;
    }
    this.timing.waitForWork(() => this.parts.mempool.size > 0);
    const hasKept = await this.restoreProposals();
    await this.feed({ kind: 'start' });
    if (hasKept || voting.recorded?.height === height) this.resend(this.parts.broadcast);
  }

  /** A change of the set makes a validator a follower, or a follower a validator; nothing of the old role is left. */
  private takeRole(height: number): void {
    const { store, voting, log } = this.parts;
    const before = this.isMember;
    this.isMember = voting.follow(store.validators);
    if (this.isMember && !before) log.info('this validator is in the set from here on', { height });
    if (!this.isMember && before) log.warn('this validator is not in the set any more: it follows', { height });
    this.noticeStandby(height);
  }

  /** The fallback is never silent. */
  private noticeStandby(height: number): void {
    const before = this.isStandby;
    this.isStandby = this.isMember && this.parts.voting.identity.key === 1;
    if (this.isStandby && !before) this.parts.log.warn('this validator signs with its standby key', { height });
  }

  private stateOf(height: number): ConsensusState {
    const { store, voting } = this.parts;
    const members = store.validators.validators.map(({ power }) => ({ power }));
    const recorded = voting.recorded;
    if (!this.isMember) return initial(height, members, null);
    if (recorded?.height !== height) return initial(height, members, this.self);
    return resume(height, members, this.self, recorded.checkpoint, recorded.ownVotes);
  }

  /** Proposals that were judged before the crash, the own ones among them, so that no round gets a second one. */
  private async restoreProposals(): Promise<boolean> {
    const { voting } = this.parts;
    const wasSent = (message: ProposalMessage) => voting.hasProposed(message[1], message[2], message[6]);
    // Only what was voted for in an earlier life can be missing.
    if (voting.recorded?.height === this.height) await this.proposals.recover(this.height, wasSent);
    let hasKept = false;
    for await (const { input, message, row } of this.proposals.restore(this.state, wasSent)) {
      hasKept = true;
      if (row.isOwn) this.ownProposal = new OwnProposal(this.parts, message, row.message);
      await this.feed(input);
    }
    return hasKept;
  }

  private endHeight(): void {
    this.timing.end();
    this.proposals.clear();
    this.votes.clear();
    this.ownProposal = null;
  }

  stop(): void {
    this.stopped = true;
    this.endHeight();
    this.timing.stop();
  }

  /** Something to pack has come in. */
  workArrived(): void {
    this.timing.workArrived();
  }

  /**
   * Votes that arrived together. The signature of each is checked before anything else happens. Those heard before are
   * not left out: together they may be a quorum that they were not one by one, and the core forgets votes far ahead.
   * @throws {Garbage}
   */
  async handleVotes(rows: readonly Vote[]): Promise<void> {
    if (!this.isMember) return;
    const votes = rows.filter((vote) => vote.height === this.height);
    const fresh = votes.filter((vote) => this.votes.isNew(vote, this.parts.store.validators));
    const own = fresh.find((vote) => vote.validator === this.self);
    if (own !== undefined) this.noticeOwnVote(own);
    this.parts.telemetry.metrics?.count('brop_votes_received_total', null, votes.length);
    if (votes.length > 0) await this.feed({ kind: 'votes', votes });
  }

  /** A vote with our signature that we have no record of: another copy signs with our key, or our record is lost. */
  private noticeOwnVote(vote: Vote): void {
    const { voting, log } = this.parts;
    if (!voting.isForeign(vote)) return;
    log.error('a vote of this validator that is not in its vote record: it stops signing', { height: vote.height });
    voting.stop('a vote of this validator is not in its vote record: rejoin with a new key');
  }

  /**
   * A proposal, from its proposer itself. Its signature does not cover the transactions, only the header that they must
   * lead to, so nobody else may pass it on.
   * @throws {Garbage}
   */
  async handleProposal(message: ProposalMessage, bytes: Uint8Array, receivedMs: number): Promise<void> {
    if (!this.isMember || message[1] !== this.height || message[4] === this.self) return;
    await this.handleVotes(message[8].map(fromWire));
    // The polka may have ended the height.
    if (message[1] !== this.height || this.stopped) return;
    const opened = this.proposals.open(message, bytes, this.state, receivedMs);
    const input = opened === null ? null : await this.proposals.judge(opened, this.state);
    if (input !== null) await this.feed(input);
  }

  /** Own signed votes come back as inputs after the outputs of their step have been carried out. */
  private async feed(first: Input): Promise<void> {
    const queue = [first];
    const { height } = this;
    for (let input = queue.shift(); input !== undefined; input = queue.shift()) {
      const { state, outputs } = step(this.state, input);
      if (state.round > this.state.round) this.parts.telemetry.metrics?.count('brop_rounds_total', null);
      this.state = state;
      for (const output of outputs) {
        await this.perform(output, queue);
        if (this.stopped || this.height !== height) return;
      }
    }
    this.lookForMissedDecision();
  }

  private async perform(output: Output, queue: Input[]): Promise<void> {
    const { height } = this.state;
    switch (output.kind) {
      case 'getValue':
        this.timing.whenRoundBegins(output.round, () => this.proposeFresh(output.round));
        break;
      case 'propose':
        await this.sendProposal(output.round, output.valueId, output.validRound, queue);
        break;
      case 'vote':
        await this.sendVote({ type: output.type, height, round: output.round, valueId: output.valueId }, queue);
        break;
      case 'scheduleTimeout':
        if (output.step !== 'propose') this.scheduleTimeout(output.step, output.round);
        else this.timing.whenRoundBegins(output.round, () => this.scheduleTimeout(output.step, output.round));
        break;
      case 'decide':
        await this.decided(output.round, output.valueId, output.precommits);
        break;
      case 'equivocation':
        this.parts.accused([output.first, output.second]);
        break;
      case 'conflictingProposals':
        this.accuseProposer(output.first, output.second);
        break;
    }
  }

  /** Own proposals that were lost with a store have no signature here, and nobody accuses itself. */
  private accuseProposer(first: Proposal, second: Proposal): void {
    const [one, other] = [this.proposals.signed(first), this.proposals.signed(second)];
    if (one !== undefined && other !== undefined) this.parts.accused([one, other]);
  }

  private scheduleTimeout(stepName: TimeoutStep, round: number): void {
    const { members, height } = this.state;
    const proposer = stepName === 'propose' ? proposerIndex(members, height, round) : this.self;
    const awaited = proposer === this.self ? null : proposer;
    this.timing.timeout(stepName, round, awaited, () => this.feed({ kind: 'timeout', step: stepName, round }));
  }

  /** The connection to a validator has ended: if it is the one that is waited for, not for as long as was meant. */
  peerLost(validator: number): void {
    const { members, height, round, step } = this.state;
    this.timing.lost(validator);
    if (!this.isMember || !this.timing.hasBegun || (step !== 'propose' && step !== 'newRound')) return;
    if (proposerIndex(members, height, round) === validator) this.scheduleTimeout('propose', round);
  }

  /** The proposer's clock must have passed the parent's time: block time ascends strictly. */
  private proposeFresh(round: number): void {
    const { clock, store } = this.parts;
    const { blockIntervalMs } = store.genesis.document.parameters;
    const waitMs = store.timeMs + 1 - clock.now();
    if (waitMs <= 0) {
      this.timing.run(async () => {
        if (this.state.round === round) await this.build(round);
      });
      return;
    }
    // In steps: a clock that is set right again, or a parent far in the future, is noticed in time.
    this.timing.later(Math.min(waitMs, blockIntervalMs), () => {
      if (this.state.round === round) this.proposeFresh(round);
    });
  }

  private async build(round: number): Promise<void> {
    const { clock, store, executor, telemetry } = this.parts;
    const proposer = store.validators.validators[this.self]!.id;
    const startMs = clock.now();
    const mayAdd = () => clock.now() < startMs + PACKING_MS;
    const executed = executor.build({ timeMs: Math.max(startMs, store.timeMs + 1), round, proposer }, mayAdd);
    telemetry.executed('build', executed, startMs);
    await this.feed({ kind: 'value', round, valueId: this.proposals.add(executed, this.state) });
  }

  private async sendProposal(round: number, valueId: string, validRound: number, queue: Input[]): Promise<void> {
    const { store, voting } = this.parts;
    const { height } = this.state;
    const executed = this.proposals.block(valueId);
    // A value whose block was lost with the store; the others propose theirs.
    if (executed === undefined) return;
    const block = blockBytesOf(executed);
    const proof = validRound === -1 ? [] : polka(this.state).map(toWire);
    const { index } = voting.identity;
    const message = ({ key, signature }: SignedProposal): ProposalMessage => [
      'proposal',
      height,
      round,
      validRound,
      index,
      key,
      signature,
      block,
      proof,
    ];
    const keep = (signed: SignedProposal) => {
      const { headerHash } = executed;
      const row = { height, round, isOwn: true, headerHash, timely: true, message: encodeMessage(message(signed)) };
      return this.proposals.keep(row, valueId, this.state);
    };
    const proposal = { height, round, valueId, validRound };
    const signed = await this.signing(() => voting.propose(store.validators, proposal, checkpoint(this.state), keep));
    if (signed === null || signed === 'stopped') return;
    this.ownProposal = new OwnProposal(this.parts, message(signed), encodeMessage(message(signed)));
    this.parts.broadcast(this.ownProposal.announcement());
    queue.push({ kind: 'proposal', proposal: { ...proposal, proposer: index }, valid: true, timely: true });
  }

  private async sendVote(vote: Pick<Vote, 'type' | 'height' | 'round' | 'valueId'>, queue: Input[]): Promise<void> {
    const { store, voting } = this.parts;
    const signed = await this.signing(() => voting.vote(store.validators, vote, checkpoint(this.state)));
    if (signed === 'stopped') return;
    if (signed === null) {
      this.parts.log.warn('no vote in a round in which the other key has signed', {
        height: vote.height,
        round: vote.round,
      });
      queue.push({ kind: 'abstained', round: vote.round });
      return;
    }
    this.parts.telemetry.metrics?.count('brop_votes_cast_total', vote.type);
    this.parts.broadcast(encodeMessage(['votes', [toWire(signed)]]));
    queue.push({ kind: 'vote', vote: signed });
  }

  /**
   * When this validator must not sign any more, it goes on as an observer, loudly.
   * @throws what the signer or the vote record fails with, which ends the node; as loudly.
   */
  private async signing<T>(sign: () => Promise<T>): Promise<T | 'stopped'> {
    try {
      const signed = await sign();
      this.noticeStandby(this.height);
      return signed;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.parts.log.error('not signing', { reason, height: this.height });
      if (!(error instanceof VotingStopped)) throw error;
      return 'stopped';
    }
  }

  private async decided(round: number, valueId: string, precommits: readonly Vote[]): Promise<void> {
    const executed = this.proposals.block(valueId);
    // A lock outlives a lost store; the block itself is then with those who decided it with us.
    if (executed === undefined) return this.parts.fetchBlock();
    const signatures = precommits.map((vote) => [vote.validator, vote.key, vote.signature] as const);
    await this.parts.commit(executed, [round, signatures]);
    await this.startHeight();
  }

  /**
   * Others decided what is not here or what seemed wrong here. A liar may have given us its block with transactions
   * that are not its own; what catching up brings is checked against the certified header, and is the judge.
   */
  private lookForMissedDecision(): void {
    if (this.isBlocked) this.parts.fetchBlock();
  }

  /** The height is decided, and its block is not here. */
  get isBlocked(): boolean {
    return this.state.decision !== null || decidedWithoutProposal(this.state) !== null;
  }

  /** What peers need to get on, whatever was lost before; sent once a second while the height lasts. */
  resend(send: (message: Uint8Array) => void): void {
    if (!this.isMember) return;
    if (this.ownProposal?.round === this.state.round) send(this.ownProposal.announcement());
    for (const votes of votesToResend(this.state)) send(encodeMessage(['votes', votes.map(toWire)]));
  }

  /** What a validator lacks of our proposal, as a message; null for what is not ours to give, or not any more. */
  answerProposal(peer: PeerId, [, height, round, positions]: MessageOf<'getProposal'>): Uint8Array | null {
    const own = height === this.height && this.ownProposal?.round === round ? this.ownProposal : null;
    return own?.answer(peer, positions) ?? null;
  }

  /** Whether this input can be used now, later, or never. */
  relevance(height: number): 'now' | 'next' | 'never' {
    if (!this.isMember) return 'never';
    if (height === this.height) return 'now';
    return height === this.height + 1 ? 'next' : 'never';
  }
}
