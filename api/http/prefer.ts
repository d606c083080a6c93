/** `Prefer: wait=10` (RFC 7240 §4.3). */
import { MAX_WAIT_SECONDS } from '../limits.ts';

/**
 * Seconds that the client is willing to wait, 1 to 30; longer wishes become 30. null when it did not ask, or not in
 * the form of the RFC: what a server does not understand of this field it ignores (RFC 7240 §2).
 */
export function waitSeconds(prefer: string | undefined): number | null {
  for (const preference of prefer?.split(',') ?? []) {
    const match = /^\s*wait\s*=\s*"?([0-9]{1,9})"?\s*(;.*)?$/i.exec(preference);
    // The first of several counts (RFC 7240 §2).
    if (match !== null) return Number(match[1]) >= 1 ? Math.min(Number(match[1]), MAX_WAIT_SECONDS) : null;
  }
  return null;
}
