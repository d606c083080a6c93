import { FRAME_HEAD_BYTES, type Frame, LAST_PART, PART } from './frames.ts';

/** Long messages leave in parts of this size, so that an urgent one need not wait for the whole. */
const PART_BYTES = 64 * 1024;

/** What all connections of a transport may hold together. */
export interface QueueBudget {
  readonly maxBytes: number;
  usedBytes: number;
}

/**
 * What waits to be written to one peer. Urgent messages go first; each kind keeps its order. Counted are the bytes that
 * were pushed and not {@link SendQueue.written} yet.
 */
export class SendQueue {
  readonly #maxBytes: number;
  readonly #budget: QueueBudget;
  #urgent: Uint8Array[] = [];
  #others: Uint8Array[] = [];
  /** How much of the first of the others has been taken. */
  #taken = 0;
  #bytes = 0;

  constructor(maxBytes: number, budget: QueueBudget) {
    this.#maxBytes = maxBytes;
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False when it does not fit. For urgent messages there is room again where others have filled the queue. */
  push(message: Uint8Array, isUrgent: boolean): boolean {
    const size = FRAME_HEAD_BYTES + message.length;
    const times = isUrgent ? 2 : 1;
    if (this.#bytes + size > times * this.#maxBytes) return false;
    if (this.#budget.usedBytes + size > times * this.#budget.maxBytes) return false;
    this.#count(size);
    (isUrgent ? this.#urgent : this.#others).push(message);
    return true;
  }

  /** Frames to write next, until there are `enoughBytes`, and what to call {@link written} with when they are. */
  take(enoughBytes: number): { readonly frames: readonly Frame[]; readonly bytes: number } {
    const frames: Frame[] = [];
    let bytes = 0;
    let urgent = 0;
    for (; urgent < this.#urgent.length && bytes < enoughBytes; urgent++) {
      const message = this.#urgent[urgent]!;
      frames.push({ head: message.length, bytes: message });
      bytes += FRAME_HEAD_BYTES + message.length;
    }
    this.#urgent = rest(this.#urgent, urgent);
    let others = 0;
    while (others < this.#others.length && bytes < enoughBytes) {
      const message = this.#others[others]!;
      const part = message.subarray(this.#taken, this.#taken + PART_BYTES);
      this.#taken += part.length;
      const isLast = this.#taken === message.length;
      const isPart = message.length > PART_BYTES;
      frames.push({ head: part.length + (isPart ? PART + (isLast ? LAST_PART : 0) : 0), bytes: part });
      bytes += part.length + (isLast ? FRAME_HEAD_BYTES : 0);
      if (!isLast) continue;
      others++;
      this.#taken = 0;
    }
    this.#others = rest(this.#others, others);
    return { frames, bytes };
  }

  written(bytes: number): void {
    this.#count(-bytes);
  }

  clear(): void {
    this.#urgent = [];
    this.#others = [];
    this.#taken = 0;
    this.#count(-this.#bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.usedBytes += bytes;
  }
}

function rest<T>(items: T[], taken: number): T[] {
  return taken === items.length ? [] : items.slice(taken);
}
