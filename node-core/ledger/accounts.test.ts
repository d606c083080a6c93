import { beforeEach, describe, expect, test } from 'vitest';
import { bytesOf, crypto, keyPair } from '../../test/ledger/world.ts';
import type { AccountRecord } from '../chain/account.ts';
import { stateKey } from '../chain/state-keys.ts';
import { encode } from '../codec/cbor.ts';
import { accountEntries, accountOf, createAccount, createRefusal, quotaOf, reserveKey } from './accounts.ts';
import { StateLayer } from './state.ts';

const id = bytesOf('account', 20);
const account: AccountRecord = {
  kind: 'partner',
  key: keyPair('partner').publicKey,
  name: 'Acme',
  quota: { max: 100, periodMs: 1_000 },
  created: 5,
};
let state: StateLayer;
beforeEach(() => {
  state = new StateLayer({ get: () => undefined });
  createAccount({ crypto, state, timeMs: 77 }, id, account, state);
});

test('an account has a record, a full quota, a key and a name: as many entries as its creation costs', () => {
  expect(accountOf(state, id)).toEqual(account);
  expect(quotaOf(state, id)).toEqual({ points: 100, remainder: 0, timeMs: 77 });
  expect(state.get(stateKey.accountByName('acme'))).toEqual(encode(id));
  expect([...state.changes()]).toHaveLength(accountEntries('Acme'));
  const nameless = new StateLayer(state);
  const { name: _name, ...rest } = account;
  createAccount(
    { crypto, state: nameless, timeMs: 1 },
    bytesOf('b', 20),
    { ...rest, key: keyPair('b').publicKey },
    nameless,
  );
  expect([...nameless.changes()]).toHaveLength(accountEntries(undefined));
});

describe('names and keys are unique', () => {
  const refused = (fields: Pick<AccountRecord, 'key'> & { name?: string }) =>
    createRefusal(crypto, state, fields)?.code;
  const fresh = keyPair('fresh').publicKey;

  test('in any ASCII case', () => {
    for (const name of ['Acme', 'acme', 'ACME']) expect(refused({ key: fresh, name })).toBe('NAME_TAKEN');
    for (const name of ['Acmé', 'Acme2', 'Acme Ltd']) expect(refused({ key: fresh, name })).toBeUndefined();
  });

  test('a key that is taken, and one that is only reserved', () => {
    expect(refused({ key: account.key })).toBe('KEY_IN_USE');
    expect(refused({ key: fresh })).toBeUndefined();
    reserveKey(crypto, id, fresh, state);
    expect(refused({ key: fresh })).toBe('KEY_IN_USE');
  });

  test('the same bytes under another suite are another key', () => {
    const bytes = Uint8Array.of(4, ...new Uint8Array(64));
    reserveKey(crypto, id, { suite: 'p256', bytes }, state);
    expect(refused({ key: { suite: 'sm2', bytes } })).toBeUndefined();
  });
});

test('an ID that is there already stops the node: it is never overwritten', () => {
  expect(() => createAccount({ crypto, state, timeMs: 1 }, id, account, state)).toThrow('came up twice');
});

test('an account without quota stops the node', () => {
  expect(() => quotaOf(state, bytesOf('nobody', 20))).toThrow('without quota');
});
