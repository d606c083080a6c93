/** The orders in which rows are asked for. */
import { compare, concat } from '../../codec/bytes.ts';
import type { IndexRow } from '../../ports/index-store.ts';
import { ALL, encodePosition, encodeValue, valuesOf } from '../index/entries.ts';
import { allowsValue, type Constraint } from './constraint.ts';

export interface Sort {
  /** A field; `''`: by position in the chain. */
  readonly field: string;
  readonly descending: boolean;
}

/**
 * The entry at which a row is shown; undefined when it has no place in this order. Of several values of its field it is
 * the first, in that order, that the query allows.
 */
export function shownEntry(sort: Sort, constraints: readonly Constraint[], row: IndexRow): Uint8Array | undefined {
  const position = encodePosition(row);
  if (sort.field === ALL) return position;
  const own = constraints.find(({ field }) => field === sort.field);
  const values = valuesOf(row.fields?.[sort.field]).filter((value) => own === undefined || allowsValue(own, value));
  const entries = values.map((value) => concat(encodeValue(value), position)).sort(compare);
  return sort.descending ? entries.at(-1) : entries[0];
}
