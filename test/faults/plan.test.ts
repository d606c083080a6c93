import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describe, type Fault, FOLLOWER, KINDS, type Kind, plan, SMALL_DISK, VALIDATORS } from './plan.ts';

function take(seed: number, count: number, kinds: readonly Kind[] = KINDS): Fault[] {
  const faults = plan(seed, kinds);
  return Array.from({ length: count }, () => faults.next().value);
}

const seeds = fc.nat();

it('the schedule follows from the seed alone, and a longer run begins like a shorter one', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      expect(take(seed, 40).slice(0, 15)).toEqual(take(seed, 15));
    }),
  );
});

it('different seeds give different schedules', () => {
  const orders = new Set(Array.from({ length: 100 }, (_, seed) => JSON.stringify(take(seed, 5))));
  expect(orders.size).toBe(100);
});

it('every kind comes once before any comes again', () => {
  fc.assert(
    fc.property(seeds, fc.subarray([...KINDS], { minLength: 1 }), (seed, kinds) => {
      const faults = take(seed, 2 * kinds.length, kinds);
      for (const round of [faults.slice(0, kinds.length), faults.slice(kinds.length)]) {
        expect(round.map(({ kind }) => kind).sort()).toEqual([...kinds].sort());
      }
      expect(faults.map(({ number }) => number)).toEqual(faults.map((_, i) => i + 1));
    }),
  );
});

it('meets nodes that there are, the follower and the small disk where they are meant, and ends', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      for (const { kind, nodes, holdMs, where, pauseMs } of take(seed, KINDS.length)) {
        expect(new Set(nodes).size).toBe(nodes.length);
        for (const node of nodes) expect(node >= 0 && node <= VALIDATORS && Number.isInteger(node)).toBe(true);
        if (kind.endsWith('follower')) expect(nodes).toEqual([FOLLOWER]);
        if (kind === 'full-disk') expect(nodes).toEqual([SMALL_DISK]);
        if (kind === 'corrupt-validator' || kind === 'corrupt-record') expect(nodes[0]).toBeLessThan(VALIDATORS);
        expect(holdMs).toBeGreaterThan(0);
        expect(holdMs).toBeLessThan(20_000);
        expect(pauseMs).toBeGreaterThan(0);
        expect(where >= 0 && where < 1).toBe(true);
      }
    }),
  );
});

it('a fault is one line', () => {
  for (const fault of take(7, KINDS.length)) expect(describe(fault)).toMatch(/^#\d+ [a-z-]+: [a-z0-9, -]+, \d+ ms/);
});
