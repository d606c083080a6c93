import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../codec/cbor.ts';
import { CodecError } from '../../codec/error.ts';
import type { HashAlgorithm } from '../../crypto/provider.ts';
import {
  batchLeaf,
  DIGEST_ALGORITHMS,
  DIGEST_BYTES,
  digests,
  MAX_BATCH,
  type Register,
  registerBatchBody,
  registerBody,
} from './evidence.ts';

const digest = (algorithm: HashAlgorithm) => new Uint8Array(DIGEST_BYTES.get(algorithm)!).fill(1);
const all = new Map(DIGEST_ALGORITHMS.map((name) => [name, digest(name)]));
const hash = new Uint8Array(32).fill(2);
const full: Register = {
  digests: all,
  sizeBytes: 12_345,
  mediaType: 'application/ld+json',
  subject: '批次 7',
  previous: hash,
  attributes: new Map<string, string | number | boolean>([
    ['lot', '7'],
    ['weight_g', -5],
    ['fresh', true],
    ['note', ''],
  ]),
  provenance: { source: 'camera 4', capturedMs: 5, witnesses: [new Uint8Array(20)], related: [hash] },
  hosted: hash,
  timestamps: [Uint8Array.of(0x30)],
  onBehalfOf: new Uint8Array(20),
};
const refuses = (fields: object) => expect(() => registerBody.decode(mapOf(fields), '')).toThrow(CodecError);
const mapOf = (fields: object): Map<string, never> =>
  new Map<string, never>([
    ...(registerBody.encode({ digests: all }) as Map<string, never>),
    ...(Object.entries(fields) as [string, never][]),
  ]);

describe('register', () => {
  test('round trip with every field, and with the one that is required', () => {
    for (const body of [full, { digests: all }]) {
      expect(registerBody.decode(decode(encode(registerBody.encode(body))), '')).toEqual(body);
    }
  });

  test('bounds', () => {
    refuses({ sizeBytes: -1 });
    refuses({ mediaType: 'text/plain; charset=utf-8' });
    refuses({ mediaType: 'Text/Plain' });
    refuses({ subject: '' });
    refuses({ subject: 'x'.repeat(257) });
    refuses({ previous: new Uint8Array(31) });
    refuses({ attributes: new Map() });
    refuses({ attributes: new Map([['1st', 'x']]) });
    refuses({ attributes: new Map([['big', 2n ** 60n]]) });
    refuses({ attributes: new Map([['list', []]]) });
    refuses({ timestamps: [] });
    refuses({ onBehalfOf: new Uint8Array(32) });
    refuses({ extra: 1 });
  });

  test('what is written can be read: bounds hold in both directions', () => {
    expect(() => registerBody.encode({ digests: new Map([['sha-512', new Uint8Array(32)]]) })).toThrow('not 64 bytes');
    expect(() => registerBody.encode({ digests: all, attributes: new Map([['a', 'x'.repeat(1_025)]]) })).toThrow();
  });
});

describe('digests', () => {
  test.each(DIGEST_ALGORITHMS)('%s has its own length and no other', (name) => {
    for (const length of [31, 32, 33, 63, 64, 65]) {
      const decodeOne = () => digests.decode(new Map([[name, new Uint8Array(length)]]), '');
      if (length === DIGEST_BYTES.get(name as HashAlgorithm)) expect(decodeOne().size).toBe(1);
      else expect(decodeOne).toThrow(CodecError);
    }
  });

  test('none, or an unknown algorithm, is refused', () => {
    for (const map of [new Map<string, Uint8Array>(), new Map([['md5', hash]]), new Map([['sha-1', hash]])]) {
      expect(() => digests.decode(map, '')).toThrow(CodecError);
    }
  });
});

describe('batches', () => {
  test('1 to 2^20 digests', () => {
    const read = (count: number) =>
      registerBatchBody.decode(new Map<string, never>(Object.entries({ root: hash, count }) as never), '');
    expect(read(MAX_BATCH).count).toBe(1_048_576);
    for (const count of [0, MAX_BATCH + 1]) expect(() => read(count)).toThrow(CodecError);
  });

  test('a leaf does not depend on the order in which digests were put in (property)', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...all], { minLength: 1 }), (entries) => {
        const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
        expect(batchLeaf(new Map(entries))).toEqual(batchLeaf(new Map(sorted)));
      }),
    );
  });
});
