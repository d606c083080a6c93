import { describe, expect, it } from 'vitest';
import { encodeTogether, MAX_TOGETHER_BYTES } from '../../node-core/chain/transaction-batch.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { encode } from '../../node-core/codec/cbor.ts';
import type { ChainAccess } from '../../node-core/ports/chain-access.ts';
import { expectProblem, fakeApi, NONCE, post, SENDER } from '../../test/api/fake-api.ts';

const URL = '/v1/transactions/batch';
const CBOR = { 'Content-Type': 'application/cbor' } as const;
const TRANSACTIONS = [1, 2, 3].map((fill) => new Uint8Array(300).fill(fill));
const BODY = encodeTogether(TRANSACTIONS);

function recording(overrides: Partial<ChainAccess> = {}, options: Parameters<typeof fakeApi>[1] = {}) {
  const submitted: Uint8Array[] = [];
  const submitAll: ChainAccess['submitAll'] = async (transactions) => {
    submitted.push(...transactions);
    return transactions.map(() => ({ sender: SENDER, nonce: NONCE, expiry: 100 }));
  };
  return { ...fakeApi({ submitAll, ...overrides }, options), submitted };
}

describe('happy', () => {
  it('passes on the exact bytes and answers with the outcomes in their order, never cached', async () => {
    const { api, submitted } = recording();
    const response = await api.request(URL, post(BODY, CBOR));
    expect([response.status, response.headers.get('Cache-Control')]).toEqual([200, 'no-store']);
    expect(submitted).toEqual(TRANSACTIONS);
    const outcome = { status: 202, sender: accountIdToText(SENDER), nonce: toHex(NONCE), expiry: 100 };
    expect(await response.json()).toEqual({ outcomes: [outcome, outcome, outcome] });
  });

  it('takes or refuses each on its own', async () => {
    const other = new Uint8Array(20).fill(8);
    const { api } = recording({
      submitAll: async () => [
        { code: 'EXPIRED', detail: 'in detail' },
        { sender: other, nonce: NONCE, expiry: 7 },
        { code: 'MEMPOOL_FULL', retryAfterSeconds: 4 },
      ],
    });
    const response = await api.request(URL, post(BODY, CBOR));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      outcomes: [
        { status: 410, code: 1104, name: 'EXPIRED', detail: 'in detail' },
        { status: 202, sender: accountIdToText(other), nonce: toHex(NONCE), expiry: 7 },
        { status: 429, code: 1109, name: 'MEMPOOL_FULL', retryAfter: 4 },
      ],
    });
  });
});

describe('error', () => {
  it('is 429 with the time to wait when there is room for none', async () => {
    const full = async (all: readonly Uint8Array[]) =>
      all.map(() => ({ code: 'MEMPOOL_FULL' as const, retryAfterSeconds: 9 }));
    const { api } = recording({ submitAll: full });
    const response = await api.request(URL, post(BODY, CBOR));
    await expectProblem(response, 'MEMPOOL_FULL', 429);
    expect(response.headers.get('Retry-After')).toBe('9');
  });

  it.each([
    ['no CBOR', Uint8Array.of(0xff)],
    ['no array', encode(1)],
    ['an empty array', encode([])],
    ['an item that is no byte string', encode([BODY, 'x'])],
    ['more than 1,000', encode(Array.from({ length: 1_001 }, () => Uint8Array.of(1)))],
    ['something behind it', Uint8Array.of(...BODY, 0)],
  ])('400 for %s', async (_, body) => {
    const { api, submitted } = recording();
    await expectProblem(await api.request(URL, post(body, CBOR)), 'BAD_REQUEST', 400);
    expect(submitted).toEqual([]);
  });

  it('415 for a single transaction, 413 beyond 2 MiB', async () => {
    const { api } = recording();
    const single = await api.request(URL, post(TRANSACTIONS[0]!));
    await expectProblem(single, 'BAD_REQUEST', 415);
    expect(single.headers.get('Accept')).toBe('application/cbor');
    const large = await api.request(URL, post(new Uint8Array(MAX_TOGETHER_BYTES + 1), CBOR));
    await expectProblem(large, 'BODY_TOO_LARGE', 413);
  });
});

describe('security', () => {
  it('counts five transactions as one request of an address', async () => {
    const { api, submitted } = recording({}, { limits: { requestsPerSecond: 1, burst: 3 } });
    const from = (body: Uint8Array) => api.request(URL, post(body, CBOR), { remoteAddress: '192.0.2.1' });
    const many = encodeTogether(Array.from({ length: 16 }, () => Uint8Array.of(1)));
    await expectProblem(await from(many), 'TOO_MANY_REQUESTS', 429);
    expect(submitted).toEqual([]);
    expect((await from(encodeTogether(Array.from({ length: 10 }, () => Uint8Array.of(1))))).status).toBe(200);
    await expectProblem(await from(BODY), 'TOO_MANY_REQUESTS', 429);
  });

  it('refuses what is beyond its bounds before it reads it, and takes it again later', async () => {
    let finish: () => void = () => {};
    const busy = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let read = false;
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          read = true;
          controller.enqueue(BODY);
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const submitAll: ChainAccess['submitAll'] = async (all) => {
      await busy;
      return all.map(() => ({ code: 'EXPIRED' }));
    };
    const { api } = recording({ submitAll }, { limits: { maxSubmissions: 2, maxSubmissionBytes: 3 << 20 } });
    const declared = { ...CBOR, 'Content-Length': String(BODY.length) };
    const first = api.request(URL, post(BODY, CBOR));
    await new Promise((resolve) => setTimeout(resolve));
    // Of a length that is not declared: it counts as the longest.
    const refused = await api.request(URL, { ...post(body, CBOR), duplex: 'half' } as RequestInit);
    await expectProblem(refused, 'OVERLOADED', 503);
    expect([refused.headers.get('Retry-After'), read]).toEqual(['1', false]);
    const second = api.request(URL, post(BODY, declared));
    await new Promise((resolve) => setTimeout(resolve));
    await expectProblem(await api.request(URL, post(BODY, declared)), 'OVERLOADED', 503);
    finish();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    for (let i = 0; i < 3; i++) expect((await api.request(URL, post(BODY, CBOR))).status).toBe(200);
  });
});
