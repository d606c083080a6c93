/** What every index driver must do; the contract is in node-core/ports/index-store.ts. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { concat } from '../../node-core/codec/bytes.ts';
import type { Fields, FieldValue } from '../../node-core/ledger/projection.ts';
import { COLLECTIONS } from '../../node-core/middleware/index/collections.ts';
import {
  ALL,
  encodePosition,
  encodeValue,
  HIGHEST,
  LOWEST,
  valuesOf,
} from '../../node-core/middleware/index/entries.ts';
import type { BlockRows, Entry, IndexRow, IndexStore } from '../../node-core/ports/index-store.ts';

export interface IndexDriver {
  /** A store whose data nobody else has, not opened yet. */
  create(): Promise<IndexStore>;
  /** The same data in a new store, as after a restart; undefined where the data live in the store object alone. */
  again?(store: IndexStore): Promise<IndexStore>;
}

const IDENTITY = 'chain 1';

/** A row about evidence, which is written once. */
export function record(height: number, transaction: number, fields: Fields, row = 0): IndexRow {
  return rowOf('evidence', `record ${height}/${transaction}/${row}`, { height, transaction, row }, fields);
}

/** A row that has versions. */
function account(key: string, height: number, transaction: number, fields: Fields | null): IndexRow {
  return rowOf('accounts', key, { height, transaction, row: 0 }, fields);
}

function rowOf(
  collection: string,
  key: string,
  at: Pick<IndexRow, 'height' | 'transaction' | 'row'>,
  fields: Fields | null,
) {
  return { collection, key, ...at, timeMs: 1_000 * at.height, sender: 'somebody', nonce: 'n', fields };
}

export function blockOf(height: number, ...rows: IndexRow[]): BlockRows {
  return { height, rows };
}

const everything = (collection: string, field = ALL) => ({ collection, field, from: LOWEST, to: HIGHEST });
const keysOf = (entries: readonly Entry[]) => entries.map(({ row }) => row.key);
const equalTo = (collection: string, field: string, value: FieldValue) => ({
  ...{ collection, field },
  from: encodeValue(value),
  to: concat(encodeValue(value), HIGHEST),
});

/** All that a store can be asked, of these rows: every list, and every row by its key. */
export async function contentsOf(store: IndexStore, blocks: readonly BlockRows[]): Promise<unknown> {
  const rows = blocks.flatMap((block) => block.rows);
  const lists: [string, unknown][] = [];
  for (const [name, { fields }] of COLLECTIONS) {
    const seen = rows.filter((row) => row.collection === name);
    const open = seen.flatMap((row) => Object.keys(row.fields ?? {}));
    for (const field of new Set([ALL, ...Object.keys(fields), ...open]))
      lists.push([`${name}.${field}`, await store.scan(everything(name, field), { limit: 10_000 })]);
    const keys = [...new Set(seen.map(({ key }) => key))].sort();
    for (let i = 0; i < keys.length; i += 100) lists.push([name, await store.rows(name, keys.slice(i, i + 100))]);
  }
  return { lists, progress: await store.progress() };
}

/** Of the test that runs. */
let store: IndexStore;

export function indexStoreConformance(name: string, driver: IndexDriver, { propertyRuns = 40 } = {}): void {
  describe(name, () => {
    beforeEach(async () => {
      store = await driver.create();
      await store.open(IDENTITY, 0);
    });
    afterEach(() => store.close());
    describe('progress', () => describeProgress(driver));
    describe('rows with versions', describeVersions);
    describe('lists', describeLists);

    test('after close it says that it is closed', async () => {
      const other = await driver.create();
      await other.open(IDENTITY, 0);
      await other.close();
      await expect(other.scan(everything('evidence'), { limit: 1 })).rejects.toMatchObject({ code: 'closed' });
      await expect(other.apply([blockOf(0)])).rejects.toMatchObject({ code: 'closed' });
    });

    test('any order and any repetition of blocks gives the same index', async () => {
      await fc.assert(
        fc.asyncProperty(drawnBlocks, fc.infiniteStream(fc.nat()), async (blocks, chance) => {
          const inOrder = await driver.create();
          await inOrder.open(IDENTITY, 0);
          for (const block of blocks) await inOrder.apply([block]);
          const shuffled = await driver.create();
          await shuffled.open(IDENTITY, 0);
          for (const part of shuffledParts(blocks, () => chance.next().value!)) await shuffled.apply(part);
          expect(await contentsOf(shuffled, blocks)).toEqual(await contentsOf(inOrder, blocks));
          await Promise.all([inOrder.close(), shuffled.close()]);
        }),
        { numRuns: propertyRuns },
      );
    }, 120_000);
  });
}

function describeProgress(driver: IndexDriver): void {
  test('is nothing at first, then the highest height up to which all blocks are there', async () => {
    expect(await store.progress()).toEqual({ from: 0, watermark: -1 });
    expect(await store.apply([blockOf(2), blockOf(0)])).toEqual({ from: 0, watermark: 0 });
    expect(await store.apply([blockOf(4)])).toEqual({ from: 0, watermark: 0 });
    expect(await store.apply([blockOf(1)])).toEqual({ from: 0, watermark: 2 });
    expect(await store.apply([blockOf(1), blockOf(3)])).toEqual({ from: 0, watermark: 4 });
    expect(await store.progress()).toEqual({ from: 0, watermark: 4 });
  });

  test('begins where the first blocks are that can be had; one below does no harm', async () => {
    expect(await store.clear(1_000)).toEqual({ from: 1_000, watermark: 999 });
    expect(await store.apply([blockOf(0, record(0, 0, { subject: 'x' })), blockOf(1_000)])).toEqual({
      from: 1_000,
      watermark: 1_000,
    });
    expect(await store.scan(everything('evidence'), { limit: 10 })).toHaveLength(1);
  });

  test('stays when the index is opened again, and goes with another identity', async () => {
    if (driver.again === undefined) return;
    await store.apply([blockOf(0, record(0, 1, { subject: 'x' })), blockOf(2)]);
    let again = await driver.again(store);
    expect(await again.open(IDENTITY, 7)).toEqual({ from: 0, watermark: 0 });
    expect(await again.scan(everything('evidence'), { limit: 10 })).toHaveLength(1);
    expect(await again.apply([blockOf(1)])).toEqual({ from: 0, watermark: 2 });
    again = await driver.again(again);
    expect(await again.open('chain 2', 7)).toEqual({ from: 7, watermark: 6 });
    expect(await again.scan(everything('evidence'), { limit: 10 })).toEqual([]);
    await again.close();
  });

  test('clear leaves nothing', async () => {
    const blocks = [blockOf(0, record(0, 1, { subject: 'x' })), blockOf(1, account('a', 1, 1, { kind: 'user' }))];
    await store.apply(blocks);
    await store.clear(0);
    expect(JSON.stringify(await contentsOf(store, blocks))).not.toContain('somebody');
    expect(await store.progress()).toEqual({ from: 0, watermark: -1 });
  });
}

function describeVersions(): void {
  const old = blockOf(1, account('a', 1, 3, { kind: 'user', name: 'Ann' }));
  const newer = blockOf(2, account('a', 2, 1, { kind: 'user', level: 'phone' }));
  const gone = blockOf(3, account('a', 3, 1, null));

  test.each([
    ['in order', [old, newer]],
    ['the newer one first', [newer, old]],
    ['again and again', [old, newer, old, newer, old]],
  ])('the newest stays, with its entries alone: %s', async (_, blocks) => {
    for (const block of blocks) await store.apply([block]);
    expect(await store.rows('accounts', ['a'])).toEqual([newer.rows[0]]);
    expect(keysOf(await store.scan(equalTo('accounts', 'kind', 'user'), { limit: 10 }))).toEqual(['a']);
    expect(await store.scan(equalTo('accounts', 'name', 'Ann'), { limit: 10 })).toEqual([]);
    expect(await store.count(everything('accounts'), 10)).toBe(1);
    expect(await store.count(everything('accounts', 'name'), 10)).toBe(0);
  });

  test.each([
    ['in order', [old, newer, gone]],
    ['the tombstone first', [gone, newer, old]],
    ['in the middle', [old, gone, newer, gone]],
  ])('what is gone does not come back: %s', async (_, blocks) => {
    for (const block of blocks) await store.apply([block]);
    expect(await store.rows('accounts', ['a'])).toEqual([undefined]);
    expect(await store.scan(everything('accounts'), { limit: 10 })).toEqual([]);
    expect(await store.count(everything('accounts', 'kind'), 10)).toBe(0);
  });

  test('within one call too, and a later event brings the row back', async () => {
    const back = blockOf(4, account('a', 4, 1, { kind: 'partner' }));
    await store.apply([back, gone, old, newer]);
    expect(await store.rows('accounts', ['a', 'b'])).toEqual([back.rows[0], undefined]);
  });
}

function describeLists(): void {
  const values: FieldValue[] = [false, true, -(2 ** 53) + 1, -5, 0, 7, 2 ** 53 - 1, '', 'Z', 'a', 'ab', 'b', '批次'];
  const blocks = values.map((value, i) => blockOf(i, record(i, 1, { 'attributes.v': value, subject: `s${i % 3}` })));
  const list = everything('evidence', 'attributes.v');

  test('are ordered by type and value, both ways, in parts', async () => {
    await store.apply([...blocks].reverse());
    const all = await store.scan(list, { limit: 100 });
    expect(all.map(({ row }) => row.fields?.['attributes.v'])).toEqual(values);
    const backwards = await store.scan(list, { limit: 100, reverse: true });
    expect(backwards).toEqual([...all].reverse());
    const first = await store.scan(list, { limit: 5 });
    const rest = await store.scan({ ...list, from: concat(first[4]!.at, Uint8Array.of(0)) }, { limit: 100 });
    expect([...first, ...rest]).toEqual(all);
    const before = await store.scan({ ...list, to: all[3]!.at }, { limit: 2, reverse: true });
    expect(before).toEqual([all[2], all[1]]);
  });

  test('entries of one value are ordered by position, and a part of the heights is one part of the list', async () => {
    await store.apply([...blocks].reverse());
    const value = encodeValue('s1');
    const at = (height: number) => concat(value, encodePosition({ height, transaction: 0, row: 0 }));
    const found = await store.scan({ ...list, field: 'subject', from: at(4), to: at(11) }, { limit: 10 });
    expect(found.map(({ row }) => row.height)).toEqual([4, 7, 10]);
  });

  test('a field with several values has an entry for each, one that is not indexed has none', async () => {
    const digest = ['sha-256:aa', 'sm3:bb', 'sha-256:aa'];
    await store.apply([blockOf(0, record(0, 1, { digest, sizeBytes: 3 }))]);
    expect(await store.count(everything('evidence', 'digest'), 10)).toBe(2);
    expect(keysOf(await store.scan(equalTo('evidence', 'digest', 'sm3:bb'), { limit: 10 }))).toHaveLength(1);
    expect(await store.count(everything('evidence', 'sizeBytes'), 10)).toBe(0);
    expect(await store.count(everything('evidence', 'attributes.unheard'), 10)).toBe(0);
  });

  test('counting stops where it is told to', async () => {
    await store.apply(blocks);
    expect(await store.count(list, 100)).toBe(values.length);
    expect(await store.count(list, 4)).toBe(4);
    expect(await store.count(equalTo('evidence', 'subject', 's0'), 100)).toBe(5);
  });

  test('hold a hundred keys and more rows than a store gives at once', async () => {
    const many = Array.from({ length: 230 }, (_, i) => record(0, 1, { subject: 'many', 'attributes.i': i }, i));
    await store.apply([blockOf(0, ...many)]);
    const found = await store.scan(equalTo('evidence', 'subject', 'many'), { limit: 500 });
    expect(found.map(({ row }) => row)).toEqual(many);
    const keys = many
      .slice(0, 100)
      .map(({ key }) => key)
      .reverse();
    expect((await store.rows('evidence', keys)).map((row) => row?.key)).toEqual(keys);
  });
}

/** Blocks over a few keys, so that rows are written again, removed and brought back. */
const drawnRow = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  kind: fc.constantFrom('user', 'partner', null),
  name: fc.constantFrom('x', 'y', undefined),
  subject: fc.constantFrom('s', 't', undefined),
  values: fc.array(fc.constantFrom<FieldValue>('1', 1, true, 'zwei'), { maxLength: 3 }),
});
const drawnBlocks = fc
  .array(fc.array(drawnRow, { maxLength: 4 }), { minLength: 1, maxLength: 6 })
  .map((blocks) =>
    blocks.map((rows, height) =>
      blockOf(
        height,
        ...rows.flatMap(({ key, kind, name, subject, values }, i) => [
          account(key, height, i + 1, kind === null ? null : { kind, ...(name && { name }) }),
          record(height, i + 1, { ...(subject && { subject }), 'attributes.v': [...valuesOf(values)] }, 1),
        ]),
      ),
    ),
  );

/** Every block at least once, some again, in any order and any grouping. */
function shuffledParts(blocks: readonly BlockRows[], chance: () => number): BlockRows[][] {
  const again = blocks.filter(() => chance() % 2 === 0);
  const all = [...blocks, ...again];
  for (let i = all.length - 1; i > 0; i--) {
    const j = chance() % (i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  const parts: BlockRows[][] = [];
  while (all.length > 0) parts.push(all.splice(0, 1 + (chance() % 3)));
  return parts;
}
