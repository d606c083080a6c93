/** Which events somebody wants: types, and fields that have one value. */
import { type Refusal, refusal } from '../../chain/codes.ts';
import type { EventField } from '../../ledger/event-declaration.ts';
import type { FieldValue } from '../../ledger/projection.ts';
import { declarationOf, EVENT_TYPES, fieldOf } from './catalogue.ts';
import type { Event } from './event.ts';

export interface EventFilter {
  /** None: every type, those of later releases too. */
  readonly types: readonly string[];
  readonly filter: Readonly<Record<string, FieldValue>>;
}

export const MAX_FILTER_TYPES = 16;
export const MAX_FILTER_FIELDS = 8;
export const MAX_FILTER_VALUE_LENGTH = 512;

/**
 * Each type must be known, and each field be one that all of them declare for filters.
 * @returns EVENT_TYPE_UNKNOWN or EVENT_FIELD_UNKNOWN with what would have been understood.
 */
export function filterRefusal({ types, filter }: EventFilter): Refusal | null {
  const fields = Object.entries(filter);
  if (types.length > MAX_FILTER_TYPES) return refusal('BAD_REQUEST', `at most ${MAX_FILTER_TYPES} types`);
  if (fields.length > MAX_FILTER_FIELDS) return refusal('BAD_REQUEST', `at most ${MAX_FILTER_FIELDS} fields`);
  const unknown = types.find((type) => declarationOf(type) === undefined);
  if (unknown !== undefined) {
    return refusal('EVENT_TYPE_UNKNOWN', `known are ${EVENT_TYPES.map(({ type }) => type).join(', ')}`);
  }
  if (fields.length > 0 && types.length === 0) return refusal('EVENT_FIELD_UNKNOWN', 'name the types that have them');
  for (const type of types) {
    for (const [name, value] of fields) {
      const refused = fieldRefusal(type, name, value);
      if (refused !== null) return refused;
    }
  }
  return null;
}

function fieldRefusal(type: string, name: string, value: FieldValue): Refusal | null {
  const declaration = declarationOf(type)!;
  const field = fieldOf(declaration, name);
  if (field === undefined || (field !== 'open' && !field.filter)) {
    const { fields, open } = declaration;
    const known = Object.entries(fields).flatMap(([known, { filter }]) => (filter ? [known] : []));
    const more = open === undefined ? [] : [`${open}*`];
    return refusal('EVENT_FIELD_UNKNOWN', `${type} can be filtered by ${[...known, ...more].join(', ')}`);
  }
  if (typeof value === 'string' && value.length > MAX_FILTER_VALUE_LENGTH)
    return refusal('BAD_REQUEST', `${name}: longer than ${MAX_FILTER_VALUE_LENGTH} characters`);
  if (field === 'open' || typeof value === jsType(field)) return null;
  return refusal('BAD_REQUEST', `${name}: of type ${jsType(field)} in ${type}`);
}

function jsType({ type }: EventField): 'number' | 'boolean' | 'string' {
  if (type === 'integer') return 'number';
  return type === 'boolean' ? 'boolean' : 'string';
}

/**
 * A value from a URL, where all is text, as the fields of these types have it. An open field may be anything: what
 * reads as a number or a boolean is one.
 */
export function valueFromText(types: readonly string[], name: string, text: string): FieldValue {
  const declared = types.map((type) => fieldOf(declarationOf(type) ?? { ...NO_TYPE }, name));
  const kinds = declared.map((field) => (field === undefined || field === 'open' ? undefined : jsType(field)));
  const isOpen = declared.includes('open');
  if ((isOpen || kinds.includes('number')) && /^-?(0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  if ((isOpen || kinds.includes('boolean')) && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

const NO_TYPE = { type: '', description: '', fields: {}, subject: [] };

export function matches({ types, filter }: EventFilter, event: Pick<Event, 'type' | 'data'>): boolean {
  if (types.length > 0 && !types.includes(event.type)) return false;
  for (const name in filter) if (!has(event, name, filter[name]!)) return false;
  return true;
}

function has({ data }: Pick<Event, 'data'>, name: string, value: FieldValue): boolean {
  const found = Object.hasOwn(data, name) ? data[name] : undefined;
  return Array.isArray(found) ? found.includes(value) : found === value;
}
