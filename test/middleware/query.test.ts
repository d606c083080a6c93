// Queries against a model that looks at every row: whatever the filters, the order and the length of pages, they give the
// same rows. On SQLite, as the conformance suite holds all drivers to the same lists.
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { SqliteIndexStore } from '../../adapters/index-sqlite/index-sqlite.ts';
import type { CodeName, Refusal } from '../../node-core/chain/codes.ts';
import { pureCrypto as crypto } from '../../node-core/crypto/pure.ts';
import type { Fields, FieldValue } from '../../node-core/ledger/projection.ts';
import { type RecordPage, type RecordQuery, runQuery } from '../../node-core/middleware/query/query.ts';
import type { BlockRows, IndexRow, IndexStore } from '../../node-core/ports/index-store.ts';
import { blockOf, record } from '../conformance/index-store.ts';

const IDENTITY = 'chain';
const HEIGHTS = 60;
const timeOf = (height: number) => 1_000_000 + 1_000 * height;

function blockRow(height: number): IndexRow {
  const fields = { hash: `${height}`, blockTimeMs: timeOf(height) };
  const at = { height, transaction: 0, row: 0, timeMs: timeOf(height), sender: null, nonce: null };
  return { collection: 'blocks', key: String(height), ...at, fields };
}

function fieldsOf(i: number): Fields {
  return {
    registrant: `r${i % 2}`,
    digest: i % 5 === 0 ? [`sha-256:${i}`, 'sm3:same'] : [`sha-256:${i}`],
    ...(i % 3 !== 0 && { subject: `s${i % 7}` }),
    ...(i % 4 !== 0 && { 'attributes.n': (i * 37) % 11 }),
    ...(i % 4 === 0 && { 'attributes.n': `text ${i % 3}` }),
    'attributes.b': i % 2 === 0,
  };
}

const blocks: BlockRows[] = Array.from({ length: HEIGHTS }, (_, height) =>
  blockOf(
    height,
    blockRow(height),
    ...Array.from({ length: height % 4 }, (_, t) => ({
      ...record(height, t + 1, fieldsOf(4 * height + t)),
      timeMs: timeOf(height),
    })),
  ),
);
const rows = blocks.flatMap((block) => block.rows).filter(({ collection }) => collection === 'evidence');

let store: IndexStore;
beforeAll(async () => {
  store = new SqliteIndexStore(':memory:');
  await store.open(IDENTITY, 0);
  await store.apply(blocks);
});

function isPage(outcome: RecordPage | Refusal): outcome is RecordPage {
  return 'rows' in outcome;
}

async function ask(query: Partial<RecordQuery>): Promise<RecordPage> {
  const outcome = await runQuery(crypto, store, { collection: 'evidence', where: [], limit: 50, ...query });
  if (!isPage(outcome)) throw new Error(`${outcome.code}: ${outcome.detail}`);
  return outcome;
}

async function refusalOf(query: Partial<RecordQuery>): Promise<CodeName | undefined> {
  const outcome = await runQuery(crypto, store, { collection: 'evidence', where: [], limit: 50, ...query });
  return isPage(outcome) ? undefined : outcome.code;
}

/** All pages, one after the other. */
async function askAll(query: Partial<RecordQuery>): Promise<IndexRow[]> {
  const all: IndexRow[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 300; pages++) {
    const page = await ask({ ...query, cursor });
    all.push(...page.rows);
    if (page.next === null) return all;
    cursor = page.next;
  }
  throw new Error('no end');
}

// --- The model ---

interface ModelFilter {
  readonly text: string;
  readonly holds: (value: FieldValue) => boolean;
  readonly field: string;
}

const rank = (value: FieldValue) => (typeof value === 'boolean' ? 0 : typeof value === 'number' ? 1 : 2);
/** ASCII alone here, so that the order of JavaScript is that of bytes. */
const order = (a: FieldValue, b: FieldValue) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0);

function comparison(field: string, operator: string, value: FieldValue): ModelFilter {
  const literal = typeof value === 'string' ? JSON.stringify(value) : String(value);
  const holds = (other: FieldValue) => {
    const by = order(other, value);
    const sameType = rank(other) === rank(value);
    return operator === '='
      ? by === 0
      : sameType && (operator[0] === '>' ? by > 0 : by < 0 || false)
        ? true
        : operator[1] === '=' && by === 0;
  };
  return { field, text: `${field}${operator}${literal}`, holds };
}

const list = (value: Fields[string] | undefined): readonly FieldValue[] =>
  value === undefined ? [] : typeof value === 'object' ? value : [value];

function valuesIn(row: IndexRow, field: string): readonly FieldValue[] {
  if (field === 'height') return [row.height];
  return field === 'timeMs' ? [row.timeMs] : list(row.fields![field]);
}

function modelRows(filters: readonly ModelFilter[], sort: string | undefined): string[] {
  const fields = [...new Set(filters.map(({ field }) => field))];
  const holding = (row: IndexRow, field: string) =>
    valuesIn(row, field).filter((value) => filters.every((filter) => filter.field !== field || filter.holds(value)));
  const found = rows.filter((row) => fields.every((field) => holding(row, field).length > 0));
  const descending = sort?.startsWith('-') === true;
  const by = sort?.replace('-', '') ?? 'height';
  const keyed = found.flatMap((row, i) => {
    const values = by === 'height' ? [0] : [...holding(row, by)].sort(order);
    const value = descending ? values.at(-1) : values[0];
    return value === undefined ? [] : [{ row, value, i }];
  });
  keyed.sort((a, b) => order(a.value, b.value) || a.i - b.i);
  return (descending ? keyed.reverse() : keyed).map(({ row }) => row.key);
}

const someValue = fc.oneof(
  fc.integer({ min: -1, max: 12 }),
  fc.constantFrom('text 0', 'text 1', 'text 9'),
  fc.boolean(),
);
const someFilter: fc.Arbitrary<ModelFilter> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('subject', 'registrant'),
      fc.constantFrom('=', '>=', '<=', '>', '<'),
      fc.constantFrom('s1', 's4', 's6', 'r0', 'r1'),
    )
    .map((args) => comparison(...args)),
  fc
    .tuple(fc.constantFrom('attributes.n', 'attributes.b'), fc.constantFrom('=', '>=', '<=', '>', '<'), someValue)
    .map((args) => comparison(...args)),
  fc
    .tuple(fc.constant('height'), fc.constantFrom('=', '>=', '<=', '>', '<'), fc.integer({ min: 0, max: 70 }))
    .map((args) => comparison(...args)),
  fc
    .tuple(
      fc.constant('timeMs'),
      fc.constantFrom('>=', '<=', '>', '<'),
      fc.integer({ min: timeOf(-2), max: timeOf(70) }),
    )
    .map((args) => comparison(...args)),
  fc.constantFrom('sha-256:1', 'sha', 'sm3', 'x').map((prefix) => ({
    ...{ field: 'digest', text: `digest^=${prefix}` },
    holds: (value: FieldValue) => String(value).startsWith(prefix),
  })),
  fc.subarray(['s1', 's2', 's5', 's9'], { minLength: 1 }).map((set) => ({
    ...{ field: 'subject', text: `subject=${JSON.stringify(set)}` },
    holds: (value: FieldValue) => set.includes(String(value)),
  })),
  fc.subarray(['sha-256:0', 'sm3:same', 'sha-256:6'], { minLength: 1 }).map((set) => ({
    ...{ field: 'digest', text: `digest=${JSON.stringify(set)}` },
    holds: (value: FieldValue) => set.includes(String(value)),
  })),
);
const someSort = fc.constantFrom(
  ...['height', 'subject', 'digest', 'attributes.n', 'registrant'].flatMap((f) => [f, `-${f}`]),
);

test('whatever the query, all pages together are what looking at every row gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(someFilter, { maxLength: 4 }),
      someSort,
      fc.integer({ min: 1, max: 60 }),
      async (filters, sort, limit) => {
        const where = filters.map(({ text }) => text);
        const found = await askAll({ where, sort, limit });
        expect(found.map(({ key }) => key)).toEqual(modelRows(filters, sort));
      },
    ),
    { numRuns: 400 },
  );
}, 120_000);

test('whatever the query, the count is what looking at every row gives, or says that it is less', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(someFilter, { maxLength: 3 }),
      fc.option(someSort, { nil: undefined }),
      async (filters, sort) => {
        const { count } = await ask({ where: filters.map(({ text }) => text), sort, limit: 1, count: true });
        expect(count).toEqual({ value: modelRows(filters, undefined).length, exact: true });
      },
    ),
    { numRuns: 300 },
  );
}, 120_000);

describe('pages', () => {
  test('hold what is asked for and say where the next one begins', async () => {
    const first = await ask({ limit: 7 });
    expect(first.rows.map(({ key }) => key)).toEqual(rows.slice(0, 7).map(({ key }) => key));
    const second = await ask({ limit: 5, cursor: first.next! });
    expect(second.rows.map(({ key }) => key)).toEqual(rows.slice(7, 12).map(({ key }) => key));
    expect((await ask({ limit: 100 })).next).toBeNull();
  });

  test('without an order come in that of a range that is asked for, else in that of the chain', async () => {
    const { rows: found } = await ask({ where: ['attributes.n>5', 'attributes.n<9'] });
    const values = found.map(({ fields }) => fields!['attributes.n'] as number);
    expect(values).toEqual([...values].sort((a, b) => a - b));
  });

  test('of few among many come short, with a cursor that goes on', async () => {
    const sparse = new SqliteIndexStore(':memory:');
    await sparse.open(IDENTITY, 0);
    const many = Array.from({ length: 1_999 }, (_, i) =>
      record(0, 1, { registrant: 'r', 'attributes.n': i % 1_999 === 1_998 ? 1 : 0, 'attributes.m': i }, i),
    );
    await sparse.apply([blockOf(0, ...many)]);
    const query = {
      collection: 'evidence',
      where: ['attributes.m>=0', 'attributes.n>=1'],
      limit: 10,
      sort: 'attributes.m',
    };
    const first = (await runQuery(crypto, sparse, query)) as RecordPage;
    expect([first.rows.length, first.next]).toEqual([0, expect.any(String)]);
    const second = (await runQuery(crypto, sparse, { ...query, cursor: first.next! })) as RecordPage;
    expect([second.rows.length, second.next]).toEqual([1, null]);
    const counted = (await runQuery(crypto, sparse, { ...query, count: true })) as RecordPage;
    expect(counted.count).toEqual({ value: 0, exact: false });
  });

  test('blocks above the watermark are not shown yet', async () => {
    const gap = new SqliteIndexStore(':memory:');
    await gap.open(IDENTITY, 0);
    await gap.apply([blockOf(0, record(0, 1, { subject: 'a' })), blockOf(2, record(2, 1, { subject: 'a' }))]);
    const seen = (await runQuery(crypto, gap, {
      collection: 'evidence',
      where: ['subject=a'],
      limit: 9,
    })) as RecordPage;
    expect(seen.rows.map(({ height }) => height)).toEqual([0]);
    expect(seen.progress).toEqual({ from: 0, watermark: 0 });
  });
});

test('rows are found by their keys', async () => {
  const keys = [rows[5]!.key, rows[2]!.key];
  expect((await ask({ where: [`key=${JSON.stringify([...keys, 'none'])}`] })).rows.map(({ key }) => key)).toEqual([
    keys[1],
    keys[0],
  ]);
});

test('long texts that begin alike are told apart', async () => {
  const long = new SqliteIndexStore(':memory:');
  await long.open(IDENTITY, 0);
  const text = (end: string) => `${'x'.repeat(300)}${end}`;
  await long.apply([blockOf(0, ...['a', 'b'].map((end, i) => record(0, i + 1, { 'attributes.t': text(end) })))]);
  const query = { collection: 'evidence', limit: 9, count: true };
  const found = (await runQuery(crypto, long, { ...query, where: [`attributes.t=${text('b')}`] })) as RecordPage;
  expect(found.rows.map(({ transaction }) => transaction)).toEqual([2]);
  expect(found.count).toEqual({ value: 1, exact: true });
  const begin = (await runQuery(crypto, long, { ...query, where: [`attributes.t^=${text('a')}`] })) as RecordPage;
  expect(begin.rows.map(({ transaction }) => transaction)).toEqual([1]);
});

describe('bad input', () => {
  test.each<[CodeName, Partial<RecordQuery>]>([
    ['COLLECTION_UNKNOWN', { collection: 'nothing' }],
    ['COLLECTION_UNKNOWN', { collection: '__proto__' }],
    ['FIELD_UNKNOWN', { where: ['colour=red'] }],
    ['FIELD_UNKNOWN', { where: ['constructor=red'] }],
    ['FIELD_UNKNOWN', { where: ['attributes.=red'] }],
    ['FIELD_UNKNOWN', { sort: 'colour' }],
    ['FIELD_UNKNOWN', { sort: '' }],
    ['FIELD_NOT_INDEXED', { where: ['sizeBytes>5'] }],
    ['FIELD_NOT_INDEXED', { sort: '-sizeBytes' }],
    ['FIELD_NOT_INDEXED', { sort: 'key' }],
    ['FILTER_INVALID', { where: ['subject'] }],
    ['FILTER_INVALID', { where: ['=x'] }],
    ['FILTER_INVALID', { where: ['subject=["a",1]'] }],
    ['FILTER_INVALID', { where: ['subject=["a"'] }],
    ['FILTER_INVALID', { where: ['subject=[]'] }],
    ['FILTER_INVALID', { where: [`subject=${JSON.stringify(Array.from({ length: 21 }, (_, i) => `${i}`))}`] }],
    ['FILTER_INVALID', { where: ['subject>["a","b"]'] }],
    ['FILTER_INVALID', { where: ['height=ten'] }],
    ['FILTER_INVALID', { where: ['height=1.5'] }],
    ['FILTER_INVALID', { where: ['height=99999999999999999'] }],
    ['FILTER_INVALID', { where: ['height=[1,2]'] }],
    ['FILTER_INVALID', { where: ['attributes.n^=5'] }],
    ['FILTER_INVALID', { where: ['key>a'] }],
    ['FILTER_INVALID', { where: [`subject=${'x'.repeat(1_025)}`] }],
    ['FILTER_INVALID', { where: ['subject="\\ud800"'] }],
    ['FILTER_INVALID', { where: Array.from({ length: 17 }, () => 'subject=a') }],
    ['CURSOR_INVALID', { cursor: '' }],
    ['CURSOR_INVALID', { cursor: '!!' }],
    ['CURSOR_INVALID', { cursor: 'AAAA' }],
    ['CURSOR_INVALID', { cursor: 'A'.repeat(5_000) }],
  ])('%s: %j', async (code, query) => {
    expect(await refusalOf(query)).toBe(code);
  });

  test('a cursor of another query, or one that was changed', async () => {
    const { next } = await ask({ where: ['registrant=r1'], limit: 1 });
    expect(await refusalOf({ where: ['registrant=r1'], cursor: next! })).toBeUndefined();
    expect(await refusalOf({ where: ['registrant=r0'], cursor: next! })).toBe('CURSOR_INVALID');
    expect(await refusalOf({ where: ['registrant=r1'], sort: '-height', cursor: next! })).toBe('CURSOR_INVALID');
  });
});

test('the part of a cursor that is not bound leads nowhere but to another place of the same list', async () => {
  const { next } = await ask({ where: ['registrant=r1'], limit: 1 });
  const bytes = Buffer.from(next!, 'base64url');
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 }), async (at, value) => {
      const changed = Buffer.from(bytes);
      changed[at] = value;
      const query = {
        collection: 'evidence',
        where: ['registrant=r1'],
        limit: 100,
        cursor: changed.toString('base64url'),
      };
      const outcome = await runQuery(crypto, store, query);
      if (isPage(outcome)) expect(outcome.rows.every(({ fields }) => fields!.registrant === 'r1')).toBe(true);
      else expect(outcome.code).toBe('CURSOR_INVALID');
    }),
  );
});
