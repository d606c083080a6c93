import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../codec/cbor.ts';
import { CodecError } from '../../codec/error.ts';
import { pureCrypto as crypto } from '../../crypto/pure.ts';
import {
  MAX_SCHEMA_BYTES,
  misfit,
  type Property,
  type RecordSchema,
  registerSchemaBody,
  schemaFromJson,
  schemaId,
} from './record-schema.ts';

const schemaOf = (properties: Record<string, Property>, required?: readonly string[]): RecordSchema => ({
  type: 'object',
  properties: new Map(Object.entries(properties)),
  additionalProperties: false,
  ...(required !== undefined && { required }),
});
const full = schemaOf(
  {
    lot: { type: 'string', maxLength: 3, 'x-indexed': true },
    country: { type: 'string', enum: ['cn', 'de'] },
    weight_g: { type: 'integer', minimum: -5, maximum: 10, 'x-indexed': true },
    grade: { type: 'integer', enum: [1, 2] },
    fresh: { type: 'boolean', 'x-indexed': true },
  },
  ['lot', 'fresh'],
);
type Value = string | number | boolean;
const attributes = (fields: Record<string, Value>) => new Map<string, Value>(Object.entries(fields));
const good = { lot: 'ab', fresh: true };

test('a schema has one encoding, and comes back from it', () => {
  const body = { name: 'goods', schema: full };
  expect(registerSchemaBody.decode(decode(encode(registerSchemaBody.encode(body))), '')).toEqual(body);
});

describe('attributes', () => {
  test.each<[string, Record<string, Value>]>([
    ['all that is required', good],
    ['everything, at its bounds', { ...good, lot: '批次甲', country: 'de', weight_g: 10, grade: 2, fresh: false }],
    ['code points above the first plane count once', { ...good, lot: '𝒜𝒜𝒜' }],
    ['an empty text', { ...good, lot: '' }],
    ['the least', { ...good, weight_g: -5 }],
  ])('fit: %s', (_, fields) => {
    expect(misfit(full, attributes(fields))).toBeUndefined();
  });

  test.each<[string, Record<string, Value>]>([
    ['lot', { ...good, lot: 'abcd' }],
    ['lot', { ...good, lot: 5 }],
    ['lot', { ...good, lot: true }],
    ['country', { ...good, country: 'fr' }],
    ['weight_g', { ...good, weight_g: 11 }],
    ['weight_g', { ...good, weight_g: -6 }],
    ['weight_g', { ...good, weight_g: '5' }],
    ['grade', { ...good, grade: 3 }],
    ['fresh', { ...good, fresh: 1 }],
    ['colour', { ...good, colour: 'red' }],
    ['constructor', { ...good, constructor: 'x' }],
    ['fresh', { lot: 'a' }],
    ['lot', {}],
  ])('do not fit, and %s is named: %j', (name, fields) => {
    expect(misfit(full, attributes(fields))).toBe(name);
  });
});

describe('what is no schema here', () => {
  const value = () => registerSchemaBody.encode({ name: 'goods', schema: full }) as Map<string, Map<string, unknown>>;
  const property = (fields: Record<string, unknown>) => ({
    properties: new Map([['lot', new Map(Object.entries(fields))]]),
  });

  test.each<[string, Record<string, unknown>]>([
    ['another type', { type: 'array' }],
    ['further properties', { additionalProperties: true }],
    ['no properties', { properties: new Map() }],
    [
      '33 properties',
      {
        properties: new Map(Array.from({ length: 33 }, (_, i) => [`p${i}`, new Map([['type', 'boolean']])])),
        required: undefined,
      },
    ],
    ['a name that no attribute has', { properties: new Map([['1st', new Map([['type', 'boolean']])]]) }],
    ['an unknown keyword', { title: 'Goods' }],
    ['a required property that there is not', { required: ['colour'] }],
    ['a property required twice', { required: ['lot', 'lot'] }],
    ['a type of a property that there is not', property({ type: 'number' })],
    ['no type', property({})],
    ['a pattern', property({ type: 'string', pattern: '^a' })],
    ['a length that no attribute has', property({ type: 'string', maxLength: 1_025 })],
    ['no alternatives', property({ type: 'string', enum: [] })],
    ['65 alternatives', property({ type: 'integer', enum: Array.from({ length: 65 }, (_, i) => i) })],
    ['alternatives of another type', property({ type: 'integer', enum: ['1'] })],
    ['bounds of text', property({ type: 'string', minimum: 1 })],
    ['an integer that is not safe', property({ type: 'integer', maximum: 2n ** 60n })],
    ['a mark that says no', property({ type: 'boolean', 'x-indexed': false })],
    ['a property that is no map', { properties: new Map([['lot', 'string']]) }],
  ])('%s', (_, fields) => {
    const body = value();
    for (const [key, field] of Object.entries(fields)) {
      if (field === undefined) body.get('schema')!.delete(key);
      else body.get('schema')!.set(key, field);
    }
    if ('properties' in fields) body.get('schema')!.delete('required');
    expect(() => registerSchemaBody.decode(body as never, '')).toThrow(CodecError);
  });

  test('one that is too long', () => {
    const alternatives = Array.from({ length: 64 }, (_, i) => `${i}`.padEnd(140, 'x'));
    const long = schemaOf({ lot: { type: 'string', enum: alternatives } });
    expect(() => registerSchemaBody.encode({ name: 'long', schema: long })).toThrow(`longer than ${MAX_SCHEMA_BYTES}`);
  });
});

describe('JSON', () => {
  const json = {
    type: 'object',
    properties: {
      lot: { type: 'string', maxLength: 3, 'x-indexed': true },
      country: { type: 'string', enum: ['cn', 'de'] },
      weight_g: { type: 'integer', minimum: -5, maximum: 10, 'x-indexed': true },
      grade: { type: 'integer', enum: [1, 2] },
      fresh: { type: 'boolean', 'x-indexed': true },
    },
    additionalProperties: false,
    required: ['lot', 'fresh'],
  };

  test('as people write it is the same schema', () => {
    expect(schemaFromJson(json)).toEqual(full);
  });

  test.each<[string, unknown]>([
    ['a text', 'goods'],
    ['nothing', null],
    ['a list', [json]],
    ['a keyword that is not taken', { ...json, title: 'Goods' }],
    ['a fraction', { ...json, properties: { lot: { type: 'integer', minimum: 0.5 } }, required: undefined }],
    [
      'a prototype',
      JSON.parse('{"type":"object","properties":{"__proto__":{"type":"boolean"}},"additionalProperties":false}'),
    ],
    ['undefined', { ...json, required: undefined }],
  ])('that is none: %s', (_, other) => {
    expect(() => schemaFromJson(other)).toThrow(CodecError);
  });
});

test('registrant, name and content make the ID, and the order in which properties are given does not', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...full.properties], { minLength: 5 }), (properties) => {
      const id = (registrant: number, name: string, schema: RecordSchema) =>
        schemaId(crypto, new Uint8Array(20).fill(registrant), { name, schema });
      const first = id(1, 'goods', full);
      expect(id(1, 'goods', { ...full, properties: new Map(properties) })).toEqual(first);
      expect(id(2, 'goods', full)).not.toEqual(first);
      expect(id(1, 'good', full)).not.toEqual(first);
      expect(id(1, 'goods', { ...full, required: ['lot'] })).not.toEqual(first);
    }),
  );
});
