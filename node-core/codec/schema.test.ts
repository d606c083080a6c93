import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CborValue, decode, encode, Tag } from './cbor.ts';
import { CodecError } from './error.ts';
import * as schema from './schema.ts';

const sample = schema.record(
  {
    id: schema.fixedBytes(4),
    name: schema.text({ max: 20 }),
    kind: schema.oneOf('a', 'b'),
    height: schema.uint({ max: 1_000_000 }),
    final: schema.bool,
    parts: schema.array(schema.tuple(schema.uint(), schema.nullable(schema.bytes({ max: 3 }))), { max: 4 }),
  },
  {
    version: schema.literal(1),
    digests: schema.dictionary(schema.text({ max: 10 }), schema.bytes({ max: 8 }), { max: 3 }),
    wrapped: schema.tagged(18, schema.uint()),
    constructor: schema.uint(),
  },
);

const name = fc.stringMatching(/^[a-z ü水]{1,6}$/);
const value = fc.record(
  {
    id: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    name,
    kind: fc.constantFrom('a' as const, 'b' as const),
    height: fc.nat(1_000_000),
    final: fc.boolean(),
    parts: fc.array(fc.tuple(fc.maxSafeNat(), fc.option(fc.uint8Array({ maxLength: 3 }))), { maxLength: 4 }),
    version: fc.constant(1 as const),
    digests: fc
      .array(
        fc.tuple(
          name.filter((text) => new TextEncoder().encode(text).length <= 10),
          fc.uint8Array({ maxLength: 8 }),
        ),
        {
          minLength: 1,
          maxLength: 3,
        },
      )
      .map((entries) => new Map(entries)),
    wrapped: fc.maxSafeNat(),
    constructor: fc.maxSafeNat(),
  },
  { requiredKeys: ['id', 'name', 'kind', 'height', 'final', 'parts'] },
);

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CodecError && error.kind === 'schema') return error.message;
    throw error;
  }
  throw new Error('was accepted');
}

test('what a schema encodes it decodes to the same', () => {
  fc.assert(
    fc.property(value, (v) => {
      const back = sample.decode(decode(encode(sample.encode(v as schema.Infer<typeof sample>))), '');
      expect({ ...back }).toEqual({ ...v });
    }),
  );
});

describe('record', () => {
  const one = schema.record({ a: schema.uint() }, { b: schema.uint(), constructor: schema.uint() });
  const decodeOne = (entries: readonly (readonly [string | number, CborValue])[]): unknown =>
    one.decode(new Map(entries), 'it');

  test('refuses unknown, missing and mistyped fields, and names them', () => {
    expect(
      refusal(() =>
        decodeOne([
          ['a', 1],
          ['c', 1],
        ]),
      ),
    ).toBe('it: unknown field c');
    expect(
      refusal(() =>
        decodeOne([
          ['a', 1],
          [7, 1],
        ]),
      ),
    ).toBe('it: unknown field 7');
    expect(refusal(() => decodeOne([['b', 1]]))).toBe('it: field a is missing');
    expect(refusal(() => decodeOne([['a', 'x']]))).toBe('it.a: not an unsigned integer');
    expect(refusal(() => one.decode([], 'it'))).toBe('it: not a map');
  });

  test('shows no unknown name that could forge a log line', () => {
    expect(
      refusal(() =>
        decodeOne([
          ['a', 1],
          ['x\n2026 INFO all is well', 1],
        ]),
      ),
    ).toBe('it: unknown field (not shown)');
    expect(
      refusal(() =>
        decodeOne([
          ['a', 1],
          ['x'.repeat(60_000), 1],
        ]),
      ),
    ).toBe('it: unknown field (not shown)');
  });

  test('__proto__ is an unknown field and changes no prototype', () => {
    expect(
      refusal(() =>
        decodeOne([
          ['a', 1],
          ['__proto__', new Map()],
        ]),
      ),
    ).toBe('it: unknown field __proto__');
    const fields = Object.fromEntries([['__proto__', schema.uint()]]);
    expect(() => schema.record(fields)).toThrow('not a set of fields');
    expect(() => schema.record({ a: schema.uint() }, { a: schema.uint() })).toThrow('not a set of fields');
  });

  test('an absent optional field is not taken from the prototype', () => {
    expect(one.encode({ a: 1 } as never)).toEqual(new Map([['a', 1]]));
    expect(refusal(() => schema.record({ toString: schema.uint() }).encode({} as never))).toBe(
      'toString: field is missing',
    );
  });
});

describe('encode refuses what decode would refuse', () => {
  const cases: readonly (readonly [string, () => unknown])[] = [
    ['bytes', () => schema.fixedBytes(2).encode(new Uint8Array(3))],
    ['text too long', () => schema.text({ max: 3 }).encode('水水')],
    ['text with a control character', () => schema.text({ max: 9 }).encode('a\u202eb')],
    ['text with a line separator', () => schema.text({ max: 9 }).encode('a\u2028b')],
    ['text with a lone surrogate', () => schema.text({ max: 9 }).encode('\ud800')],
    ['uint above', () => schema.uint({ max: 3 }).encode(4)],
    ['uint with a fraction', () => schema.uint().encode(1.5)],
    ['uint below', () => schema.uint().encode(-1)],
    ['oneOf', () => schema.oneOf('a', 'b').encode('c' as 'a')],
    ['literal', () => schema.literal(1).encode(2 as 1)],
    ['array', () => schema.array(schema.uint(), { max: 1 }).encode([1, 2])],
    ['tuple', () => schema.tuple(schema.uint()).encode([1, 2] as never)],
    ['dictionary', () => schema.dictionary(schema.text({ max: 1 }), schema.uint(), { max: 1 }).encode(new Map())],
    [
      'dictionary key',
      () => schema.dictionary(schema.text({ max: 1 }), schema.uint(), { max: 1 }).encode(new Map([['ab', 1]])),
    ],
  ];
  test.each(cases)('%s', (_, run) => {
    refusal(run);
  });
});

test('decode names the place in nested values', () => {
  const rows = schema.array(schema.tuple(schema.uint(), schema.text({ max: 3 })), { max: 3 });
  expect(
    refusal(() =>
      rows.decode(
        [
          [1, 'a'],
          [2, 3],
        ],
        'rows',
      ),
    ),
  ).toBe('rows[1][1]: not text');
});

test('a big integer is no uint, another tag is not the tag', () => {
  refusal(() => schema.uint().decode(2n ** 60n, ''));
  refusal(() => schema.tagged(18, schema.uint()).decode(new Tag(17, 1), ''));
});

test('a pattern with a memory is refused when the schema is made', () => {
  expect(() => schema.text({ max: 3, pattern: /a/g })).toThrow('neither global nor sticky');
  expect(() => schema.text({ max: 3, pattern: /a/y })).toThrow('neither global nor sticky');
});
