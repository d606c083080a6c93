import { describe, expect, it } from 'vitest';
import { CODES, type CodeName } from '../../node-core/chain/codes.ts';
import type { ChainAccess } from '../../node-core/ports/chain-access.ts';
import { COSE, expectProblem, fakeApi, NONCE, PATH, post, SENDER, STATUS } from '../../test/api/fake-api.ts';
import { STATUS_OF_CODE } from '../problem.ts';

const URL = '/v1/transactions';
const BYTES = new Uint8Array([0xd2, 0x84, 1, 2, 3]);
const RECEIPT = new Uint8Array([0xa1, 1]);

/** A chain that records what it was given. */
function recording(overrides: Partial<ChainAccess> = {}) {
  const submitted: Uint8Array[] = [];
  const waits: number[] = [];
  const made = fakeApi({
    submit: async (bytes) => {
      submitted.push(bytes);
      return { sender: SENDER, nonce: NONCE, expiry: 100 };
    },
    waitFinal: async (_sender, _nonce, timeoutMs) => {
      waits.push(timeoutMs);
      return true;
    },
    receipt: async () => RECEIPT,
    ...overrides,
  });
  return { ...made, submitted, waits };
}

describe('happy', () => {
  it('passes on the exact bytes and answers 202 with the identity, never cached', async () => {
    const { api, submitted } = recording();
    const response = await api.request(URL, post(BYTES));
    expect(response.status).toBe(202);
    expect(submitted).toEqual([BYTES]);
    expect(response.headers.get('Location')).toBe(PATH);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(await response.json()).toMatchObject({ status: 'pending', expiry: 100, location: PATH });
  });

  it('takes the registered parameter of application/cose', async () => {
    const { api } = recording();
    const response = await api.request(
      URL,
      post(BYTES, { 'Content-Type': 'Application/COSE; cose-type="cose-sign1"' }),
    );
    expect(response.status).toBe(202);
  });

  it.each([
    ['wait=10', 10],
    ['respond-async, wait=1', 1],
    ['wait="7"; foo=bar', 7],
    ['Wait = 30', 30],
    ['wait=31', 30],
    ['wait=2, wait=9', 2],
  ])('Prefer: %s waits for %i s and answers with the receipt', async (prefer, seconds) => {
    const { api, waits } = recording();
    const response = await api.request(URL, post(BYTES, { ...COSE, Prefer: prefer }));
    expect(response.status).toBe(200);
    expect(waits).toEqual([seconds * 1_000]);
    expect(response.headers.get('Preference-Applied')).toBe(`wait=${seconds}`);
    expect(response.headers.get('Content-Type')).toBe('application/vnd.brop.receipt+cbor');
    expect(response.headers.get('Content-Location')).toBe(`${PATH}/receipt`);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(RECEIPT);
  });

  it.each(['wait=0', 'wait=-1', 'wait=1e3', 'wait=', 'wait', 'waits=5', 'wait=5s', ''])(
    'Prefer: %s is no preference to wait',
    async (prefer) => {
      const { api, waits } = recording();
      const response = await api.request(URL, post(BYTES, { ...COSE, Prefer: prefer }));
      expect([response.status, waits, response.headers.get('Preference-Applied')]).toEqual([202, [], null]);
    },
  );

  it('answers 202 when the time runs out', async () => {
    const { api } = recording({ waitFinal: async () => false });
    const response = await api.request(URL, post(BYTES, { ...COSE, Prefer: 'wait=1' }));
    expect(response.status).toBe(202);
    expect(response.headers.get('Preference-Applied')).toBe('wait=1');
  });

  it('has a bound on those who wait: beyond it 202 at once', async () => {
    let finish: (isFinal: boolean) => void = () => {};
    const first = new Promise<boolean>((resolve) => {
      finish = resolve;
    });
    const overrides = { waitFinal: () => first, receipt: async () => RECEIPT };
    const { api } = fakeApi(overrides, { limits: { maxWaiting: 1 } });
    const wait = { ...COSE, Prefer: 'wait=1' };
    const waiting = api.request(URL, post(BYTES, wait));
    await new Promise((resolve) => setTimeout(resolve));
    expect((await api.request(URL, post(BYTES, wait))).status).toBe(202);
    finish(true);
    expect((await waiting).status).toBe(200);
    expect((await api.request(URL, post(BYTES, wait))).status).toBe(200);
  });
});

describe('error', () => {
  const names = Object.keys(CODES) as CodeName[];

  it.each(names)('a refusal with %s has its HTTP status, and the detail', async (code) => {
    const { api } = recording({ submit: async () => ({ code, detail: 'in detail' }) });
    const response = await api.request(URL, post(BYTES));
    const status = STATUS_OF_CODE[code];
    expect(await expectProblem(response, code, status)).toMatchObject({ detail: 'in detail' });
    expect(response.headers.has('Retry-After')).toBe(status === 429 || status === 503);
  });

  it('says when missing quota points will have been regained', async () => {
    const quota = { max: 86_400, periodMs: 86_400_000 };
    const key = { suite: 'ed25519' as const, bytes: new Uint8Array(32).fill(7) };
    const { quotaBytes, genesisHash } = await signedBytes();
    const { api } = recording({
      status: async () => ({ ...STATUS, genesisHash }),
      submit: async () => ({ code: 'QUOTA_SHORT' }),
      quote: async () => ({ cost: 500, available: 380, refusal: null }),
      account: async () => ({ account: { kind: 'partner', key, quota, created: 0 }, points: 380 }),
    });
    const response = await api.request(URL, post(quotaBytes));
    await expectProblem(response, 'QUOTA_SHORT', 429);
    expect(response.headers.get('Retry-After')).toBe('120');
  });

  it.each([
    ['text/plain'],
    ['application/cbor'],
    ['application/octet-stream'],
    ['application/cose; cose-type=cose-encrypt'],
    ['multipart/form-data; boundary=x'],
  ])('415 for %s', async (type) => {
    const { api, submitted } = recording();
    const response = await api.request(URL, post(BYTES, { 'Content-Type': type }));
    await expectProblem(response, 'BAD_REQUEST', 415);
    expect(response.headers.get('Accept')).toBe('application/cose, application/json');
    expect(submitted).toEqual([]);
  });

  it('415 without a content type, and for a content coding', async () => {
    const { api } = recording();
    await expectProblem(await api.request(URL, post(BYTES, {})), 'BAD_REQUEST', 415);
    const coded = await api.request(URL, post(BYTES, { ...COSE, 'Content-Encoding': 'gzip' }));
    await expectProblem(coded, 'BAD_REQUEST', 415);
  });

  it('406 before anything is submitted when the receipt could not be read', async () => {
    const { api, submitted } = recording();
    const response = await api.request(URL, post(BYTES, { ...COSE, Prefer: 'wait=1', Accept: 'image/png' }));
    await expectProblem(response, 'BAD_REQUEST', 406);
    expect(submitted).toEqual([]);
  });

  it.each([
    ['not JSON', '{'],
    ['another type', '[]'],
    ['no transaction', '{}'],
    ['an unknown field', '{"transaction":"AAAA","extra":1}'],
    ['a number', '{"transaction":1}'],
    ['base64 that is not base64url', '{"transaction":"+/+/"}'],
    ['padding', '{"transaction":"AA=="}'],
    ['spare bits', '{"transaction":"AB"}'],
    ['an impossible length', '{"transaction":"AAAAA"}'],
    ['invalid UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
  ])('400 for a JSON body with %s', async (_name, body) => {
    const { api, submitted } = recording();
    await expectProblem(await api.request(URL, post(body, { 'Content-Type': 'application/json' })), 'BAD_REQUEST', 400);
    expect(submitted).toEqual([]);
  });

  it('an exception is 500 with an ID; its cause goes to the log alone', async () => {
    const cause = new Error('the secret path /var/lib/brop');
    const { api, errors } = recording({ submit: () => Promise.reject(new Error('boom', { cause })) });
    const problem = await expectProblem(await api.request(URL, post(BYTES)), 'INTERNAL', 500);
    expect(JSON.stringify(problem)).not.toMatch(/boom|secret|stack|\.ts/);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.fields).toMatchObject({ requestId: problem.requestId, route: URL, method: 'POST' });
    expect(errors[0]?.fields?.error).toMatch(/boom[\s\S]*caused by Error: the secret path/);
  });
});

describe('security', () => {
  it('reads at most 65,535 bytes of a stream that never ends', async () => {
    let pulled = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulled += 1_024;
          controller.enqueue(new Uint8Array(1_024));
        },
        cancel: () => {
          cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    const { api, submitted } = recording();
    const init = { ...post(endless), duplex: 'half' } as RequestInit;
    await expectProblem(await api.request(URL, init), 'TX_TOO_LARGE', 413);
    expect(pulled).toBeLessThanOrEqual(65_536 + 1_024);
    expect([cancelled, submitted]).toEqual([true, []]);
  });

  it('believes a declared length only when it is too long; what comes is counted', async () => {
    const { api, submitted } = recording();
    const declared = await api.request(URL, post(BYTES, { ...COSE, 'Content-Length': '65536' }));
    await expectProblem(declared, 'TX_TOO_LARGE', 413);
    const lied = await api.request(URL, post(new Uint8Array(65_536), { ...COSE, 'Content-Length': '5' }));
    await expectProblem(lied, 'TX_TOO_LARGE', 413);
    expect(submitted).toEqual([]);
    expect((await api.request(URL, post(new Uint8Array(65_535)))).status).toBe(202);
  });

  it('413 for JSON beyond 90,000 bytes, with the code of the request', async () => {
    const { api } = recording();
    const body = JSON.stringify({ transaction: 'A'.repeat(90_000) });
    const response = await api.request(URL, post(body, { 'Content-Type': 'application/json' }));
    await expectProblem(response, 'BODY_TOO_LARGE', 413);
  });

  it('a body that breaks off is the fault of the request, not of the node', async () => {
    const broken = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(new Error('reset')) });
    const { api, errors } = recording();
    const response = await api.request(URL, { ...post(broken), duplex: 'half' } as RequestInit);
    await expectProblem(response, 'BAD_REQUEST', 400);
    expect(errors).toEqual([]);
  });
});

/** A transaction of good form, which the fake chain need not like. */
async function signedBytes() {
  const { finishTransaction, prepareTransaction } = await import('../../node-core/chain/transaction.ts');
  const { pureCrypto } = await import('../../node-core/crypto/pure.ts');
  const genesisHash = STATUS.genesisHash;
  const operations = [{ type: 'evidence.register', body: null }];
  const draft = {
    chain: genesisHash,
    protocolVersion: 1,
    sender: SENDER,
    label: 'x',
    nonce: NONCE,
    expiry: 9,
    operations,
  };
  const unsigned = prepareTransaction(pureCrypto, draft, { suite: 'ed25519', bytes: new Uint8Array(32).fill(7) });
  return { quotaBytes: finishTransaction(unsigned, new Uint8Array(64)), genesisHash };
}
