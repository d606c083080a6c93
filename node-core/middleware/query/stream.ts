/** The rows of a plan in the order asked for, from anywhere on, read in parts. */
import { compare, concat, equal } from '../../codec/bytes.ts';
import type { Entry, IndexRow, IndexStore } from '../../ports/index-store.ts';
import { POSITION_BYTES } from '../index/entries.ts';
import type { Interval } from './constraint.ts';
import { shownEntry } from './order.ts';
import { MAX_SORTED, type Plan, type PlannedList } from './plan.ts';

/** A list is read in parts of so many rows at least. */
const LEAST_PART = 8;

/** @param after the `at` of the last row that was seen; null: from the beginning. @param chunk rows read at once. */
export function inOrder(store: IndexStore, plan: Plan, after: Uint8Array | null, chunk: number): AsyncGenerator<Entry> {
  const { descending } = plan.sort;
  const read = (list: PlannedList, from: Uint8Array | null) => readList(store, plan, list, from, chunk);
  const part = Math.max(LEAST_PART, Math.ceil(chunk / plan.lists.length));
  const readPart = (list: PlannedList, from: Uint8Array | null) => readList(store, plan, list, from, part);
  switch (plan.kind) {
    case 'lists':
      return oneByOne(descending ? [...plan.lists].reverse() : plan.lists, (list) => read(list, after));
    case 'merged':
      // Of each list a part is read before the first row is known.
      return merged(
        plan.lists.map((list) => readPart(list, after === null ? null : concat(sharedValue(list.interval), after))),
        descending,
      );
    default:
      return sorted(store, plan, after);
  }
}

/** All entries of such a list have one value, which is what its bounds begin with. */
function sharedValue({ from }: Interval): Uint8Array {
  return from.subarray(0, from.length - POSITION_BYTES);
}

async function* oneByOne(
  lists: readonly PlannedList[],
  read: (list: PlannedList) => AsyncGenerator<Entry>,
): AsyncGenerator<Entry> {
  for (const list of lists) yield* read(list);
}

async function* readList(
  store: IndexStore,
  { collection, sort: { descending } }: Plan,
  { field, interval }: PlannedList,
  after: Uint8Array | null,
  chunk: number,
): AsyncGenerator<Entry> {
  let { from, to } = interval;
  let seen = after;
  for (;;) {
    if (seen !== null && descending) to = compare(seen, to) < 0 ? seen : to;
    if (seen !== null && !descending) from = compare(seen, from) >= 0 ? concat(seen, Uint8Array.of(0)) : from;
    if (compare(from, to) >= 0) return;
    const entries = await store.scan({ collection, field, from, to }, { limit: chunk, reverse: descending });
    yield* entries;
    if (entries.length < chunk) return;
    seen = entries.at(-1)!.at;
  }
}

/** By position alone; a row that several lists have comes once. */
async function* merged(lists: readonly AsyncGenerator<Entry>[], descending: boolean): AsyncGenerator<Entry> {
  const heads = await Promise.all(lists.map(async (list) => ({ list, next: await list.next() })));
  let last: Uint8Array | null = null;
  for (;;) {
    let best: (typeof heads)[number] | undefined;
    for (const head of heads) {
      if (head.next.done) continue;
      const order = best === undefined ? -1 : compare(positionIn(head.next.value), positionIn(best.next.value));
      if (best === undefined || (descending ? order > 0 : order < 0)) best = head;
    }
    if (best === undefined) return;
    const { row } = best.next.value as Entry;
    const at = positionIn(best.next.value);
    if (last === null || !equal(last, at)) yield { at, row };
    last = at;
    best.next = await best.list.next();
  }
}

function positionIn({ at }: Entry): Uint8Array {
  return at.subarray(at.length - POSITION_BYTES);
}

/** Few enough to be read whole. */
async function* sorted(store: IndexStore, plan: Plan, after: Uint8Array | null): AsyncGenerator<Entry> {
  const { collection, sort, constraints } = plan;
  const byPosition = new Map<string, IndexRow>();
  const found = plan.kind === 'keys' ? await rowsByKey(store, plan) : await rowsOf(store, plan);
  for (const row of found) byPosition.set(`${collection}/${row.key}`, row);
  const entries = [...byPosition.values()]
    .map((row) => ({ at: shownEntry(sort, constraints, row), row }))
    .filter((entry): entry is Entry => entry.at !== undefined)
    .sort((a, b) => (sort.descending ? compare(b.at, a.at) : compare(a.at, b.at)));
  for (const entry of entries) {
    const order = after === null ? 1 : compare(entry.at, after);
    if (sort.descending && after !== null ? order < 0 : order > 0) yield entry;
  }
}

async function rowsByKey(store: IndexStore, { collection, keys }: Plan): Promise<IndexRow[]> {
  return (await store.rows(collection, keys)).filter((row) => row !== undefined);
}

async function rowsOf(store: IndexStore, { collection, lists }: Plan): Promise<IndexRow[]> {
  const found: IndexRow[] = [];
  for (const { field, interval } of lists) {
    const entries = await store.scan({ collection, field, ...interval }, { limit: MAX_SORTED });
    found.push(...entries.map(({ row }) => row));
  }
  return found;
}
