/** What a request that costs more than others counts as. */
import type { ApiEnv } from '../parts.ts';
import { ProblemError } from '../problem.ts';

/** Blocks that a request may have the node read and decode; each further so many count as a request more. */
export const BLOCKS_PER_REQUEST = 16;

/** The further requests that so many things count as. */
export function furtherRequests(count: number, perRequest: number): number {
  return Math.max(0, Math.ceil(count / perRequest) - 1);
}

/** Takes them from what the client may make. @param what the things, for people. @throws {ProblemError} TOO_MANY_REQUESTS */
export function chargeFor(
  charge: ApiEnv['Variables']['charge'],
  count: number,
  perRequest: number,
  what: string,
): void {
  const requests = furtherRequests(count, perRequest);
  if (requests > 0 && charge?.(requests) === false)
    throw new ProblemError('TOO_MANY_REQUESTS', { detail: `${count} ${what} count as ${requests + 1} requests` });
}
