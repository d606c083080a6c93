import { describe, expect, test } from 'vitest';
import { ACCOUNT_KINDS, type AccountRecord, LEVELS, PERMISSIONS } from '../chain/account.ts';
import { certificationHolds, mayBeNamed, maySend, type SenderRule } from './permission.ts';

const account = (fields: Partial<AccountRecord>): AccountRecord => ({
  kind: 'user',
  key: { suite: 'ed25519', bytes: new Uint8Array(32) },
  quota: { max: 1, periodMs: 1 },
  created: 0,
  ...fields,
});
const rule: SenderRule = {
  operator: false,
  validator: false,
  partner: null,
  levels: { certificate: 'alone', realname: 'throughPartner', anonymous: 'no', phone: 'no', registered: 'no' },
};

describe('who may send', () => {
  test.each(['operator', 'validator'] as const)('%s: as the rule says', (kind) => {
    for (const yes of [true, false]) expect(maySend({ ...rule, [kind]: yes }, account({ kind }), 0)).toBe(yes);
  });

  test('a partner: with the permission that the rule names, and no other', () => {
    for (const needed of PERMISSIONS) {
      for (const given of PERMISSIONS) {
        const partner = account({ kind: 'partner', permissions: [given] });
        expect(maySend({ ...rule, partner: needed }, partner, 0)).toBe(needed === given);
      }
    }
    expect(maySend({ ...rule, partner: 'evidence' }, account({ kind: 'partner' }), 0)).toBe(false);
    expect(maySend(rule, account({ kind: 'partner', permissions: PERMISSIONS }), 0)).toBe(false);
  });

  test('a user: alone only where its level may, and while the certification holds', () => {
    const allowed = LEVELS.filter((level) => maySend(rule, account({ level }), 5));
    expect(allowed).toEqual(['certificate']);
    const until = account({ level: 'certificate', validUntil: 5 });
    expect([4, 5, 6].map((timeMs) => maySend(rule, until, timeMs))).toEqual([true, false, false]);
    expect(maySend(rule, account({}), 0)).toBe(false);
  });

  test('no kind is forgotten', () => {
    const open: SenderRule = { ...rule, operator: true, validator: true, partner: 'identity' };
    for (const kind of ACCOUNT_KINDS) {
      expect(maySend(open, account({ kind, level: 'certificate', permissions: ['identity'] }), 0)).toBe(true);
    }
  });
});

test('who may be named by its certifier', () => {
  expect(LEVELS.filter((level) => mayBeNamed(rule, account({ level })))).toEqual(['certificate', 'realname']);
  expect(mayBeNamed(rule, account({ kind: 'partner' }))).toBe(false);
});

test('a certification without an end holds', () => {
  expect(certificationHolds({}, Number.MAX_SAFE_INTEGER)).toBe(true);
});
