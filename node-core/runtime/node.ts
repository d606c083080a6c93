/**
 * The node: a follower, or with `voting` a validator. It owns the serial queue in which the chain changes, and wires
 * peers, mempool, consensus and catching up together. It knows no socket, no file and no clock but through ports.
 */
import type { Certificate } from '../chain/certificate.ts';
import { type CodeName, type Refusal, refusal } from '../chain/codes.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import { equal } from '../codec/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ExecutedBlock } from '../ledger/execute-block.ts';
import type { OperationTable } from '../ledger/operation-type.ts';
import type { Clock } from '../ports/clock.ts';
import type { Journal } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { BlockSource, Metrics } from '../ports/metrics.ts';
import type { SignatureVerifier } from '../ports/signature-verifier.ts';
import type { Tracing } from '../ports/tracing.ts';
import type { Transport } from '../ports/transport.ts';
import { operationsOf } from '../protocol/table.ts';
import { BlockIntake } from './block-intake.ts';
import { ChainJournal } from './chain-journal.ts';
import type { ChainStore } from './chain-store.ts';
import { CheckedAhead } from './checked-ahead.ts';
import { ConsensusDriver } from './consensus-driver.ts';
import { type Contradiction, Equivocations } from './equivocations.ts';
import { Executor } from './executor.ts';
import { type FileSource, FileSync } from './file-sync.ts';
import { Garbage } from './garbage.ts';
import { Inbox } from './inbox.ts';
import { DEFAULT_MEMPOOL_LIMITS, identityOf, Mempool, type MempoolLimits, type Pending } from './mempool.ts';
import { encodeMessage, type Message } from './messages.ts';
import { Peers } from './peers.ts';
import { Relay, roomForEach } from './relay.ts';
import { Repair } from './repair.ts';
import { replayJournal } from './replay-journal.ts';
import { Serial } from './serial.ts';
import { StandbySigners } from './standby-signers.ts';
import { type Accepted, Submission } from './submission.ts';
import { Sync } from './sync.ts';
import { Telemetry } from './telemetry.ts';
import { Upkeep } from './upkeep.ts';
import type { Voting } from './voting.ts';

export interface NodeParts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  readonly transport: Transport;
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
  readonly log: Log;
  /** Present in a validator. */
  readonly voting?: Voting;
  readonly mempoolLimits?: MempoolLimits;
  readonly metrics?: Metrics | undefined;
  readonly tracing?: Tracing | undefined;
  /** Plain files to catch up from, in the order in which they are asked. */
  readonly fileSources?: readonly FileSource[];
  /** Of a validator whose disk may vanish: what must outlive it. The node does not close it. */
  readonly journal?: Journal | undefined;
  /** How many heights of blocks are kept at least; without it all are. */
  readonly retainBlocks?: number;
  /** Blocks above this height are kept in any case: they are not published yet. */
  readonly publishedHeight?: (() => number) | undefined;
  /** The node cannot go on; it has stopped. */
  readonly onFatal: (error: unknown) => void;
  /** The node begins to end, after {@link Node.stop} or an error; it ends when what is under way has. */
  readonly onEnding?: () => void;
}

/** Transactions of one call that are looked at before others get their turn: some 10 ms. */
const TRANSACTIONS_AT_ONCE = 200;

type Commit = (executed: ExecutedBlock, certificate: Certificate) => Promise<void>;
export type CommitListener = (block: ExecutedBlock) => void;

/** How long a validator with a record waits at its start to hear how far the others are, before it goes on where it was. */
export const HEAR_OTHERS_MS = 1_000;

/** How often a node tells its height and resends what peers may lack. */
const TICK_MS = 1_000;

/** Blocks that a node may lack and still take transactions from peers: busy ones are often one or two behind. */
const NEARLY_IN_STEP = 2;

/** Refusals that no correct node passes on: they follow from the bytes alone, or from the key that the bytes name. */
const NEVER_FORWARDED: readonly CodeName[] = [
  'TX_TOO_LARGE',
  'TX_MALFORMED',
  'TX_NON_CANONICAL',
  'TX_SCHEMA',
  'TX_WRONG_CHAIN',
  'TX_BODY',
  'SIGNATURE_INVALID',
];

/** Whether the block has changed who signs, or whose node has which key. */
function changesPeers({ header, events }: ExecutedBlock): boolean {
  const isOfNode = (type: string) => type === 'governance.nodeRegistered' || type === 'governance.nodeUnregistered';
  return !equal(header.validatorsHash, header.nextValidatorsHash) || events.some(([, , type]) => isOfNode(type));
}

export class Node {
  readonly store: ChainStore;
  readonly mempool: Mempool;
  readonly submission: Submission;
  readonly peers: Peers;
  readonly standbySigners = new StandbySigners();
  private readonly parts: NodeParts;
  private readonly serial: Serial;
  private readonly executor: Executor;
  private readonly sync: Sync;
  private readonly fileSync: FileSync;
  private readonly relay: Relay;
  private readonly upkeep: Upkeep;
  private readonly repair: Repair;
  private readonly inbox: Inbox;
  private readonly equivocations: Equivocations;
  private readonly telemetry: Telemetry;
  private readonly driver: ConsensusDriver | null;
  private readonly journal: ChainJournal | undefined;
  private readonly listeners = new Set<CommitListener>();
  /** Who waits for which (sender, nonce). */
  private readonly waiters = new Map<string, Set<(found: boolean) => void>>();
  private cancelTick: (() => void) | null = null;
  private stopping: Promise<void> | null = null;
  private cancelWait: (() => void) | null = null;
  private hasWaited = false;
  private begun = false;

  /** @throws {VoteRecordError} when the vote record contradicts itself. */
  constructor(parts: NodeParts) {
    this.parts = parts;
    const { crypto, store, transport, verifier, clock, log } = parts;
    this.store = store;
    this.journal = parts.journal && new ChainJournal(parts.journal);
    this.mempool = new Mempool(parts.mempoolLimits ?? DEFAULT_MEMPOOL_LIMITS);
    const table = operationsOf(store.genesis.document.protocolVersion);
    const { mempool } = this;
    this.serial = new Serial((error) => this.fatal(error));
    this.peers = new Peers(transport, store);
    const ahead = new CheckedAhead({ crypto, store, verifier, table, log });
    const checked = (bytes: Uint8Array) => ahead.find(bytes);
    this.executor = new Executor({ crypto, store, mempool, checked, verifier, table, log });
    this.telemetry = new Telemetry({ crypto, clock, mempool, metrics: parts.metrics, tracing: parts.tracing });
    const { telemetry } = this;
    this.submission = new Submission({ crypto, store, mempool, verifier, table, clock, log, telemetry });
    const commit =
      (source: BlockSource): Commit =>
      (executed, certificate) =>
        this.commit(executed, certificate, source);
    const { executor, peers } = this;
    const intake = new BlockIntake({ crypto, store, executor, verifier, ahead, commit: commit('peers') });
    this.fileSync = this.makeFileSync(table, commit);
    const isBroughtOn = () => this.fileSync.active;
    this.sync = new Sync({ store, intake, ahead, peers, transport, clock, log, isBroughtOn });
    this.repair = new Repair({ crypto, store, sources: parts.fileSources ?? [], peers, transport, clock, log });
    const { repair } = this;
    this.upkeep = new Upkeep({
      ...{ store, clock, log, retainBlocks: parts.retainBlocks ?? null, neededAbove: parts.publishedHeight },
      repair: (pause) => repair.work(pause),
    });
    this.equivocations = new Equivocations({ crypto, store, log, toAll: (message) => peers.toAll(message) });
    this.driver = parts.voting === undefined ? null : this.makeDriver(parts.voting, commit('consensus'));
    // Followers may know only followers; validators know each other.
    const { driver, sync } = this;
    const receivers = () => peers.having(0).filter((peer) => this.isFollower || peers.isValidator(peer));
    const send = (message: Uint8Array) => (this.isFollower ? peers.toAll(message) : peers.toValidators(message));
    this.relay = new Relay({ clock, mempool, receivers, send });
    const { relay } = this;
    this.inbox = new Inbox({
      ...{ crypto, store, mempool, transport, clock, log, peers, sync, relay, repair, driver },
      room: () => encodeMessage(this.room()),
      run: (job) => this.serial.run(job),
      runLater: (job) => this.serial.runLater(job),
      begin: () => this.begin(),
      proceed: () => this.proceed(),
      takeEvidence: (evidence) => this.equivocations.receive(evidence),
      takeTransactions: (transactions) => this.takeTransactions(transactions),
      onError: (error) => this.fatal(error),
    });
  }

  private makeFileSync(table: OperationTable, commit: (source: BlockSource) => Commit): FileSync {
    const { crypto, store, verifier, clock, log, fileSources = [] } = this.parts;
    const { mempool, journal } = this;
    const run = (job: () => Promise<void>) => this.serial.run(job);
    const ahead = new CheckedAhead({ crypto, store, verifier, table, log });
    const checked = (bytes: Uint8Array) => ahead.find(bytes);
    const executor = new Executor({ crypto, store, mempool, checked, verifier, table, log });
    const replayed = new BlockIntake({ crypto, store, executor, verifier, commit: commit('journal') });
    return new FileSync({
      ...{ crypto, store, clock, log, ahead, sources: fileSources },
      intake: new BlockIntake({ crypto, store, executor, verifier, ahead, commit: commit('files') }),
      run,
      proceed: () => this.proceed(),
      bestPeerHeight: () => (this.peers.count === 0 ? null : this.peers.bestHeight),
      goOn: journal && (() => replayJournal({ store, log, journal, run, intake: replayed })),
    });
  }

  private makeDriver(voting: Voting, commit: Commit): ConsensusDriver {
    const { crypto, store, clock, log } = this.parts;
    const { executor, mempool, telemetry, journal } = this;
    return new ConsensusDriver({
      ...{ crypto, store, journal, executor, mempool, clock, log, voting, commit, telemetry },
      broadcast: (message) => this.peers.toValidators(message),
      heightOf: (validator) => this.peers.heightOfValidator(validator),
      run: (job) => void this.serial.run(job),
      fetchBlock: () => this.sync.look(),
      accused: (contradiction) => this.accuse(contradiction, store.validators),
    });
  }

  /** Connects to the others and, as a validator, takes part from the recorded height and round on. */
  async start(): Promise<void> {
    const { transport, voting, store } = this.parts;
    const indexIn = (set: ValidatorSet) => voting?.indexIn(set) ?? null;
    if (voting !== undefined && (await store.hasSignatureOf(indexIn, voting.recorded?.height ?? 0))) {
      this.recordIsLost(voting);
    }
    const newest = await store.certified(store.height);
    if (newest !== undefined) this.standbySigners.saw(store.validatorsAt(store.height), newest.certificate);
    await transport.start(this.inbox);
    this.cancelWait = this.parts.clock.schedule(HEAR_OTHERS_MS, () => {
      this.hasWaited = true;
      void this.serial.run(() => this.begin());
    });
    // One that is a quorum by itself has nobody to hear from.
    await this.serial.run(() => this.begin());
    if (this.stopping !== null) return;
    await store.blocks.removePruned();
    this.upkeep.look();
    this.tick();
  }

  /**
   * A validator first hears from the others how far the chain is: what it was at when it died is mostly over, and its
   * proposals need not be executed again. Only one with a record goes on without that, after a while. One with an empty
   * record may have lost it: it signs nothing before it has met its own signatures on the way to where the others are.
   * Called again with each greeting, and when blocks were taken.
   */
  private async begin(): Promise<void> {
    const { voting } = this.parts;
    if (this.driver === null || this.begun) return;
    const mayBegin = this.hasWaited && voting!.recorded !== null;
    const reached = this.peers.agreedHeight(voting!.indexIn(this.store.validators));
    if (!mayBegin && (reached === null || reached > this.store.height)) return;
    this.begun = true;
    this.cancelWait?.();
    await this.driver.startHeight();
  }

  /** Blocks were taken from a peer: the height that consensus was at is over. */
  private async proceed(): Promise<void> {
    if (this.begun) await this.driver?.startHeight();
    else await this.begin();
  }

  /** A signature of ours above the height of the record: the record has been lost, or is somebody else's. */
  private recordIsLost(voting: Voting): void {
    voting.stop('the chain has a vote of this validator that its vote record does not know: rejoin with a new key');
    this.parts.log.error('the vote record is lost: this validator does not sign', { height: this.store.height });
  }

  /** Null while the node follows. */
  get consensus(): { readonly height: number; readonly round: number } | null {
    const { driver } = this;
    return driver?.takesPart === true ? { height: driver.height, round: driver.round } : null;
  }

  /** Whether a standby key signs the votes of this validator; null in a follower. */
  get isOnStandby(): boolean | null {
    return this.driver?.fallsBack ?? null;
  }

  /** Why this validator signs no more, for as long as its process runs; null while it may sign, and in a follower. */
  get signingStopped(): string | null {
    return this.parts.voting?.stoppedBecause ?? null;
  }

  /** A validator is one too, while its key is not in the set. */
  private get isFollower(): boolean {
    return this.driver?.takesPart !== true;
  }

  /** By what the validators say, so that no single liar can bring it about. */
  private get isFarBehind(): boolean {
    const { voting } = this.parts;
    const reached = this.peers.agreedHeight(voting?.indexIn(this.store.validators) ?? null);
    return reached !== null && reached > this.store.height + NEARLY_IN_STEP;
  }

  private accuse(contradiction: Contradiction, set: ValidatorSet): void {
    void this.serial.run(() => this.equivocations.witnessed(contradiction, set));
  }

  /** Connections that were ended because the peer sent garbage. */
  get garbageMessages(): number {
    return this.inbox.garbage;
  }

  /** What peers make this node keep at the moment. */
  get load() {
    return { ...this.inbox.load, ...(this.driver?.load ?? { votes: 0, blocks: 0 }) };
  }

  /** Checks a transaction and, when it may be packed as far as this node can see, passes it to the validators. */
  async submit(bytes: Uint8Array): Promise<Accepted | Refusal> {
    const [outcome] = await this.submitAll([bytes]);
    return outcome!;
  }

  /** The same for many at once, with the outcomes in their order: each is decoded once, all signatures go together. */
  async submitAll(transactions: readonly Uint8Array[]): Promise<readonly (Accepted | Refusal)[]> {
    const stops = refusal('NODE_UNREACHABLE', 'the node is stopping');
    if (this.stopping !== null) return transactions.map(() => stops);
    try {
      const outcomes = await this.admit(transactions);
      this.relay.forward(newOnes(outcomes));
      return transactions.map((_, i) => outcomes[i] ?? stops);
    } catch (error) {
      if (this.stopping === null) throw error;
      return transactions.map(() => stops);
    }
  }

  /** @throws {Garbage} */
  private async takeTransactions(transactions: readonly Uint8Array[]): Promise<void> {
    // Most are in blocks that come anyway; what is still pending when this node is in step is sent to it again.
    if (this.isFarBehind) return;
    const outcomes = await this.admit(transactions);
    // From follower to follower; validators are told by the followers themselves.
    if (this.isFollower) this.relay.forward(newOnes(outcomes));
    for (const outcome of outcomes) {
      if (!('code' in outcome)) continue;
      this.parts.log.debug('a transaction from a peer was refused', { ...outcome });
      if (NEVER_FORWARDED.includes(outcome.code)) throw new Garbage(`a transaction refused with ${outcome.code}`);
    }
  }

  /** In parts, so that others get their turn; fewer outcomes than transactions when the node stops meanwhile. */
  private async admit(transactions: readonly Uint8Array[]): Promise<readonly (Accepted | Refusal)[]> {
    const outcomes: (Accepted | Refusal)[] = [];
    for (let i = 0; i < transactions.length && this.stopping === null; i += TRANSACTIONS_AT_ONCE) {
      if (i > 0) await new Promise<void>((next) => void this.parts.clock.schedule(0, next));
      outcomes.push(...(await this.submission.submitAll(transactions.slice(i, i + TRANSACTIONS_AT_ONCE))));
    }
    if (outcomes.some((outcome) => 'isNew' in outcome && outcome.isNew)) this.driver?.workArrived();
    return outcomes;
  }

  /** Calls back for each block that becomes final here; the result ends it. */
  onCommit(listener: CommitListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves with true once (sender, nonce) is final here, with false after `timeoutMs` or when the node stops. */
  waitFinal(sender: Uint8Array, nonce: Uint8Array, timeoutMs: number): Promise<boolean> {
    if (this.stopping !== null) return Promise.resolve(false);
    if (this.store.packedAt(sender, nonce) !== undefined) return Promise.resolve(true);
    const wanted = identityOf(sender, nonce);
    return new Promise((resolve) => {
      const finish = (found: boolean) => {
        cancelTimer();
        waiters.delete(finish);
        if (waiters.size === 0) this.waiters.delete(wanted);
        resolve(found);
      };
      const cancelTimer = this.parts.clock.schedule(timeoutMs, () => finish(false));
      const waiters = this.waiters.get(wanted) ?? new Set();
      this.waiters.set(wanted, waiters.add(finish));
    });
  }

  private tellWaiters(executed: ExecutedBlock): void {
    if (this.waiters.size === 0) return;
    for (const { transaction } of executed.transactions) {
      const { sender, nonce } = transaction;
      for (const finish of [...(this.waiters.get(identityOf(sender, nonce)) ?? [])]) finish(true);
    }
  }

  /** Ends everything in order; what the disks hold is whole. May be called again. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async end(): Promise<void> {
    const { transport, verifier, voting, onEnding } = this.parts;
    onEnding?.();
    this.inbox.stop();
    this.cancelTick?.();
    this.cancelWait?.();
    this.relay.stop();
    this.repair.stop();
    this.driver?.stop();
    for (const waiters of [...this.waiters.values()]) for (const finish of [...waiters]) finish(false);
    await Promise.all([this.serial.close(), this.fileSync.stop(), this.upkeep.stop()]);
    const closing = [() => transport.close(), () => verifier.close(), () => voting?.close(), () => this.store.close()];
    for (const close of closing) {
      try {
        await close();
      } catch (error) {
        this.parts.log.error('a port did not close', { error: String(error) });
      }
    }
  }

  private fatal(error: unknown): void {
    if (this.stopping !== null) return;
    const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.parts.log.error('the node stops', { error: shown });
    void this.stop().then(() => this.parts.onFatal(error));
  }

  /** Makes a final block part of the chain here and tells peers and listeners. */
  private async commit(executed: ExecutedBlock, certificate: Certificate, source: BlockSource): Promise<void> {
    const { voting } = this.parts;
    const place = voting?.indexIn(this.store.validators);
    const signedByUs = certificate[1].some(([index]) => index === place);
    const recordedHeight = voting?.recorded?.height ?? 0;
    if (voting !== undefined && signedByUs && recordedHeight < executed.header.height) this.recordIsLost(voting);
    this.standbySigners.saw(this.store.validators, certificate);
    const startMs = this.telemetry.now();
    // Before the store: with the commit go the proposals that the block could be decided from once more.
    if (source === 'consensus' || source === 'peers') await this.journal?.keepBlock(executed, certificate);
    await this.store.commit(executed, certificate);
    this.parts.log.debug('a block is final', { height: executed.header.height, source });
    if (changesPeers(executed)) this.peers.refresh();
    this.telemetry.committed(executed, certificate, source, startMs);
    this.submission.afterBlock(executed.transactions);
    const { height } = this.store;
    this.peers.toFollowersBelow(height, encodeMessage(['blocks', [this.store.blocks.recent(height)!]]));
    this.peers.toValidators(encodeMessage(['status', height]));
    this.peers.toAll(encodeMessage(this.room()));
    this.tellWaiters(executed);
    this.upkeep.look();
    for (const listener of [...this.listeners]) this.notify(listener, executed);
    if (this.driver !== null) void this.serial.run(() => this.inbox.replayEarly());
  }

  private notify(listener: CommitListener, executed: ExecutedBlock): void {
    try {
      listener(executed);
    } catch (error) {
      this.parts.log.error('a commit listener failed', { error: String(error) });
    }
  }

  private room(): Message {
    const { transactions, bytes, operations } = roomForEach(this.mempool.room, this.peers.count);
    return ['room', transactions, bytes, operations];
  }

  private tick(): void {
    if (this.stopping !== null) return;
    this.peers.toAll(encodeMessage(['status', this.store.height]));
    this.peers.toAll(encodeMessage(this.room()));
    this.fileSync.look();
    this.sync.look();
    this.upkeep.look();
    if (!this.begun) void this.serial.run(() => this.begin());
    void this.serial.run(() => this.driver?.resend((message) => this.peers.toValidators(message)));
    this.relay.sendAgain();
    this.cancelTick = this.parts.clock.schedule(TICK_MS, () => this.tick());
  }
}

function newOnes(outcomes: readonly (Accepted | Refusal)[]): Pending[] {
  const pending: Pending[] = [];
  for (const outcome of outcomes) if ('isNew' in outcome && outcome.isNew) pending.push(outcome.pending);
  return pending;
}
