// For the tests of this room: messages in few words, and scripts that read as a table of input, output and state.

import {
  type ConsensusState,
  type Input,
  initial,
  type Output,
  type Proposal,
  step,
  type TimeoutStep,
  type Vote,
  type VoteType,
} from './index.ts';

/** Four validators of power 1; at height 4 the proposer of round r is validator r mod 4. */
export const FOUR = [{ power: 1 }, { power: 1 }, { power: 1 }, { power: 1 }];
export const HEIGHT = 4;

export function vote(
  type: VoteType,
  validator: number,
  round: number,
  valueId: string | null,
  key: 0 | 1 = 0,
  height = HEIGHT,
): Vote {
  const signature = Uint8Array.of(validator, round % 256, key);
  return { type, height, round, valueId, validator, key, signature };
}

export const prevote = vote.bind(null, 'prevote');
export const precommit = vote.bind(null, 'precommit');

/** Votes of several validators for one value. */
export function votes(type: VoteType, validators: readonly number[], round: number, valueId: string | null): Vote[] {
  return validators.map((validator) => vote(type, validator, round, valueId));
}

export function proposal(round: number, valueId: string, validRound = -1): Proposal {
  return { height: HEIGHT, round, valueId, validRound, proposer: round % 4 };
}

export const start: Input = { kind: 'start' };

export function hear(...heard: readonly Vote[]): Input[] {
  return heard.map((one) => ({ kind: 'vote', vote: one }));
}

export function together(...heard: readonly Vote[]): Input {
  return { kind: 'votes', votes: heard };
}

export function receive(received: Proposal, verdict: { valid?: boolean; timely?: boolean } = {}): Input {
  return { kind: 'proposal', proposal: received, valid: verdict.valid ?? true, timely: verdict.timely ?? true };
}

export function expire(timeoutStep: TimeoutStep, round: number): Input {
  return { kind: 'timeout', step: timeoutStep, round };
}

export function cast(type: VoteType, round: number, valueId: string | null): Output {
  return { kind: 'vote', type, round, valueId };
}

export function timer(timeoutStep: TimeoutStep, round: number): Output {
  return { kind: 'scheduleTimeout', step: timeoutStep, round };
}

/** What happens, the input or inputs, what comes out, and what is then true of the state. */
export type Line = readonly [string, Input | readonly Input[], readonly Output[], Partial<ConsensusState>];

/** The two matchers of vitest's `expect` that a script needs; a pure room imports no test library. */
export type Expect = (
  actual: unknown,
  message: string,
) => { toEqual(expected: unknown): void; toMatchObject(expected: object): void };

/** Makes a player of scripts: it feeds each line to the core, checks it, and returns the last state. */
export function player(expect: Expect): (from: ConsensusState, script: readonly Line[]) => ConsensusState {
  return (from, script) => {
    let state = from;
    for (const [what, input, outputs, expected] of script) {
      const made = feed(state, input);
      expect(made.outputs, what).toEqual(outputs);
      expect(made.state, what).toMatchObject(expected);
      state = made.state;
    }
    return state;
  };
}

export function feed(
  from: ConsensusState,
  input: Input | readonly Input[],
): { state: ConsensusState; outputs: Output[] } {
  let state = from;
  const outputs: Output[] = [];
  for (const one of [input].flat()) {
    const made = step(state, one);
    state = made.state;
    outputs.push(...made.outputs);
  }
  return { state, outputs };
}

/** A validator (3 unless told) that has started the height and takes in some inputs first. */
export function validator(self: number | null = 3, before: readonly Input[] = []): ConsensusState {
  return feed(initial(HEIGHT, FOUR, self), [start, ...before]).state;
}
