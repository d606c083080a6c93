import { expect, test } from 'vitest';
import { decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { decodeHeader, encodeHeader, type Header } from './header.ts';

const hash = (fill: number) => new Uint8Array(32).fill(fill);
const header: Header = {
  protocolVersion: 1,
  chain: hash(1),
  height: 7,
  timeMs: 1_760_000_000_000,
  parent: hash(2),
  logSize: 12,
  logRoot: hash(3),
  transactionCount: 4,
  blockRoot: hash(4),
  stateRoot: hash(5),
  eventsRoot: hash(6),
  eventCount: 3,
  validatorsHash: hash(7),
  nextValidatorsHash: hash(8),
  round: 2,
  proposer: new Uint8Array(20).fill(9),
};

test('round trip: every field in its own place', () => {
  expect(decodeHeader(encodeHeader(header))).toEqual(header);
});

test('sixteen items in the order of docs/spec', () => {
  const items = decode(encodeHeader(header)) as unknown[];
  expect(items).toEqual(Object.values(header));
});

test.each([
  ['height 0', 2, 0],
  ['a log without the genesis', 5, 0],
  ['10,001 transactions', 7, 10_001],
  ['a short hash', 9, new Uint8Array(31)],
  ['a proposer of 32 bytes', 15, hash(9)],
])('%s is refused', (_what, index, value) => {
  const items = (decode(encodeHeader(header)) as never[]).map((item, i) => (i === index ? value : item));
  expect(() => decodeHeader(encode(items as never))).toThrow(CodecError);
});

test('a seventeenth item is refused', () => {
  expect(() => decodeHeader(encode([...(decode(encodeHeader(header)) as never[]), 1]))).toThrow('not 16 items');
});
