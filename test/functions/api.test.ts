/** The API's handler behind API Gateway, over the tables that a follower and the indexer have written. */
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { opensslCrypto } from '../../adapters/crypto-native/openssl.ts';
import { DynamoDbIndexStore } from '../../adapters/index-dynamodb/index-dynamodb.ts';
import type { LedgerWriter } from '../../adapters/ledger-dynamodb/ledger-writer.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import type { ApiLimits } from '../../api/limits.ts';
import type { ApiBindings } from '../../api/parts.ts';
import { type ProxyApiParts, proxyApi } from '../../functions/api/compose.ts';
import { gatewayHandler, gatewayStream } from '../../functions/api/gateway.ts';
import { Upstream } from '../../functions/api/upstream.ts';
import { ChainIndex } from '../../functions/indexer/chain-index.ts';
import { explaining } from '../../functions/shared/explaining.ts';
import { verifyReceipt } from '../../node-core/chain/receipt.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';
import type { Fetch } from '../../sdk/http.ts';
import { crypto } from '../api/in-process-node.ts';
import { ORIGIN } from '../api/log-in.ts';
import { type Emulator, startEmulator } from '../aws/emulator.ts';
import { ProxyRig } from '../aws/proxy-rig.ts';
import { contextWith } from './event-source.ts';
import { behindGateway, eventOf, type GatewayOptions, type ProxyHandler } from './gateway.ts';

let emulator: Emulator;
let rig: ProxyRig;
let tables: { readonly ledger: string; readonly index: string; readonly service: string };
let writer: LedgerWriter;
const errors: string[] = [];
const log = {
  debug() {},
  info() {},
  warn() {},
  error: (message: string, fields?: object) => void errors.push(`${message} ${JSON.stringify(fields)}`),
};
const challengeSecret = new Uint8Array(randomBytes(32));

beforeAll(async () => {
  emulator = await startEmulator();
  rig = await ProxyRig.start(emulator);
  tables = {
    ledger: await rig.table('ledger', 'S'),
    index: await rig.table('index', 'B'),
    service: await rig.table('service', 'S'),
  };
  writer = rig.writer(tables.ledger);
  writer.start();
  await rig.register('a', 'bb', 'ccc');
  await rig.caughtUp(writer);
  await indexAll();
}, 60_000);
afterAll(async () => {
  await writer?.stop();
  await rig?.stop();
  await emulator?.stop();
});

async function indexAll(): Promise<void> {
  const { reader, feed } = await rig.reader(tables.ledger);
  const store = new DynamoDbIndexStore(rig.dynamodb, tables.index);
  const notify = async () => feed.height;
  const index = new ChainIndex({ crypto, genesis: reader.genesis, feed, store, notify, log });
  await index.catchUp(new AbortController().signal);
}

const follower: Fetch = async (url, init) => rig.running.api.request(url, init);
const away: Fetch = () => Promise.reject(new TypeError('fetch failed'));

interface Options {
  readonly fetch?: Fetch;
  readonly limits?: Partial<ApiLimits>;
}

function partsOf({ fetch = follower, limits = {} }: Options = {}): ProxyApiParts {
  const upstream = new Upstream('http://follower.internal', fetch);
  return {
    ...{ dynamodb: rig.dynamodb, tables, upstream, origins: [ORIGIN], challengeSecret },
    ...{ limits, clock: systemClock, log },
  };
}

/** A function instance with nothing in it. */
function instance(options: Options = {}): ProxyHandler {
  const opened = proxyApi(partsOf(options));
  return gatewayHandler({ open: () => opened, log, answered: () => {} });
}

const asked = (options: Options = {}, gateway: GatewayOptions = {}) => behindGateway(instance(options), gateway);

describe('what is final', () => {
  it('is answered out of the tables alone: receipts that verify offline, blocks, status, records with proofs, events', async () => {
    const get = asked({ fetch: away });
    const status = (await (await get('/v1/status')).json()) as { height: number; genesisHash: string };
    const { genesis } = rig.running.consortium;
    expect(status).toMatchObject({ height: rig.source.height, genesisHash: toHex(genesis.hash) });
    expect(new Uint8Array(await (await get('/v1/genesis')).arrayBuffer())).toEqual(genesis.bytes);
    const records = await get('/v1/records?collection=evidence&where=subject=lot%203&proof=true');
    expect(records.status, await records.clone().text()).toBe(200);
    type Row = { sender: string; nonce: string; receipt: string };
    const { records: found } = (await records.json()) as { records: Row[] };
    expect(found).toHaveLength(1);
    const { sender, nonce, receipt: proof } = found[0]!;
    const { hash } = genesis;
    expect(verifyReceipt(opensslCrypto, Buffer.from(proof, 'base64url'), hash)).not.toHaveProperty('code');
    const receipt = await get(`/v1/transactions/${sender}/${nonce}/receipt`);
    expect(receipt.headers.get('Content-Type')).toBe('application/vnd.brop.receipt+cbor');
    const bytes = new Uint8Array(await receipt.arrayBuffer());
    expect(verifyReceipt(opensslCrypto, bytes, genesis.hash)).not.toHaveProperty('code');
    expect((await (await get(`/v1/transactions/${sender}/${nonce}`)).json()) as object).toMatchObject({
      status: 'final',
    });
    const block = (await (await get(`/v1/blocks/${rig.source.height}`)).json()) as object;
    expect(block).toEqual(await (await follower(`http://x/v1/blocks/${rig.source.height}`, {})).json());
    const events = (await (await get('/v1/events?after=0&type=evidence.registered')).json()) as { events: unknown[] };
    expect(events.events).toHaveLength(3);
    expect(errors).toEqual([]);
  });

  it('is there for new instances too, which know nothing', async () => {
    await rig.register('dddd');
    await rig.caughtUp(writer);
    const events = (await (await asked()('/v1/events?after=0&type=evidence.registered')).json()) as {
      events: unknown[];
    };
    expect(events.events).toHaveLength(4);
  });
});

describe('what is not', () => {
  it('a submission that waits gets its receipt from the table; sent again, the same outcome', async () => {
    const client = rig.clientOf(asked());
    const digests = new Map([['sha-256' as const, crypto.hash('sha-256', Uint8Array.of(7))]]);
    const { receipt, transaction } = await client.evidence.register({ digests });
    expect(verifyReceipt(opensslCrypto, receipt, rig.running.consortium.genesis.hash)).not.toHaveProperty('code');
    const post = (body: Uint8Array) => ({
      ...{ method: 'POST', headers: { 'Content-Type': 'application/cose', Prefer: 'wait=10' } },
      body: new Uint8Array(body),
    });
    const again = await asked()('/v1/transactions', post(transaction.bytes));
    expect(again.status).toBe(200);
    expect(new Uint8Array(await again.arrayBuffer())).toEqual(receipt);
    const broken = transaction.bytes.slice();
    broken[broken.length - 1]! ^= 1;
    const refused = await asked()('/v1/transactions', post(broken));
    expect([refused.status, ((await refused.json()) as { code: number }).code]).toEqual([403, 1103]);
  });

  it('many together, accounts, quotes, proofs of the state and of absence', async () => {
    const client = rig.clientOf(asked());
    const operations = ['x', 'y', 'z'].map((text) => [
      {
        type: 'evidence.register',
        body: new Map([['digests', new Map([['sha-256', crypto.hash('sha-256', Buffer.from(text))]])]]),
      },
    ]);
    const outcomes = await client.submitAll(operations as never);
    expect(outcomes).toHaveLength(3);
    const get = asked();
    for (const path of [
      `/v1/accounts/${rig.partnerText}`,
      '/v1/accounts?name=partner',
      `/v1/state-proof?account=${rig.partnerText}`,
      `/v1/subject-proof?registrant=${rig.partnerText}&subject=lot%203`,
      '/v1/equivocations',
    ]) {
      const own = await get(path);
      const wanted = await follower(`http://x${path}`, {});
      expect(own.status, path).toBe(wanted.status);
      expect(own.headers.get('Content-Type'), path).toBe(wanted.headers.get('Content-Type'));
      // Points are regained as time goes by.
      const text = async (answer: Response) => (await answer.text()).replace(/"points":\d+/, '');
      expect(await text(own), path).toEqual(await text(wanted));
    }
    const unknown = `/v1/transactions/${rig.partnerText}/${'00'.repeat(32)}`;
    expect(await (await get(unknown)).json()).toMatchObject({ status: 'unknown' });
    expect((await get('/v1/accounts?name=nobody')).status).toBe(404);
  });

  it('while the follower is away: 503, code 5007, and when to come again', async () => {
    const get = asked({ fetch: away });
    const sent = { method: 'POST', headers: { 'Content-Type': 'application/cose' }, body: Uint8Array.of(0xd2) };
    for (const [path, init] of [
      ['/v1/transactions', sent],
      ['/v1/quote', sent],
      [`/v1/accounts/${rig.partnerText}`, {}],
      [`/v1/state-proof?account=${rig.partnerText}`, {}],
      [`/v1/transactions/${rig.partnerText}/${'00'.repeat(32)}`, {}],
    ] as const) {
      const answer = await get(path, init);
      expect(answer.status, path).toBe(503);
      expect(answer.headers.get('Retry-After'), path).not.toBeNull();
      expect(await answer.json(), path).toMatchObject({ code: 5007 });
    }
  });

  it('while DynamoDB throttles or is out of reach: 503 with Retry-After, and what is wrong in the log alone', async () => {
    for (const error of [
      Object.assign(new Error('slow down'), { name: 'ProvisionedThroughputExceededException' }),
      Object.assign(new Error('no answer'), { code: 'ECONNREFUSED' }),
    ]) {
      const dynamodb = explaining('DynamoDB', rig.client());
      const opened = await proxyApi({ ...partsOf(), dynamodb });
      dynamodb.middlewareStack.add(() => () => Promise.reject(error), { step: 'initialize', priority: 'low' });
      const get = behindGateway(gatewayHandler({ open: async () => opened, log, answered: () => {} }));
      for (const path of ['/v1/status', `/v1/transactions/${rig.partnerText}/${'00'.repeat(32)}/receipt`]) {
        const answer = await get(path);
        expect(answer.status, path).toBe(503);
        expect(answer.headers.get('Retry-After')).toBe('1');
        expect(JSON.stringify(await answer.json())).not.toContain('DynamoDB');
        expect(errors.splice(0).join()).toContain('DynamoDB');
      }
      expect((await get('/v1/records')).status).toBe(503);
    }
  });

  it('before the follower has written anything: 503, code 5008', async () => {
    const before = tables;
    tables = { ...tables, ledger: await rig.table('ledger', 'S') };
    const open = () => proxyApi(partsOf());
    const get = behindGateway(gatewayHandler({ open, log, answered: () => {} }));
    const answer = await get('/v1/status');
    expect([answer.status, ((await answer.json()) as { code: number }).code]).toEqual([503, 5008]);
    await rig.copy(tables.ledger);
    expect((await get('/v1/status')).status).toBe(200);
    tables = { ...before, index: await rig.table('index', 'B') };
    const unindexed = await get('/v1/records');
    expect([unindexed.status, ((await unindexed.json()) as { code: number }).code]).toEqual([503, 4065]);
    tables = before;
  });
});

describe('accounts that log in', () => {
  it('a token of one instance is good at every other, a challenge is good once among all of them', async () => {
    const [one, other] = [asked(), asked()];
    const json = (body: object) => ({
      ...{ method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) },
    });
    const { challenge, message } = (await (
      await one('/v1/auth/challenge', json({ account: rig.partnerText, scopes: ['audit:read'] }))
    ).json()) as { challenge: string; message: string };
    const signature = Buffer.from(SUITES.p256.sign(rig.partner.secretKey, Buffer.from(message, 'base64url')));
    const answer = { challenge, signature: signature.toString('base64url') };
    const given = await other('/v1/auth/token', json(answer));
    expect(given.status, await given.clone().text()).toBe(200);
    const { access_token: token } = (await given.json()) as { access_token: string };
    const used = await one('/v1/auth/token', json(answer));
    expect([used.status, ((await used.json()) as { code: number }).code]).toEqual([403, 4108]);
    const audit = await asked()('/v1/audit', { headers: { Authorization: `Bearer ${token}` } });
    expect(audit.status).toBe(200);
    expect(await audit.json()).toMatchObject({ entries: [{ action: 'login', outcome: 'done' }] });
  });
});

describe('as a stream', () => {
  /** As the runtime of Lambda has it: what is written goes out at once. */
  class ResponseStream extends Writable {
    readonly pieces: string[] = [];
    metadata: unknown;
    override _write(piece: Buffer, _: string, done: () => void): void {
      this.pieces.push(piece.toString());
      done();
    }
  }

  it('answers piece by piece, and ends before the platform would', async () => {
    const platform = {
      streamifyResponse: (handler: unknown) => handler,
      HttpResponseStream: {
        from: (stream: ResponseStream, metadata: unknown) => Object.assign(stream, { metadata }),
      },
    };
    const before = (globalThis as { awslambda?: unknown }).awslambda;
    Object.assign(globalThis, { awslambda: platform });
    try {
      // Long enough for the registration and its way into the table on a busy machine.
      const limits = { maxStreamMs: 6_000 };
      const opened = proxyApi(partsOf({ limits }));
      const stream = gatewayStream({ open: () => opened, log, answered: () => {} }) as unknown as (
        event: APIGatewayProxyEvent,
        response: ResponseStream,
        context: Context,
      ) => Promise<void>;
      const response = new ResponseStream();
      const request = new Request('https://api.example/v1/events/stream?type=evidence.registered');
      const ended = stream(await eventOf(request), response, contextWith(60_000));
      await expect.poll(() => response.pieces.length).toBeGreaterThan(0);
      await rig.register('while somebody listens');
      await ended;
      expect(response.metadata).toMatchObject({ statusCode: 200, headers: { 'content-type': 'text/event-stream' } });
      expect(response.pieces.join('')).toContain('event: evidence.registered');
      expect(response.pieces.length).toBeGreaterThan(1);
    } finally {
      Object.assign(globalThis, { awslambda: before });
    }
  });

  it('is not there where the platform has none', () => {
    expect(gatewayStream({ open: () => proxyApi(partsOf()), log, answered: () => {} })).toBeNull();
  });
});

describe('behind the gateway', () => {
  it.each([
    ['a custom domain', { before: '/ledger' }],
    ['an emulator', { before: '/_aws/execute-api/abc/v1' }],
    ['the stage', { stage: 'prod' }],
  ])('paths are as clients write them: %s', async (_, gateway) => {
    const get = asked({}, gateway);
    expect((await get('/v1/status')).status).toBe(200);
    expect((await get('/healthz')).status).not.toBe(404);
    expect((await get('/v1/nothing')).status).toBe(404);
  });

  it('the limit for an address counts the connection, whatever headers say', async () => {
    const limits = { requestsPerSecond: 0.001, burst: 2 };
    const handler = instance({ limits });
    const statuses = async (sourceIp: string, forwarded: string) => {
      const request = () => new Request('https://api.example/v1/codes', { headers: { 'X-Forwarded-For': forwarded } });
      const one = async () => (await handler(await eventOf(request(), { sourceIp }), contextWith(1))).statusCode;
      return [await one(), await one(), await one()];
    };
    expect(await statuses('192.0.2.1', '203.0.113.1')).toEqual([200, 200, 429]);
    expect(await statuses('192.0.2.1', '203.0.113.2')).toEqual([429, 429, 429]);
    expect(await statuses('192.0.2.2', '203.0.113.1')).toEqual([200, 200, 429]);
  });

  it('a request is known by the name that the gateway gave it, whatever its headers say', async () => {
    const seen: unknown[] = [];
    const fetch = (_: Request, bindings: ApiBindings) => {
      seen.push(bindings);
      return new Response();
    };
    const open = async () => ({ fetch, flush: async () => {} });
    const headers = { 'X-Amzn-Trace-Id': 'mine', 'X-Amzn-Requestid': 'mine' };
    const event = await eventOf(new Request('https://api.example/v1/status', { headers }));
    await gatewayHandler({ open, log, answered: () => {} })(event, contextWith(1));
    expect(seen).toEqual([{ remoteAddress: '192.0.2.1', requestId: event.requestContext.requestId }]);
  });

  it('bytes are base64, texts are texts, headers that come twice stay two, HEAD has no body', async () => {
    const handler = instance();
    const result = async (path: string, init?: RequestInit): Promise<APIGatewayProxyResult> =>
      handler(await eventOf(new Request(`https://api.example${path}`, init)), contextWith(1));
    expect(await result('/v1/genesis')).toMatchObject({ statusCode: 200, isBase64Encoded: true });
    expect(await result('/v1/status')).toMatchObject({ statusCode: 200, isBase64Encoded: false });
    expect(await result('/v1/nothing')).toMatchObject({ statusCode: 404, isBase64Encoded: false });
    expect(await result('/v1/status', { method: 'HEAD' })).toMatchObject({ statusCode: 200, body: '' });
    const preflight = await result('/v1/transactions', { method: 'OPTIONS' });
    expect(preflight.statusCode).toBe(204);
  });

  it('query parameters that come twice both count', async () => {
    const get = asked();
    const none = await get('/v1/records?collection=evidence&where=subject=lot%201&where=subject=lot%202');
    expect(((await none.json()) as { records: unknown[] }).records).toHaveLength(0);
  });

  it('a stream ends by itself, and goes on where it ended', async () => {
    const get = asked({ limits: { maxStreamMs: 300 } });
    const types = '/v1/events/stream?type=evidence.registered';
    const first = await (await get(`${types}&after=0`)).text();
    const ids = [...first.matchAll(/^id: (.*)$/gm)].map(([, id]) => id!);
    expect([...first.matchAll(/^data: /gm)].length).toBeGreaterThan(0);
    await rig.register('after the end');
    await rig.caughtUp(writer);
    const second = await (await get(types, { headers: { 'Last-Event-ID': ids.at(-1)! } })).text();
    expect([...second.matchAll(/^data: /gm)]).toHaveLength(1);
    const small = await (await asked({ limits: { maxStreamBytes: 10 } })(`${types}&after=0`)).text();
    expect([...small.matchAll(/^id: /gm)].length).toBeGreaterThan(0);
  });
});
