/**
 * Passes on the transactions that came in here: at once, gathered per turn into few messages, and again while they are
 * pending, because a lost message must not lose a transaction. Peers say how much they have room for, and get no more:
 * the rest waits here, and leaves as room comes, the senders taking turns (ADR 0017).
 */
import { keyText } from '../codec/bytes.ts';
import type { Clock } from '../ports/clock.ts';
import type { PeerId } from '../ports/transport.ts';
import { hasPassed } from './elapsed.ts';
import { addRoom, fitsIn, type Mempool, type Pending, type Room, roomOf } from './mempool.ts';
import { encodeMessage } from './messages.ts';

/** A transaction that is still pending after this long is sent again, and then after as long again. */
const SEND_AGAIN_MS = 3_000;
/** Most transactions that are sent again in one tick. */
const MAX_SENT_AGAIN = 500;
const MAX_MESSAGE_BYTES = 1 << 20;
const MAX_TRANSACTIONS_PER_MESSAGE = 10_000;
/**
 * Told to each peer whatever is free: a sender that holds little is taken in another's place, so that somebody else's
 * flood does not stop what an honest peer has for us. One transaction of the largest size fits.
 */
const LEAST_ROOM: Room = { transactions: 100, operations: 200, bytes: 1 << 18 };

/** What each of so many peers may send before it hears of us again. */
export function roomForEach(room: Room, peers: number): Room {
  const part = (of: keyof Room) => Math.max(LEAST_ROOM[of], Math.floor(room[of] / Math.max(1, peers)));
  return { transactions: part('transactions'), operations: part('operations'), bytes: part('bytes') };
}

export interface RelayParts {
  readonly clock: Clock;
  readonly mempool: Pick<Mempool, 'find' | 'size'>;
  /** Who is to get what came in here, and is connected. */
  readonly receivers: () => readonly PeerId[];
  /** To all of them. */
  readonly send: (message: Uint8Array) => void;
}

export class Relay {
  private readonly parts: RelayParts;
  private waiting = new TurnQueue();
  private cancel: (() => void) | null = null;
  /** When each was last sent, by digest; those that are no longer pending go with the next tick. */
  private readonly sentMs = new Map<string, number>();
  /** What each peer has room for, less what was sent since it said so. */
  private readonly rooms = new Map<PeerId, Room>();

  constructor(parts: RelayParts) {
    this.parts = parts;
  }

  /** How many wait for room. */
  get size(): number {
    return this.waiting.size;
  }

  forward(transactions: readonly Pending[]): void {
    for (const pending of transactions) this.waiting.push(pending);
    if (this.waiting.size > 2 * this.parts.mempool.size + MAX_SENT_AGAIN) this.forgetGone();
    this.flushSoon();
  }

  /** A peer says what it has room for. */
  told(peer: PeerId, room: Room): void {
    this.rooms.set(peer, room);
    this.flushSoon();
  }

  disconnected(peer: PeerId): void {
    this.rooms.delete(peer);
  }

  private flushSoon(): void {
    if (this.waiting.size > 0) this.cancel ??= this.parts.clock.schedule(0, () => this.flush());
  }

  /** What is no longer pending would wait here for ever when nobody has room. */
  private forgetGone(): void {
    const kept = new TurnQueue();
    for (let next = this.waiting.take(); next !== undefined; next = this.waiting.take())
      if (this.parts.mempool.find(next.digest) === next) kept.push(next);
    this.waiting = kept;
  }

  /**
   * The room of the middle one of those who have said: less than half of them lie, and what correct ones have differs
   * little. Who has less drops some, and gets them again.
   */
  private window(): Room {
    const rooms = this.parts.receivers().flatMap((peer) => this.rooms.get(peer) ?? []);
    const middle = (of: keyof Room) => rooms.map((room) => room[of]).sort((a, b) => a - b)[rooms.length >> 1] ?? 0;
    return { transactions: middle('transactions'), operations: middle('operations'), bytes: middle('bytes') };
  }

  private flush(): void {
    this.cancel = null;
    const window = this.window();
    const now = this.parts.clock.now();
    let part: Uint8Array[] = [];
    let size = 0;
    let used: Room = { transactions: 0, operations: 0, bytes: 0 };
    for (let next = this.waiting.first; next !== undefined; next = this.waiting.first) {
      const { bytes } = next.parsed.transaction;
      if (this.parts.mempool.find(next.digest) === next) {
        const then = addRoom(used, roomOf(next.parsed));
        if (!fitsIn(then, window)) break;
        if (part.length >= MAX_TRANSACTIONS_PER_MESSAGE || (size > 0 && size + bytes.length > MAX_MESSAGE_BYTES)) {
          this.parts.send(encodeMessage(['transactions', part]));
          [part, size] = [[], 0];
        }
        part.push(bytes);
        size += bytes.length;
        used = then;
        this.sentMs.set(next.digest, now);
      }
      this.waiting.take();
    }
    if (part.length > 0) this.parts.send(encodeMessage(['transactions', part]));
    this.use(used);
  }

  private use(used: Room): void {
    for (const [peer, room] of this.rooms) this.rooms.set(peer, addRoom(room, used, -1));
  }

  sendAgain(): void {
    const now = this.parts.clock.now();
    const again: Pending[] = [];
    for (const [digest, sentMs] of this.sentMs) {
      const pending = this.parts.mempool.find(digest);
      if (pending === undefined) this.sentMs.delete(digest);
      else if (hasPassed(now, sentMs, SEND_AGAIN_MS) && again.length < MAX_SENT_AGAIN) {
        // Until it has left again.
        this.sentMs.delete(digest);
        again.push(pending);
      }
    }
    this.forward(again);
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
    this.waiting = new TurnQueue();
  }
}

/** The senders take turns; of each what came first goes first. */
class TurnQueue {
  /** By sender, in the order of their turns; each has at least one. */
  private readonly bySender = new Map<string, { readonly items: Pending[]; head: number }>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** What {@link take} would give. */
  get first(): Pending | undefined {
    const queue = this.bySender.values().next().value;
    return queue?.items[queue.head];
  }

  push(pending: Pending): void {
    const key = keyText(pending.parsed.transaction.sender);
    const queue = this.bySender.get(key);
    if (queue === undefined) this.bySender.set(key, { items: [pending], head: 0 });
    else queue.items.push(pending);
    this.count += 1;
  }

  take(): Pending | undefined {
    const row = this.bySender.entries().next().value;
    if (row === undefined) return undefined;
    const [key, queue] = row;
    const taken = queue.items[queue.head++]!;
    this.count -= 1;
    this.bySender.delete(key);
    if (queue.head < queue.items.length) this.bySender.set(key, queue.head > 1_000 ? fromHead(queue) : queue);
    return taken;
  }
}

/** Without what has been taken. */
function fromHead({ items, head }: { readonly items: readonly Pending[]; readonly head: number }) {
  return { items: items.slice(head), head: 0 };
}
