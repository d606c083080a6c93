/** Ends what waits: an AbortSignal as far as the middleware needs one, in rooms that have no host. */
import type { AbortLike } from '../ports/block-feed.ts';
import type { Clock } from '../ports/clock.ts';

export class StopSignal implements AbortLike {
  private readonly listeners = new Set<() => void>();
  private stopped = false;

  get aborted(): boolean {
    return this.stopped;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }

  /** Resolves after so long, or at once when it is stopped meanwhile. */
  pause(clock: Clock, delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.removeEventListener('abort', end);
        resolve();
      };
      const cancel = clock.schedule(delayMs, end);
      this.addEventListener('abort', end);
    });
  }

  /** May be called again. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    for (const listener of [...this.listeners]) listener();
    this.listeners.clear();
  }
}
