/**
 * evidence.registerSchema: what the attributes of some kind of record look like, as a small part of JSON Schema (2020-12)
 * in CBOR. Whatever is valid here is decided by comparing and counting: no patterns, no references, no formats.
 */

import { concat, utf8 } from '../../codec/bytes.ts';
import { type CborValue, encode } from '../../codec/cbor.ts';
import { CodecError } from '../../codec/error.ts';
import { array, dictionary, type Infer, literal, oneOf, record, type Schema, text, uint } from '../../codec/schema.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import { type AccountId, accountId } from '../identifiers.ts';
import { attributeName, MAX_ATTRIBUTE_BYTES, MAX_ATTRIBUTES } from './attributes.ts';

export const REGISTER_SCHEMA = 'evidence.registerSchema';
/** Of a schema in its encoding: what one record makes every node read. */
export const MAX_SCHEMA_BYTES = 8_192;
const MAX_ALTERNATIVES = 64;
const ID_DOMAIN = utf8('brop/record-schema/v1');

const safeInteger: Schema<number> = {
  decode: (value, path) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    throw new CodecError('schema', 'not a safe integer', path);
  },
  encode: (value) => safeInteger.decode(value, '') as number,
};

const indexed = { 'x-indexed': literalTrue() };
const stringProperty = record(
  { type: literal('string') },
  {
    /** Unicode code points. */
    maxLength: uint({ max: MAX_ATTRIBUTE_BYTES }),
    enum: array(text({ min: 0, max: 256 }), { min: 1, max: MAX_ALTERNATIVES }),
    ...indexed,
  },
);
const integerProperty = record(
  { type: literal('integer') },
  {
    minimum: safeInteger,
    maximum: safeInteger,
    enum: array(safeInteger, { min: 1, max: MAX_ALTERNATIVES }),
    ...indexed,
  },
);
const booleanProperty = record({ type: literal('boolean') }, indexed);

export type Property = Infer<typeof stringProperty> | Infer<typeof integerProperty> | Infer<typeof booleanProperty>;

const kind = oneOf('string', 'integer', 'boolean');
const property: Schema<Property> = {
  decode: (value, path) => {
    if (!(value instanceof Map)) throw new CodecError('schema', 'not a map', path);
    switch (kind.decode(value.get('type') ?? null, `${path}.type`)) {
      case 'string':
        return stringProperty.decode(value, path);
      case 'integer':
        return integerProperty.decode(value, path);
      case 'boolean':
        return booleanProperty.decode(value, path);
    }
  },
  encode: (value) => {
    if (value.type === 'string') return stringProperty.encode(value);
    return value.type === 'integer' ? integerProperty.encode(value) : booleanProperty.encode(value);
  },
};

const form = record(
  {
    type: literal('object'),
    properties: dictionary(attributeName, property, { max: MAX_ATTRIBUTES }),
    additionalProperties: literalFalse(),
  },
  { required: array(attributeName, { min: 1, max: MAX_ATTRIBUTES }) },
);
export type RecordSchema = Infer<typeof form>;

/** Of bounded length; what is required is there, once. */
export const recordSchema: Schema<RecordSchema> = {
  decode: (value, path) => {
    const schema = checked(form.decode(value, path), path);
    if (encode(value).length > MAX_SCHEMA_BYTES)
      throw new CodecError('schema', `longer than ${MAX_SCHEMA_BYTES} bytes`, path);
    return schema;
  },
  encode: (schema) => {
    const value = form.encode(checked(schema, ''));
    recordSchema.decode(value, '');
    return value;
  },
};

/** From JSON as people write it. @throws {CodecError} that names the place. */
export function schemaFromJson(json: unknown): RecordSchema {
  return recordSchema.decode(mapsOf(json, 'schema'), 'schema');
}

function mapsOf(json: unknown, path: string): CborValue {
  if (Array.isArray(json)) return json.map((item, i) => mapsOf(item, `${path}[${i}]`));
  if (typeof json === 'object' && json !== null)
    return new Map(Object.entries(json).map(([name, value]) => [name, mapsOf(value, `${path}.${name}`)]));
  if (typeof json === 'string' || typeof json === 'boolean' || json === null || Number.isSafeInteger(json))
    return json as CborValue;
  throw new CodecError('schema', 'neither JSON nor a safe integer', path);
}

function checked(schema: RecordSchema, path: string): RecordSchema {
  const { required = [], properties } = schema;
  if (new Set(required).size !== required.length || required.some((name) => !properties.has(name)))
    throw new CodecError('schema', 'names a property twice, or one that there is not', `${path}.required`);
  return schema;
}

function literalTrue(): Schema<true> {
  return literalBoolean(true);
}

function literalFalse(): Schema<false> {
  return literalBoolean(false);
}

function literalBoolean<const T extends boolean>(expected: T): Schema<T> {
  const check = (value: unknown, path: string): T => {
    if (value === expected) return expected;
    throw new CodecError('schema', `not ${expected}`, path);
  };
  return { decode: check, encode: (value) => check(value, '') };
}

export const registerSchemaBody = record({
  /** What people call it: a partner may have several of one name, each a version of its own. */
  name: text({ max: 64 }),
  schema: recordSchema,
});
export type RegisterSchema = Infer<typeof registerSchemaBody>;

/** What the state keeps of it: its bounds were looked at when it was registered. */
export const registeredSchema = record({ registrant: accountId, name: text({ max: 64 }), schema: form });

/** Content and registrant name a schema: it never changes. */
export function schemaId(crypto: CryptoProvider, registrant: AccountId, body: RegisterSchema): Uint8Array {
  return crypto.hash('sha-256', concat(ID_DOMAIN, encode([registrant, registerSchemaBody.encode(body)])));
}

/** The first attribute that is not as the schema says, or undefined; absent ones count as none. */
export function misfit(
  { properties, required = [] }: RecordSchema,
  attributes: ReadonlyMap<string, string | number | boolean>,
): string | undefined {
  for (const [name, value] of attributes) {
    const property = properties.get(name);
    if (property === undefined || !fits(property, value)) return name;
  }
  return required.find((name) => !attributes.has(name));
}

function fits(property: Property, value: string | number | boolean): boolean {
  switch (property.type) {
    case 'string':
      return typeof value === 'string' && isShort(value, property.maxLength) && isAmong(property.enum, value);
    case 'integer': {
      if (typeof value !== 'number') return false;
      const { minimum = value, maximum = value } = property;
      return minimum <= value && value <= maximum && isAmong(property.enum, value);
    }
    case 'boolean':
      return typeof value === 'boolean';
  }
}

function isShort(value: string, maxLength: number | undefined): boolean {
  return maxLength === undefined || [...value].length <= maxLength;
}

function isAmong<T>(alternatives: readonly T[] | undefined, value: T): boolean {
  return alternatives === undefined || alternatives.includes(value);
}
