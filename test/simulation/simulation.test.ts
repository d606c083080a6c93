/** A small share of what `npm run sim` does, on every test run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MUTATIONS, mutate } from './mutations.ts';
import { runScenarios } from './pool.ts';
import { deathAtWrite, type Scenario, scenarioOf } from './scenario.ts';
import { simulate } from './simulate.ts';

const SEEDS = Array.from({ length: 8 }, (_, i) => 1_001 + i);
/** A validator writes about eight times per height: this is the genesis, the first heights, and the road between. */
const SWEPT_WRITES = 20;

async function expectNoFailure(scenarios: readonly Scenario[]): Promise<void> {
  const failures: string[] = [];
  await runScenarios(scenarios, (outcome, scenario) => {
    for (const { check, message } of outcome.failures) {
      failures.push(
        `${check}: ${message} (npm run sim -- --seed ${outcome.seed}; ${JSON.stringify(scenario.death ?? {})})`,
      );
    }
  });
  expect(failures).toEqual([]);
}

describe('simulation', () => {
  it(`keeps every promise in seeds ${SEEDS[0]} to ${SEEDS.at(-1)}`, { timeout: 120_000 }, async () => {
    await expectNoFailure(SEEDS.map(scenarioOf));
  });

  const sides = ['before', 'after', 'torn', 'full'] as const;
  it.each(sides)('survives whatever happens at each write: %s', { timeout: 240_000 }, async (side) => {
    // After one write is as good as before the next, but for what it would have sent between them: every second does.
    const step = side === 'after' ? 2 : 1;
    const numbers = Array.from({ length: SWEPT_WRITES / step }, (_, i) => 1 + i * step);
    const deaths = numbers.map((atWrite) => ({ machine: 0, atWrite, side, restartAfterMs: 50 + 37 * (atWrite % 10) }));
    await expectNoFailure(deaths.map((death) => deathAtWrite(4, death)));
    await expectNoFailure(deaths.slice(0, 12 / step).map((death) => deathAtWrite(1, death)));
    // The follower is the machine after the validators.
    await expectNoFailure(deaths.slice(0, 8 / step).map((death) => deathAtWrite(4, { ...death, machine: 4 })));
  });

  const killing = ['before', 'after', 'torn'] as const;
  it.each(killing)('survives it though the disk is gone with the process: %s', { timeout: 240_000 }, async (side) => {
    const deaths = Array.from({ length: 6 }, (_, i) => ({ machine: 0, atWrite: 3 + 3 * i, side, restartAfterMs: 60 }));
    const gone = (validators: number) =>
      deaths.map((death) => ({ ...deathAtWrite(validators, death), vanishingDisks: true }));
    await expectNoFailure([...gone(4), ...gone(1)]);
  });

  it('keeps every promise when disks vanish and keys fail over in one seed', { timeout: 120_000 }, async () => {
    const drawn = Array.from({ length: 100 }, (_, i) => scenarioOf(1 + i));
    const both = drawn.filter(({ vanishingDisks, standbys }) => vanishingDisks && standbys.length > 0);
    expect(both.length).toBeGreaterThan(2);
    await expectNoFailure(both.slice(0, 3));
  });

  it('gives a seed one history, and another seed another', { timeout: 60_000 }, async () => {
    const [first, again, other] = [
      await simulate(scenarioOf(7)),
      await simulate(scenarioOf(7)),
      await simulate(scenarioOf(8)),
    ];
    expect(again).toEqual(first);
    expect(other.trace).not.toBe(first.trace);
  });

  it.each(Object.keys(MUTATIONS))('can still break the product by mutation %s', (name) => {
    for (const replacement of MUTATIONS[name]!.replacements) {
      const source = readFileSync(join(import.meta.dirname, '..', '..', replacement.file), 'utf8');
      expect(mutate(source, replacement)).not.toBe(source);
    }
  });
});
