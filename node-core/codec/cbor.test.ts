import * as cborg from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex, uint64, utf8 } from './bytes.ts';
import { type CborKey, type CborValue, DEFAULT_LIMITS, decode, encode, Tag } from './cbor.ts';
import { CodecError, type CodecErrorKind } from './error.ts';

const integer = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -300, max: 70_000 }),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }).filter((n) => !Number.isSafeInteger(Number(n))),
  fc.constantFrom(-(2n ** 53n), 2n ** 53n),
);
const text = fc.string({ unit: 'grapheme', maxLength: 30 });
const key: fc.Arbitrary<CborKey> = fc.oneof(fc.integer({ min: -70_005, max: 70_000 }), text);

/** Any value that the decoder can give (integers are bigint only beyond 2^53). */
const value: fc.Arbitrary<CborValue> = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    integer.map((n) => (n === 0 ? 0 : n)),
    text,
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(true, false, null),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map((entries) => new Map(entries)),
    fc.tuple(fc.integer({ min: 0, max: 100_000 }), tie('value')).map(([tag, inner]) => new Tag(tag, inner)),
  ),
})).value;

const limits = { ...DEFAULT_LIMITS, maxDepth: 64 };

function kindOf(run: () => unknown): CodecErrorKind | 'accepted' {
  try {
    run();
    return 'accepted';
  } catch (error) {
    if (error instanceof CodecError) return error.kind;
    throw error;
  }
}

/** Refused with a CodecError, or accepted and then the one encoding of what it says. */
function strict(bytes: Uint8Array): void {
  if (kindOf(() => decode(bytes, limits)) !== 'accepted') return;
  expect(toHex(encode(decode(bytes, limits)))).toBe(toHex(bytes));
}

describe('properties', () => {
  test('decode(encode(v)) is v', () => {
    fc.assert(
      fc.property(value, (v) => {
        expect(decode(encode(v), limits)).toEqual(v);
      }),
      { numRuns: 1000 },
    );
  });

  test('random bytes are refused with a CodecError or encode back to themselves', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), strict), { numRuns: 5000 });
  });

  test('every truncation of a value is refused', () => {
    fc.assert(
      fc.property(value, (v) => {
        const bytes = encode(v);
        for (let n = 0; n < bytes.length; n++)
          expect(kindOf(() => decode(bytes.subarray(0, n), limits))).toBe('malformed');
      }),
    );
  });

  test('a value with any byte changed is refused or encodes back to itself', () => {
    fc.assert(
      fc.property(value, fc.integer({ min: 1, max: 255 }), (v, flip) => {
        const bytes = encode(v);
        for (let i = 0; i < bytes.length; i++) strict(bytes.map((byte, j) => (i === j ? byte ^ flip : byte)));
      }),
    );
  });

  test('cborg, in its strict mode, reads and writes the same', () => {
    const options = { useMaps: true, rejectDuplicateMapKeys: true, strict: true, allowIndefinite: false };
    const tagless = value.filter((v) => !hasTag(v));
    fc.assert(
      fc.property(tagless, (v) => {
        const bytes = encode(v);
        expect(cborg.decode(bytes, options)).toEqual(v);
        expect(toHex(cborg.encode(v, cborg.rfc8949EncodeOptions))).toBe(toHex(bytes));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('encode refuses', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['a float', 1.5],
    ['NaN', Number.NaN],
    ['−0', -0],
    ['an unsafe number', 2 ** 53],
    ['an integer beyond 64 bits', 2n ** 64n],
    ['a negative integer beyond 64 bits', -(2n ** 64n) - 1n],
    ['undefined', undefined],
    ['a hole in an array', new Array(1)],
    ['a lone surrogate', 'a\ud800b'],
    ['a lone surrogate in a key', new Map([['\udc00', 1]])],
    ['a plain object', { a: 1 }],
    ['a key that is a bigint', new Map([[1n, 1]])],
    ['a negative tag', new Tag(-1, 0)],
    ['a fractional tag', new Tag(1.5, 0)],
  ];
  test.each(cases)('%s', (_, v) => {
    expect(kindOf(() => encode(v as CborValue))).toBe('schema');
  });
});

describe('decode refuses', () => {
  const cases: readonly (readonly [string, string, CodecErrorKind])[] = [
    ['nothing', '', 'malformed'],
    ['bytes after the item', '0000', 'malformed'],
    ['a long form of 23', '1817', 'nonCanonical'],
    ['a long form of 255', '1900ff', 'nonCanonical'],
    ['a long form of 65535', '1a0000ffff', 'nonCanonical'],
    ['a long form of 2^32 − 1', '1b00000000ffffffff', 'nonCanonical'],
    ['a long form of a length', '580101', 'nonCanonical'],
    ['reserved lengths', '1c', 'malformed'],
    ['an indefinite integer', '1f', 'malformed'],
    ['an indefinite tag', 'df00', 'malformed'],
    ['a break alone', 'ff', 'malformed'],
    ['a length of 2^64 − 1', '5bffffffffffffffff', 'malformed'],
    ['an array of 2^53 − 1 items', '9b001fffffffffffff', 'malformed'],
    ['a map longer than its input', 'a30001020300', 'malformed'],
    ['duplicate keys', 'a201000100', 'nonCanonical'],
    ['keys in the wrong order', 'a202000100', 'nonCanonical'],
    ['text keys by alphabet, not by length', 'a262616100616200', 'nonCanonical'],
    ['a key that is an array', 'a18000', 'malformed'],
    ['a key beyond 2^53', 'a11bffffffffffffffff00', 'malformed'],
    ['overlong UTF-8', '62c080', 'malformed'],
    ['a surrogate in UTF-8', '63eda080', 'malformed'],
    ['UTF-8 cut short', '61c3', 'malformed'],
    ['false in two bytes', 'f814', 'malformed'],
    ['a tag beyond 2^53', 'dbffffffffffffffff00', 'malformed'],
  ];
  test.each(cases)('%s', (_, hex, kind) => {
    expect(kindOf(() => decode(fromHex(hex)))).toBe(kind);
  });

  test('what is over a limit, before it costs anything', () => {
    expect(kindOf(() => decode(new Uint8Array(65_536)))).toBe('limit');
    expect(kindOf(() => decode(new Uint8Array(60_000).fill(0x81)))).toBe('limit');
    expect(kindOf(() => decode(new Uint8Array(60_000).fill(0xc1)))).toBe('limit');
    expect(kindOf(() => decode(encode(new Array(2000).fill(0)), { ...limits, maxItems: 2000 }))).toBe('limit');
    expect(kindOf(() => decode(encode(new Array(1999).fill(0)), { ...limits, maxItems: 2000 }))).toBe('accepted');
  });
});

test('short and long texts, ASCII and not, are written alike', () => {
  for (const last of ['', 'a', '\u007f', '\u0080', 'ü', '水', '😀']) {
    for (const length of [0, 22, 23, 24, 62, 63, 64, 65, 255, 256]) {
      const one = 'x'.repeat(length) + last;
      expect(toHex(encode(one))).toBe(toHex(cborg.encode(one)));
      expect(decode(encode(one))).toBe(one);
    }
  }
});

test('a byte order mark is kept', () => {
  expect(decode(encode('\ufeffa'))).toBe('\ufeffa');
});

test('parts of a Node Buffer come out as plain Uint8Arrays over the same memory', () => {
  const buffer = Buffer.from('430102035566', 'hex').subarray(0, 4);
  const part = decode(buffer) as Uint8Array;
  expect(part.constructor).toBe(Uint8Array);
  buffer[1] = 9;
  expect(part[0]).toBe(9);
});

test('an array of 2^20 digests goes through, within the time of a test', () => {
  const digests = Array.from({ length: 2 ** 20 }, () => new Uint8Array(32));
  const bytes = encode(digests);
  const back = decode(bytes, { maxBytes: bytes.length, maxDepth: 2, maxItems: 2 ** 20 + 1 }) as readonly CborValue[];
  expect(back.length).toBe(2 ** 20);
});

test('what was encoded stays as it is, whatever is encoded after it and however long', () => {
  const lengths = [0, 1, 61, 62, 63, 64, 65, 300, 1_020, 1_021, 1_022, 5_000, 8_189, 8_190, 40_000];
  const values = Array.from({ length: 5 * lengths.length }, (_, i) =>
    new Uint8Array(lengths[(7 * i) % lengths.length]!).fill(i),
  );
  const encoded = values.map((bytes) => encode(bytes));
  expect(() => encode([new Uint8Array(200), 0.5])).toThrow(CodecError);
  encode(new Uint8Array(200));
  expect(encoded.map((bytes) => decode(bytes))).toEqual(values);
});

test('maps out of order within each other are encoded once each: doubled at each level, these would take for ever', () => {
  let value: CborValue = 1;
  for (let depth = 0; depth < 60; depth++) {
    value = new Map<string, CborValue>([
      ['b', value],
      ['a', 0],
    ]);
  }
  expect(encode(value)).toHaveLength(60 * 6 + 1);
});

test('helpers on bytes refuse what they could only distort', () => {
  expect(() => uint64(-1)).toThrow(RangeError);
  expect(() => uint64(1.5)).toThrow(RangeError);
  expect(() => uint64(2 ** 53)).toThrow(RangeError);
  expect(toHex(uint64(2 ** 53 - 1))).toBe('001fffffffffffff');
  expect(() => utf8('\ud800')).toThrow(RangeError);
  expect(() => fromHex('0x')).toThrow(RangeError);
});

function hasTag(v: CborValue): boolean {
  if (v instanceof Tag) return true;
  if (v instanceof Map) return [...v.values()].some(hasTag);
  return Array.isArray(v) && v.some(hasTag);
}
