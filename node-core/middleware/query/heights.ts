/** Filters on height and time, as the part of the chain that they mean: entries of one value are ordered by position. */
import { type Refusal, refusal } from '../../chain/codes.ts';
import type { IndexStore } from '../../ports/index-store.ts';
import { BLOCKS } from '../index/collections.ts';
import { encodePosition, encodeValue, HIGHEST, MAX_HEIGHT } from '../index/entries.ts';
import type { Interval } from './constraint.ts';
import type { Filter } from './filter.ts';

/** Heights from `first` to `last`; none when it is the other way round. */
export interface Heights {
  readonly first: number;
  readonly last: number;
  /** Whether no filter speaks of them. */
  readonly isAll: boolean;
}

/** Blocks above the watermark are not shown: some of their rows may be missing. FILTER_INVALID for sets. */
export async function heightsOf(store: IndexStore, filters: readonly Filter[]): Promise<Heights | Refusal> {
  const { watermark } = await store.progress();
  const own = filters.filter(({ field }) => field === 'height' || field === 'timeMs');
  let [first, last] = [0, watermark];
  for (const { field, operator, values } of own) {
    if (values.length !== 1) return refusal('FILTER_INVALID', `${field}: one value, not a set`);
    const value = values[0] as number;
    const [from, to] = [operator === '>' ? value + 1 : value, operator === '<' ? value - 1 : value];
    if (operator !== '<' && operator !== '<=')
      first = Math.max(first, field === 'height' ? from : await firstHeightSince(store, from));
    if (operator !== '>' && operator !== '>=')
      last = Math.min(last, field === 'height' ? to : (await firstHeightSince(store, to + 1)) - 1);
  }
  return { first, last, isAll: own.length === 0 };
}

/** The lowest height whose block is not older; above all others when there is none. Block times ascend. */
async function firstHeightSince(store: IndexStore, timeMs: number): Promise<number> {
  const range = { collection: BLOCKS.name, field: 'blockTimeMs', from: encodeValue(timeMs), to: HIGHEST };
  const [entry] = await store.scan(range, { limit: 1 });
  return entry?.row.height ?? MAX_HEIGHT;
}

/** Of these heights, all positions. */
export function positionsOf({ first, last }: Heights): Interval {
  const start = (height: number) => encodePosition({ height, transaction: 0, row: 0 });
  const from = Math.min(Math.max(first, 0), MAX_HEIGHT);
  return { from: start(from), to: start(Math.min(Math.max(last + 1, from), MAX_HEIGHT)) };
}
