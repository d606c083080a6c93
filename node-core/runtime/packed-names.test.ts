import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LEVELS } from '../chain/account.ts';
import { encodeTransactionEntry } from '../chain/transaction-entry.ts';
import { concat } from '../codec/bytes.ts';
import { type CborValue, encode } from '../codec/cbor.ts';
import { packNames, unpackNames } from './packed-names.ts';

const hash = new Uint8Array(32).fill(7);
const entry = encodeTransactionEntry({
  expiry: 14_000,
  height: 500,
  code: 0,
  left: {
    ...{ sender: new Uint8Array(20).fill(1), nonce: hash, timeMs: 1_795_843_910_078 },
    legal: { version: '1.0', digest: hash },
    records: [[0, new Map([['body', hash]])]],
  },
});

/** What follows from the names alone: other readers of the store depend on each. */
test('the table is as it was', () => {
  const names = 'body digest legal nonce records sender timeMs version certifier level terms'.split(' ');
  expect(names.map((name) => packNames(encode(name)))).toEqual(names.map((_, i) => Uint8Array.of(0xe0 + i)));
  expect(names.map((_, i) => unpackNames(Uint8Array.of(0xe0 + i)))).toEqual(names.map(encode));
});

test('an entry of a transaction is shorter by its names, and comes back', () => {
  const packed = packNames(entry)!;
  expect(entry.length - packed.length).toBe(5 + 6 + 5 + 5 + 7 + 6 + 6 + 7 - 1);
  expect(unpackNames(packed)).toEqual(entry);
});

describe('any bytes', () => {
  const comesBack = (bytes: Uint8Array) => expect(unpackNames(packNames(bytes) ?? encode(0))).toEqual(bytes);
  const name = fc.constantFrom('body', 'digest', 'nonce', 'other', 'legal', LEVELS[0]!);
  const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
    value: fc.oneof(
      fc.oneof<fc.Arbitrary<CborValue>[]>(
        name,
        fc.nat(),
        fc.uint8Array({ maxLength: 300 }),
        fc.boolean(),
        fc.constant(null),
        fc.string(),
      ),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.uniqueArray(fc.tuple(name, tie('value')), { maxLength: 4, selector: ([key]) => key }).map((of) => new Map(of)),
    ),
  }));

  test('of CBOR come back when they were packed', () => {
    fc.assert(
      fc.property(value, (item) => {
        const bytes = encode(item);
        if (packNames(bytes) !== null) comesBack(bytes);
      }),
    );
  });

  test('of anything are packed only when they come back', () => {
    const piece = fc.oneof(fc.uint8Array({ maxLength: 5 }), name.map(encode));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const bytes = concat(...pieces);
        if (packNames(bytes) !== null) comesBack(bytes);
        expect(unpackNames(bytes).length).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test('with a simple value that stands for a name are left alone', () => {
    expect(packNames(concat(encode('body'), Uint8Array.of(0xe3)))).toBeNull();
    expect(packNames(concat(encode('body'), Uint8Array.of(0xef)))).toBeNull();
  });
});
