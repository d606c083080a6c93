import { expect, test } from 'vitest';
import { crypto, evidenceBody, op, partnerBody, World } from '../../../test/ledger/world.ts';
import { createdAccountId } from '../../chain/identifiers.ts';

test('the partner has its legal document, its permissions and its quota from the next block on', async () => {
  const world = await World.open();
  const body = partnerBody('acme', { permissions: ['evidence'] });
  const bytes = world.transaction(world.operator, [op.admit(body)]);
  const { events } = await world.applied(bytes);
  const id = createdAccountId(crypto, world.parse(bytes).transaction, 0);
  expect(world.account({ id, key: body.key })).toEqual({ kind: 'partner', ...body, created: world.store.height });
  expect(events).toEqual([[0, 0, 'governance.partnerAdmitted', new Map([['account', id]])]]);
  await world.applied(world.transaction({ id, key: body.key }, [op.register(evidenceBody('a'))]));
});

test('nobody but the operator admits', async () => {
  const world = await World.open();
  const partner = await world.partner('partner', { permissions: ['identity', 'evidence', 'voucher'] });
  const user = await world.user(partner, 'ann', { level: 'certificate' });
  for (const sender of [partner, user, world.validator]) {
    const { refusals } = world.execute([world.transaction(sender, [op.admit(partnerBody('x'))])]);
    expect(refusals[0]).toEqual({ code: 'NOT_PERMITTED', detail: 'governance.admitPartner' });
  }
});

test('a body without legal document is no body', async () => {
  const world = await World.open();
  const { legal: _legal, ...rest } = partnerBody('x');
  expect(() => op.admit(rest as never)).toThrow('legal');
  expect(world.next).toBe(1);
});
