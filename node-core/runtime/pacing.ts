/**
 * When round 0 begins in earnest: as soon as there is something to pack and the minimum interval has passed, at the
 * latest after the block interval. Until then neither a proposal nor a propose timer, so that idle rounds do not churn.
 */
import type { Parameters } from '../chain/parameters.ts';
import type { Clock } from '../ports/clock.ts';

export class Pacing {
  private readonly clock: Clock;
  private readonly parameters: Parameters;
  private cancel: (() => void) | null = null;
  private waiting: (() => void) | null = null;
  private parentTimeMs = 0;
  private hasWork: () => boolean = () => false;

  constructor(clock: Clock, parameters: Parameters) {
    this.clock = clock;
    this.parameters = parameters;
  }

  /** Calls `begin` once, when round 0 of the block after `parentTimeMs` begins. */
  wait(parentTimeMs: number, hasWork: () => boolean, begin: () => void): void {
    this.stop();
    this.parentTimeMs = parentTimeMs;
    this.hasWork = hasWork;
    this.waiting = begin;
    this.look();
  }

  /** Something to pack has come. */
  look(): void {
    if (this.waiting === null) return;
    this.cancel?.();
    this.cancel = null;
    const { minBlockIntervalMs, blockIntervalMs } = this.parameters;
    const interval = this.hasWork() ? minBlockIntervalMs : blockIntervalMs;
    const delay = this.parentTimeMs + interval - this.clock.now();
    if (delay <= 0) {
      const begin = this.waiting;
      this.waiting = null;
      begin();
      return;
    }
    // A parent far in the future (a proposer's clock was ahead) is no reason to sleep for long without a look.
    this.cancel = this.clock.schedule(Math.min(delay, blockIntervalMs), () => this.look());
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
    this.waiting = null;
  }
}
