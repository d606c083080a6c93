// How long to wait, and what is timely. The runtime owns the clock; these are the rules it measures by.

import type { TimeoutStep } from './types.ts';

export interface TimeoutParameters {
  /** How long round 0 waits for a proposal, once there is something to propose. */
  readonly timeoutProposeMs: number;
  /** How long round 0 waits after a quorum of prevotes, and of precommits, that agree on nothing. */
  readonly timeoutVoteMs: number;
  /** What each further round adds, so that some round is long enough for any network. */
  readonly timeoutDeltaMs: number;
}

export interface TimelinessParameters {
  /** By how much the clocks of correct validators may differ. */
  readonly precisionMs: number;
  /** How long a proposal may take in round 0. */
  readonly delayMs: number;
}

/** The delay stops to grow here (x 13,780): a day already at 7 s, and still an exact number. */
const LAST_GROWING_ROUND = 100;

/** timeoutPropose(r), timeoutPrevote(r), timeoutPrecommit(r): initial + delta x round. */
export function timeoutMs(parameters: TimeoutParameters, step: TimeoutStep, round: number): number {
  const initialMs = step === 'propose' ? parameters.timeoutProposeMs : parameters.timeoutVoteMs;
  return initialMs + parameters.timeoutDeltaMs * round;
}

/** The delay allowed in a round: 10 % more in each, rounded down, so that a wrong parameter cannot stop a chain. */
export function delayMs({ delayMs: initialMs }: TimelinessParameters, round: number): number {
  let delay = initialMs;
  for (let grown = 0; grown < Math.min(round, LAST_GROWING_ROUND); grown += 1) delay += Math.floor(delay / 10);
  return delay;
}

/** Whether a fresh proposal was received within [time - precision, time + delay(round) + precision]. */
export function isTimely(
  parameters: TimelinessParameters,
  round: number,
  proposalTimeMs: number,
  receivedTimeMs: number,
): boolean {
  const late = receivedTimeMs - proposalTimeMs;
  return late >= -parameters.precisionMs && late <= delayMs(parameters, round) + parameters.precisionMs;
}
