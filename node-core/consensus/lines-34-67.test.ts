// Algorithm 1 of arXiv:1807.04938, line by line: votes, decision and timeouts. Four validators of power 1; the proposer
// of round r is r mod 4; we are validator 3 unless the test says otherwise. `A` and `B` are values.

import { describe, expect, test } from 'vitest';
import { decidedWithoutProposal, initial, step } from './index.ts';
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

/** Two validators are in a later round: more than 1/3. */
const callTo = (round: number) => hear(prevote(0, round, null), prevote(1, round, null));

describe('L34-L35, prevotes that do not agree', () => {
  test('more than 2/3 prevotes for anything start the timer, once', () => {
    play(validator(3, [receive(proposal(0, 'A'))]), [
      ['two', hear(prevote(3, 0, 'A'), prevote(0, 0, null)), [], {}],
      ['a third', hear(prevote(1, 0, 'B')), [timer('prevote', 0)], { step: 'prevote' }],
      ['a fourth', hear(prevote(2, 0, 'B')), [], { step: 'prevote' }],
    ]);
  });

  test('not before we have prevoted ourselves; then at once', () => {
    play(validator(3, hear(prevote(0, 0, 'A'), prevote(1, 0, null), prevote(2, 0, 'B'))), [
      ['still in propose', [], [], { step: 'propose' }],
      ['A', receive(proposal(0, 'A')), [cast('prevote', 0, 'A'), timer('prevote', 0)], { step: 'prevote' }],
    ]);
  });
});

describe('L36-L43, a polka for the proposed value', () => {
  const polka = hear(...votes('prevote', [0, 1, 2], 0, 'A'));
  const isA = { round: 0, valueId: 'A' };

  test('L37-L41: in step prevote we lock and precommit, once', () => {
    play(validator(3, [receive(proposal(0, 'A')), ...polka.slice(0, 2)]), [
      ['the polka', polka.slice(2), [cast('precommit', 0, 'A')], { step: 'precommit', locked: isA, valid: isA }],
      ['one more prevote', hear(prevote(3, 0, 'A')), [], { step: 'precommit' }],
    ]);
  });

  test('the polka first, then the proposal: both votes in one step', () => {
    play(validator(3, polka), [
      [
        'A is proposed',
        receive(proposal(0, 'A')),
        [cast('prevote', 0, 'A'), cast('precommit', 0, 'A')],
        { step: 'precommit', locked: isA },
      ],
    ]);
  });

  test('L42: after a nil precommit the polka sets valid alone', () => {
    const timedOut = [
      receive(proposal(0, 'A')),
      ...hear(prevote(3, 0, 'A'), prevote(0, 0, 'A'), prevote(1, 0, null)),
      expire('prevote', 0),
    ];
    play(validator(3, timedOut), [
      ['it timed out', [], [], { step: 'precommit', valid: null }],
      ['the polka', hear(prevote(2, 0, 'A')), [], { step: 'precommit', valid: isA, locked: null }],
    ]);
  });

  test('a polka of a round that has passed locks nothing', () => {
    play(validator(3, [receive(proposal(0, 'A')), ...callTo(1)]), [
      ['the polka of round 0', polka, [], { round: 1, step: 'propose', locked: null, valid: null }],
    ]);
  });

  test('a polka for what we hold invalid, or for what was not proposed, locks nothing', () => {
    const nothing = { locked: null, valid: null, step: 'prevote' } as const;
    const invalid = receive(proposal(0, 'A'), { valid: false });
    play(validator(3, [invalid]), [['invalid', polka, [timer('prevote', 0)], nothing]]);
    play(validator(3, [expire('propose', 0)]), [['unknown', polka, [timer('prevote', 0)], nothing]]);
  });
});

describe('L44-L46, a polka for nil', () => {
  test('in step prevote we precommit nil', () => {
    play(validator(3, [expire('propose', 0), ...hear(prevote(3, 0, null), prevote(0, 0, null))]), [
      ['the third', hear(prevote(1, 0, null)), [cast('precommit', 0, null)], { step: 'precommit', locked: null }],
    ]);
  });

  test('in step propose it waits until we have prevoted', () => {
    play(validator(3, hear(...votes('prevote', [0, 1, 2], 0, null))), [
      ['still in propose', [], [], { step: 'propose' }],
      [
        'A is proposed',
        receive(proposal(0, 'A')),
        [cast('prevote', 0, 'A'), cast('precommit', 0, null)],
        { step: 'precommit', locked: null },
      ],
    ]);
  });
});

describe('L47-L48, precommits that do not agree', () => {
  test('more than 2/3 precommits for anything start the timer once, in any step', () => {
    play(validator(), [
      ['two', hear(precommit(0, 0, 'A'), precommit(1, 0, null)), [], { step: 'propose' }],
      ['a third', hear(precommit(2, 0, 'B')), [timer('precommit', 0)], { step: 'propose' }],
      ['a fourth', hear(precommit(3, 0, null)), [], { step: 'propose' }],
    ]);
  });
});

describe('more than 2/3 precommits for nil: the round decides nothing any more', () => {
  const nil = (round: number) => votes('precommit', [0, 1, 2], round, null);

  test('the next round starts at once, in whatever step we are, and without a timer of this one', () => {
    play(validator(), [
      ['two', hear(...nil(0).slice(1)), [], { round: 0, step: 'propose' }],
      ['a third', hear(precommit(0, 0, null)), [timer('propose', 1)], { round: 1, step: 'propose' }],
      ['the timer, were there one', expire('precommit', 0), [], { round: 1, step: 'propose' }],
    ]);
    play(validator(3, [receive(proposal(0, 'A'))]), [
      ['in prevote', hear(...nil(0)), [timer('propose', 1)], { round: 1, step: 'propose', entry: nil(0) }],
    ]);
  });

  test('also when the timer runs because they did not agree at first', () => {
    play(validator(), [
      ['three', hear(precommit(0, 0, 'A'), ...nil(0).slice(1)), [timer('precommit', 0)], { round: 0 }],
      ['a fourth', hear(precommit(3, 0, null)), [timer('propose', 1)], { round: 1, step: 'propose' }],
    ]);
  });

  test('what was locked stays locked', () => {
    const isA = { round: 0, valueId: 'A' };
    const polka = hear(...votes('prevote', [0, 1, 2], 0, 'A'));
    play(validator(3, [receive(proposal(0, 'A')), ...polka]), [
      ['nil', hear(...nil(0)), [timer('propose', 1)], { round: 1, locked: isA, valid: isA }],
    ]);
  });

  test('once every validator has had its turn, the growing timer is waited for', () => {
    play(validator(3, callTo(3)), [
      ['the last first turn', hear(...nil(3)), [timer('propose', 4)], { round: 4, step: 'propose' }],
      ['the first second turn', hear(...nil(4)), [timer('precommit', 4)], { round: 4, step: 'propose' }],
      ['the timer', expire('precommit', 4), [timer('propose', 5)], { round: 5, step: 'propose' }],
    ]);
  });
});

describe('L49-L54, the decision', () => {
  const quorum = votes('precommit', [0, 1, 2], 0, 'A');
  const decision = { kind: 'decide', round: 0, valueId: 'A', precommits: quorum } as const;
  const isA = { round: 0, valueId: 'A' };

  test('proposal, then precommits, which come out sorted', () => {
    play(validator(3, [receive(proposal(0, 'A'))]), [
      ['the quorum', hear(...quorum.toReversed()), [decision], { step: 'commit', decision: isA }],
    ]);
  });

  test('precommits, then the proposal: no vote is cast beside the decision', () => {
    play(validator(3, hear(...quorum)), [
      ['the proposal', receive(proposal(0, 'A')), [decision], { step: 'commit', decision: isA }],
    ]);
  });

  test('an earlier round decides as well', () => {
    play(validator(3, [receive(proposal(0, 'A')), ...callTo(2)]), [
      ['in round 2', [], [], { round: 2, step: 'propose' }],
      ['the quorum of round 0', hear(...quorum), [decision], { step: 'commit', round: 2, decision: isA }],
    ]);
  });

  test('the proposal of any round shows that the value is valid', () => {
    play(validator(3, [receive(proposal(0, 'A')), ...callTo(1)]), [
      [
        'A is decided in round 1, whose proposal we never saw',
        hear(...votes('precommit', [0, 1, 2], 1, 'A')),
        [{ ...decision, round: 1, precommits: votes('precommit', [0, 1, 2], 1, 'A') }],
        { step: 'commit' },
      ],
    ]);
  });

  test('a later round is entered, then decided', () => {
    const later = votes('precommit', [0, 1, 2], 5, 'A');
    play(validator(3, [receive(proposal(5, 'A')), ...hear(...later.slice(0, 1))]), [
      ['L55', hear(...later.slice(1, 2)), [timer('propose', 5), cast('prevote', 5, 'A')], { round: 5 }],
      ['L49', hear(...later.slice(2)), [{ ...decision, round: 5, precommits: later }], { step: 'commit' }],
    ]);
  });

  test('a value without a proposal is not decided, and the selector names it', () => {
    const state = play(validator(), [['the quorum', hear(...quorum), [timer('precommit', 0)], { decision: null }]]);
    expect(decidedWithoutProposal(state)).toEqual({ ...isA, reason: 'unknown', precommits: quorum });
  });

  test('L50: an invalid value is never decided, and the selector says so', () => {
    const state = play(validator(3, [receive(proposal(0, 'A'), { valid: false })]), [
      ['the quorum', hear(...quorum), [timer('precommit', 0)], { decision: null }],
    ]);
    expect(decidedWithoutProposal(state)).toEqual({ ...isA, reason: 'invalid', precommits: quorum });
  });

  test('a quorum for nil decides nothing', () => {
    const nil = hear(...votes('precommit', [0, 1, 2], 0, null));
    const state = play(validator(), [['nil', nil, [timer('propose', 1)], { decision: null }]]);
    expect(decidedWithoutProposal(state)).toBeNull();
  });

  test('after it, votes are gathered and nothing else happens', () => {
    play(validator(3, [receive(proposal(0, 'A')), ...hear(...quorum)]), [
      ['a late precommit', hear(precommit(3, 0, 'A')), [], { step: 'commit', decision: isA }],
      ['a timer', expire('precommit', 0), [], { step: 'commit', round: 0 }],
      ['another round', callTo(3), [], { step: 'commit', round: 0 }],
      ['a proposal', receive(proposal(0, 'B')), [], { step: 'commit' }],
      ['a start', start, [], { step: 'commit' }],
    ]);
  });
});

describe('L55-L56, others are in a later round', () => {
  test('more than 1/3 take us there, prevotes and precommits counted together', () => {
    play(validator(), [
      ['one prevotes in round 2', hear(prevote(0, 2, 'A')), [], { round: 0 }],
      ['it precommits too, and counts once', hear(precommit(0, 2, null)), [], { round: 0 }],
      ['a second', hear(precommit(1, 2, null)), [timer('propose', 2)], { round: 2, step: 'propose' }],
    ]);
  });

  test('of several such rounds the highest is entered', () => {
    const waiting = feed(initial(HEIGHT, FOUR, 3), [...callTo(2), ...hear(prevote(1, 5, null), precommit(2, 5, null))]);
    play(waiting.state, [['the height starts', start, [timer('propose', 0), timer('propose', 5)], { round: 5 }]]);
  });

  test('votes of one round must suffice, and old rounds do not count', () => {
    play(validator(3, callTo(4)), [
      ['round 5 and round 6', hear(prevote(0, 5, null), prevote(1, 6, null)), [], { round: 4 }],
      ['round 2', hear(...votes('prevote', [0, 1, 2], 2, null)), [], { round: 4 }],
    ]);
  });

  test('the votes that were heard early count in the round', () => {
    play(validator(3, hear(prevote(0, 1, 'A'))), [
      ['round 1 starts', hear(prevote(1, 1, 'A')), [timer('propose', 1)], { round: 1 }],
      ['A is proposed', receive(proposal(1, 'A')), [cast('prevote', 1, 'A')], { step: 'prevote' }],
      ['the polka', hear(prevote(3, 1, 'A')), [cast('precommit', 1, 'A')], { locked: { round: 1, valueId: 'A' } }],
    ]);
  });
});

describe('L57-L67, timeouts', () => {
  test('L57-L60: no proposal in time gets nil', () => {
    play(validator(), [
      ['the timer', expire('propose', 0), [cast('prevote', 0, null)], { step: 'prevote' }],
      ['the proposal, too late', receive(proposal(0, 'A')), [], { step: 'prevote' }],
      ['the timer again', expire('propose', 0), [], { step: 'prevote' }],
    ]);
  });

  test('L61-L64: no polka in time gets nil', () => {
    const split = [expire('propose', 0), ...hear(prevote(0, 0, 'A'), prevote(1, 0, null), prevote(3, 0, null))];
    play(validator(3, split), [
      ['the timer', expire('prevote', 0), [cast('precommit', 0, null)], { step: 'precommit', locked: null }],
      ['the timer again', expire('prevote', 0), [], { step: 'precommit' }],
    ]);
  });

  test('L65-L67: no decision in time, and the next round starts, in whatever step we are', () => {
    const split = hear(precommit(0, 0, 'A'), precommit(1, 0, null), precommit(2, 0, null));
    play(validator(3, split), [
      ['the timer', expire('precommit', 0), [timer('propose', 1)], { round: 1, step: 'propose' }],
      ['the timer of round 0 again', expire('precommit', 0), [], { round: 1, step: 'propose' }],
    ]);
  });

  test('a timer of another round or step, or one that was not asked for, does nothing', () => {
    const strays = [
      expire('propose', 1),
      expire('prevote', 0),
      expire('precommit', 0),
      expire('prevote', 1),
      expire('precommit', 1),
    ];
    play(validator(), [['in propose', strays, [], { round: 0, step: 'propose' }]]);
    play(validator(3, [receive(proposal(0, 'A'))]), [
      ['in prevote', [expire('propose', 0), ...strays], [], { round: 0, step: 'prevote' }],
    ]);
  });
});

describe('a round whose votes are not signed', () => {
  const abstained = (round: number) => ({ kind: 'abstained', round }) as const;

  test('is left by its precommit timer, whatever the others do', () => {
    play(validator(3, [receive(proposal(0, 'A')), ...hear(...votes('prevote', [0, 1, 2], 0, 'A'))]), [
      ['the precommit is not signed', abstained(0), [timer('precommit', 0)], { step: 'precommit' }],
      ['nor is another vote', abstained(0), [], {}],
      [
        'a quorum of precommits for anything',
        hear(...votes('precommit', [0, 1], 0, 'A'), precommit(2, 0, null)),
        [],
        {},
      ],
      ['the timer', expire('precommit', 0), [timer('propose', 1)], { round: 1, step: 'propose' }],
      ['an answer that comes late', abstained(0), [], { round: 1 }],
    ]);
  });

  test('decides all the same, when the others do', () => {
    play(validator(3, [receive(proposal(0, 'A')), abstained(0)]), [
      ['the timer', expire('precommit', 0), [timer('propose', 1)], { round: 1 }],
      [
        'the quorum of the others',
        hear(...votes('precommit', [0, 1, 2], 0, 'A')),
        [{ kind: 'decide', round: 0, valueId: 'A', precommits: votes('precommit', [0, 1, 2], 0, 'A') }],
        { step: 'commit' },
      ],
    ]);
  });

  test('is left by the others too: who votes in a later round is not waited for in this one', () => {
    const two = [receive(proposal(0, 'A')), ...hear(prevote(3, 0, 'A'), prevote(0, 0, 'A'))];
    const later = prevote(1, 1, null);
    const entry = [precommit(0, 0, null), later, precommit(3, 0, null)];
    play(validator(3, two), [
      ['the third prevotes in round 1', hear(later), [timer('prevote', 0)], { step: 'prevote', round: 0 }],
      ['no polka', expire('prevote', 0), [cast('precommit', 0, null)], { step: 'precommit' }],
      ['two precommits', hear(precommit(3, 0, null), precommit(0, 0, null)), [timer('precommit', 0)], { round: 0 }],
      ['the timer', expire('precommit', 0), [timer('propose', 1)], { round: 1, entry }],
    ]);
  });
});

test('a step leaves the state that it was given as it was', () => {
  const before = validator(3, [receive(proposal(0, 'A')), ...hear(prevote(0, 0, 'A'))]);
  const copy = structuredClone(before);
  const once = step(before, { kind: 'vote', vote: prevote(1, 0, 'A') });
  const twice = step(before, { kind: 'vote', vote: prevote(1, 0, 'A') });
  expect(before).toEqual(copy);
  expect(twice).toEqual(once);
});

test('an observer follows to the decision and casts nothing', () => {
  const { state, outputs } = feed(initial(HEIGHT, FOUR, null), [
    start,
    receive(proposal(0, 'A')),
    ...hear(...votes('prevote', [0, 1, 2], 0, 'A'), ...votes('precommit', [0, 1, 2], 0, 'A')),
  ]);
  expect(state.decision).toEqual({ round: 0, valueId: 'A' });
  expect(outputs.map(({ kind }) => kind)).toEqual(['scheduleTimeout', 'decide']);
});
