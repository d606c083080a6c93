/**
 * Passes on the transactions that came in here: at once, gathered per turn into few messages, and again while they are
 * pending, because a lost message must not lose a transaction.
 */
import type { Clock } from '../ports/clock.ts';
import type { Mempool, Pending } from './mempool.ts';
import { encodeMessage } from './messages.ts';

/** A transaction that is still pending after this long is sent again, and then after as long again. */
const SEND_AGAIN_MS = 3_000;
/** Most transactions that are sent again in one tick. */
const MAX_SENT_AGAIN = 500;
const MAX_MESSAGE_BYTES = 1 << 20;
const MAX_TRANSACTIONS_PER_MESSAGE = 10_000;

export class Relay {
  private readonly clock: Clock;
  private readonly mempool: Mempool;
  private readonly send: (message: Uint8Array) => void;
  private outbox: Uint8Array[] = [];
  private cancel: (() => void) | null = null;
  /** When each was last sent, by digest; those that are no longer pending go with the next tick. */
  private readonly sentMs = new Map<string, number>();

  constructor(clock: Clock, mempool: Mempool, send: (message: Uint8Array) => void) {
    this.clock = clock;
    this.mempool = mempool;
    this.send = send;
  }

  forward(transactions: readonly Pending[]): void {
    const now = this.clock.now();
    for (const { digest, parsed } of transactions) {
      this.sentMs.set(digest, now);
      this.outbox.push(parsed.transaction.bytes);
    }
    if (this.outbox.length > 0) this.cancel ??= this.clock.schedule(0, () => this.flush());
  }

  private flush(): void {
    this.cancel = null;
    let part: Uint8Array[] = [];
    let size = 0;
    for (const bytes of this.outbox.splice(0)) {
      if (part.length >= MAX_TRANSACTIONS_PER_MESSAGE || (part.length > 0 && size + bytes.length > MAX_MESSAGE_BYTES)) {
        this.send(encodeMessage(['transactions', part]));
        part = [];
        size = 0;
      }
      part.push(bytes);
      size += bytes.length;
    }
    if (part.length > 0) this.send(encodeMessage(['transactions', part]));
  }

  sendAgain(): void {
    const now = this.clock.now();
    const again: Pending[] = [];
    for (const [digest, sentMs] of this.sentMs) {
      const pending = this.mempool.find(digest);
      if (pending === undefined) this.sentMs.delete(digest);
      else if (now - sentMs >= SEND_AGAIN_MS && again.length < MAX_SENT_AGAIN) again.push(pending);
    }
    this.forward(again);
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
    this.outbox = [];
  }
}
