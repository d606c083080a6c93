/**
 * Everything that peers send: decoded, bounded, and handed on in order. Garbage ends the connection, never the node.
 */
import { equal, toHex } from '../codec/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PeerId, Transport, TransportHandler } from '../ports/transport.ts';
import type { ChainStore } from './chain-store.ts';
import { CompactProposals, type Rebuilt } from './compact-proposals.ts';
import type { ConsensusDriver } from './consensus-driver.ts';
import { type EarlyMessage, EarlyMessages } from './early-messages.ts';
import { fromPeer, Garbage } from './garbage.ts';
import { Inflow, TransactionAllowance } from './inflow.ts';
import type { Mempool } from './mempool.ts';
import { decodeMessage, encodeMessage, type Message, type MessageOf } from './messages.ts';
import type { Peers } from './peers.ts';
import type { Relay } from './relay.ts';
import type { Repair } from './repair.ts';
import type { Sync } from './sync.ts';
import { fromWire } from './vote-wire.ts';

export interface InboxParts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  readonly mempool: Mempool;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  readonly peers: Peers;
  readonly sync: Sync;
  readonly relay: Relay;
  readonly repair: Repair;
  /** The message that says what we have room for. */
  readonly room: () => Uint8Array;
  /** Null in a follower. */
  readonly driver: ConsensusDriver | null;
  /** Puts a job into the node's serial queue. */
  readonly run: (job: () => Promise<void> | void) => Promise<void>;
  /** The same, behind everything of consensus. */
  readonly runLater: (job: () => Promise<void> | void) => Promise<void>;
  /** Begins to take part, when that has waited for what peers say. */
  readonly begin: () => Promise<void>;
  /** The chain has grown by blocks of a peer. */
  readonly proceed: () => Promise<void>;
  /** @throws {Garbage} */
  readonly takeEvidence: (evidence: Uint8Array) => Promise<void>;
  /** @throws {Garbage} */
  readonly takeTransactions: (transactions: readonly Uint8Array[]) => Promise<void>;
  /** What happens outside the serial queue and is nobody's garbage. */
  readonly onError: (error: unknown) => void;
}

export class Inbox implements TransportHandler {
  private readonly parts: InboxParts;
  private readonly early = new EarlyMessages();
  private readonly inflow = new Inflow();
  private readonly allowance: TransactionAllowance;
  private readonly compact: CompactProposals;
  private readonly turns = new Map<PeerId, Promise<void>>();
  private stopped = false;
  private readonly counters = { garbage: 0, overflow: 0 };

  constructor(parts: InboxParts) {
    this.parts = parts;
    this.allowance = new TransactionAllowance(parts.clock);
    this.compact = new CompactProposals({
      ...parts,
      send: (peer, message) => void parts.transport.send(peer, message),
    });
  }

  /** Connections that were ended for garbage. */
  get garbage(): number {
    return this.counters.garbage;
  }

  /** Messages now waiting, and how many were let go because their sender was over its bound. */
  get load(): { readonly waiting: number; readonly early: number; readonly overflow: number } {
    return { waiting: this.inflow.messages, early: this.early.count, overflow: this.counters.overflow };
  }

  stop(): void {
    this.stopped = true;
    this.compact.clear();
  }

  connected(peer: PeerId): void {
    if (this.stopped) return;
    const { peers, transport, store } = this.parts;
    peers.connected(peer);
    transport.send(peer, encodeMessage(['hello', store.genesis.hash, store.height]));
  }

  disconnected(peer: PeerId): void {
    if (this.stopped) return;
    const { peers, sync, relay } = this.parts;
    const validator = peers.validatorIndex(peer);
    peers.disconnected(peer);
    if (validator !== undefined) void this.parts.run(() => this.parts.driver?.peerLost(validator));
    relay.disconnected(peer);
    this.early.forget(peer);
    this.compact.forget(peer);
    sync.disconnected(peer);
  }

  received(peer: PeerId, bytes: Uint8Array): void {
    if (this.stopped) return;
    if (!this.inflow.enter(peer, bytes.length, this.parts.peers.isValidator(peer))) {
      this.counters.overflow += 1;
      return;
    }
    const leave = () => this.inflow.leave(peer, bytes.length);
    let handling: Promise<void> | undefined;
    try {
      handling = this.handle(
        peer,
        fromPeer(() => decodeMessage(bytes)),
        bytes,
      );
    } catch (error) {
      this.failed(peer, error);
    }
    if (handling === undefined) leave();
    else void handling.then(leave);
  }

  /** What is short happens at once; the rest never rejects. */
  private handle(peer: PeerId, message: Message, bytes: Uint8Array): Promise<void> | undefined {
    const { peers, sync, relay } = this.parts;
    if (message[0] !== 'hello' && !peers.hasGreeted(peer)) throw new Garbage('no hello');
    switch (message[0]) {
      case 'hello':
        this.greeted(peer, message[1], message[2]);
        return;
      case 'status':
        peers.setHeight(peer, message[1]);
        this.lookIfBehind(message[1]);
        return;
      case 'room':
        relay.told(peer, { transactions: message[1], bytes: message[2], operations: message[3] });
        return;
      case 'getBlocks':
        return sync.answer(peer, message[1]).catch((error) => this.failed(peer, error));
      case 'transactions':
        if (!this.allowance.take(peer, message[1].length))
          throw new Garbage('more transactions than there is room for');
        return this.afterOthersOf(peer, () => this.parts.takeTransactions(message[1]));
      case 'blocks':
        if (this.parts.repair.received(peer, message[1])) return;
        return this.whenIdle(peer, () => this.blocks(peer, message[1]));
      case 'equivocation':
        return this.whenIdle(peer, () => this.parts.takeEvidence(message[1]));
      case 'getProposal':
        this.answerProposal(peer, message);
        return;
      case 'proposalParts':
        return this.inTurn(peer, () => this.handleRebuilt(this.compact.takeParts(peer, message)));
      case 'proposal':
      case 'compactProposal':
      case 'votes': {
        const early = { message, bytes, receivedMs: this.parts.clock.now() };
        return this.inTurn(peer, () => this.consensus(peer, early));
      }
    }
  }

  /** Transactions of one peer are looked at one message after the other: decoded they weigh many times their bytes. */
  private afterOthersOf(peer: PeerId, job: () => Promise<void>): Promise<void> {
    const turn = (this.turns.get(peer) ?? Promise.resolve()).then(job).catch((error) => this.failed(peer, error));
    this.turns.set(peer, turn);
    return turn.finally(() => {
      if (this.turns.get(peer) === turn) this.turns.delete(peer);
    });
  }

  /**
   * One block ahead is nothing to a validator: the votes for ours are on their way. A follower is sent its copy, unless
   * it is of a company that has a validator, whose nodes are told of the block alone.
   */
  private lookIfBehind(height: number): void {
    const { store, sync, driver } = this.parts;
    const waitsForVotes = driver?.takesPart === true && !driver.isBlocked;
    if (height > store.height + (waitsForVotes ? 1 : 0)) sync.look();
  }

  private inTurn(peer: PeerId, job: () => Promise<void>): Promise<void> {
    return this.parts.run(() => this.guarded(peer, job));
  }

  /** What consensus does not wait for. */
  private whenIdle(peer: PeerId, job: () => Promise<void>): Promise<void> {
    return this.parts.runLater(() => this.guarded(peer, job));
  }

  private async guarded(peer: PeerId, job: () => Promise<void>): Promise<void> {
    try {
      await job();
    } catch (error) {
      if (!(error instanceof Garbage)) throw error;
      this.failed(peer, error);
    }
  }

  private failed(peer: PeerId, error: unknown): void {
    if (this.stopped) return;
    if (!(error instanceof Garbage)) {
      this.parts.onError(error);
      return;
    }
    this.counters.garbage += 1;
    this.parts.log.warn('a peer sent garbage and is dropped', { peer, reason: error.message });
    this.parts.transport.drop(peer, `garbage: ${error.message}`);
  }

  private greeted(peer: PeerId, chain: Uint8Array, height: number): void {
    const { store, peers, log, transport, driver, sync } = this.parts;
    if (!equal(chain, store.genesis.hash)) {
      log.warn('a peer is of another chain', { peer, chain: toHex(chain) });
      transport.drop(peer, 'another chain');
      return;
    }
    if (!peers.greet(peer, height)) return;
    transport.send(peer, this.parts.room());
    sync.look();
    void this.parts.run(() => this.parts.begin());
    if (driver !== null) void this.parts.run(() => driver.resend((message) => void transport.send(peer, message)));
  }

  private async blocks(peer: PeerId, rows: MessageOf<'blocks'>[1]): Promise<void> {
    const { store, sync, proceed } = this.parts;
    const before = store.height;
    try {
      await sync.receive(peer, rows);
    } finally {
      // Whatever came after them: blocks that were taken end the height.
      if (store.height > before) await proceed();
    }
    sync.look();
  }

  private async consensus(peer: PeerId, early: EarlyMessage): Promise<void> {
    const { peers, driver } = this.parts;
    const { message, bytes, receivedMs } = early;
    const sender = peers.validatorIndex(peer);
    if (driver === null || sender === undefined) return;
    const relevance = driver.relevance(message[0] === 'votes' ? message[1][0]![1] : message[1]);
    if (relevance === 'next') this.early.keep(peer, early);
    if (relevance !== 'now') return;
    if (message[0] === 'votes') await driver.handleVotes(message[1].map(fromWire));
    else if (message[4] !== sender) return;
    else if (message[0] === 'compactProposal') await this.handleRebuilt(this.compact.take(peer, message, receivedMs));
    else await driver.handleProposal(message, bytes, this.compact.heardMs(peer, message, receivedMs));
  }

  private async handleRebuilt(rebuilt: Rebuilt | null): Promise<void> {
    if (rebuilt !== null) await this.parts.driver?.handleProposal(rebuilt.message, rebuilt.bytes, rebuilt.receivedMs);
  }

  private answerProposal(peer: PeerId, message: MessageOf<'getProposal'>): void {
    const { peers, driver, transport } = this.parts;
    const answer = peers.isValidator(peer) ? driver?.answerProposal(peer, message) : null;
    if (answer != null) transport.send(peer, answer);
  }

  /** A height has begun: what came for it before is looked at now. */
  replayEarly(): void {
    this.compact.clear();
    for (const early of this.early.take()) void this.inTurn(early.peer, () => this.consensus(early.peer, early));
  }
}
