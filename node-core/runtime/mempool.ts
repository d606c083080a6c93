/**
 * Pending transactions, with limits, shared fairly among senders. Each was decoded once and its signature checked once;
 * a proposal that holds the same bytes uses what is here.
 *
 * Fairness, per sender account (ADR 0017). Packing: the senders take turns, one transaction each, and whoever has had
 * its turn goes to the back of the line; so a sender waits for at most one transaction of each other one, however many
 * they have sent. Room: when there is none, the sender that holds most gives up its newest for one that holds less.
 * A sender's own transactions keep their order of arrival.
 */
import type { ParsedTransaction } from '../ledger/admission.ts';
import { keyText } from '../ledger/state.ts';

export interface MempoolLimits {
  readonly maxTransactions: number;
  /** Of the exact bytes; decoded they weigh several times as much. */
  readonly maxBytes: number;
}

export const DEFAULT_MEMPOOL_LIMITS: MempoolLimits = { maxTransactions: 10_000, maxBytes: 8 << 20 };

export interface Pending {
  readonly parsed: ParsedTransaction;
  /** SHA-256 of the exact bytes, in hexadecimal. */
  readonly digest: string;
  readonly cost: number;
  /** Local time of arrival, ms. */
  readonly arrivedMs: number;
}

/** How many transactions of how many bytes. */
export interface Room {
  readonly transactions: number;
  readonly bytes: number;
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
  bytes: number;
  /** Points that they will take. */
  reserved: number;
}

export class Mempool {
  private readonly limits: MempoolLimits;
  /** By sender, in the order of their turns. */
  private readonly queues = new Map<string, Queue>();
  private readonly byDigest = new Map<string, Pending>();
  private bytes = 0;

  constructor(limits: MempoolLimits = DEFAULT_MEMPOOL_LIMITS) {
    this.limits = limits;
  }

  get size(): number {
    return this.byDigest.size;
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  /** What is free for anybody. */
  get room(): Room {
    const { maxTransactions, maxBytes } = this.limits;
    return { transactions: maxTransactions - this.size, bytes: maxBytes - this.bytes };
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

  /** Whether one more of this size of this sender would be taken now, be it in another's place. */
  takes(sender: Uint8Array, sizeBytes: number): boolean {
    return this.hasRoom(sizeBytes) || this.mayDisplace(keyText(sender), sizeBytes);
  }

  /** Takes it in, and gives up what has to make room for it: {@link takes} has been asked. */
  add(pending: Pending): void {
    const { sender, nonce, bytes } = pending.parsed.transaction;
    const key = keyText(sender);
    while (!this.hasRoom(bytes.length) && this.mayDisplace(key, bytes.length)) this.dropNewestOfLargest();
    const queue: Queue = this.queues.get(key) ?? { pending: new Map(), newest: [], bytes: 0, reserved: 0 };
    this.queues.set(key, queue);
    const name = keyText(nonce);
    queue.pending.set(name, pending);
    if (queue.newest.length > 2 * queue.pending.size) queue.newest = [...queue.pending.keys()];
    else queue.newest.push(name);
    queue.bytes += bytes.length;
    queue.reserved += pending.cost;
    this.byDigest.set(pending.digest, pending);
    this.bytes += bytes.length;
  }

  remove(sender: Uint8Array, nonce: Uint8Array): Pending | undefined {
    return this.take(keyText(sender), keyText(nonce));
  }

  private take(key: string, nonce: string): Pending | undefined {
    const queue = this.queues.get(key);
    const found = queue?.pending.get(nonce);
    if (queue === undefined || found === undefined) return undefined;
    const { length } = found.parsed.transaction.bytes;
    queue.pending.delete(nonce);
    queue.bytes -= length;
    queue.reserved -= found.cost;
    this.byDigest.delete(found.digest);
    this.bytes -= length;
    // It has had a turn.
    this.queues.delete(key);
    if (queue.pending.size > 0) this.queues.set(key, queue);
    return found;
  }

  private hasRoom(sizeBytes: number): boolean {
    return this.room.transactions >= 1 && this.room.bytes >= sizeBytes;
  }

  /** A sender's part of what there may be: of the number or of the bytes, whichever is larger. */
  private share(transactions: number, bytes: number): number {
    return Math.max(transactions / this.limits.maxTransactions, bytes / this.limits.maxBytes);
  }

  /** Somebody else would still hold more than this sender with one more of this size. */
  private mayDisplace(key: string, sizeBytes: number): boolean {
    const own = this.queues.get(key);
    const wanted = this.share((own?.pending.size ?? 0) + 1, (own?.bytes ?? 0) + sizeBytes);
    const [largest, queue] = this.largest();
    return queue !== undefined && largest !== key && this.share(queue.pending.size, queue.bytes) > wanted;
  }

  private largest(): readonly [string, Queue] | readonly [] {
    let found: readonly [string, Queue] | readonly [] = [];
    let most = 0;
    for (const row of this.queues) {
      const share = this.share(row[1].pending.size, row[1].bytes);
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
