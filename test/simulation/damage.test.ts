/**
 * A bit of what a machine has stored flips while it is down: in each kind of row, in several of them. Either the machine
 * notices, at the start or when it needs the row, and its disk is replaced; or everything that it says still holds:
 * no fork, no peer that has to drop it, no receipt that does not verify.
 */
import { describe, expect, it } from 'vitest';
import { given, seconds } from './scenarios/stage.ts';

const ROWS_PER_KIND = 4;
const HEIGHTS = 6;

/** A consortium whose validator 0 is down with some blocks; the same one each time. */
async function withOneDown() {
  const chain = await given(4).validators();
  await chain.grows(HEIGHTS);
  const machine = chain.validator(0);
  chain.crash(machine);
  return { chain, machine, rows: chain.rowsOf(machine) };
}

const { rows } = await withOneDown();

describe.each([...rows.keys()])('rows "%s"', (kind) => {
  const all = rows.get(kind)!;
  const step = Math.max(1, Math.floor(all.length / ROWS_PER_KIND));
  const some = all.filter((_, i) => i % step === 0);

  it.each(some.map((row, i) => [i * step, row] as const))('number %i with one bit flipped', async (number, row) => {
    // Each row has another of the three: near the start, in the middle, and behind what has fixed places.
    const bit = [3, 77, 8 * 40 + number][(number / step) % 3]!;
    const { chain, machine } = await withOneDown();
    chain.damages(machine, row, bit);
    // What follows from the genesis and the blocks is not looked at before it has been written for the first time.
    if ('gbcq'.includes(kind)) expect(await chain.fsck(machine)).not.toEqual([]);
    chain.restart(machine);
    await chain.runs(seconds(2));
    await chain.answersHold(machine);
    await chain.heals();
    // Genesis, head and blocks are read at every start: damage in them does not wait for somebody to ask.
    if ('gb'.includes(kind)) expect(chain.count('damage noticed')).toBe(1);
  });
});
