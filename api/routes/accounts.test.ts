import { describe, expect, it } from 'vitest';
import type { AccountRecord } from '../../node-core/chain/account.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { expectProblem, fakeApi, SENDER } from '../../test/api/fake-api.ts';
import { accountSchema } from '../views/account.ts';

const user: AccountRecord = {
  kind: 'user',
  key: { suite: 'ed25519', bytes: new Uint8Array(32).fill(3) },
  quota: { max: 100, periodMs: 1_000 },
  created: 5,
  certifier: SENDER,
  level: 'realname',
  subject: 'person',
  commitment: new Uint8Array(32).fill(4),
  terms: new Uint8Array(32).fill(9),
  validUntil: 6,
};
const partner: AccountRecord = {
  kind: 'partner',
  key: { suite: 'ed25519', bytes: new Uint8Array(32).fill(7) },
  quota: { max: 100, periodMs: 1_000 },
  created: 5,
  name: 'Partner',
  legal: { version: '1.0', digest: new Uint8Array(32) },
  permissions: ['evidence'],
};
const text = accountIdToText(SENDER);

describe('happy', () => {
  it.each([
    ['user', user],
    ['partner', partner],
  ])('a %s, with every field of its record', async (_kind, account) => {
    const { api } = fakeApi({ account: async () => ({ account, points: 42 }) });
    const body: unknown = await (await api.request(`/v1/accounts/${text}`)).json();
    const read = accountSchema.strict().parse(body);
    expect(read).toMatchObject({
      id: text,
      kind: account.kind,
      quota: { points: 42, max: 100, periodMs: 1_000 },
      createdHeight: 5,
      ...(account.terms && { terms: '09'.repeat(32) }),
    });
    const renamed = { created: 'createdHeight', validUntil: 'validUntilMs' } as Record<string, string>;
    for (const field of Object.keys(account)) expect(Object.keys(read)).toContain(renamed[field] ?? field);
  });

  it('by name, with its own address', async () => {
    const asked: string[] = [];
    const { api } = fakeApi({
      accountByName: async (name) => {
        asked.push(name);
        return SENDER;
      },
      account: async () => ({ account: partner, points: 1 }),
    });
    const response = await api.request(`/v1/accounts?name=${encodeURIComponent('可信 & Co')}`);
    expect(response.headers.get('Content-Location')).toBe(`/v1/accounts/${text}`);
    expect(asked).toEqual(['可信 & Co']);
  });
});

describe('error', () => {
  it('404 when there is none', async () => {
    const { api } = fakeApi();
    await expectProblem(await api.request(`/v1/accounts/${text}`), 'NOT_FOUND', 404);
    await expectProblem(await api.request('/v1/accounts?name=nobody'), 'NOT_FOUND', 404);
  });
});

describe('security', () => {
  it.each([
    '',
    '?name=',
    '?name=a&name=b',
    '?name=%20a',
    '?name=a%00',
    '?name=%E2%80%AE',
    `?name=${'x'.repeat(65)}`,
    '?name=a&limit=1',
  ])('400 for /v1/accounts%s', async (query) => {
    await expectProblem(await fakeApi().api.request(`/v1/accounts${query}`), 'BAD_REQUEST', 400);
  });
});
