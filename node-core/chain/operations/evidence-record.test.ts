import { expect, test } from 'vitest';
import { encode } from '../../codec/cbor.ts';
import { CodecError } from '../../codec/error.ts';
import { recordIdUnder } from '../identifiers.ts';
import { encodeTransactionEntry } from '../transaction-entry.ts';
import {
  decodeSubjectHead,
  encodeSubjectHead,
  evidenceRecord,
  evidenceRecordIn,
  type OwnEvidenceRecord,
} from './evidence-record.ts';

const hash = new Uint8Array(32).fill(2);
const account = new Uint8Array(20).fill(3);
const own: OwnEvidenceRecord = {
  body: hash,
  root: hash,
  count: 1_048_576,
  onBehalfOf: account,
  subject: 'lot 7',
  sequence: 3,
  previous: hash,
  previousHeight: 4,
};
const shared = {
  nonce: hash,
  timeMs: 1_760_000_000_000,
  legal: { version: '2.1', digest: hash },
  certifier: account,
  level: 'phone',
  terms: hash,
} as const;
const stem = new Uint8Array(31).fill(7);
const entry = encodeTransactionEntry({
  expiry: 9,
  height: 5,
  code: 0,
  left: { sender: account, ...shared, records: [[2, evidenceRecord.encode(own)]] },
});

test('a record comes back whole: its own, and what its transaction says of all of them', () => {
  const record = { registrant: account, operation: 2, height: 5, ...shared, ...own };
  expect(evidenceRecordIn(entry, recordIdUnder(stem, 2))).toEqual(record);
});

test('of an operation that has left none there is none, nor of a transaction without any', () => {
  expect(evidenceRecordIn(entry, recordIdUnder(stem, 1))).toBeUndefined();
  const bare = encodeTransactionEntry({ expiry: 9, height: 5, code: 2202, left: null });
  expect(evidenceRecordIn(bare, recordIdUnder(stem, 0))).toBeUndefined();
});

test('a record without a body cannot be written', () => {
  const { body: _, ...rest } = own;
  expect(() => evidenceRecord.encode(rest as OwnEvidenceRecord)).toThrow(CodecError);
});

test('the head of a subject', () => {
  const head = { count: 3, head: hash, height: 5 };
  expect(decodeSubjectHead(encodeSubjectHead(head))).toEqual(head);
  expect(() => decodeSubjectHead(encode([0, hash, 5]))).toThrow(CodecError);
});
