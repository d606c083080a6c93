/**
 * Pending transactions, in order of arrival, with limits. Each was decoded once and its signature checked once; a
 * proposal that holds the same bytes uses what is here.
 */
import { type Refusal, refusal } from '../chain/codes.ts';
import type { ParsedTransaction } from '../ledger/admission.ts';
import { keyText } from '../ledger/state.ts';

export interface MempoolLimits {
  readonly maxTransactions: number;
  readonly maxBytes: number;
}

export const DEFAULT_MEMPOOL_LIMITS: MempoolLimits = { maxTransactions: 20_000, maxBytes: 64 << 20 };

export interface Pending {
  readonly parsed: ParsedTransaction;
  /** SHA-256 of the exact bytes, in hexadecimal. */
  readonly digest: string;
  readonly cost: number;
  /** Local time of arrival, ms. */
  readonly arrivedMs: number;
}

/** (sender, nonce) as a map key. */
export function identityOf(sender: Uint8Array, nonce: Uint8Array): string {
  return keyText(sender) + keyText(nonce);
}

export class Mempool {
  private readonly limits: MempoolLimits;
  private readonly pending = new Map<string, Pending>();
  private readonly byDigest = new Map<string, Pending>();
  private readonly reserved = new Map<string, number>();
  private bytes = 0;

  constructor(limits: MempoolLimits = DEFAULT_MEMPOOL_LIMITS) {
    this.limits = limits;
  }

  get size(): number {
    return this.pending.size;
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  get(sender: Uint8Array, nonce: Uint8Array): Pending | undefined {
    return this.pending.get(identityOf(sender, nonce));
  }

  /** The pending transaction with exactly the bytes of this digest. */
  find(digest: string): Pending | undefined {
    return this.byDigest.get(digest);
  }

  /** Points that the pending transactions of a sender will take. */
  reservedBy(sender: Uint8Array): number {
    return this.reserved.get(keyText(sender)) ?? 0;
  }

  /** Whether one more of this size fits; the reason is the same for every sender. */
  room(sizeBytes: number): Refusal | null {
    const { maxTransactions, maxBytes } = this.limits;
    if (this.pending.size >= maxTransactions) return refusal('MEMPOOL_FULL', `${maxTransactions} transactions`);
    return this.bytes + sizeBytes > maxBytes ? refusal('MEMPOOL_FULL', `${maxBytes} bytes`) : null;
  }

  add(pending: Pending): void {
    const { sender, nonce, bytes } = pending.parsed.transaction;
    this.pending.set(identityOf(sender, nonce), pending);
    this.byDigest.set(pending.digest, pending);
    this.bytes += bytes.length;
    this.reserve(sender, pending.cost);
  }

  remove(sender: Uint8Array, nonce: Uint8Array): Pending | undefined {
    const identity = identityOf(sender, nonce);
    const found = this.pending.get(identity);
    if (found === undefined) return undefined;
    this.pending.delete(identity);
    this.byDigest.delete(found.digest);
    this.bytes -= found.parsed.transaction.bytes.length;
    this.reserve(sender, -found.cost);
    return found;
  }

  private reserve(sender: Uint8Array, points: number): void {
    const key = keyText(sender);
    const total = (this.reserved.get(key) ?? 0) + points;
    if (total > 0) this.reserved.set(key, total);
    else this.reserved.delete(key);
  }

  /** In order of arrival. */
  all(): Iterable<Pending> {
    return this.pending.values();
  }
}
