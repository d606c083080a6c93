/** Queries over the index by business fields: filters, order, pages that cost the same wherever they begin, a count. */
import { type Refusal, refusal } from '../../chain/codes.ts';
import { equal } from '../../codec/bytes.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { IndexProgress, IndexRow, IndexStore } from '../../ports/index-store.ts';
import { COLLECTIONS } from '../index/collections.ts';
import { allows } from './constraint.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { type Filter, MAX_FILTERS, parseFilter } from './filter.ts';
import { type Sort, shownEntry } from './order.ts';
import { type Plan, parseSort, planOf } from './plan.ts';
import { inOrder } from './stream.ts';

export const MAX_PAGE = 100;
/** Rows that one page looks at: when few of them fulfil the filters, a page is short and its cursor goes on. */
export const MAX_LOOKED_AT = 1_000;
/** A count goes no further; above it is a lower bound. */
export const MAX_COUNT = 10_000;

export interface RecordQuery {
  readonly collection: string;
  /** As {@link parseFilter} reads them; all must hold. */
  readonly where: readonly string[];
  /** A field, `height` or `timeMs`; with `-` before it descending. */
  readonly sort?: string | undefined;
  /** 1 to {@link MAX_PAGE}. */
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly count?: boolean;
}

export interface RecordPage {
  readonly rows: readonly IndexRow[];
  /** Where the next page begins; null after the last. A page may be short, or empty, and have one. */
  readonly next: string | null;
  /** How many rows the query has, the page's own among them; a lower bound when not exact. */
  readonly count: { readonly value: number; readonly exact: boolean } | null;
  readonly progress: IndexProgress;
}

/** Whoever answers queries: {@link runQuery} over a store, wherever that runs. */
export interface RecordSearch {
  /** @throws {IndexStoreError} */
  search(query: RecordQuery): Promise<RecordPage | Refusal>;
}

/** Refusals: COLLECTION_UNKNOWN, FIELD_UNKNOWN, FIELD_NOT_INDEXED, FILTER_INVALID, CURSOR_INVALID. @throws {IndexStoreError} */
export async function runQuery(
  crypto: CryptoProvider,
  store: IndexStore,
  query: RecordQuery,
): Promise<RecordPage | Refusal> {
  const read = readQuery(query);
  if ('code' in read) return read;
  const plan = await planOf(store, query.collection, read.filters, read.sort);
  if ('code' in plan) return plan;
  const canonical = JSON.stringify([query.collection, [...query.where].sort(), plan.sort]);
  const cursor = query.cursor === undefined ? null : decodeCursor(crypto, canonical, query.cursor);
  if (cursor !== null && 'code' in cursor) return cursor;
  const { rows, last } = await page(store, plan, query.limit, cursor);
  return {
    rows,
    next: last === null ? null : encodeCursor(crypto, canonical, last),
    count: query.count === true ? await countOf(store, read.filters, query.collection) : null,
    progress: await store.progress(),
  };
}

interface Read {
  readonly filters: readonly Filter[];
  readonly sort: Sort | undefined;
}

function readQuery(query: RecordQuery): Read | Refusal {
  const collection = COLLECTIONS.get(query.collection);
  if (collection === undefined) return refusal('COLLECTION_UNKNOWN');
  if (query.where.length > MAX_FILTERS) return refusal('FILTER_INVALID', `at most ${MAX_FILTERS} filters`);
  const filters: Filter[] = [];
  for (const text of query.where) {
    const filter = parseFilter(collection, text);
    if ('code' in filter) return filter;
    filters.push(filter);
  }
  const sort = query.sort === undefined ? undefined : parseSort(collection, query.sort);
  return sort !== undefined && 'code' in sort ? sort : { filters, sort };
}

/** @returns the entry after which the next page begins, null when there is no more. */
async function page(
  store: IndexStore,
  plan: Plan,
  limit: number,
  cursor: Uint8Array | null,
): Promise<{ rows: IndexRow[]; last: Uint8Array | null }> {
  const rows: IndexRow[] = [];
  let [last, looked] = [cursor, 0];
  for await (const { at, row } of inOrder(store, plan, cursor, plan.constraints.length <= 1 ? limit + 1 : 2 * limit)) {
    const isWanted = isInPlace(plan, at, row) && fulfils(plan, row);
    if ((isWanted && rows.length === limit) || looked === MAX_LOOKED_AT) return { rows, last };
    if (isWanted) rows.push(row);
    last = at;
    looked += 1;
  }
  return { rows, last: null };
}

function fulfils({ constraints, heights }: Plan, row: IndexRow): boolean {
  if (row.height < heights.first || row.height > heights.last) return false;
  return constraints.every((constraint) => allows(constraint, row));
}

/** A row with several values has several entries: it is shown at the first of those that the query allows. */
function isInPlace({ kind, sort, constraints }: Plan, at: Uint8Array, row: IndexRow): boolean {
  if (kind !== 'lists') return true;
  const shown = shownEntry(sort, constraints, row);
  return shown !== undefined && equal(shown, at);
}

/** Of all rows that fulfil the filters, whether or not they have the field that is sorted by. */
async function countOf(
  store: IndexStore,
  filters: readonly Filter[],
  collection: string,
): Promise<RecordPage['count']> {
  const plan = await planOf(store, collection, filters, undefined);
  if ('code' in plan) return null;
  let value = 0;
  if (plan.isExact) {
    for (const { field, interval } of plan.lists)
      if (value < MAX_COUNT) value += await store.count({ collection, field, ...interval }, MAX_COUNT - value);
    return { value, exact: value < MAX_COUNT };
  }
  let looked = 0;
  for await (const { at, row } of inOrder(store, plan, null, MAX_LOOKED_AT)) {
    if (looked === MAX_LOOKED_AT) return { value, exact: false };
    if (isInPlace(plan, at, row) && fulfils(plan, row)) value += 1;
    looked += 1;
  }
  return { value, exact: true };
}
