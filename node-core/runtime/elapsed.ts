/**
 * Whether `forMs` have passed since `sinceMs`, by a clock that may be set. A moment that is yet to come was noted before
 * the clock was set back: it counts as passed, or a node would be deaf for as long as its clock had been ahead.
 */
export function hasPassed(nowMs: number, sinceMs: number, forMs: number): boolean {
  return nowMs < sinceMs || nowMs - sinceMs >= forMs;
}
