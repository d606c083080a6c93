// The whole table, written out a second time by hand: a change of who may do what shows here.
import { describe, expect, test } from 'vitest';
import { ACCOUNT_KINDS, type AccountRecord, LEVELS, type Level, PERMISSIONS } from '../chain/account.ts';
import { mayBeNamed, maySend } from '../ledger/permission.ts';
import { SENDERS_V1 } from './permissions.ts';
import { operationsOf } from './table.ts';

type Answer = 'alone' | 'throughPartner' | 'no';
type Row = Record<'operator' | 'validator', boolean> & { partner: string } & Record<Level, Answer>;

const no = { certificate: 'no', realname: 'no', anonymous: 'no', phone: 'no', registered: 'no' } as const;
const evidence: Row = {
  operator: false,
  validator: false,
  partner: 'evidence',
  certificate: 'alone',
  realname: 'alone',
  anonymous: 'throughPartner',
  phone: 'alone',
  registered: 'no',
};
const EXPECTED: Record<string, Row> = {
  'governance.admitPartner': { operator: true, validator: false, partner: 'none', ...no },
  'governance.admitValidator': { operator: true, validator: false, partner: 'none', ...no },
  'governance.setValidators': { operator: true, validator: true, partner: 'none', ...no },
  'governance.registerNode': { operator: true, validator: true, partner: 'any', ...no },
  'governance.unregisterNode': { operator: true, validator: true, partner: 'any', ...no },
  'identity.certify': { operator: false, validator: false, partner: 'identity', ...no },
  'evidence.registerSchema': { operator: false, validator: false, partner: 'evidence', ...no },
  'evidence.register': evidence,
  'evidence.registerBatch': evidence,
};

const account = (fields: Partial<AccountRecord>): AccountRecord => ({
  kind: 'user',
  key: { suite: 'ed25519', bytes: new Uint8Array(32) },
  quota: { max: 1, periodMs: 1 },
  created: 0,
  ...fields,
});

test('every operation of the protocol has a row here, and no other', () => {
  expect([...operationsOf(1).keys()].sort()).toEqual(Object.keys(EXPECTED).sort());
  expect(Object.keys(SENDERS_V1).sort()).toEqual(Object.keys(EXPECTED).sort());
});

describe.each(Object.entries(EXPECTED))('%s', (type, row) => {
  const { rule } = operationsOf(1).get(type)!;

  test.each(LEVELS)('a user at level %s', (level) => {
    const answer = maySend(rule, account({ level }), 0)
      ? 'alone'
      : mayBeNamed(rule, account({ level }))
        ? 'throughPartner'
        : 'no';
    expect(answer).toBe(row[level]);
  });

  test.each(LEVELS)('a user at level %s whose certification has ended', (level) => {
    expect(maySend(rule, account({ level, validUntil: 5 }), 5)).toBe(false);
  });

  test.each(PERMISSIONS)('a partner with the permission %s', (permission) => {
    expect(maySend(rule, account({ kind: 'partner', permissions: [permission] }), 0)).toBe(
      row.partner === 'any' || row.partner === permission,
    );
  });

  test.each(ACCOUNT_KINDS.filter((kind) => kind !== 'user' && kind !== 'partner'))('the %s', (kind) => {
    expect(maySend(rule, account({ kind }), 0)).toBe(row[kind as 'operator']);
  });

  test('an account without any certification only reads', () => {
    expect(maySend(rule, account({}), 0) || mayBeNamed(rule, account({}))).toBe(false);
  });
});
