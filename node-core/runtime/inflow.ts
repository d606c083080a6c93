/**
 * How much of the peers is waiting for its turn. A peer that sends faster than we work loses messages, not us memory.
 * Validators and all others draw on two pools, so that a flood of strangers leaves room for consensus; and each peer has
 * a little of its own, so that no flood of others leaves it without.
 */
import type { Clock } from '../ports/clock.ts';
import type { PeerId } from '../ports/transport.ts';

/** Per peer. */
const MAX_MESSAGES = 1_000;
/** Per peer: one message of the largest size, and a burst of small ones. */
const MAX_BYTES = 12 << 20;
/** Per peer: what does not draw on a pool. */
const OWN_BYTES = 1 << 20;
/** All of a kind together, beyond what is their own. */
const POOL_BYTES = { validators: 24 << 20, others: 12 << 20 } as const;

interface Waiting {
  messages: number;
  bytes: number;
  readonly pool: keyof typeof POOL_BYTES;
}

const pooled = (bytes: number) => Math.max(0, bytes - OWN_BYTES);

export class Inflow {
  private readonly waiting = new Map<PeerId, Waiting>();
  private readonly used = { validators: 0, others: 0 };

  /** Counts a message in; false when the peer or its pool is over its bound, and the message is to be forgotten. */
  enter(peer: PeerId, sizeBytes: number, isValidator: boolean): boolean {
    const entry = this.waiting.get(peer) ?? { messages: 0, bytes: 0, pool: isValidator ? 'validators' : 'others' };
    const bytes = entry.bytes + sizeBytes;
    const drawn = pooled(bytes) - pooled(entry.bytes);
    if (entry.messages >= MAX_MESSAGES || bytes > MAX_BYTES) return false;
    if (drawn > 0 && this.used[entry.pool] + drawn > POOL_BYTES[entry.pool]) return false;
    this.used[entry.pool] += drawn;
    this.waiting.set(peer, { ...entry, messages: entry.messages + 1, bytes });
    return true;
  }

  /** The message has been dealt with. */
  leave(peer: PeerId, sizeBytes: number): void {
    const entry = this.waiting.get(peer);
    if (entry === undefined) return;
    this.used[entry.pool] -= pooled(entry.bytes) - pooled(entry.bytes - sizeBytes);
    entry.messages -= 1;
    entry.bytes -= sizeBytes;
    if (entry.messages === 0) this.waiting.delete(peer);
  }

  get messages(): number {
    return [...this.waiting.values()].reduce((sum, { messages }) => sum + messages, 0);
  }
}

/** Twice what a mempool holds at once, and per second several times what is ever packed. */
const TRANSACTIONS_AT_ONCE = 20_000;
const TRANSACTIONS_PER_MS = 5;
const MAX_PEERS_REMEMBERED = 1_000;

/** A peer that keeps to what it is told there is room for (relay.ts) never comes near this bound. */
export class TransactionAllowance {
  private readonly clock: Clock;
  /** When each would be back at its full allowance. */
  private readonly fullMs = new Map<PeerId, number>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** False when the peer has sent more than it may. */
  take(peer: PeerId, transactions: number): boolean {
    const now = this.clock.now();
    const mostMs = TRANSACTIONS_AT_ONCE / TRANSACTIONS_PER_MS;
    const before = (this.fullMs.get(peer) ?? 0) - now;
    // What was noted before the clock was set back is forgotten: the peer has nothing to do with it.
    const fullMs = now + (before > mostMs ? 0 : Math.max(0, before)) + transactions / TRANSACTIONS_PER_MS;
    if (fullMs - now > mostMs) return false;
    if (this.fullMs.size >= MAX_PEERS_REMEMBERED) this.fullMs.clear();
    this.fullMs.set(peer, fullMs);
    return true;
  }
}
