/** What filters on one field allow: intervals of the bytes by which its values are ordered. */
import { compare, concat, utf8 } from '../../codec/bytes.ts';
import type { FieldValue } from '../../ledger/projection.ts';
import type { IndexRow } from '../../ports/index-store.ts';
import { after, encodePrefix, encodeValue, MAX_TEXT_BYTES, valuesOf } from '../index/entries.ts';
import type { Filter } from './filter.ts';

/** Bytes from `from` (inclusive) to `to` (exclusive). */
export interface Interval {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

export interface Constraint {
  readonly field: string;
  /** Ascending and apart; none when the filters contradict each other. */
  readonly intervals: readonly Interval[];
  /** Each interval holds one value: its rows are ordered by position. */
  readonly isPoints: boolean;
  /** The intervals decide by themselves: no text is longer than what is ordered of it. */
  readonly isWhole: boolean;
  readonly filters: readonly Filter[];
}

/** One constraint for each field, in the order in which the fields first come. */
export function constraintsOf(filters: readonly Filter[]): Constraint[] {
  return [...new Set(filters.map(({ field }) => field))].map((field) => {
    const own = filters.filter((filter) => filter.field === field);
    const intervals = own.map(intervalsOf).reduce(intersection);
    const isPoints = own.some(({ operator }) => operator === '=');
    return { field, intervals, isPoints, isWhole: own.every(({ values }) => values.every(isShort)), filters: own };
  });
}

function isShort(value: FieldValue): boolean {
  return typeof value !== 'string' || utf8(value).length <= MAX_TEXT_BYTES;
}

function intervalsOf({ operator, values }: Filter): readonly Interval[] {
  const [value] = values;
  const bytes = encodeValue(value!);
  // Of its own type alone: text is not above an integer for those who ask.
  const [type, nextType] = [bytes.subarray(0, 1), Uint8Array.of(bytes[0]! + 1)];
  switch (operator) {
    case '=':
      return values
        .map((one) => encodeValue(one))
        .sort(compare)
        .map((from) => ({ from, to: after(from) }));
    case '>=':
      return [{ from: bytes, to: nextType }];
    case '>':
      return [{ from: after(bytes), to: nextType }];
    case '<=':
      return [{ from: type, to: after(bytes) }];
    case '<':
      return [{ from: type, to: bytes }];
    case '^=': {
      const prefix = encodePrefix(value as string);
      return [{ from: prefix, to: after(prefix) }];
    }
  }
}

function intersection(a: readonly Interval[], b: readonly Interval[]): readonly Interval[] {
  return a.flatMap((one) =>
    b.flatMap((other) => {
      const from = compare(one.from, other.from) >= 0 ? one.from : other.from;
      const to = compare(one.to, other.to) <= 0 ? one.to : other.to;
      return compare(from, to) < 0 ? [{ from, to }] : [];
    }),
  );
}

/** Whether one value of the row's field fulfils all of them. */
export function allows(constraint: Constraint, row: IndexRow): boolean {
  return valuesOf(row.fields?.[constraint.field]).some((value) => allowsValue(constraint, value));
}

export function allowsValue({ intervals, filters }: Constraint, value: FieldValue): boolean {
  const bytes = encodeValue(value);
  const isInside = intervals.some(({ from, to }) => compare(from, bytes) <= 0 && compare(bytes, to) < 0);
  return isInside && filters.every((filter) => agreesToTheEnd(filter, value));
}

/** The order of long texts knows their beginning alone. */
function agreesToTheEnd({ operator, values }: Filter, value: FieldValue): boolean {
  if (operator === '=') return values.includes(value);
  return operator !== '^=' || (typeof value === 'string' && value.startsWith(values[0] as string));
}

/** Which part of an interval's entries lies within these positions, when all of it is one value. */
export function within({ from }: Interval, positions: Interval): Interval {
  return { from: concat(from, positions.from), to: concat(from, positions.to) };
}
