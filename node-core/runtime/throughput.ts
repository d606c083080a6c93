/** How fast transactions become final, to tell those who are turned away when it is worth coming back. */
import type { Clock } from '../ports/clock.ts';

/** What was longer ago counts for little: the weight of a second ago is halved after this long. */
const HALF_LIFE_MS = 5_000;
const MAX_SECONDS = 60;

export class Throughput {
  private readonly clock: Clock;
  private lastMs: number | null = null;
  private perMs = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** A block with so many transactions is final. */
  committed(transactions: number): void {
    const now = this.clock.now();
    const elapsed = this.lastMs === null ? 0 : now - this.lastMs;
    this.lastMs = now;
    if (elapsed <= 0) return;
    const kept = 0.5 ** (elapsed / HALF_LIFE_MS);
    this.perMs = kept * this.perMs + (1 - kept) * (transactions / elapsed);
  }

  /** Whole seconds that so many take at this rate: at least 1, at most 60, also where nothing has moved yet. */
  secondsFor(transactions: number): number {
    const seconds = transactions === 0 ? 1 : Math.ceil(transactions / this.perMs / 1_000);
    return Math.min(MAX_SECONDS, Math.max(1, seconds));
  }
}
