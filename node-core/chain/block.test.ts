import { expect, test } from 'vitest';
import { equal } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { blockLeaf, decodeBlock, encodeBlock, encodeEvent, encodeResult, type Result, resultSchema } from './block.ts';
import { decodeHeader, encodeHeader } from './header.ts';

const hash = new Uint8Array(32).fill(5);
const headerBytes = encodeHeader({
  protocolVersion: 1,
  chain: hash,
  height: 1,
  timeMs: 1,
  parent: hash,
  logSize: 1,
  logRoot: hash,
  transactionCount: 2,
  blockRoot: hash,
  stateRoot: hash,
  eventsRoot: hash,
  eventCount: 0,
  validatorsHash: hash,
  nextValidatorsHash: hash,
  round: 0,
  proposer: new Uint8Array(20),
});
const applied: Result = [0, null, 300, 17, hash];

test('a block comes back with the exact bytes of header and transactions', () => {
  const transactions = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  const block = { header: decodeHeader(headerBytes), headerBytes, transactions };
  const back = decodeBlock(encodeBlock(block));
  expect(back).toEqual(block);
  expect(equal(encodeBlock(back), encodeBlock(block))).toBe(true);
});

test('what is no block is refused', () => {
  for (const value of [[headerBytes], [headerBytes, [new Uint8Array(65_536)]], [Uint8Array.of(1), []], 5]) {
    expect(() => decodeBlock(encode(value as never))).toThrow(CodecError);
  }
});

test('a result: code, operation, points, log index, digest of the sender record', () => {
  expect(decode(encode(encodeResult(applied)))).toEqual([0, null, 300, 17, hash]);
  expect(resultSchema.decode([2101, 0, 300, null, hash], '')).toEqual([2101, 0, 300, null, hash]);
  // Index 0 of the log is the genesis.
  for (const bad of [
    [0, null, 300, 0, hash],
    [10_000, 0, 1, null, hash],
    [0, 64, 1, null, hash],
    [0, null, -1, 1, hash],
  ]) {
    expect(() => resultSchema.decode(bad as never, '')).toThrow(CodecError);
  }
});

test('a leaf of the block root binds the transaction bytes and every part of the result', () => {
  const transaction = Uint8Array.of(1, 2, 3);
  const leaves = [
    blockLeaf(crypto, transaction, applied),
    blockLeaf(crypto, Uint8Array.of(1, 2, 4), applied),
    blockLeaf(crypto, transaction, [0, null, 301, 17, hash]),
    blockLeaf(crypto, transaction, [0, null, 300, 18, hash]),
    blockLeaf(crypto, transaction, [2101, 0, 300, null, hash]),
  ];
  expect(new Set(leaves.map(String)).size).toBe(leaves.length);
});

test('an event: transaction, operation, type, data', () => {
  expect(decode(encodeEvent([3, 1, 'evidence.registered', new Map([['record', hash]])]))).toEqual([
    3,
    1,
    'evidence.registered',
    new Map([['record', hash]]),
  ]);
});
