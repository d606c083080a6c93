import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seeded } from '../../test/conformance/seeded.ts';
import { checkDataFile } from './data-file.ts';
import { openLmdbStore } from './store.ts';

const PAGE = 4096;
const CASES = 150;
const folder = mkdtempSync(join(tmpdir(), 'brop-scan-'));
const path = join(folder, 'data.mdb');
let good: Buffer;

/** Leaves, branches, long values of one page and of several, and pages that are free again. */
beforeAll(async () => {
  const store = await openLmdbStore({ folder });
  const random = seeded(7);
  const keys = Array.from({ length: 900 }, () => Uint8Array.from({ length: 32 }, () => random(256)));
  const lengthOf = (n: number) => (n % 40 === 0 ? 20_000 : n % 6 === 0 ? 4_072 : 150);
  await store.write(keys.map((key, n) => ({ key, value: new Uint8Array(lengthOf(n)).fill(n) })));
  await store.write(keys.flatMap((key, n) => (n % 5 === 0 ? [{ key, value: null }] : [])));
  await store.close();
  good = readFileSync(path);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const nothingIsKnown = (_: number, pages: number) => new Uint8Array(pages);

function verdict(scan?: typeof nothingIsKnown): string {
  try {
    checkDataFile(path, Number.POSITIVE_INFINITY, scan);
    return 'whole';
  } catch (error) {
    return (error as Error).message;
  }
}

/** Where something is overwritten: a whole page, anywhere in its head, or in the head of one of its entries. */
function place(random: (below: number) => number, round: number): { readonly start: number; readonly length: number } {
  const page = (2 + random(good.length / PAGE - 2)) * PAGE;
  if (round % 4 === 0) return { start: page, length: PAGE };
  if (round % 4 === 1) return { start: page + random(40), length: 1 + random(4) };
  const entries = Math.min(good.readUInt16LE(page + 20) / 2, 100);
  const node = good.readUInt16LE(page + 24 + 2 * random(Math.max(1, Math.floor(entries)))) + 24;
  return { start: page + (node % PAGE) + random(8), length: 1 };
}

it(`the scan of a file changes no verdict on it (${CASES} damaged files, seed 9)`, () => {
  expect(verdict()).toBe('whole');
  const random = seeded(9);
  let refused = 0;
  for (let round = 0; round < CASES; round++) {
    const bad = Buffer.from(good);
    const { start, length } = place(random, round);
    for (let i = start; i < Math.min(start + length, bad.length); i++) bad[i] = random(256);
    writeFileSync(path, round % 10 === 9 ? bad.subarray(0, good.length - random(8 * PAGE)) : bad);
    const found = verdict();
    expect(found, `case ${round}`).toBe(verdict(nothingIsKnown));
    if (found !== 'whole') refused += 1;
  }
  expect(refused).toBeGreaterThan(CASES / 5);
  expect(refused).toBeLessThan(CASES);
});
