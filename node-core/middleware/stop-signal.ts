/** Ends what waits: an AbortSignal as far as the middleware needs one, in rooms that have no host. */
import type { AbortLike } from '../ports/block-feed.ts';

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

  /** May be called again. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    for (const listener of [...this.listeners]) listener();
    this.listeners.clear();
  }
}
