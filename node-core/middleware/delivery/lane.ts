/**
 * The way of one subscription through the chain: a place to read on from, and a window of events that have been read and
 * not all been delivered. What is before the window has been delivered; what is behind it is still in the chain alone.
 */
import type { Position } from '../../ports/subscription-store.ts';
import type { Event } from '../events/event.ts';

/** Events read ahead of the oldest one that is undelivered. */
export const WINDOW = 32;

export interface Entry {
  readonly event: Event;
  state: 'waiting' | 'sending' | 'done';
}

export class Lane {
  /** Where to read on; null: there is nothing more for now. */
  from: Position | null;
  isReading = false;
  private window: Entry[] = [];
  /** Counts what has been given up: a reading that began before is not taken. */
  private life = 0;

  constructor(from: Position | null) {
    this.from = from;
  }

  /** The first place that may hold something undelivered; null when nothing is left. */
  get undelivered(): Position | null {
    return this.window[0]?.event.position ?? this.from;
  }

  get room(): number {
    return WINDOW - this.window.length;
  }

  get token(): number {
    return this.life;
  }

  /** @param token of when the reading began. */
  take(token: number, events: readonly Event[], from: Position | null): void {
    if (token !== this.life) return;
    this.window.push(...events.map((event) => ({ event, state: 'waiting' as const })));
    this.from = from;
  }

  /** The first that waits and has none about the same subject before it that is undelivered. */
  next(): Entry | undefined {
    const held = new Set<string>();
    for (const entry of this.window) {
      const { subject } = entry.event;
      if (entry.state === 'waiting' && (subject === null || !held.has(subject))) return entry;
      if (entry.state !== 'done' && subject !== null) held.add(subject);
    }
    return undefined;
  }

  /** @returns the position up to which everything has been delivered now, when it has moved. */
  done(entry: Entry): Position | null {
    if (!this.window.includes(entry)) return null;
    entry.state = 'done';
    let reached: Position | null = null;
    while (this.window[0]?.state === 'done') reached = this.window.shift()!.event.position;
    return reached;
  }

  /** Goes on from elsewhere: from `from`, or from the oldest undelivered event. What is under way counts no more. */
  restart(from = this.undelivered): void {
    this.from = from;
    this.window = [];
    this.life += 1;
  }
}
