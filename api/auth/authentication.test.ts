/** From a challenge to a token to a request with it, on an API whose chain says what the test wants. */
import { base64urlnopad } from '@scure/base';
import fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AccountRecord } from '../../node-core/chain/account.ts';
import { readChallenge } from '../../node-core/chain/challenge.ts';
import { MESSAGE_TYPE } from '../../node-core/chain/protected-header.ts';
import { decodeTransaction } from '../../node-core/chain/transaction.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { SuiteName } from '../../node-core/crypto/provider.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';
import { newTokenKey } from '../../node-core/crypto/token-key.ts';
import { expectProblem, fakeApi, post, SENDER, STATUS } from '../../test/api/fake-api.ts';
import { authenticate, principalOf } from '../http/authenticate.ts';
import { RateLimiter } from '../http/rate-limit.ts';
import type { AuthenticationOptions } from '../parts.ts';
import { Challenges } from './challenges.ts';
import { MemorySingleUse, memoryTokenKeys } from './memory.ts';
import { Tokens } from './tokens.ts';

const ORIGIN = 'https://node.example';
const secretOf = (fill: number) => new Uint8Array(32).fill(fill);
const JSON_HEADERS = { 'Content-Type': 'application/json' };
const SCOPE = 'audit:read';

/** The account's key is what `key` says at the time of each request; null: there is no such account. */
function setUp(suite: SuiteName = 'ed25519', authentication: Partial<AuthenticationOptions> = {}, limits = {}) {
  const key: { secret: Uint8Array | null } = { secret: secretOf(5) };
  const account = async () =>
    key.secret === null
      ? undefined
      : {
          account: {
            kind: 'partner',
            key: { suite, bytes: SUITES[suite].publicKeyOf(key.secret) },
            quota: { max: 1, periodMs: 1 },
            created: 1,
          } satisfies AccountRecord,
          points: 1,
        };
  const tokenKeys = authentication.tokenKeys ?? memoryTokenKeys(pureCrypto);
  const made = fakeApi({ account }, { authentication: { origins: [ORIGIN], tokenKeys, ...authentication }, limits });
  const { api, time } = made;
  const clock = { now: () => time.ms, schedule: () => () => {} };
  const chain = { status: async () => STATUS, account };
  const tokens = new Tokens({ chain, crypto: pureCrypto, clock, keys: tokenKeys, origins: [ORIGIN] });
  const policy = { name: 'account', requestsPerSecond: 2, burst: 3, maxKeys: 10 } as const;
  const accountLimiter = new RateLimiter(policy, clock);
  api.use('/own', authenticate({ tokens, accountLimiter }, SCOPE));
  api.get('/own', (c) => c.text(principalOf(c).accountText));
  const challengeOf = (body: object) => api.request('/v1/auth/challenge', post(JSON.stringify(body), JSON_HEADERS));
  const ask = async (scopes: readonly string[] = [SCOPE]) => {
    const response = await challengeOf({ account: accountIdToText(SENDER), scopes });
    expect(response.status).toBe(200);
    return (await response.json()) as { challenge: string; message: string; origin: string; expiresMs: number };
  };
  const sign = (message: string, secret = secretOf(5)) =>
    base64urlnopad.encode(SUITES[suite].sign(secret, base64urlnopad.decode(message)));
  const redeem = (challenge: string, signature: string) =>
    api.request('/v1/auth/token', post(JSON.stringify({ challenge, signature }), JSON_HEADERS));
  const login = async (scopes?: readonly string[]) => {
    const { challenge, message } = await ask(scopes);
    const response = await redeem(challenge, sign(message));
    expect(response.status).toBe(200);
    return ((await response.json()) as { access_token: string }).access_token;
  };
  const own = (token: string) => api.request('/own', { headers: { Authorization: `Bearer ${token}` } });
  return { ...made, key, tokenKeys, challengeOf, ask, sign, redeem, login, own };
}

let setting: ReturnType<typeof setUp>;
beforeEach(() => {
  setting = setUp();
});

describe('happy', () => {
  it.each(['ed25519', 'p256', 'sm2'] as const)(
    'an account with a key of %s logs in and is known by it',
    async (suite) => {
      const { login, own } = setUp(suite);
      const response = await own(await login());
      expect([response.status, await response.text()]).toEqual([200, accountIdToText(SENDER)]);
      expect(response.headers.get('RateLimit-Policy')).toBe('"account";q=3;w=2');
      expect(response.headers.get('RateLimit')).toMatch(/^"account";r=2;t=\d+$/);
    },
  );

  it('what is signed names chain, account, key, origin, scopes and end, and is no transaction', async () => {
    const { challenge, message, origin, expiresMs } = await setting.ask(['audit:read', 'records:read']);
    const bytes = base64urlnopad.decode(challenge);
    const read = readChallenge(bytes);
    expect(read).toMatchObject({
      chain: STATUS.genesisHash,
      account: SENDER,
      suite: 'ed25519',
      origin: ORIGIN,
      scopes: ['audit:read', 'records:read'],
      expiresMs: setting.time.ms + 120_000,
    });
    expect([origin, expiresMs]).toEqual([read.origin, read.expiresMs]);
    expect(base64urlnopad.encode(read.message)).toBe(message);
    expect(Buffer.from(read.message).toString('latin1')).toContain(MESSAGE_TYPE.challenge);
    expect(decodeTransaction(bytes, STATUS.genesisHash, 1)).toMatchObject({ code: 'TX_SCHEMA' });
  });

  it('the token is a JWT in the profile of RFC 9068, of this node and chain, for 15 minutes', async () => {
    const token = await setting.login(['records:read', 'audit:read']);
    const { kid } = await setting.tokenKeys.current();
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'Ed25519', typ: 'at+jwt', kid });
    const seconds = Math.floor(setting.time.ms / 1_000);
    const subject = accountIdToText(SENDER);
    expect(decodeJwt(token)).toMatchObject({
      iss: ORIGIN,
      aud: `${ORIGIN}/#${toHex(STATUS.genesisHash)}`,
      sub: subject,
      client_id: subject,
      scope: 'records:read audit:read',
      iat: seconds,
      exp: seconds + 900,
    });
  });

  it('answers are not stored', async () => {
    const { challenge, message } = await setting.ask();
    expect((await setting.redeem(challenge, setting.sign(message))).headers.get('Cache-Control')).toBe('no-store');
  });
});

describe('error', () => {
  it('401 with a challenge of its own (RFC 6750) for no token, and for what is none', async () => {
    const without = await setting.api.request('/own');
    expect(without.headers.get('WWW-Authenticate')).toBe(`Bearer realm="brop", scope="${SCOPE}"`);
    await expectProblem(without, 'AUTHENTICATION_REQUIRED', 401);
    const bad = await setting.own('a.b.c');
    expect(bad.headers.get('WWW-Authenticate')).toContain('error="invalid_token"');
    await expectProblem(bad, 'TOKEN_INVALID', 401);
    const basic = await setting.api.request('/own', { headers: { Authorization: 'Basic YTpi' } });
    await expectProblem(basic, 'AUTHENTICATION_REQUIRED', 401);
  });

  it('403 with the scope that is missing', async () => {
    const response = await setting.own(await setting.login(['records:read']));
    expect(response.headers.get('WWW-Authenticate')).toContain('error="insufficient_scope"');
    expect((await expectProblem(response, 'SCOPE_MISSING', 403)).detail).toBe(SCOPE);
  });

  it('a token ends with its time', async () => {
    const token = await setting.login();
    setting.time.ms += 899_000;
    expect((await setting.own(token)).status).toBe(200);
    setting.time.ms += 2_000;
    await expectProblem(await setting.own(token), 'TOKEN_EXPIRED', 401);
  });

  it('a challenge ends with its time', async () => {
    const { challenge, message } = await setting.ask();
    setting.time.ms += 120_000;
    await expectProblem(await setting.redeem(challenge, setting.sign(message)), 'CHALLENGE_EXPIRED', 403);
  });

  it('an account that is not on the chain gets no challenge', async () => {
    setting.key.secret = null;
    const response = await setting.challengeOf({ account: accountIdToText(SENDER), scopes: [SCOPE] });
    await expectProblem(response, 'SENDER_UNKNOWN', 403);
  });

  it.each([
    [{}, 'body.account'],
    [{ account: 'brop1x', scopes: [SCOPE] }, 'body.account'],
    [{ account: accountIdToText(SENDER), scopes: [] }, 'body.scopes'],
    [{ account: accountIdToText(SENDER), scopes: ['everything'] }, 'body.scopes.0'],
    [{ account: accountIdToText(SENDER), scopes: [SCOPE, SCOPE] }, 'body.scopes'],
    [{ account: accountIdToText(SENDER), scopes: [SCOPE], more: 1 }, 'body'],
  ])('400 for a challenge of %j', async (body, path) => {
    const problem = await expectProblem(await setting.challengeOf(body), 'BAD_REQUEST', 400);
    expect(String(problem.detail)).toMatch(new RegExp(`^${path}: `));
  });

  it('400 for a signature of another length, 415 for another type, 413 for too much', async () => {
    const { challenge } = await setting.ask();
    await expectProblem(await setting.redeem(challenge, 'AAAA'), 'BAD_REQUEST', 400);
    await expectProblem(
      await setting.api.request('/v1/auth/token', post('{}', { 'Content-Type': 'text/plain' })),
      'BAD_REQUEST',
      415,
    );
    await expectProblem(await setting.redeem('A'.repeat(5_000), 'A'), 'BODY_TOO_LARGE', 413);
  });

  it('429 beyond the rate of the account, whatever address it comes from', async () => {
    const token = await setting.login();
    for (let i = 0; i < 3; i++) expect((await setting.own(token)).status).toBe(200);
    const refused = await setting.own(token);
    await expectProblem(refused, 'TOO_MANY_REQUESTS', 429);
    expect(refused.headers.get('Retry-After')).toBe('1');
    setting.time.ms += 500;
    expect((await setting.own(token)).status).toBe(200);
  });
});

describe('security', () => {
  it('a challenge gives one token, also when it is answered many times at once', async () => {
    const { challenge, message } = await setting.ask();
    const signature = setting.sign(message);
    const answers = await Promise.all(Array.from({ length: 20 }, () => setting.redeem(challenge, signature)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    await expectProblem(answers.find(({ status }) => status !== 200)!, 'CHALLENGE_USED', 403);
  });

  it('nothing is remembered of challenges that are asked for, or answered wrongly; a full memory refuses', async () => {
    const clock = { now: () => setting.time.ms, schedule: () => () => {} };
    const singleUse = new MemorySingleUse(clock, 2);
    setting = setUp('ed25519', { singleUse });
    const other = secretOf(6);
    for (let i = 0; i < 20; i++) {
      const { challenge, message } = await setting.ask();
      await expectProblem(await setting.redeem(challenge, setting.sign(message, other)), 'SIGNATURE_INVALID', 403);
    }
    expect(singleUse.size).toBe(0);
    await setting.login();
    await setting.login();
    const { challenge, message } = await setting.ask();
    await expectProblem(await setting.redeem(challenge, setting.sign(message)), 'OVERLOADED', 503);
    setting.time.ms += 120_001;
    await setting.login();
    expect(singleUse.size).toBe(1);
  });

  it('one account cannot fill the memory of logins; wrong answers of others do not keep it out', async () => {
    const clock = { now: () => setting.time.ms, schedule: () => () => {} };
    const singleUse = new MemorySingleUse(clock, 100);
    setting = setUp('ed25519', { singleUse }, { loginsPerSecond: 1, loginBurst: 3 });
    const { ask, sign, redeem, login } = setting;
    for (let i = 0; i < 10; i++) {
      const { challenge, message } = await ask();
      await expectProblem(await redeem(challenge, sign(message, secretOf(6))), 'SIGNATURE_INVALID', 403);
    }
    for (let i = 0; i < 3; i++) await login();
    const { challenge, message } = await ask();
    await expectProblem(await redeem(challenge, sign(message)), 'TOO_MANY_REQUESTS', 429);
    expect(singleUse.size).toBe(3);
    setting.time.ms += 1_000;
    expect((await redeem(challenge, sign(message))).status).toBe(200);
  });

  it('a challenge that was altered anywhere is none', async () => {
    const { challenge, message } = await setting.ask();
    const bytes = base64urlnopad.decode(challenge);
    const signature = setting.sign(message);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, difference) => {
        const altered = bytes.slice();
        altered[at]! ^= difference;
        await expectProblem(await setting.redeem(base64urlnopad.encode(altered), signature), 'CHALLENGE_INVALID', 403);
      }),
    );
    expect((await setting.redeem(challenge, signature)).status).toBe(200);
  });

  it('what another node asked is worth nothing here, though chain, account and key are the same', async () => {
    const other = setUp('ed25519', { origins: ['https://other.example'] });
    const { challenge, message } = await other.ask();
    await expectProblem(await setting.redeem(challenge, setting.sign(message)), 'CHALLENGE_INVALID', 403);
    await expectProblem(await setting.own(await other.login()), 'TOKEN_INVALID', 401);
  });

  it('a node speaks for its own origins only, and for none when it has none', async () => {
    const asked = { account: accountIdToText(SENDER), scopes: [SCOPE] };
    const foreign = await setting.challengeOf({ ...asked, origin: 'https://evil.example' });
    await expectProblem(foreign, 'ORIGIN_UNKNOWN', 403);
    const nameless = setUp('ed25519', { origins: [] });
    await expectProblem(await nameless.challengeOf(asked), 'ORIGIN_UNKNOWN', 403);
  });

  it('a change of the key ends tokens and challenges at once; so does the end of the account', async () => {
    const token = await setting.login();
    const { challenge, message } = await setting.ask();
    setting.key.secret = secretOf(9);
    await expectProblem(await setting.own(token), 'TOKEN_REVOKED', 401);
    await expectProblem(await setting.redeem(challenge, setting.sign(message)), 'CHALLENGE_INVALID', 403);
    setting.key.secret = null;
    await expectProblem(await setting.own(token), 'TOKEN_REVOKED', 401);
    await expectProblem(await setting.redeem(challenge, setting.sign(message)), 'SENDER_UNKNOWN', 403);
  });

  it('a token of alg none, of HMAC with the public key, of another key under our kid, or of another type is none', async () => {
    const claims = decodeJwt(await setting.login());
    const { kid, publicKey } = await setting.tokenKeys.current();
    const text = (value: object) => base64urlnopad.encode(new TextEncoder().encode(JSON.stringify(value)));
    const none = `${text({ alg: 'none', typ: 'at+jwt', kid })}.${text(claims)}.`;
    const hmac = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid }).sign(publicKey);
    const stranger = newTokenKey(pureCrypto, () => secretOf(77));
    const forge = async (typ: string, by = stranger) => {
      const jwk = {
        kty: 'OKP',
        crv: 'Ed25519',
        x: base64urlnopad.encode(by.publicKey),
        d: base64urlnopad.encode(by.secretKey),
      };
      return new SignJWT(claims).setProtectedHeader({ alg: 'Ed25519', typ, kid }).sign(jwk);
    };
    const wrongType = await forge('JWT', await setting.tokenKeys.current());
    for (const token of [none, hmac, await forge('at+jwt'), wrongType]) {
      await expectProblem(await setting.own(token), 'TOKEN_INVALID', 401);
    }
    expect((await setting.own(await forge('at+jwt', await setting.tokenKeys.current()))).status).toBe(200);
  });

  it.each([
    ['of another node that has a copy of the keys', { iss: 'https://other.example' }],
    ['for another chain at this node', { aud: `${ORIGIN}/#${'00'.repeat(32)}` }],
    ['without an end', { exp: undefined }],
    ['without a name', { jti: undefined }],
  ])('a token %s is none, though the signature is right', async (_, other) => {
    const claims = decodeJwt(await setting.login());
    const { kid, publicKey, secretKey } = await setting.tokenKeys.current();
    const own = {
      kty: 'OKP',
      crv: 'Ed25519',
      x: base64urlnopad.encode(publicKey),
      d: base64urlnopad.encode(secretKey),
    };
    const signed = (changed: object) =>
      new SignJWT({ ...claims, ...changed }).setProtectedHeader({ alg: 'Ed25519', typ: 'at+jwt', kid }).sign(own);
    expect((await setting.own(await signed({}))).status).toBe(200);
    await expectProblem(await setting.own(await signed(other)), 'TOKEN_INVALID', 401);
  });

  it('neither token, signature nor challenge shows in an answer or in the log', async () => {
    const token = await setting.login();
    const failing = fakeApi(
      { account: () => Promise.reject(new Error('the store is gone')) },
      { authentication: { origins: [ORIGIN], tokenKeys: setting.tokenKeys } },
    );
    const { challenge, message } = await setting.ask();
    const signature = setting.sign(message);
    const body = JSON.stringify({ challenge, signature });
    const response = await failing.api.request('/v1/auth/token', post(body, JSON_HEADERS));
    const said = (await response.text()) + JSON.stringify(failing.errors);
    for (const secret of [token, signature, challenge]) expect(said).not.toContain(secret);
  });
});

describe('Challenges', () => {
  it('read the account once at each step: nothing is cached that a change of the key would have to find', async () => {
    let reads = 0;
    const key = { suite: 'ed25519' as const, bytes: SUITES.ed25519.publicKeyOf(secretOf(5)) };
    const record: AccountRecord = { kind: 'partner', key, quota: { max: 1, periodMs: 1 }, created: 1 };
    const chain = {
      status: async () => STATUS,
      account: async () => {
        reads += 1;
        return { account: record, points: 1 };
      },
    };
    const clock = { now: () => 0, schedule: () => () => {} };
    const policy = { name: 'account', requestsPerSecond: 1, burst: 9, maxKeys: 9 } as const;
    const loginLimiter = new RateLimiter(policy, clock);
    const singleUse = new MemorySingleUse(clock, 9);
    const parts = { chain, crypto: pureCrypto, clock, singleUse, loginLimiter, origins: [ORIGIN] };
    const challenges = new Challenges({ ...parts, secret: secretOf(1) });
    const { bytes, challenge } = await challenges.issue(SENDER, [SCOPE], ORIGIN);
    const proven = await challenges.redeem(bytes, SUITES.ed25519.sign(secretOf(5), challenge.message));
    expect([proven.scopes, reads]).toEqual([[SCOPE], 2]);
  });
});
