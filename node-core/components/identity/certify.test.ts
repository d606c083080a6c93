import { beforeEach, describe, expect, test } from 'vitest';
import { type Actor, bytesOf, crypto, evidenceBody, op, userBody, World } from '../../../test/ledger/world.ts';
import { LEVELS, SUBJECT_KINDS } from '../../chain/account.ts';
import { CODES } from '../../chain/codes.ts';
import { createdAccountId } from '../../chain/identifiers.ts';

let world: World;
let partner: Actor;
beforeEach(async () => {
  world = await World.open();
  partner = await world.partner('partner');
});

test('creates the account: key, certifier, level, subject, terms, commitment, validity, and the quota of users', async () => {
  const body = userBody('ann', {
    name: 'Ann',
    commitment: bytesOf('sd-jwt'),
    validUntil: world.store.timeMs + 9_999_999,
  });
  const bytes = world.transaction(partner, [op.certify(body)]);
  const { events } = await world.applied(bytes);
  const id = createdAccountId(crypto, world.parse(bytes).transaction, 0);
  expect(world.account({ id, key: body.key })).toEqual({
    kind: 'user',
    ...body,
    certifier: partner.id,
    quota: world.genesis.document.parameters.userQuota,
    created: world.store.height,
  });
  const data = new Map<string, unknown>([
    ['account', id],
    ['certifier', partner.id],
    ['level', 'realname'],
  ]);
  expect(events).toEqual([[0, 0, 'identity.certified', data]]);
});

describe('which level for which subject', () => {
  const refused = [
    ['organisation', 'anonymous'],
    ['organisation', 'phone'],
  ].map(String);
  const pairs = SUBJECT_KINDS.flatMap((subject) => LEVELS.map((level) => [subject, level] as const));

  test.each(pairs)('%s, %s', async (subject, level) => {
    const { executed } = await world.block([
      world.transaction(partner, [op.certify(userBody('x', { subject, level }))]),
    ]);
    const expected = refused.includes(String([subject, level])) ? CODES.LEVEL_NOT_ALLOWED.number : 0;
    expect(executed.results[0]![0]).toBe(expected);
  });
});

test('validity must end after the block, to the millisecond; from its end on the user only reads', async () => {
  const at = world.store.timeMs + 1_000;
  const certify = (validUntil: number) =>
    world.execute([world.transaction(partner, [op.certify(userBody('x', { validUntil }))])]);
  expect(certify(at).executed.results[0]![0]).toBe(CODES.VALIDITY_PASSED.number);
  expect(certify(at + 1).executed.results[0]![0]).toBe(0);
  const user = await world.user(partner, 'ann', { validUntil: at + 2_000 });
  const send = (stepMs: number) =>
    world.execute([world.transaction(user, [op.register(evidenceBody('x'))])], stepMs).refusals[0]?.code;
  expect(world.store.timeMs).toBe(at);
  expect([send(1_999), send(2_000)]).toEqual([undefined, 'NOT_PERMITTED']);
});

test('a partner without the permission `identity` does not certify', async () => {
  const other = await world.partner('other', { permissions: ['evidence', 'voucher'] });
  const { refusals } = world.execute([world.transaction(other, [op.certify(userBody('x'))])]);
  expect(refusals[0]).toEqual({ code: 'NOT_PERMITTED', detail: 'identity.certify' });
});
