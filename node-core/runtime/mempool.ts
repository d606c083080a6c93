/**
 * Pending transactions, with limits, shared fairly among senders. Each was decoded once and its signature checked once;
 * a proposal that holds the same bytes uses what is here.
 *
 * Fairness, per sender account (ADR 0017). Packing: the senders take turns, one transaction each, and whoever has had
 * its turn goes to the back of the line; so a sender waits for at most one transaction of each other one, however many
 * they have sent. Room: when there is none, the sender that holds most gives up its newest for one that holds less.
 * A sender's own transactions keep their order of arrival.
 */
import { keyText } from '../codec/bytes.ts';
import type { ParsedTransaction } from '../ledger/admission.ts';

export interface MempoolLimits {
  readonly maxTransactions: number;
  /** In all transactions together. */
  readonly maxOperations: number;
  /** Of the exact bytes. */
  readonly maxBytes: number;
}

/**
 * Decoded, a transaction weighs 3 kB and each operation 1.2 kB more, ten times its bytes. These are two blocks of the
 * smallest transactions, four of the largest, and 45 MB at the worst.
 */
export const DEFAULT_MEMPOOL_LIMITS: MempoolLimits = {
  maxTransactions: 8_000,
  maxOperations: 16_000,
  maxBytes: 8 << 20,
};

export interface Pending {
  readonly parsed: ParsedTransaction;
  /** SHA-256 of the exact bytes, as a map key. */
  readonly digest: string;
  readonly cost: number;
  /** Local time of arrival, ms. */
  readonly arrivedMs: number;
}

/** How many transactions, of how many operations and bytes in all. */
export interface Room {
  readonly transactions: number;
  readonly operations: number;
  readonly bytes: number;
}

const NOTHING: Room = { transactions: 0, operations: 0, bytes: 0 };

/** What one transaction takes. */
export function roomOf({ transaction, operations }: ParsedTransaction): Room {
  return { transactions: 1, operations: operations.length, bytes: transaction.bytes.length };
}

export function addRoom(a: Room, b: Room, times = 1): Room {
  return {
    transactions: a.transactions + times * b.transactions,
    operations: a.operations + times * b.operations,
    bytes: a.bytes + times * b.bytes,
  };
}

export function fitsIn(inner: Room, outer: Room): boolean {
  return inner.transactions <= outer.transactions && inner.operations <= outer.operations && inner.bytes <= outer.bytes;
}

/** (sender, nonce) as a map key. */
export function identityOf(sender: Uint8Array, nonce: Uint8Array): string {
  return keyText(sender) + keyText(nonce);
}

/** What one sender has pending, by nonce in order of arrival. */
interface Queue {
  readonly pending: Map<string, Pending>;
  /** Their nonces, the newest last, and some that are no longer pending. */
  newest: string[];
  used: Room;
  /** Points that they will take. */
  reserved: number;
}

export class Mempool {
  private readonly limits: MempoolLimits;
  /** By sender, in the order of their turns. */
  private readonly queues = new Map<string, Queue>();
  private readonly byDigest = new Map<string, Pending>();
  private used = NOTHING;

  constructor(limits: MempoolLimits = DEFAULT_MEMPOOL_LIMITS) {
    this.limits = limits;
  }

  get size(): number {
    return this.byDigest.size;
  }

  get sizeBytes(): number {
    return this.used.bytes;
  }

  /** What is free for anybody. */
  get room(): Room {
    const { maxTransactions, maxOperations, maxBytes } = this.limits;
    return addRoom({ transactions: maxTransactions, operations: maxOperations, bytes: maxBytes }, this.used, -1);
  }

  get(sender: Uint8Array, nonce: Uint8Array): Pending | undefined {
    return this.queues.get(keyText(sender))?.pending.get(keyText(nonce));
  }

  /** The pending transaction with exactly the bytes of this digest. */
  find(digest: string): Pending | undefined {
    return this.byDigest.get(digest);
  }

  /** Points that the pending transactions of a sender will take. */
  reservedBy(sender: Uint8Array): number {
    return this.queues.get(keyText(sender))?.reserved ?? 0;
  }

  private hasRoomFor({ transactions, operations, bytes }: Room): boolean {
    const { used, limits } = this;
    return (
      used.transactions + transactions <= limits.maxTransactions &&
      used.operations + operations <= limits.maxOperations &&
      used.bytes + bytes <= limits.maxBytes
    );
  }

  /** Whether this one would be taken now, be it in another's place. */
  takes(parsed: ParsedTransaction): boolean {
    const wanted = roomOf(parsed);
    return this.hasRoomFor(wanted) || this.mayDisplace(keyText(parsed.transaction.sender), wanted);
  }

  /** Takes it in, and gives up what has to make room for it: {@link takes} has been asked. */
  add(pending: Pending): void {
    const { sender, nonce } = pending.parsed.transaction;
    const key = keyText(sender);
    const wanted = roomOf(pending.parsed);
    while (!this.hasRoomFor(wanted) && this.mayDisplace(key, wanted)) this.dropNewestOfLargest();
    const queue: Queue = this.queues.get(key) ?? { pending: new Map(), newest: [], used: NOTHING, reserved: 0 };
    this.queues.set(key, queue);
    const name = keyText(nonce);
    queue.pending.set(name, pending);
    if (queue.newest.length > 2 * queue.pending.size) queue.newest = [...queue.pending.keys()];
    else queue.newest.push(name);
    queue.used = addRoom(queue.used, wanted);
    queue.reserved += pending.cost;
    this.byDigest.set(pending.digest, pending);
    this.used = addRoom(this.used, wanted);
  }

  remove(sender: Uint8Array, nonce: Uint8Array): Pending | undefined {
    return this.take(keyText(sender), keyText(nonce));
  }

  private take(key: string, nonce: string): Pending | undefined {
    const queue = this.queues.get(key);
    const found = queue?.pending.get(nonce);
    if (queue === undefined || found === undefined) return undefined;
    const freed = roomOf(found.parsed);
    queue.pending.delete(nonce);
    queue.used = addRoom(queue.used, freed, -1);
    queue.reserved -= found.cost;
    this.byDigest.delete(found.digest);
    this.used = addRoom(this.used, freed, -1);
    // It has had a turn.
    this.queues.delete(key);
    if (queue.pending.size > 0) this.queues.set(key, queue);
    return found;
  }

  /** A sender's part of what there may be: of the number, the operations or the bytes, whichever is largest. */
  private share({ transactions, operations, bytes }: Room): number {
    const { maxTransactions, maxOperations, maxBytes } = this.limits;
    return Math.max(transactions / maxTransactions, operations / maxOperations, bytes / maxBytes);
  }

  /** Somebody else would still hold more than this sender with this as well. */
  private mayDisplace(key: string, wanted: Room): boolean {
    const own = this.share(addRoom(this.queues.get(key)?.used ?? NOTHING, wanted));
    const [largest, queue] = this.largest();
    return queue !== undefined && largest !== key && this.share(queue.used) > own;
  }

  private largest(): readonly [string, Queue] | readonly [] {
    let found: readonly [string, Queue] | readonly [] = [];
    let most = 0;
    for (const row of this.queues) {
      const share = this.share(row[1].used);
      if (share > most) [found, most] = [row, share];
    }
    return found;
  }

  private dropNewestOfLargest(): void {
    const [key, queue] = this.largest();
    if (key === undefined || queue === undefined) return;
    let name = queue.newest.pop()!;
    while (!queue.pending.has(name)) name = queue.newest.pop()!;
    this.take(key, name);
  }

  /** What a sender has pending, in order of arrival. */
  *of(sender: Uint8Array): Iterable<Pending> {
    yield* this.queues.get(keyText(sender))?.pending.values() ?? [];
  }

  /** What may be packed at no later height than this. */
  expiredBy(height: number): Pending[] {
    const expired: Pending[] = [];
    for (const pending of this.byDigest.values())
      if (pending.parsed.transaction.expiry <= height) expired.push(pending);
    return expired;
  }

  /** In the order in which they are to be packed: the senders take turns. What is met may be removed meanwhile. */
  *all(): Iterable<Pending> {
    let line = [...this.queues.values()].map(({ pending }) => pending.values());
    while (line.length > 0) {
      const next: typeof line = [];
      for (const queue of line) {
        const { done, value } = queue.next();
        if (done === true) continue;
        yield value;
        next.push(queue);
      }
      line = next;
    }
  }
}
