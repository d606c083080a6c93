/**
 * How long the proposer of a round is waited for. A proposal is taken from its proposer alone, and only one that has
 * the block before can make it: without a connection to it, or while it is still catching up, there is little to wait
 * for. All this shortens is a timer; safety does not rest on timers.
 */
import { toHex } from '../codec/bytes.ts';
import type { Clock } from '../ports/clock.ts';

/** How much sooner a round without its proposer is given up; reconnecting takes some 100 ms. */
const AWAY_DIVISOR = 5;
/** Between validators in step this is the usual: the one that decides last is the next proposer as often as any. */
const BLOCKS_BEHIND_IN_STEP = 1;

export class Patience {
  private readonly clock: Clock;
  private readonly heightOf: (validator: number) => number | null;
  private readonly startedMs: number;
  /** When the last connection to a validator was lost, by its account: places in the set change. */
  private readonly lostMs = new Map<string, number>();

  /** @param heightOf the height that a validator says it is at; null when it is not connected. */
  constructor(clock: Clock, heightOf: (validator: number) => number | null) {
    this.clock = clock;
    this.heightOf = heightOf;
    this.startedMs = clock.now();
  }

  lost(id: Uint8Array): void {
    this.lostMs.set(toHex(id), this.clock.now());
  }

  /**
   * The propose timer for a proposer of `height`. The time that it has been without a connection already counts: who
   * has been dead for long is not waited for at each of its turns.
   */
  delayMs(proposer: { readonly id: Uint8Array; readonly index: number }, height: number, fullMs: number): number {
    const shortMs = Math.ceil(fullMs / AWAY_DIVISOR);
    const itsHeight = this.heightOf(proposer.index);
    if (itsHeight !== null) return itsHeight + 1 + BLOCKS_BEHIND_IN_STEP >= height ? fullMs : shortMs;
    const awayMs = this.clock.now() - (this.lostMs.get(toHex(proposer.id)) ?? this.startedMs);
    // A clock that was set back has it go away in the future.
    return awayMs < 0 ? shortMs : Math.max(0, shortMs - awayMs);
  }
}
