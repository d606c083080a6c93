/**
 * Filters as people write them: `field=value`, `field>=value`, `field^=prefix`, `field=["a","b"]`. Several are all to hold.
 *
 * A value that begins with `"` or `[` is JSON, an array being a set of alternatives; any other is taken as it stands, as
 * the field's type has it. Where rows are free in what they call their fields, `true`, `false` and integers are what they
 * look like, and text that looks so is quoted.
 */
import { type Refusal, refusal } from '../../chain/codes.ts';
import type { Collection, FieldType, FieldValue } from '../../ledger/projection.ts';
import { fieldOf } from '../index/collections.ts';

export const OPERATORS = ['>=', '<=', '^=', '=', '>', '<'] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Filter {
  readonly field: string;
  readonly operator: Operator;
  /** One value; for `=` one to {@link MAX_SET}. */
  readonly values: readonly FieldValue[];
}

/** What every row has, whatever its collection. */
export const SYSTEM_FIELDS: Readonly<Record<string, FieldType>> = { height: 'integer', timeMs: 'integer', key: 'text' };

export const MAX_FILTERS = 16;
export const MAX_SET = 20;
const MAX_VALUE = 1_024;
const FILTER = /^([A-Za-z][A-Za-z0-9_.-]{0,79})(>=|<=|\^=|=|>|<)([\s\S]*)$/;
const INTEGER = /^(0|-?[1-9][0-9]{0,15})$/;

export function parseFilter(collection: Collection, text: string): Filter | Refusal {
  const [, field, operator, value] = FILTER.exec(text) ?? [];
  if (field === undefined || operator === undefined || value === undefined)
    return refusal('FILTER_INVALID', 'write field=value, with =, >=, <=, >, < or ^= (begins with)');
  const type = typeOf(collection, field);
  if (typeof type === 'object') return type;
  if (value.length > MAX_VALUE)
    return refusal('FILTER_INVALID', `${field}: the value is longer than ${MAX_VALUE} characters`);
  const values = readValues(value, type);
  if (values === undefined) return refusal('FILTER_INVALID', `${field}: the value is not of type ${type}`);
  return wrongUse(field, operator as Operator, values) ?? { field, operator: operator as Operator, values };
}

/** The type of a field that can be filtered and sorted by; `open` when each row may have its own. */
export function typeOf(collection: Collection, field: string): FieldType | 'open' | Refusal {
  if (Object.hasOwn(SYSTEM_FIELDS, field)) return SYSTEM_FIELDS[field]!;
  const declared = fieldOf(collection, field);
  if (declared === undefined) return refusal('FIELD_UNKNOWN', `${collection.name} has no field of this name`);
  if (declared === 'open') return 'open';
  return declared.indexed ? declared.type : refusal('FIELD_NOT_INDEXED', field);
}

function wrongUse(field: string, operator: Operator, values: readonly FieldValue[]): Refusal | null {
  if (values.length !== 1 && operator !== '=') return refusal('FILTER_INVALID', `${field}: a set goes with = alone`);
  if (values.length === 0 || values.length > MAX_SET)
    return refusal('FILTER_INVALID', `${field}: a set has 1 to ${MAX_SET} values`);
  if (operator === '^=' && typeof values[0] !== 'string')
    return refusal('FILTER_INVALID', `${field}: only text begins with something`);
  if (field === 'key' && operator !== '=') return refusal('FILTER_INVALID', 'key: only = is possible');
  return null;
}

function readValues(text: string, type: FieldType | 'open'): readonly FieldValue[] | undefined {
  if (!/^["[]/.test(text)) {
    const value = readPlain(text, type);
    return value === undefined ? undefined : [value];
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const list: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  return list.every((value) => isOfType(value, type)) ? [...new Set(list as readonly FieldValue[])] : undefined;
}

function readPlain(text: string, type: FieldType | 'open'): FieldValue | undefined {
  if (type !== 'integer' && type !== 'boolean' && type !== 'open') return isOfType(text, type) ? text : undefined;
  const literal = text === 'true' ? true : text === 'false' ? false : INTEGER.test(text) ? Number(text) : text;
  return isOfType(literal, type) ? literal : undefined;
}

function isOfType(value: unknown, type: FieldType | 'open'): value is FieldValue {
  if (typeof value === 'number')
    return (type === 'integer' || type === 'open') && Number.isSafeInteger(value) && !Object.is(value, -0);
  if (typeof value === 'boolean') return type === 'boolean' || type === 'open';
  // A lone surrogate has no bytes, and no text on chain has one.
  return typeof value === 'string' && type !== 'integer' && type !== 'boolean' && !/\p{Surrogate}/u.test(value);
}
