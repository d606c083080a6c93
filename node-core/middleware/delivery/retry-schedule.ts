/** When a delivery that failed is tried again: the example schedule of Standard Webhooks 1.0.0, with jitter. */

/** Delays after the first, second … failed attempt, in seconds: ten attempts within 75 h 35 min. */
export const RETRY_DELAYS_SECONDS: readonly number[] = [
  5,
  5 * 60,
  30 * 60,
  2 * 3_600,
  5 * 3_600,
  10 * 3_600,
  14 * 3_600,
  20 * 3_600,
  24 * 3_600,
];

/** Only ever later, so that an endpoint that was away for three days still meets the last attempt. */
const JITTER = 0.1;
const LONGEST_RETRY_AFTER_SECONDS = 24 * 3_600;

/**
 * @param attempts how many have failed in a row, at least 1.
 * @param retryAfterSeconds what the endpoint has asked for: waited for when it is longer, up to a day.
 * @param chance at least 0, less than 1.
 * @returns ms to wait, or null when the endpoint has failed at every attempt.
 */
export function retryDelayMs(attempts: number, retryAfterSeconds: number, chance: number): number | null {
  const seconds = RETRY_DELAYS_SECONDS[attempts - 1];
  if (seconds === undefined) return null;
  const asked = Math.min(retryAfterSeconds, LONGEST_RETRY_AFTER_SECONDS);
  return Math.round(Math.max(seconds, asked) * (1 + JITTER * chance) * 1_000);
}
