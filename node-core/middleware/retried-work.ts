/** Work beside the chain that goes on until it is stopped: what fails is begun again after a while, later each time. */
import type { Clock } from '../ports/clock.ts';
import { StopSignal } from './stop-signal.ts';

const LAST_RETRY_MS = 30_000;

export interface RetriedWorkParts {
  readonly clock: Clock;
  readonly firstRetryMs: number;
  /** Returns when the signal is aborted. */
  work(signal: StopSignal): Promise<void>;
  /** Says so; it begins again after `waitMs`. */
  failed(error: unknown, waitMs: number): void;
  /** After the wait. */
  beforeRetry?(error: unknown): Promise<void>;
}

export class RetriedWork {
  private readonly parts: RetriedWorkParts;
  private readonly signal = new StopSignal();
  private running: Promise<void> | null = null;
  private failed = 0;
  private retryMs: number;

  constructor(parts: RetriedWorkParts) {
    this.parts = parts;
    this.retryMs = parts.firstRetryMs;
  }

  get failures(): number {
    return this.failed;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Resolves when nothing is done any more. */
  async stop(): Promise<void> {
    this.signal.stop();
    await this.running;
  }

  /** It goes on: the next failure is the first one. */
  succeeded(): void {
    this.retryMs = this.parts.firstRetryMs;
  }

  private async run(): Promise<void> {
    while (!this.signal.aborted) {
      try {
        await this.parts.work(this.signal);
      } catch (error) {
        if (!this.signal.aborted) await this.recover(error);
      }
    }
  }

  private async recover(error: unknown): Promise<void> {
    const waitMs = this.retryMs;
    this.failed += 1;
    this.retryMs = Math.min(2 * waitMs, LAST_RETRY_MS);
    this.parts.failed(error, waitMs);
    await this.signal.pause(this.parts.clock, waitMs);
    await this.parts.beforeRetry?.(error);
  }
}
