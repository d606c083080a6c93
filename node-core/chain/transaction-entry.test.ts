import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import {
  decodeTransactionEntry,
  encodeTransactionEntry,
  recordLeftBy,
  type TransactionEntry,
} from './transaction-entry.ts';

const hash = new Uint8Array(32).fill(2);
const sender = new Uint8Array(20).fill(3);
const left = { sender, nonce: hash, timeMs: 1_000, legal: { version: '1', digest: hash }, records: [] };

const numbers = fc.uniqueArray(fc.nat({ max: 63 }), { minLength: 1, maxLength: 64 });
const entries: fc.Arbitrary<TransactionEntry> = fc.record({
  expiry: fc.nat(),
  height: fc.integer({ min: 1 }),
  code: fc.nat({ max: 9_999 }),
  left: fc.option(numbers.map((all) => ({ ...left, records: all.map((n) => [n, `left by ${n}`] as const) }))),
});

test('what is written is read, and nothing is left by an operation that is not named (property)', () => {
  fc.assert(
    fc.property(entries, fc.nat({ max: 63 }), (entry, operation) => {
      const read = decodeTransactionEntry(encodeTransactionEntry(entry));
      expect(read).toEqual(entry);
      const named = entry.left?.records.some(([n]) => n === operation) === true;
      expect(recordLeftBy(read, operation)).toBe(named ? `left by ${operation}` : undefined);
    }),
  );
});

test.each([
  ['a pair', [9, 5]],
  ['five items', [9, 5, 0, null, 1]],
  ['an empty list of records', [9, 5, 0, new Map<string, never>()]],
  ['text', 'entry'],
])('%s is no entry', (_, value) => {
  expect(() => decodeTransactionEntry(encode(value))).toThrow(CodecError);
});

test('an entry that has left nothing has no list of records', () => {
  expect(() => encodeTransactionEntry({ expiry: 9, height: 5, code: 0, left })).toThrow(CodecError);
});
