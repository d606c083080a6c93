import { expect, test } from 'vitest';
import { encode } from '../../codec/cbor.ts';
import { CodecError } from '../../codec/error.ts';
import {
  decodeEvidenceRecord,
  decodeSubjectHead,
  type EvidenceRecord,
  encodeEvidenceRecord,
  encodeSubjectHead,
} from './evidence-record.ts';

const hash = new Uint8Array(32).fill(2);
const account = new Uint8Array(20).fill(3);
const record: EvidenceRecord = {
  registrant: account,
  nonce: hash,
  operation: 63,
  height: 5,
  timeMs: 1_760_000_000_000,
  body: hash,
  legal: { version: '2.1', digest: hash },
  root: hash,
  count: 1_048_576,
  certifier: account,
  level: 'phone',
  terms: hash,
  onBehalfOf: account,
  subject: 'lot 7',
  sequence: 3,
  previous: hash,
  previousHeight: 4,
};

test('a record comes back whole', () => {
  expect(decodeEvidenceRecord(encodeEvidenceRecord(record))).toEqual(record);
});

test('a record without legal document or body cannot be written', () => {
  for (const field of ['legal', 'body', 'registrant', 'height']) {
    const { [field as 'legal']: _left, ...rest } = record;
    expect(() => encodeEvidenceRecord(rest as EvidenceRecord)).toThrow(CodecError);
  }
});

test('the head of a subject', () => {
  const head = { count: 3, head: hash, height: 5 };
  expect(decodeSubjectHead(encodeSubjectHead(head))).toEqual(head);
  expect(() => decodeSubjectHead(encode([0, hash, 5]))).toThrow(CodecError);
});
