/**
 * Which of the index's lists answers a query. A page must cost the same wherever it begins, so each plan is one or more
 * lists that are already in the order asked for; what they do not decide is looked at row by row, up to a bound.
 */
import { type Refusal, refusal } from '../../chain/codes.ts';
import type { Collection } from '../../ledger/projection.ts';
import type { IndexStore } from '../../ports/index-store.ts';
import { COLLECTIONS, fieldOf } from '../index/collections.ts';
import { ALL, HIGHEST, LOWEST } from '../index/entries.ts';
import { type Constraint, constraintsOf, type Interval, within } from './constraint.ts';
import { type Filter, SYSTEM_FIELDS, typeOf } from './filter.ts';
import { type Heights, heightsOf, positionsOf } from './heights.ts';
import type { Sort } from './order.ts';

/** So few rows are read whole and put in order here. */
export const MAX_SORTED = 1_000;
/** How far alternatives are counted to find the shortest. */
const PROBE = MAX_SORTED + 1;

export interface PlannedList {
  readonly field: string;
  readonly interval: Interval;
}

export interface Plan {
  readonly collection: string;
  readonly sort: Sort;
  /**
   * - lists: one after the other they are in order. - merged: each is ordered by position, and so are they together.
   * - sorted: they hold at most {@link MAX_SORTED} rows, in no order. - keys: rows by key, in no order.
   */
  readonly kind: 'lists' | 'merged' | 'sorted' | 'keys';
  readonly lists: readonly PlannedList[];
  readonly keys: readonly string[];
  /** What every row must fulfil; those that the lists decide among them. */
  readonly constraints: readonly Constraint[];
  /** Whether the lists decide everything, each row in one of them alone. */
  readonly isExact: boolean;
  readonly heights: Heights;
}

/** FIELD_UNKNOWN or FIELD_NOT_INDEXED when nothing can be sorted by the field. */
export function parseSort(collection: Collection, text: string): Sort | Refusal {
  const descending = text.startsWith('-');
  const field = descending ? text.slice(1) : text;
  if (field === 'height' || field === 'timeMs') return { field: ALL, descending };
  if (field === 'key') return refusal('FIELD_NOT_INDEXED', 'key');
  const type = typeOf(collection, field);
  return typeof type === 'object' ? type : { field, descending };
}

/** @param sort undefined: by the first field that is filtered by a range, or by position. */
export async function planOf(
  store: IndexStore,
  collection: string,
  filters: readonly Filter[],
  sort: Sort | undefined,
): Promise<Plan | Refusal> {
  const heights = await heightsOf(store, filters);
  if ('code' in heights) return heights;
  const constraints = constraintsOf(filters.filter(({ field }) => !Object.hasOwn(SYSTEM_FIELDS, field)));
  const points = constraints.filter(({ isPoints }) => isPoints);
  const range = constraints.find(({ isPoints }) => !isPoints);
  const order = sort ?? { field: points.length === 0 && range !== undefined ? range.field : ALL, descending: false };
  const common = { collection, sort: order, constraints, heights };
  const keys = keysOf(filters);
  if (keys !== undefined) return { ...common, kind: 'keys', lists: [], keys, isExact: false };
  return { ...common, keys: [], ...(await listsFor(store, common, points)) };
}

type Known = Pick<Plan, 'collection' | 'sort' | 'constraints' | 'heights'>;

async function listsFor(
  store: IndexStore,
  { collection, sort, constraints, heights }: Known,
  points: readonly Constraint[],
): Promise<Pick<Plan, 'kind' | 'lists' | 'isExact'>> {
  const positions = positionsOf(heights);
  const isByPosition = sort.field === ALL;
  const others = points.filter(({ field }) => field !== sort.field);
  const best = await shortest(store, collection, others, positions, !isByPosition);
  const isAlone = (constraint: Constraint | undefined) =>
    constraints.length === (constraint === undefined ? 0 : 1) &&
    constraint?.isWhole !== false &&
    !hasMany(collection, constraint?.field);
  if (isByPosition) {
    const lists = best?.lists ?? [{ field: ALL, interval: positions }];
    return { kind: 'merged', lists, isExact: isAlone(best?.constraint) };
  }
  if (best !== undefined && best.count <= MAX_SORTED) return { kind: 'sorted', lists: best.lists, isExact: false };
  const own = constraints.find(({ field }) => field === sort.field);
  if (own?.isPoints) return { kind: 'lists', lists: pointLists(own, positions), isExact: isAlone(own) };
  const intervals = own?.intervals ?? [{ from: LOWEST, to: HIGHEST }];
  const lists = intervals.map((interval) => ({ field: sort.field, interval }));
  return { kind: 'lists', lists, isExact: own !== undefined && isAlone(own) && heights.isAll };
}

/** Whether a row may have several values of the field, and so be in its lists more than once. */
function hasMany(collection: string, field: string | undefined): boolean {
  const declared = field === undefined ? undefined : fieldOf(COLLECTIONS.get(collection)!, field);
  return typeof declared === 'object' && declared.many === true;
}

function pointLists({ field, intervals }: Constraint, positions: Interval): PlannedList[] {
  return intervals.map((interval) => ({ field, interval: within(interval, positions) }));
}

function keysOf(filters: readonly Filter[]): readonly string[] | undefined {
  const sets = filters.filter(({ field }) => field === 'key').map(({ values }) => values as readonly string[]);
  if (sets.length === 0) return undefined;
  return sets.reduce((a, b) => a.filter((key) => b.includes(key)));
}

interface Choice {
  readonly constraint: Constraint;
  readonly lists: readonly PlannedList[];
  /** Of their rows, up to {@link PROBE}; 0 where nobody has counted. */
  readonly count: number;
}

/** The constraint of the fewest rows. They are counted only when there is a choice, or when `countOne`. */
async function shortest(
  store: IndexStore,
  collection: string,
  choices: readonly Constraint[],
  positions: Interval,
  countOne: boolean,
): Promise<Choice | undefined> {
  let best: Choice | undefined;
  for (const constraint of choices) {
    const lists = pointLists(constraint, positions);
    let count = 0;
    for (const { field, interval } of choices.length > 1 || countOne ? lists : [])
      if (count < PROBE) count += await store.count({ collection, field, ...interval }, PROBE - count);
    if (best === undefined || count < best.count) best = { constraint, lists, count };
  }
  return best;
}
