// Properties of networks of cores under bad luck and lies. A failure prints fast-check's seed and path; give both to
// `fc.assert(..., { seed, path })` to see it again.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findFaults } from './testing-judge.ts';
import { createNetwork, type Move, move, settleDown } from './testing-network.ts';

const pick = fc.nat(1000);
const crashAfter = fc.option(fc.nat(3), { freq: 60, nil: null });
const round = fc.oneof({ weight: 9, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.nat(1_000_000) });
const timeoutStep = fc.constantFrom('propose' as const, 'prevote' as const, 'precommit' as const);
const type = fc.constantFrom('prevote' as const, 'precommit' as const);
const targets = fc.nat(127);

const deliver = fc.record({
  kind: fc.constant('deliver' as const),
  node: pick,
  message: fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: pick }),
  again: fc.nat(9).map((number) => number === 0),
  crashAfter,
});
const flow = fc.record({
  kind: fc.constant('flow' as const),
  targets,
  limit: fc.oneof(fc.nat(6), fc.nat(60)),
  late: fc.boolean(),
});
const expire = fc.record({ kind: fc.constant('expire' as const), node: pick, timer: pick, crashAfter });
const lie = fc.record({
  kind: fc.constant('lie' as const),
  liar: pick,
  type,
  round,
  value: fc.oneof(fc.constant(0), fc.nat(4)),
  targets,
  withOthers: fc.boolean(),
});
const forge = fc.record({
  kind: fc.constant('forge' as const),
  liar: pick,
  round: pick,
  value: fc.nat(4),
  validRound: pick,
  targets,
});

const anyMove: fc.Arbitrary<Move> = fc.oneof(
  { weight: 30, arbitrary: deliver },
  { weight: 25, arbitrary: flow },
  { weight: 12, arbitrary: expire },
  { weight: 14, arbitrary: lie },
  { weight: 5, arbitrary: forge },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lose' as const), node: pick, message: pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stray' as const), node: pick, step: timeoutStep, round }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resend' as const), node: pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), node: pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('failOver' as const), node: pick }) },
);
// Shrinking a long run to the end would take minutes; a few hundred tries make it readable.
const moves = fc.limitShrink(fc.array(anyMove, { minLength: 30, maxLength: 300, size: 'max' }), 300);

/** Powers, and who lies: always less than a third. */
const NETWORKS = [
  { name: 'four equal validators, one lies', powers: [1, 1, 1, 1], liars: [2], runs: 400 },
  { name: 'four equal validators, the first proposer lies', powers: [1, 1, 1, 1], liars: [0], runs: 400 },
  { name: 'four validators of powers 3, 2, 2, 2, one lies', powers: [3, 2, 2, 2], liars: [1], runs: 300 },
  { name: 'seven equal validators, two lie', powers: [1, 1, 1, 1, 1, 1, 1], liars: [1, 4], runs: 150 },
  { name: 'four equal validators, none lies', powers: [1, 1, 1, 1], liars: [], runs: 200 },
];

describe.each(NETWORKS)('$name', ({ powers, liars, runs }) => {
  const members = powers.map((power) => ({ power }));

  test('safety in any run, and a decision once the network is good', () => {
    const property = fc.property(moves, fc.nat(6), (made, salt) => {
      const network = createNetwork(members, liars, salt);
      for (const one of made) move(network, one);
      expect(findFaults(network)).toEqual([]);

      const maxCycles = 150;
      expect(settleDown(network, maxCycles), 'cycles until all have decided').toBeLessThan(maxCycles);
      expect(findFaults(network)).toEqual([]);
    });
    fc.assert(property, { numRuns: runs });
  }, 120_000);
});

test('the moves do reach what they are for: several rounds, decisions, crashes, accusations', () => {
  const seen = { decidedEarly: 0, laterRound: 0, restarted: 0, accused: 0, reproposed: 0, abstained: 0 };
  const property = fc.property(moves, fc.nat(6), (made, salt) => {
    const network = createNetwork([{ power: 1 }, { power: 1 }, { power: 1 }, { power: 1 }], [2], salt);
    for (const one of made) move(network, one);
    if (network.nodes.some(({ decision }) => decision !== null)) seen.decidedEarly += 1;
    if (network.nodes.some(({ state }) => state.round > 1)) seen.laterRound += 1;
    if (network.nodes.some(({ lives }) => lives > 1)) seen.restarted += 1;
    if (network.nodes.some(({ abstentions }) => abstentions > 0)) seen.abstained += 1;
    if (network.log.accused.length > 0) seen.accused += 1;
    if (network.nodes.some(({ ownProposals }) => ownProposals.some(({ validRound }) => validRound >= 0))) {
      seen.reproposed += 1;
    }
  });
  fc.assert(property, { numRuns: 200 });
  for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(0);
}, 120_000);
