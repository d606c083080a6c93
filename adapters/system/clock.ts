import type { Clock } from '../../node-core/ports/clock.ts';

/** setTimeout takes at most this; beyond it fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** The clock of the machine. Its timers keep the process alive until they have run or are cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, action) {
    if (!(delayMs <= LONGEST_MS)) throw new RangeError(`cannot schedule ${delayMs} ms ahead`);
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};
