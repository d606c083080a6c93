import { expect, test } from 'vitest';
import { toHex } from '../codec/bytes.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import {
  createdAccountId,
  genesisAccountId,
  headerHash,
  originOfRecord,
  recordId,
  transactionStem,
  validatorSetHash,
} from './identifiers.ts';

const by = { sender: new Uint8Array(20).fill(1), nonce: new Uint8Array(32).fill(2), expiry: 100 };
const key = new Uint8Array(65).fill(4);

test('lengths: 20 bytes for accounts, 32 for the rest', () => {
  const bytes = Uint8Array.of(1);
  expect(createdAccountId(crypto, by, 0).length).toBe(20);
  expect(genesisAccountId(crypto, { suite: 'p256', bytes: key }).length).toBe(20);
  for (const id of [recordId(crypto, by, 0), headerHash(crypto, bytes), validatorSetHash(crypto, bytes)]) {
    expect(id.length).toBe(32);
  }
});

test('sender, nonce and operation each make another ID, of accounts the expiry too', () => {
  const variants = [
    by,
    { ...by, sender: new Uint8Array(20).fill(9) },
    { ...by, nonce: new Uint8Array(32).fill(9) },
    // The pair signed again after the state has forgotten it must not overwrite what it made before.
    { ...by, expiry: 101 },
  ];
  const idsBy = (make: typeof createdAccountId) =>
    variants.flatMap((variant) => [0, 1].map((operation) => toHex(make(crypto, variant, operation))));
  expect(new Set(idsBy(createdAccountId)).size).toBe(8);
  // The entry of a transaction that has left records stays, so that its pair is never packed again.
  expect(new Set(idsBy(recordId)).size).toBe(6);
});

test('a record ID says which transaction and which operation', () => {
  expect(originOfRecord(recordId(crypto, by, 63))).toEqual({ stem: transactionStem(crypto, by), operation: 63 });
});

test('the same bytes in different domains, and under different suites, are different things', () => {
  const bytes = Uint8Array.of(1);
  expect(toHex(headerHash(crypto, bytes))).not.toBe(toHex(validatorSetHash(crypto, bytes)));
  expect(toHex(recordId(crypto, by, 0)).startsWith(toHex(createdAccountId(crypto, by, 0)))).toBe(false);
  const of = (suite: 'p256' | 'sm2') => toHex(genesisAccountId(crypto, { suite, bytes: key }));
  expect(of('p256')).not.toBe(of('sm2'));
});
