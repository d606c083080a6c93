/** The SDK's login and its typed client, against the API of a real chain of one validator. */

import { base64urlnopad } from '@scure/base';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeChallenge } from '../node-core/chain/challenge.ts';
import { genesisAccountId } from '../node-core/chain/identifiers.ts';
import { accountIdToText } from '../node-core/codec/account-id.ts';
import { toHex } from '../node-core/codec/bytes.ts';
import { crypto, type InProcessNode, random, startInProcessNode } from '../test/api/in-process-node.ts';
import { createApiClient, createClient, type Fetch, type Signer, signerFromSecretKey } from './index.ts';

const URL = 'https://node.example';
let running: InProcessNode;
let fetch: Fetch;
let requests: string[];
let signer: Signer;
let signed: number;
let account: Uint8Array;

beforeAll(async () => {
  running = await startInProcessNode({}, { authentication: { origins: [URL] } });
  const { operator } = running.consortium;
  account = genesisAccountId(crypto, operator.publicKey);
  fetch = async (url, init) => {
    requests.push(`${init.method ?? 'GET'} ${url.slice(URL.length)}`);
    return running.api.fetch(new Request(url, init));
  };
  const own = signerFromSecretKey(operator.publicKey.suite, operator.secretKey);
  signer = {
    publicKey: own.publicKey,
    sign: (message) => {
      signed += 1;
      return own.sign(message);
    },
  };
});
beforeEach(() => {
  requests = [];
  signed = 0;
});
afterAll(() => running.stop());

const client = (other: object = {}) =>
  createClient({ url: `${URL}/`, genesisHash: running.consortium.genesis.hash, signer, account, fetch, ...other });

describe('client.auth', () => {
  it('logs in once for many requests at once, and again for another scope', async () => {
    const { auth } = client();
    const answers = await Promise.all([1, 2, 3].map(() => auth.fetch('/v1/audit?limit=1', 'audit:read')));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(signed).toBe(1);
    await auth.token(['records:read']);
    expect(signed).toBe(2);
    expect(requests.filter((request) => request.includes('auth'))).toHaveLength(4);
  });

  it('takes a new token when the node believes the old one no longer', async () => {
    let refused = 0;
    const forgetful: Fetch = async (url, init) => {
      if (!url.includes('audit') || refused > 0) return fetch(url, init);
      refused += 1;
      return new Response('{}', { status: 401 });
    };
    const answer = await client({ fetch: forgetful }).auth.fetch('/v1/audit', 'audit:read');
    expect([answer.status, signed]).toEqual([200, 2]);
  });

  it('a login that failed is tried anew', async () => {
    let isDown = true;
    const { auth } = client({
      fetch: (url: string, init: RequestInit) => (isDown ? Promise.reject(new Error('down')) : fetch(url, init)),
    });
    await expect(auth.token(['audit:read'])).rejects.toMatchObject({ code: 'NODE_UNREACHABLE' });
    isDown = false;
    await expect(auth.token(['audit:read'])).resolves.toMatch(/^ey/);
  });

  const good = () => ({
    chain: running.consortium.genesis.hash,
    protocolVersion: 1,
    account,
    origin: URL,
    scopes: ['audit:read'],
    id: random(32),
    expiresMs: Date.now() + 60_000,
  });
  it.each([
    ['chain', () => ({ chain: random(32) })],
    ['account', () => ({ account: random(20) })],
    ['node', () => ({ origin: 'https://bank.example' })],
    ['scope', () => ({ scopes: ['audit:read', 'subscriptions:manage'] })],
  ])('signs no challenge for another %s', async (what, other) => {
    const challenge = makeChallenge(crypto, { ...good(), ...other() }, signer.publicKey, () => random(32));
    const liar: Fetch = async () => Response.json({ challenge: base64urlnopad.encode(challenge) });
    const error = await client({ fetch: liar })
      .auth.token(['audit:read'])
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CHALLENGE_INVALID', message: expect.stringContaining(`another ${what}`) });
    expect(signed).toBe(0);
  });

  it.each([[undefined], ['!'], ['AAAA'], [5]])('signs nothing for a challenge of %j', async (challenge) => {
    const liar: Fetch = async () => Response.json({ challenge });
    await expect(client({ fetch: liar }).auth.token(['audit:read'])).rejects.toMatchObject({
      code: 'CHALLENGE_INVALID',
    });
    expect(signed).toBe(0);
  });

  it('a client that only reads cannot log in', () => {
    const { auth } = client({ signer: undefined });
    expect(() => auth.token(['audit:read'])).toThrow(TypeError);
  });
});

describe('an API key', () => {
  const KEY = 'k'.repeat(40);
  const keys: (string | null)[] = [];
  const noting: Fetch = (url, init) => {
    keys.push(new Headers(init.headers).get('X-Api-Key'));
    return fetch(url, init);
  };
  beforeEach(() => void keys.splice(0));

  it('goes with each request to the node: what is read, proven, submitted, and asked with a token', async () => {
    const own = client({ fetch: noting, apiKey: KEY });
    // An account is proven by the newest block: there must be one.
    await vi.waitUntil(async () => (await own.status()).height > 0);
    await own.account(account);
    await own.auth.fetch('/v1/audit', 'audit:read', { headers: { 'X-Other': '1' } });
    await own.quote([{ type: 'evidence.register', body: new Map() }]).catch(() => {});
    await createApiClient({ url: URL, fetch: noting, apiKey: KEY }).POST('/v1/auth/challenge', {
      body: { account: accountIdToText(account), scopes: ['audit:read'] },
    });
    expect(keys.length).toBeGreaterThan(6);
    expect(new Set(keys)).toEqual(new Set([KEY]));
    await client({ fetch: noting }).status();
    expect(keys.at(-1)).toBeNull();
  });

  it('that is none is refused, and shown nowhere', () => {
    for (const apiKey of ['two words', 'line\nend', 'schlüssel', '', 'x'.repeat(129)]) {
      for (const make of [() => client({ apiKey }), () => createApiClient({ url: URL, apiKey })]) {
        expect(make).toThrow(/^apiKey: 1 to 128 visible ASCII characters/);
        if (apiKey !== '') expect(make).not.toThrow(apiKey);
      }
    }
  });

  it('a gateway that refuses for want of one is not taken for the node', async () => {
    const gateway: Fetch = async () => Response.json({ message: 'Forbidden' }, { status: 403 });
    const refused = client({ fetch: gateway, apiKey: KEY }).status();
    await expect(refused).rejects.toMatchObject({ code: 'BAD_REQUEST', message: expect.stringContaining('apiKey') });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(KEY) });
  });
});

describe('createApiClient', () => {
  it('asks, and gives data or the problem, typed', async () => {
    const api = createApiClient({ url: URL, fetch });
    const { data } = await api.GET('/v1/status');
    expect(data?.genesisHash).toBe(toHex(running.consortium.genesis.hash));
    const { error, response } = await api.GET('/v1/blocks/{height}', { params: { path: { height: '999999' } } });
    expect([error?.name, response.status]).toEqual(['HEIGHT_NOT_REACHED', 404]);
  });

  it('prepares a transaction', async () => {
    const api = createApiClient({ url: URL, fetch });
    const operations = [{ type: 'evidence.register', body: { digests: { sm3: 'ab'.repeat(32) } } }];
    const { data } = await api.POST('/v1/transactions/prepare', {
      body: { sender: accountIdToText(account), operations },
    });
    expect(data?.summary.operations[0]?.type).toBe('evidence.register');
  });

  it('takes a token for what needs one, and for nothing else', async () => {
    const api = createApiClient({ url: URL, fetch, token: client().auth.token });
    await api.GET('/v1/status');
    expect(signed).toBe(0);
    const { data } = await api.GET('/v1/audit', { params: { query: { limit: '2' } } });
    expect([data?.entries, signed]).toEqual([[], 1]);
    const without = await createApiClient({ url: URL, fetch }).GET('/v1/audit');
    expect(without.error?.name).toBe('AUTHENTICATION_REQUIRED');
  });
});
