/**
 * The node: a follower, or with `voting` a validator. It owns the serial queue in which the chain changes, and wires
 * peers, mempool, consensus and catching up together. It knows no socket, no file and no clock but through ports.
 */
import type { Certificate } from '../chain/certificate.ts';
import { type CodeName, type Refusal, refusal } from '../chain/codes.ts';
import { toHex } from '../codec/bytes.ts';
import type { Proposal, Vote } from '../consensus/types.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ExecutedBlock } from '../ledger/execute-block.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { SignatureVerifier } from '../ports/signature-verifier.ts';
import type { Transport } from '../ports/transport.ts';
import { operationsOf } from '../protocol/table.ts';
import type { ChainStore } from './chain-store.ts';
import { ConsensusDriver } from './consensus-driver.ts';
import { Executor } from './executor.ts';
import { Garbage } from './garbage.ts';
import { Inbox } from './inbox.ts';
import { DEFAULT_MEMPOOL_LIMITS, identityOf, Mempool, type MempoolLimits } from './mempool.ts';
import { encodeMessage } from './messages.ts';
import { Peers } from './peers.ts';
import { Relay } from './relay.ts';
import { Serial } from './serial.ts';
import { type Accepted, Submission } from './submission.ts';
import { Sync } from './sync.ts';
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
  /** The node cannot go on; it has stopped. */
  readonly onFatal: (error: unknown) => void;
}

/** A vote or a proposal. */
type Accusable = Vote | Proposal;

/** Transactions of a peer that are looked at before others get their turn: some 10 ms. */
const TRANSACTIONS_AT_ONCE = 200;
const MAX_ACCUSATIONS_KEPT = 10_000;

/** For the log: bytes as hexadecimal. */
function shown(accusable: Accusable): Readonly<Record<string, unknown>> {
  return 'signature' in accusable ? { ...accusable, signature: toHex(accusable.signature) } : { ...accusable };
}

export type CommitListener = (block: ExecutedBlock) => void;

/** How often a node tells its height and resends what peers may lack. */
const TICK_MS = 1_000;

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

export class Node {
  readonly store: ChainStore;
  readonly mempool: Mempool;
  readonly submission: Submission;
  readonly peers: Peers;
  private readonly parts: NodeParts;
  private readonly serial: Serial;
  private readonly executor: Executor;
  private readonly sync: Sync;
  private readonly relay: Relay;
  private readonly inbox: Inbox;
  private readonly driver: ConsensusDriver | null;
  private readonly listeners = new Set<CommitListener>();
  /** Who waits for which (sender, nonce). */
  private readonly waiters = new Map<string, Set<(found: boolean) => void>>();
  private cancelTick: (() => void) | null = null;
  private stopping: Promise<void> | null = null;
  private begun = false;
  private readonly accusedOf = new Set<string>();
  /** Contradictions of validators, one for each validator, kind and height. */
  accusations = 0;

  /** @throws {VoteRecordError} when the vote record contradicts itself. */
  constructor(parts: NodeParts) {
    this.parts = parts;
    const { crypto, store, transport, verifier, clock, log } = parts;
    this.store = store;
    this.mempool = new Mempool(parts.mempoolLimits ?? DEFAULT_MEMPOOL_LIMITS);
    const table = operationsOf(store.genesis.document.protocolVersion);
    const { mempool } = this;
    this.serial = new Serial((error) => this.fatal(error));
    this.peers = new Peers(transport, store.genesis);
    this.executor = new Executor({ crypto, store, mempool, verifier, table, log });
    this.submission = new Submission({ crypto, store, mempool, verifier, table, clock, log });
    const commit = (executed: ExecutedBlock, certificate: Certificate) => this.commit(executed, certificate);
    const { executor, peers } = this;
    this.sync = new Sync({ crypto, store, executor, verifier, peers, transport, clock, commit });
    this.driver = parts.voting === undefined ? null : this.makeDriver(parts.voting, commit);
    // Followers may know only followers; validators know each other.
    const { driver, sync } = this;
    const send = (message: Uint8Array) => (driver === null ? peers.toAll(message) : peers.toValidators(message));
    this.relay = new Relay(clock, mempool, send);
    this.inbox = new Inbox({
      ...{ store, transport, clock, log, peers, sync, driver },
      run: (job) => this.serial.run(job),
      begin: () => this.begin(),
      proceed: () => this.proceed(),
      takeTransactions: (transactions) => this.takeTransactions(transactions),
      onError: (error) => this.fatal(error),
    });
  }

  private makeDriver(
    voting: Voting,
    commit: (executed: ExecutedBlock, certificate: Certificate) => Promise<void>,
  ): ConsensusDriver {
    const { crypto, store, clock, log } = this.parts;
    const { executor, mempool } = this;
    return new ConsensusDriver({
      ...{ crypto, store, executor, mempool, clock, log, voting, commit },
      broadcast: (message) => this.peers.toValidators(message),
      run: (job) => void this.serial.run(job),
      fetchBlock: () => this.sync.look(),
      accused: (kind, first, second) => this.accuse(kind, first, second),
    });
  }

  /** Connects to the others and, as a validator, takes part from the recorded height and round on. */
  async start(): Promise<void> {
    const { transport, voting, store } = this.parts;
    if (voting !== undefined && store.hasSignatureOf(voting.identity.index, voting.recorded?.height ?? 0)) {
      this.recordIsLost(voting);
    }
    await this.serial.run(() => this.begin());
    if (this.stopping !== null) return;
    await transport.start(this.inbox);
    this.tick();
  }

  /**
   * A validator with an empty record may have lost it: before it signs anything it hears from the others how far the
   * chain is, and meets its own signatures on the way there. Called again with each greeting.
   */
  private async begin(): Promise<void> {
    const { voting } = this.parts;
    if (this.driver === null || this.begun) return;
    if (voting?.recorded === null) {
      const reached = this.peers.agreedHeight(voting.identity.index);
      if (reached === null || reached > this.store.height) return;
    }
    this.begun = true;
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

  get consensus(): { readonly height: number; readonly round: number } | null {
    return this.driver === null ? null : { height: this.driver.height, round: this.driver.round };
  }

  /** Once for each validator, kind and height: a liar can contradict itself without end. */
  private accuse(kind: string, first: Accusable, second: Accusable): void {
    const who = 'proposer' in first ? first.proposer : first.validator;
    const accusation = `${kind}/${first.height}/${who}`;
    if (this.accusedOf.has(accusation)) return;
    if (this.accusedOf.size >= MAX_ACCUSATIONS_KEPT) this.accusedOf.clear();
    this.accusedOf.add(accusation);
    this.accusations += 1;
    this.parts.log.error('a validator contradicts itself', {
      kind,
      validator: who,
      first: shown(first),
      second: shown(second),
    });
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
    if (this.stopping !== null) return refusal('NODE_UNREACHABLE', 'the node is stopping');
    try {
      const outcome = await this.submission.submit(bytes);
      if ('code' in outcome || !outcome.isNew) return outcome;
      this.driver?.workArrived();
      this.relay.forward([outcome.pending]);
      return outcome;
    } catch (error) {
      if (this.stopping === null) throw error;
      return refusal('NODE_UNREACHABLE', 'the node is stopping');
    }
  }

  /** @throws {Garbage} */
  private async takeTransactions(transactions: readonly Uint8Array[]): Promise<void> {
    const outcomes: (Accepted | Refusal)[] = [];
    for (let i = 0; i < transactions.length; i += TRANSACTIONS_AT_ONCE) {
      if (i > 0) await new Promise<void>((next) => void this.parts.clock.schedule(0, next));
      if (this.stopping !== null) return;
      outcomes.push(...(await this.submission.submitAll(transactions.slice(i, i + TRANSACTIONS_AT_ONCE))));
    }
    const taken = outcomes.filter((outcome) => 'isNew' in outcome && outcome.isNew) as Accepted[];
    if (taken.length > 0) this.driver?.workArrived();
    // From follower to follower; validators are told by the followers themselves.
    if (this.driver === null) this.relay.forward(taken.map(({ pending }) => pending));
    for (const outcome of outcomes) {
      if (!('code' in outcome)) continue;
      this.parts.log.debug('a transaction from a peer was refused', { ...outcome });
      if (NEVER_FORWARDED.includes(outcome.code)) throw new Garbage(`a transaction refused with ${outcome.code}`);
    }
  }

  /** Calls back for each block that becomes final here; the result ends it. */
  onCommit(listener: CommitListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves with true once (sender, nonce) is final here, with false after `timeoutMs` or when the node stops. */
  waitFinal(sender: Uint8Array, nonce: Uint8Array, timeoutMs: number): Promise<boolean> {
    if (this.stopping !== null) return Promise.resolve(false);
    if (this.store.place(sender, nonce) !== undefined) return Promise.resolve(true);
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
    for (const { sender, nonce } of executed.noncesAdded) {
      for (const finish of [...(this.waiters.get(identityOf(sender, nonce)) ?? [])]) finish(true);
    }
  }

  /** Ends everything in order; what the disks hold is whole. May be called again. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async end(): Promise<void> {
    const { transport, verifier, voting } = this.parts;
    this.inbox.stop();
    this.cancelTick?.();
    this.relay.stop();
    this.driver?.stop();
    for (const waiters of [...this.waiters.values()]) for (const finish of [...waiters]) finish(false);
    await this.serial.close();
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
  private async commit(executed: ExecutedBlock, certificate: Certificate): Promise<void> {
    const { voting } = this.parts;
    const signedByUs = certificate[1].some(([index]) => index === voting?.identity.index);
    const recordedHeight = voting?.recorded?.height ?? 0;
    if (voting !== undefined && signedByUs && recordedHeight < executed.header.height) this.recordIsLost(voting);
    await this.store.commit(executed, certificate);
    this.submission.afterBlock(executed.transactions);
    const { height } = this.store;
    this.peers.toFollowersBelow(height, encodeMessage(['blocks', [this.store.row(height)!]]));
    this.peers.toValidators(encodeMessage(['status', height]));
    this.tellWaiters(executed);
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

  private tick(): void {
    if (this.stopping !== null) return;
    this.peers.toAll(encodeMessage(['status', this.store.height]));
    this.sync.look();
    if (!this.begun) void this.serial.run(() => this.begin());
    void this.serial.run(() => this.driver?.resend((message) => this.peers.toValidators(message)));
    this.relay.sendAgain();
    this.cancelTick = this.parts.clock.schedule(TICK_MS, () => this.tick());
  }
}
