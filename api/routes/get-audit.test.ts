import { base64urlnopad } from '@scure/base';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AccountRecord } from '../../node-core/chain/account.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';
import type { AuditEntry, AuditLog } from '../../node-core/ports/audit-log.ts';
import { expectProblem, fakeApi, post, SENDER } from '../../test/api/fake-api.ts';
import type { Tokens } from '../auth/tokens.ts';
import { audited } from '../http/audited.ts';
import { authenticate } from '../http/authenticate.ts';
import { RateLimiter } from '../http/rate-limit.ts';
import { ProblemError } from '../problem.ts';

const SECRET = new Uint8Array(32).fill(3);
const ACCOUNT = accountIdToText(SENDER);
const key = { suite: 'ed25519' as const, bytes: SUITES.ed25519.publicKeyOf(SECRET) };
const record: AccountRecord = { kind: 'partner', key, quota: { max: 1, periodMs: 1 }, created: 1 };

let entries: AuditEntry[];
const audit: AuditLog = {
  append: (entry) => void entries.push({ ...entry, number: entries.length + 1 }),
  of: async (account, before, limit) =>
    entries
      .filter((entry) => entry.account === account && entry.number < before)
      .slice(-limit)
      .reverse(),
};

async function loggedIn(scopes: readonly string[]) {
  const { api, time } = fakeApi(
    { account: async () => ({ account: record, points: 1 }) },
    { audit, authentication: { origins: ['https://node.example'] } },
  );
  const json = { 'Content-Type': 'application/json' };
  const asked = await api.request('/v1/auth/challenge', post(JSON.stringify({ account: ACCOUNT, scopes }), json));
  const { challenge, message } = (await asked.json()) as { challenge: string; message: string };
  const signature = base64urlnopad.encode(SUITES.ed25519.sign(SECRET, base64urlnopad.decode(message)));
  const given = await api.request('/v1/auth/token', post(JSON.stringify({ challenge, signature }), json));
  const { access_token: token } = (await given.json()) as { access_token: string };
  const headers = { Authorization: `Bearer ${token}` };
  return { api, time, token, get: (path: string) => api.request(path, { headers }), headers };
}

beforeEach(() => {
  entries = [];
});

describe('GET /v1/audit', () => {
  it('shows the account its login, and nobody else', async () => {
    const { get, api, time } = await loggedIn(['audit:read']);
    audit.append({ timeMs: 1, account: 'brop1other', tokenId: 'x', action: 'login', target: null, outcome: 'done' });
    const page = await (await get('/v1/audit')).json();
    const [login] = entries;
    const { account, ...shown } = login!;
    expect(account).toBe(ACCOUNT);
    expect(page).toEqual({ entries: [shown], next: null });
    expect(shown).toMatchObject({ number: 1, timeMs: time.ms, action: 'login', outcome: 'done' });
    await expectProblem(await api.request('/v1/audit'), 'AUTHENTICATION_REQUIRED', 401);
  });

  it('goes on page by page', async () => {
    const { get } = await loggedIn(['audit:read']);
    for (let i = 0; i < 4; i++) audit.append({ ...entries[0]!, action: `action ${i}` });
    const numbers: number[] = [];
    for (let next: number | null = 99; next !== null; ) {
      const page = (await (await get(`/v1/audit?limit=2&before=${next}`)).json()) as {
        entries: AuditEntry[];
        next: number | null;
      };
      numbers.push(...page.entries.map(({ number }) => number));
      next = page.next;
    }
    expect(numbers).toEqual([5, 4, 3, 2, 1]);
  });

  it('refuses another scope, a limit out of bounds, and a browser nothing it asks beforehand', async () => {
    const { get, api } = await loggedIn(['records:read']);
    await expectProblem(await get('/v1/audit'), 'SCOPE_MISSING', 403);
    const other = await loggedIn(['audit:read']);
    for (const query of ['limit=0', 'limit=201', 'before=-1', 'after=1'])
      await expectProblem(await other.get(`/v1/audit?${query}`), 'BAD_REQUEST', 400);
    const preflight = await api.request('/v1/audit', { method: 'OPTIONS' });
    expect([preflight.status, preflight.headers.get('Access-Control-Allow-Headers')]).toEqual([
      204,
      expect.stringContaining('Authorization'),
    ]);
  });
});

describe('audited', () => {
  it('records what was done, what was refused and what failed, without the token', async () => {
    const { api } = fakeApi();
    const headers = { Authorization: 'Bearer secret.token.here' };
    const policy = { name: 'account', requestsPerSecond: 0, burst: 1, maxKeys: 1 } as const;
    const clock = { now: () => 77, schedule: () => () => {} };
    const tokens = { verify: async () => principal } as unknown as Tokens;
    const principal = {
      account: SENDER,
      accountText: ACCOUNT,
      scopes: new Set(['subscriptions:manage']),
      tokenId: 't1',
    };
    const guard = authenticate({ tokens, accountLimiter: new RateLimiter(policy, clock) }, 'subscriptions:manage');
    const watch = audited({ audit, clock }, 'subscription.delete', (c) => c.req.param('id') ?? null);
    api.delete('/v1/examples/:id', guard, watch, (c) => {
      if (c.req.param('id') === 'other') throw new ProblemError('NOT_FOUND');
      if (c.req.param('id') === 'bug') throw new Error('a bug');
      return c.body(null, 204);
    });
    const remove = (id: string) => api.request(`/v1/examples/${id}`, { method: 'DELETE', headers });
    expect([(await remove('mine')).status, (await remove('other')).status, (await remove('bug')).status]).toEqual([
      204, 404, 500,
    ]);
    const common = { account: ACCOUNT, tokenId: 't1', action: 'subscription.delete', timeMs: 77 };
    expect(entries).toMatchObject([
      { ...common, target: 'mine', outcome: 'done' },
      { ...common, target: 'other', outcome: 'NOT_FOUND' },
      { ...common, target: 'bug', outcome: 'INTERNAL' },
    ]);
    expect(JSON.stringify(entries)).not.toContain('secret.token');
  });
});
