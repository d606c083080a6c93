// Algorithm 1 of arXiv:1807.04938, line by line: rounds and proposals. Four validators of power 1; the proposer
// of round r is r mod 4; we are validator 3 unless the test says otherwise. `A` and `B` are values.

import { describe, expect, test } from 'vitest';
import { type Input, initial } from './index.ts';
import {
  cast,
  FOUR,
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

/** Round 0: A is proposed, we prevote it, hear the polka, lock it and precommit. */
const lockOnA: readonly Input[] = [
  receive(proposal(0, 'A')),
  ...hear(prevote(3, 0, 'A'), prevote(0, 0, 'A'), prevote(1, 0, 'A'), precommit(3, 0, 'A')),
];
/** Two validators are in a later round: more than 1/3. */
const callTo = (round: number) => hear(prevote(0, round, null), prevote(1, round, null));

describe('L10-L21, a round starts', () => {
  test('L20-L21: who is not the proposer waits for the proposal', () => {
    play(initial(HEIGHT, FOUR, 3), [
      ['the height starts', start, [timer('propose', 0)], { round: 0, step: 'propose', locked: null, valid: null }],
      ['a second start changes nothing', start, [], { round: 0, step: 'propose' }],
    ]);
  });

  test('L14, L18, L19: the proposer asks for a value and proposes it once; its timer runs too', () => {
    play(initial(HEIGHT, FOUR, 0), [
      ['the height starts', start, [timer('propose', 0), { kind: 'getValue', round: 0 }], { step: 'propose' }],
      ['a value for another round', { kind: 'value', round: 1, valueId: 'A' }, [], {}],
      [
        'the value',
        { kind: 'value', round: 0, valueId: 'A' },
        [{ kind: 'propose', round: 0, valueId: 'A', validRound: -1 }],
        { step: 'propose' },
      ],
      ['the value again', { kind: 'value', round: 0, valueId: 'B' }, [], { step: 'propose' }],
      ['its own proposal comes back', receive(proposal(0, 'A')), [cast('prevote', 0, 'A')], { step: 'prevote' }],
    ]);
  });

  test('L15, L16: a proposer that holds a valid value proposes it again, with its round', () => {
    play(validator(3, lockOnA), [
      [
        'round 3 is ours',
        callTo(3),
        [timer('propose', 3), { kind: 'propose', round: 3, valueId: 'A', validRound: 0 }],
        { round: 3, step: 'propose', valid: { round: 0, valueId: 'A' } },
      ],
      ['no other value is taken', { kind: 'value', round: 3, valueId: 'B' }, [], {}],
    ]);
  });

  test('messages that come before the start are kept and acted on after it', () => {
    play(initial(HEIGHT, FOUR, 3), [
      ['a proposal', receive(proposal(0, 'A')), [], { step: 'newRound' }],
      ['a quorum of precommits', hear(...votes('precommit', [0, 1, 2], 0, 'A')), [], { step: 'newRound' }],
      [
        'the height starts',
        start,
        [
          timer('propose', 0),
          { kind: 'decide', round: 0, valueId: 'A', precommits: votes('precommit', [0, 1, 2], 0, 'A') },
        ],
        { step: 'commit' },
      ],
    ]);
  });
});

describe('L22-L27, a fresh proposal', () => {
  test('L24: a valid, timely proposal is prevoted', () => {
    play(validator(), [
      ['A is proposed', receive(proposal(0, 'A')), [cast('prevote', 0, 'A')], { step: 'prevote', locked: null }],
    ]);
  });

  test('L26: an invalid proposal gets nil', () => {
    play(validator(), [
      ['A is wrong', receive(proposal(0, 'A'), { valid: false }), [cast('prevote', 0, null)], { step: 'prevote' }],
    ]);
  });

  test('L26, proposer-based time: an untimely proposal gets nil, and the first judgement stays', () => {
    play(validator(), [
      ['A is late', receive(proposal(0, 'A'), { timely: false }), [cast('prevote', 0, null)], { step: 'prevote' }],
      ['A again, now called timely', receive(proposal(0, 'A')), [], { step: 'prevote' }],
    ]);
  });

  test('L23: locked on A, another value gets nil and A itself is prevoted', () => {
    const locked = validator(3, [...lockOnA, ...callTo(1)]);
    play(locked, [['B is proposed', receive(proposal(1, 'B')), [cast('prevote', 1, null)], { step: 'prevote' }]]);
    play(locked, [['A is proposed', receive(proposal(1, 'A')), [cast('prevote', 1, 'A')], { step: 'prevote' }]]);
  });

  test('a proposal of another proposer, height or round is not prevoted', () => {
    const ignored = [
      receive({ ...proposal(0, 'A'), proposer: 2 }),
      receive({ ...proposal(0, 'A'), height: HEIGHT + 1 }),
      receive({ ...proposal(0, 'A'), validRound: 0 }),
      receive({ ...proposal(0, 'A'), validRound: -2 }),
      receive(proposal(1, 'A')),
    ];
    for (const input of ignored) play(validator(), [['ignored', input, [], { step: 'propose' }]]);
  });

  test('a proposal that comes ahead of its round is prevoted when the round starts', () => {
    play(validator(3, [receive(proposal(1, 'A'))]), [
      ['the others are in round 1', callTo(1), [timer('propose', 1), cast('prevote', 1, 'A')], { step: 'prevote' }],
    ]);
  });
});

describe('L28-L33, a value proposed again with its polka', () => {
  const polkaA = hear(...votes('prevote', [0, 1, 2], 0, 'A'));
  const inRoundOne = (before: readonly Input[]) => validator(3, [...before, ...callTo(1)]);

  test('L30: unlocked, it is prevoted, timely or not', () => {
    play(inRoundOne(polkaA), [
      ['A', receive(proposal(1, 'A', 0), { timely: false }), [cast('prevote', 1, 'A')], { step: 'prevote' }],
    ]);
  });

  test('L28: without the polka we wait; when it comes later the proposal counts', () => {
    play(inRoundOne([]), [
      ['A is proposed', receive(proposal(1, 'A', 0)), [], { step: 'propose' }],
      ['two prevotes', polkaA.slice(0, 2), [], { step: 'propose' }],
      ['the third makes the polka', polkaA.slice(2), [cast('prevote', 1, 'A')], { step: 'prevote' }],
    ]);
  });

  test('L28: a polka for another value, or of another round, is none', () => {
    play(inRoundOne([...hear(...votes('prevote', [0, 1, 2], 0, 'B'))]), [
      ['A is proposed', receive(proposal(1, 'A', 0)), [], { step: 'propose' }],
    ]);
  });

  test('L29: locked on A in round 0, B with a polka of round 1 is prevoted, and the lock stays', () => {
    play(validator(3, [...lockOnA, ...callTo(2), ...hear(...votes('prevote', [0, 1, 2], 1, 'B'))]), [
      ['B', receive(proposal(2, 'B', 1)), [cast('prevote', 2, 'B')], { locked: { round: 0, valueId: 'A' } }],
    ]);
  });

  test('L32: locked on A in round 1, B with a polka of round 0 gets nil', () => {
    const lockedInOne = [
      ...hear(...votes('prevote', [0, 1, 2], 0, 'B')),
      ...callTo(1),
      receive(proposal(1, 'A')),
      ...hear(prevote(2, 1, 'A'), prevote(3, 1, 'A')),
    ];
    // Validators 0 and 1 prevoted nil in round 1, so the polka for A comes with their certificate.
    const certificate: Input = { kind: 'votes', votes: votes('prevote', [1, 2, 3], 1, 'A') };
    const locked = validator(3, [...lockedInOne, certificate, ...hear(...votes('precommit', [0, 1], 2, null))]);
    play(locked, [
      ['locked', [], [], { round: 2, locked: { round: 1, valueId: 'A' } }],
      ['B', receive(proposal(2, 'B', 0)), [cast('prevote', 2, null)], { step: 'prevote' }],
    ]);
  });

  test('L29: locked on A in round 1, A with the older polka of round 0 is prevoted', () => {
    const lockedInOne = [
      ...polkaA,
      ...hear(...votes('precommit', [0, 1], 1, null)),
      receive(proposal(1, 'A', 0)),
      ...hear(...votes('prevote', [0, 1, 3], 1, 'A')),
      ...callTo(2),
    ];
    play(validator(3, lockedInOne), [
      ['locked', [], [], { round: 2, locked: { round: 1, valueId: 'A' } }],
      ['A again', receive(proposal(2, 'A', 0)), [cast('prevote', 2, 'A')], { step: 'prevote' }],
    ]);
  });

  test('L29: a polka of the very round of the lock is late enough', () => {
    const polkaB: Input = { kind: 'votes', votes: votes('prevote', [0, 1, 2], 0, 'B') };
    play(validator(3, [...lockOnA, polkaB, ...callTo(1)]), [
      ['B', receive(proposal(1, 'B', 0)), [cast('prevote', 1, 'B')], { locked: { round: 0, valueId: 'A' } }],
    ]);
  });

  test('L32: an invalid value gets nil, polka or not', () => {
    play(inRoundOne(polkaA), [
      ['A', receive(proposal(1, 'A', 0), { valid: false }), [cast('prevote', 1, null)], { step: 'prevote' }],
    ]);
  });
});
