// The vote keeper and the proposal keeper: what counts, what is reported, what is kept, and for how long.

import { describe, expect, test } from 'vitest';
import { type ConsensusState, commitVotes, type Input, polka, votesToResend } from './index.ts';
import { KEPT_PROPOSALS } from './proposals.ts';
import {
  cast,
  expire,
  feed,
  hear,
  player,
  precommit,
  prevote,
  proposal,
  receive,
  timer,
  together,
  validator,
  votes,
} from './testing.ts';
import { allVotesOf, KEPT_FUTURE_ROUNDS } from './votes.ts';

const play = player(expect);

describe('equivocation', () => {
  test('two values in one slot are output once; the first one counts', () => {
    const first = prevote(0, 0, 'A');
    play(validator(3, hear(first)), [
      ['the same again', hear(first), [], {}],
      ['another value', hear(prevote(0, 0, 'B')), [{ kind: 'equivocation', first, second: prevote(0, 0, 'B') }], {}],
      ['and again', hear(prevote(0, 0, 'B')), [], {}],
      ['and nil', hear(prevote(0, 0, null)), [], {}],
    ]);
  });

  test('nil and a value are two values', () => {
    const [first, second] = [precommit(1, 0, null), precommit(1, 0, 'A')];
    play(validator(3, hear(first)), [['a value', hear(second), [{ kind: 'equivocation', first, second }], {}]]);
  });

  test('the standby key cannot vote for something else, and adds no power', () => {
    const [first, second] = [prevote(0, 0, 'A', 0), prevote(0, 0, 'B', 1)];
    play(validator(3, [receive(proposal(0, 'A')), ...hear(prevote(3, 0, 'A'), first)]), [
      ['A with the standby key is a duplicate, no third vote', hear(prevote(0, 0, 'A', 1)), [], { step: 'prevote' }],
      ['B with the standby key', hear(second), [{ kind: 'equivocation', first, second }], { step: 'prevote' }],
    ]);
  });

  test('another type, round or validator is no equivocation', () => {
    const state = validator(3, hear(prevote(0, 0, 'A')));
    play(state, [['three other slots', hear(precommit(0, 0, null), prevote(0, 1, 'B'), prevote(1, 0, 'B')), [], {}]]);
  });

  test('it is reported after the decision as well', () => {
    const decided = validator(3, [receive(proposal(0, 'A')), ...hear(...votes('precommit', [0, 1, 2], 0, 'A'))]);
    const [first, second] = [precommit(1, 0, 'A'), precommit(1, 0, 'B')];
    play(decided, [['B', hear(second), [{ kind: 'equivocation', first, second }], { step: 'commit' }]]);
  });
});

describe('a certificate', () => {
  // Validator 0 tells us nil, tells the others A, and tells us A too while that is of no use to us.
  const lied = hear(prevote(0, 0, null), prevote(0, 0, 'A'));
  const heardTheOther = [receive(proposal(0, 'A')), ...hear(prevote(3, 0, 'A')), ...lied];
  const isLocked = { locked: { round: 0, valueId: 'A' } };

  test('a quorum that arrives together counts, whatever an equivocator told us before', () => {
    play(validator(3, heardTheOther), [
      ['one by one it is no polka', hear(prevote(1, 0, 'A')), [timer('prevote', 0)], { step: 'prevote' }],
      ['together it is', together(...votes('prevote', [0, 1, 3], 0, 'A')), [cast('precommit', 0, 'A')], isLocked],
    ]);
  });

  test('a second vote that makes a quorum with those that count is enough', () => {
    play(validator(3, [...heardTheOther, ...hear(prevote(1, 0, 'A'))]), [
      ['the equivocator once more', hear(prevote(0, 0, 'A')), [cast('precommit', 0, 'A')], isLocked],
    ]);
  });

  test('a polka that travels with a proposal lets us accept the value (L28)', () => {
    const nextRound = hear(...votes('prevote', [1, 2], 1, null));
    play(validator(3, [...lied, ...nextRound, receive(proposal(1, 'A', 0))]), [
      ['one by one', hear(prevote(1, 0, 'A'), prevote(2, 0, 'A')), [], { step: 'propose' }],
      ['together', together(...votes('prevote', [0, 1, 2], 0, 'A')), [cast('prevote', 1, 'A')], { step: 'prevote' }],
    ]);
  });

  test('less than a quorum, one validator several times, or mixed votes are no certificate', () => {
    const none = [
      [together(...votes('prevote', [0, 3], 0, 'A')), []],
      [together(...votes('prevote', [0, 0, 0, 3], 0, 'A')), []],
      // Who is in round 1 has left this one, so that it is not waited for.
      [together(prevote(0, 0, 'A'), precommit(1, 0, 'A'), prevote(1, 1, 'A')), [timer('prevote', 0)]],
    ] as const;
    const waiting = { step: 'prevote', locked: null } as const;
    for (const [input, outputs] of none) play(validator(3, heardTheOther), [['no polka', input, outputs, waiting]]);
  });

  test('the votes of a certificate count as votes for anything and for the round', () => {
    const { state } = feed(validator(), together(...votes('precommit', [0, 1, 2], 900, null)));
    expect(state).toMatchObject({ round: 900, step: 'propose', done: { precommitTimeout: true } });
  });
});

describe('two proposals in one round', () => {
  const conflict = { kind: 'conflictingProposals', first: proposal(0, 'A'), second: proposal(0, 'B') } as const;

  test('are output once, and the polka may be for either', () => {
    play(validator(3, [receive(proposal(0, 'A')), ...hear(prevote(3, 0, 'A'))]), [
      ['a duplicate', receive(proposal(0, 'A')), [], {}],
      ['B', receive(proposal(0, 'B')), [conflict], { step: 'prevote' }],
      ['B again', receive(proposal(0, 'B')), [], {}],
      ['C', receive(proposal(0, 'C')), [], {}],
      [
        'the polka for B',
        hear(...votes('prevote', [0, 1, 2], 0, 'B')),
        [timer('prevote', 0), cast('precommit', 0, 'B')],
        { locked: { round: 0, valueId: 'B' } },
      ],
    ]);
  });

  test('the same value with another valid round is another proposal', () => {
    const [first, second] = [proposal(1, 'A'), proposal(1, 'A', 0)];
    play(validator(3, [receive(first)]), [
      ['again', receive(second), [{ kind: 'conflictingProposals', first, second }], {}],
    ]);
  });
});

describe('memory is bounded', () => {
  const countVotes = (state: ConsensusState) => {
    return [0, 1, 2, 3].reduce((sum, index) => sum + allVotesOf(state.votes, index).length, 0);
  };

  test('a validator that votes in ten thousand rounds keeps four of them, and pushes out none of the others', () => {
    const flood = Array.from({ length: 10_000 }, (_, index) => prevote(0, (index * 7919) % 1_000_003, 'A'));
    const others = hear(prevote(1, 1, null), precommit(1, 1, null));
    const { state } = feed(validator(3, others), hear(...flood));
    expect(countVotes(state)).toBeLessThanOrEqual(2 + KEPT_FUTURE_ROUNDS + 1);
    expect(state.votes.size).toBeLessThanOrEqual(KEPT_FUTURE_ROUNDS + 2);
    play(state, [['round 1 with another', hear(prevote(2, 1, null)), [timer('propose', 1)], { round: 1 }]]);
  });

  test('a proposer that proposes for a thousand rounds keeps the highest four', () => {
    const flood = Array.from({ length: 1_000 }, (_, index) => receive(proposal(4 * index + 1, 'A')));
    const { state } = feed(validator(3, [receive(proposal(2, 'B'))]), flood);
    expect([...state.proposals.keys()].sort((a, b) => a - b)).toEqual([2, 3985, 3989, 3993, 3997]);
  });

  test('a proposer that proposes many values in one round keeps two', () => {
    const flood = Array.from({ length: 1_000 }, (_, index) => receive(proposal(0, `value ${index}`)));
    const { state, outputs } = feed(validator(3), flood);
    expect(state.proposals.get(0)).toHaveLength(KEPT_PROPOSALS);
    expect(outputs.filter(({ kind }) => kind === 'conflictingProposals')).toHaveLength(1);
  });

  test('who was away for a hundred rounds comes back, though the others vote on', () => {
    const away: Input[] = [];
    for (let round = 100; round < 110; round += 1)
      away.push(...hear(prevote(0, round, null), precommit(0, round, null)));
    play(validator(3, away), [
      ['a second one voted in the round before the last', hear(precommit(1, 108, null)), [timer('propose', 108)], {}],
      ['and in the last', hear(prevote(1, 109, null)), [timer('propose', 109)], { round: 109 }],
    ]);
  });

  test('votes of past rounds are never forgotten: they may decide', () => {
    const before = [receive(proposal(0, 'A')), ...hear(precommit(0, 0, 'A'), precommit(1, 0, 'A'))];
    const later: Input[] = [];
    for (let round = 1; round < 30; round += 1) later.push(...hear(prevote(0, round, null), prevote(1, round, null)));
    const { state, outputs } = feed(validator(3, [...before, ...later]), hear(precommit(2, 0, 'A')));
    expect(outputs.map(({ kind }) => kind)).toEqual(['decide']);
    expect(state.decision).toEqual({ round: 0, valueId: 'A' });
  });
});

test('malformed votes, and those of other heights, are ignored', () => {
  const state = validator(3, [receive(proposal(0, 'A')), ...hear(prevote(0, 0, 'A'), prevote(1, 0, 'A'))]);
  const wrong = [
    prevote(2, 0, 'A', 0, 5),
    prevote(2, -1, 'A'),
    prevote(2, 0.5, 'A'),
    prevote(2, Number.NaN, 'A'),
    prevote(4, 0, 'A'),
    prevote(-1, 0, 'A'),
    prevote(1.5, 0, 'A'),
  ];
  const made = feed(state, [...hear(...wrong), together(...wrong)]);
  expect(made).toEqual({ state, outputs: [] });
});

describe('what is sent again', () => {
  const locked = [receive(proposal(0, 'A')), ...hear(...votes('prevote', [3, 0, 1], 0, 'A'), precommit(3, 0, 'A'))];

  test('in round 0: the polka of what is valid, and the own votes', () => {
    const own = [prevote(3, 0, 'A'), precommit(3, 0, 'A')];
    expect(votesToResend(validator(3, locked))).toEqual([votes('prevote', [0, 1, 3], 0, 'A'), own]);
    expect(votesToResend(validator(3))).toEqual([]);
  });

  test('after a timeout: the precommits that ended the round come first', () => {
    const split = [...locked, ...hear(precommit(0, 0, null), precommit(1, 0, null)), expire('precommit', 0)];
    const state = validator(3, split);
    const [entry, proof] = votesToResend(state);
    expect(entry).toEqual([precommit(0, 0, null), precommit(1, 0, null), precommit(3, 0, 'A')]);
    expect(proof).toEqual(polka(state));
    const other = feed(
      validator(2),
      (entry ?? []).map((vote): Input => ({ kind: 'vote', vote })),
    );
    expect(other.outputs, 'it lets another one follow').toEqual([timer('precommit', 0)]);
  });

  test('after a skip: one vote of each that called us; later on, the own votes of the locked round stay', () => {
    const state = validator(3, [...locked, ...hear(prevote(1, 7, null), precommit(2, 7, null)), expire('propose', 7)]);
    const [entry, , own] = votesToResend(feed(state, hear(prevote(3, 7, null))).state);
    expect(entry).toEqual([prevote(1, 7, null), precommit(2, 7, null)]);
    expect(own).toEqual([prevote(3, 0, 'A'), precommit(3, 0, 'A'), prevote(3, 7, null)]);
  });

  test('after the decision: its precommits, late ones included, and nothing else', () => {
    const decided = validator(3, [...locked, ...hear(...votes('precommit', [2, 0], 0, 'A'))]);
    expect(decided.decision).not.toBeNull();
    const { state } = feed(decided, hear(precommit(1, 0, 'A')));
    expect(votesToResend(state)).toEqual([votes('precommit', [0, 1, 2, 3], 0, 'A')]);
    expect(commitVotes(state)).toHaveLength(4);
    expect(commitVotes(validator(3, locked))).toEqual([]);
  });
});
