/** What holds for every route: methods, origins, addresses, sizes, rates, and what is never said. */
import { describe, expect, it } from 'vitest';
import { BropError } from '../node-core/chain/codes.ts';
import { accountIdFromText } from '../node-core/codec/account-id.ts';
import { expectProblem, fakeApi, PATH, post, STATUS } from '../test/api/fake-api.ts';

describe('methods', () => {
  it('404 for what is no route', async () => {
    const { api } = fakeApi();
    for (const path of [
      '/',
      '/v1',
      '/v1/',
      '/v1/status/',
      '/v2/status',
      '//v1/status',
      '/v1/transactions/x',
      '/V1/status',
    ]) {
      await expectProblem(await api.request(path), 'NOT_FOUND', 404);
    }
  });

  it.each([
    ['GET', '/v1/transactions', 'POST, OPTIONS'],
    ['DELETE', PATH, 'GET, HEAD, OPTIONS'],
    ['POST', '/v1/status', 'GET, HEAD, OPTIONS'],
    ['PUT', '/openapi.json', 'GET, HEAD, OPTIONS'],
    ['BREW', '/healthz', 'GET, HEAD, OPTIONS'],
  ])('405 for %s %s, with what is allowed', async (method, path, allow) => {
    const response = await fakeApi().api.request(path, { method });
    await expectProblem(response, 'BAD_REQUEST', 405);
    expect(response.headers.get('Allow')).toBe(allow);
  });

  it('HEAD is GET without the body', async () => {
    const { api } = fakeApi();
    for (const path of ['/v1/status', '/v1/blocks/12', '/healthz', '/docs', '/v1/genesis']) {
      const [head, get] = [await api.request(path, { method: 'HEAD' }), await api.request(path)];
      expect([head.status, head.headers.get('ETag')]).toEqual([200, get.headers.get('ETag')]);
      expect(await head.text()).toBe('');
    }
  });

  it('OPTIONS says what may be asked, of pages of any origin too, and nothing of what is no route', async () => {
    const { api } = fakeApi();
    const preflight = { Origin: 'https://partner.example', 'Access-Control-Request-Method': 'POST' };
    const response = await api.request('/v1/transactions', { method: 'OPTIONS', headers: preflight });
    expect(response.status).toBe(204);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(response.headers.get('Access-Control-Allow-Methods')).toBe('POST, OPTIONS');
    expect(response.headers.get('Access-Control-Allow-Headers')).toContain('Prefer');
    // Of a gateway in front of this API.
    expect(response.headers.get('Access-Control-Allow-Headers')).toContain('X-Api-Key');
    expect(response.headers.has('Access-Control-Allow-Credentials')).toBe(false);
    await expectProblem(await api.request('/nothing', { method: 'OPTIONS' }), 'NOT_FOUND', 404);
  });
});

describe('every answer', () => {
  it('may be read by any origin and never sniffed, errors included', async () => {
    const { api } = fakeApi({ status: () => Promise.reject(new Error('x')) });
    for (const path of ['/v1/codes', '/v1/status', '/nothing', '/v1/blocks/x', '/docs']) {
      const { headers } = await api.request(path);
      expect(headers.get('Access-Control-Allow-Origin'), path).toBe('*');
      expect(headers.get('X-Content-Type-Options'), path).toBe('nosniff');
    }
  });

  it('of the status is what the chain says, in text forms', async () => {
    const body = (await (await fakeApi().api.request('/v1/status')).json()) as Record<string, unknown>;
    const { genesisHash, validators, ...plain } = STATUS;
    expect(body).toMatchObject(plain);
    expect(body.genesisHash).toBe('01'.repeat(genesisHash.length));
    const [{ account }] = body.validators as [{ account: string }];
    expect(accountIdFromText(account)).toEqual(validators[0]?.account);
  });
});

describe('errors', () => {
  it('a BropError below 500 is answered with its code; from 500 on only the code is said', async () => {
    const missing = fakeApi({ status: () => Promise.reject(new BropError('STATE_NOT_KEPT', 'height 3')) });
    expect((await expectProblem(await missing.api.request('/v1/status'), 'STATE_NOT_KEPT', 410)).detail).toContain(
      'height 3',
    );
    const locked = fakeApi({ status: () => Promise.reject(new BropError('STORE_LOCKED', '/var/lib/brop')) });
    const problem = await expectProblem(await locked.api.request('/v1/status'), 'STORE_LOCKED', 503);
    expect(JSON.stringify(problem)).not.toContain('/var/lib');
    expect(locked.errors[0]?.fields).toMatchObject({ requestId: problem.requestId });
  });

  it('what is thrown need not be an Error', async () => {
    const { api, errors } = fakeApi({ status: () => Promise.reject(new TypeError('x', { cause: 'a text' })) });
    await expectProblem(await api.request('/metrics'), 'INTERNAL', 500);
    expect(errors[0]?.fields?.error).toMatch(/caused by a text/);
  });
});

describe('rates', () => {
  const limits = { requestsPerSecond: 10, burst: 20 };
  const from = (remoteAddress: string) => ({ remoteAddress });

  it('429 with code 4029 beyond the burst, and the allowance comes back with time', async () => {
    const { api, time } = fakeApi({}, { limits });
    for (let left = 19; left >= 0; left--) {
      const response = await api.request('/v1/codes', {}, from('192.0.2.1'));
      expect(response.status).toBe(200);
      expect(response.headers.get('RateLimit')).toMatch(new RegExp(`^"address";r=${left};t=\\d+$`));
      expect(response.headers.get('RateLimit-Policy')).toBe('"address";q=20;w=2');
    }
    const refused = await api.request('/v1/codes', {}, from('192.0.2.1'));
    await expectProblem(refused, 'TOO_MANY_REQUESTS', 429);
    expect(refused.headers.get('Retry-After')).toBe('1');
    expect((await api.request('/v1/codes', {}, from('192.0.2.2'))).status).toBe(200);
    time.ms += 99;
    expect((await api.request('/v1/codes', {}, from('192.0.2.1'))).status).toBe(429);
    time.ms += 1;
    expect((await api.request('/v1/codes', {}, from('192.0.2.1'))).status).toBe(200);
  });

  it('without an address, or with a rate of 0, nothing is limited', async () => {
    const { api } = fakeApi({}, { limits });
    const off = fakeApi({}, { limits: { requestsPerSecond: 0 } });
    for (let i = 0; i < 30; i++) {
      expect((await api.request('/v1/codes')).status).toBe(200);
      expect((await off.api.request('/v1/codes', {}, from('192.0.2.1'))).status).toBe(200);
    }
  });
});

describe('security', () => {
  it('414 for a URL that is too long, whatever it asks for', async () => {
    const { api } = fakeApi();
    for (const path of [`/v1/status?${'a=1&'.repeat(2_000)}`, `/${'x'.repeat(5_000)}`]) {
      await expectProblem(await api.request(path), 'BAD_REQUEST', 414);
    }
  });

  it('nothing that was sent comes back in a header', async () => {
    const { api } = fakeApi();
    const evil = 'evil%0d%0aSet-Cookie:%20a=b';
    for (const path of [`/v1/accounts?name=${evil}`, `/v1/blocks/${evil}`, `/${evil}`, `/v1/state-proof?${evil}=1`]) {
      const { headers, status } = await api.request(path, {
        headers: { 'X-Request-Id': 'mine', Prefer: 'wait=5; evil', Accept: 'evil/x' },
      });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(JSON.stringify([...headers])).not.toMatch(/evil|mine|cookie/i);
    }
  });

  it('parameters named like the machinery of objects are unknown parameters', async () => {
    const { api } = fakeApi();
    for (const name of ['__proto__', 'constructor', 'toString']) {
      await expectProblem(await api.request(`/v1/state-proof?key=00&${name}=1`), 'BAD_REQUEST', 400);
    }
    const body = '{"__proto__":{"transaction":"AAAA"}}';
    const response = await api.request('/v1/quote', post(body, { 'Content-Type': 'application/json' }));
    await expectProblem(response, 'BAD_REQUEST', 400);
  });

  it('a problem is data: what a client sent is escaped in it, and cut', async () => {
    const { api } = fakeApi({
      quote: async () => ({ code: 'TX_UNKNOWN_OPERATION', detail: `<script>"\u0000${'x'.repeat(999)}` }),
    });
    const response = await api.request('/v1/quote', post(new Uint8Array([1])));
    const problem = await expectProblem(response, 'TX_UNKNOWN_OPERATION', 400);
    expect(String(problem.detail)).toHaveLength(300);
  });
});
