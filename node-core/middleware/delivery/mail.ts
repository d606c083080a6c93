/** What others have for whoever delivers next, and what follows from it. Pure functions of what stands in the store. */
import type { Mail, Shared } from '../../ports/shared-subscription-store.ts';
import type { Position, Progress } from '../../ports/subscription-store.ts';
import { after, comparePositions, endOf, startOf } from '../events/position.ts';

/**
 * Where deliveries begin that are to begin at a place, or with what comes after a height.
 * @param height of the chain as far as whoever asks has seen it: what has become final since is read from there.
 */
export function placedAt(from: Position | null, height: number): Pick<Progress, 'cursor' | 'from'> {
  return from === null || from[0] > height
    ? { cursor: endOf(height), from: startOf(height + 1) }
    : { cursor: null, from };
}

/** The progress as it is once the mail is read. */
export function withMail(progress: Progress, { wake, set, accepted }: Mail, nowMs: number): Progress {
  const woken: Progress = { ...progress, from: progress.from ?? (wake && afterCursor(wake, progress.cursor)), ...set };
  if (!accepted) return woken;
  const { failing } = woken;
  return { ...woken, proven: true, failing: failing && { ...failing, nextMs: Math.min(failing.nextMs, nowMs) } };
}

/** What has been read already has been delivered up to the cursor. */
function afterCursor(wake: Position, cursor: Position | null): Position {
  return cursor !== null && comparePositions(wake, cursor) <= 0 ? after(cursor) : wake;
}

/** Whether something can be done for it now, by somebody who does not have it yet. */
export function isDue({ progress, mail, leasedUntilMs }: Shared, nowMs: number): boolean {
  if (leasedUntilMs > nowMs) return false;
  return Object.keys(mail.set).length > 0 || mail.accepted || canSend(withMail(progress, mail, nowMs), nowMs);
}

/** Whether something undelivered may be sent now. */
export function canSend({ from, replay, failing, disabled }: Progress, nowMs: number): boolean {
  return disabled === null && (failing?.nextMs ?? 0) <= nowMs && (from !== null || replay !== null);
}
