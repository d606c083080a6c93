// A validator stops and comes back with its vote record: the checkpoint and its own votes.

import { describe, expect, test } from 'vitest';
import {
  type Checkpoint,
  type ConsensusState,
  checkpoint,
  type Input,
  resume,
  type Vote,
  VoteRecordError,
} from './index.ts';
import {
  cast,
  expire,
  FOUR,
  feed,
  HEIGHT,
  hear,
  player,
  precommit,
  prevote,
  proposal,
  receive,
  start,
  timer,
  validator,
  votes,
} from './testing.ts';

const play = player(expect);

const isA = { round: 0, valueId: 'A' };
const polkaA = votes('prevote', [0, 1, 3], 0, 'A');
const locked = validator(3, [
  receive(proposal(0, 'A')),
  ...hear(prevote(3, 0, 'A'), ...votes('prevote', [0, 1], 0, 'A')),
]);
const ownA: Vote[] = [prevote(3, 0, 'A'), precommit(3, 0, 'A')];

function restart(state: ConsensusState, own: readonly Vote[], self: number | null = 3): ConsensusState {
  return resume(HEIGHT, FOUR, self, checkpoint(state), own);
}

const empty: Checkpoint = { round: 0, step: 'newRound', locked: null, valid: null, polka: [], entry: [] };

describe('the checkpoint', () => {
  test('holds round, step, lock, valid with its polka, and how the round was entered', () => {
    expect(checkpoint(locked)).toEqual({
      round: 0,
      step: 'precommit',
      locked: isA,
      valid: isA,
      polka: polkaA,
      entry: [],
    });
    const later = feed(locked, hear(prevote(0, 2, null), prevote(1, 2, null))).state;
    expect(checkpoint(later)).toMatchObject({ round: 2, step: 'propose', entry: votes('prevote', [0, 1], 2, null) });
    expect(checkpoint(validator(3, []))).toEqual({ ...empty, step: 'propose' });
  });

  test('survives a restart whole', () => {
    const later = feed(locked, hear(precommit(3, 0, 'A'), prevote(0, 2, null), prevote(1, 2, null))).state;
    expect(checkpoint(restart(later, ownA))).toEqual(checkpoint(later));
  });
});

describe('after a restart nothing is signed twice', () => {
  test('in step precommit: the lock holds, no vote is cast again, and late votes still decide', () => {
    play(restart(locked, ownA), [
      ['back', start, [], { round: 0, step: 'precommit', locked: isA, valid: isA }],
      ['a stale timer', expire('precommit', 0), [], { round: 0 }],
      ['our votes come back from a peer', hear(...ownA), [], {}],
      ['the proposal', receive(proposal(0, 'A')), [], { step: 'precommit' }],
      [
        'the others decide',
        hear(...votes('precommit', [0, 1], 0, 'A')),
        [{ kind: 'decide', ...isA, precommits: votes('precommit', [0, 1, 3], 0, 'A') }],
        { step: 'commit' },
      ],
    ]);
  });

  test('the locked value needs no proposal to be decided: its block is durable', () => {
    const { state } = feed(restart(locked, ownA), [start, ...hear(...votes('precommit', [0, 1], 0, 'A'))]);
    expect(state.decision).toEqual(isA);
  });

  test('the lock holds in later rounds (L23, L29)', () => {
    const inRoundOne = feed(restart(locked, ownA), [start, ...hear(prevote(0, 1, null), prevote(1, 1, null))]).state;
    play(inRoundOne, [['B', receive(proposal(1, 'B')), [cast('prevote', 1, null)], { locked: isA }]]);
  });

  test('in step prevote: no second prevote, and the timer comes back when a quorum is heard', () => {
    const voted = validator(3, [receive(proposal(0, 'A'))]);
    play(restart(voted, [prevote(3, 0, 'A')]), [
      ['back', start, [], { step: 'prevote' }],
      ['another proposal', receive(proposal(0, 'B')), [], { step: 'prevote' }],
      ['the propose timer', expire('propose', 0), [], { step: 'prevote' }],
      ['L34', hear(prevote(0, 0, 'A'), prevote(1, 0, null)), [timer('prevote', 0)], {}],
      ['L61', expire('prevote', 0), [cast('precommit', 0, null)], { step: 'precommit' }],
    ]);
  });

  test('own votes that come from the network only are not contradicted either', () => {
    const forgotten = validator(3, hear(prevote(3, 0, 'A')));
    play(forgotten, [['the timer', expire('propose', 0), [], { step: 'prevote' }]]);
  });
});

describe('after a restart nothing is left undone', () => {
  test('no record of this height: it starts like new', () => {
    play(resume(HEIGHT, FOUR, 3, empty, []), [['start', start, [timer('propose', 0)], { step: 'propose' }]]);
  });

  test('in step propose the timer runs again, and a proposer that had not signed asks again', () => {
    const proposing = resume(HEIGHT, FOUR, 0, { ...empty, step: 'propose' }, []);
    play(proposing, [['back', start, [timer('propose', 0), { kind: 'getValue', round: 0 }], { step: 'propose' }]]);
  });

  test('a proposer that had signed gets its proposal from the caller, and makes no other', () => {
    const proposing = resume(HEIGHT, FOUR, 0, { ...empty, step: 'propose' }, []);
    play(proposing, [
      ['its own proposal, first', receive(proposal(0, 'A')), [], { step: 'propose' }],
      ['a value before the start', { kind: 'value', round: 0, valueId: 'B' }, [], {}],
      ['back', start, [timer('propose', 0), cast('prevote', 0, 'A')], { step: 'prevote' }],
      ['a value', { kind: 'value', round: 0, valueId: 'B' }, [], {}],
    ]);
  });

  test('a proposer of a later round proposes what was valid, and can prove it', () => {
    const called = [start, ...hear(prevote(0, 3, null), prevote(1, 3, null))];
    play(restart(locked, ownA), [
      [
        'round 3 is ours',
        called,
        [timer('propose', 3), { kind: 'propose', round: 3, valueId: 'A', validRound: 0 }],
        { step: 'propose' },
      ],
      ['it comes back (L28)', receive(proposal(3, 'A', 0)), [cast('prevote', 3, 'A')], { step: 'prevote' }],
    ]);
  });

  test('the crash came between the two votes of one step: the precommit is cast now, for the lock or nil', () => {
    play(restart(locked, [prevote(3, 0, 'A')]), [['back', start, [cast('precommit', 0, 'A')], { step: 'precommit' }]]);
    const forNil = validator(3, [expire('propose', 0), ...hear(...votes('prevote', [0, 1, 2], 0, null))]);
    play(restart(forNil, [prevote(3, 0, null)]), [['back', start, [cast('precommit', 0, null)], {}]]);
  });

  test('a prevote that was never recorded becomes nil', () => {
    const voted = validator(3, [receive(proposal(0, 'A'))]);
    play(restart(voted, []), [['back', start, [cast('prevote', 0, null)], { step: 'prevote' }]]);
  });

  test('a decision that was not stored is made again', () => {
    const decided = feed(locked, hear(precommit(3, 0, 'A'), ...votes('precommit', [0, 1], 0, 'A'))).state;
    play(restart(decided, ownA), [
      ['back', start, [], { step: 'precommit', decision: null }],
      [
        'heard again',
        hear(...votes('precommit', [0, 1], 0, 'A')),
        [{ kind: 'decide', ...isA, precommits: votes('precommit', [0, 1, 3], 0, 'A') }],
        { step: 'commit' },
      ],
    ]);
  });

  test('the polka counts although its equivocator is heard with another vote first', () => {
    const liar: Input[] = hear(prevote(1, 0, null));
    const called = hear(...votes('prevote', [0, 2], 1, null));
    const back = feed(restart(locked, ownA), [start, ...liar, ...called, receive(proposal(1, 'A', 0))]);
    expect(back.outputs).toContainEqual(cast('prevote', 1, 'A'));
  });
});

describe('a record that does not fit is refused', () => {
  const refuse = (recorded: Checkpoint, own: readonly Vote[], why: RegExp, self: number | null = 3) => {
    expect(() => resume(HEIGHT, FOUR, self, recorded, own)).toThrow(VoteRecordError);
    expect(() => resume(HEIGHT, FOUR, self, recorded, own)).toThrow(why);
  };
  const atPrecommit: Checkpoint = { ...empty, step: 'precommit' };

  test('votes of another height or validator, or of an observer', () => {
    refuse(atPrecommit, [prevote(3, 0, 'A', 0, 9)], /height 9/);
    refuse(atPrecommit, [prevote(2, 0, 'A')], /validator 2/);
    refuse(atPrecommit, [prevote(3, 0, 'A')], /validator null/, null);
  });

  test('votes later than the checkpoint', () => {
    refuse(atPrecommit, [prevote(3, 1, null)], /later than its checkpoint/);
    refuse({ ...empty, step: 'prevote' }, [precommit(3, 0, null)], /later than its checkpoint/);
  });

  test('a precommit whose lock is missing', () => {
    refuse(atPrecommit, ownA, /holds no such lock/);
    refuse({ ...atPrecommit, locked: { round: 0, valueId: 'B' } }, ownA, /holds no such lock/);
    const later: Checkpoint = { ...atPrecommit, round: 2, locked: { round: 1, valueId: 'B' } };
    expect(resume(HEIGHT, FOUR, 3, later, ownA).locked, 'a later lock is fine').toEqual({ round: 1, valueId: 'B' });
  });

  test('two different own votes in one slot', () => {
    refuse(atPrecommit, [prevote(3, 0, 'A'), prevote(3, 0, 'B', 1)], /two different own prevotes/);
  });
});
