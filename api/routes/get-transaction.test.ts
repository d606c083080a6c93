import { describe, expect, it } from 'vitest';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { TransactionStatus } from '../../node-core/ports/chain-access.ts';
import { expectProblem, fakeApi, NONCE, PATH, SENDER } from '../../test/api/fake-api.ts';

const digest = new Uint8Array(32);
const applied: TransactionStatus = { status: 'final', height: 12, index: 3, result: [0, null, 450, 33, digest] };

async function read(path: string, ...args: Parameters<typeof fakeApi>) {
  const response = await fakeApi(...args).api.request(path);
  expect(response.status).toBe(200);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  return (await response.json()) as Record<string, unknown>;
}

describe('happy', () => {
  it('final: where, what became of it, and where to go on', async () => {
    expect(await read(PATH, { transaction: async () => applied })).toEqual({
      status: 'final',
      sender: accountIdToText(SENDER),
      nonce: toHex(NONCE),
      height: 12,
      index: 3,
      applied: true,
      code: 0,
      name: null,
      operation: null,
      cost: 450,
      logIndex: 33,
      links: { self: PATH, receipt: `${PATH}/receipt`, block: '/v1/blocks/12' },
    });
  });

  it('pending, though the height asked about has passed', async () => {
    const body = await read(`${PATH}?expiry=5`, { transaction: async () => ({ status: 'pending', expiry: 77 }) });
    expect(body).toMatchObject({ status: 'pending', expiry: 77 });
  });

  it('unknown without an expiry, and before it', async () => {
    expect(await read(PATH)).toMatchObject({ status: 'unknown' });
    expect(await read(`${PATH}?expiry=99`)).toMatchObject({ status: 'unknown' });
  });

  it('expired with the certificate, and without one once the proof is no longer kept', async () => {
    const link = `${PATH}/expiry-certificate?expiry=9`;
    const withProof = await read(`${PATH}?expiry=9`, { expiryCertificate: async () => new Uint8Array([251, 255]) });
    expect(withProof).toMatchObject({ status: 'expired', expiry: 9, certificate: '-_8', links: { certificate: link } });
    const without = await read(`${PATH}?expiry=9`, { expiryCertificate: async () => ({ code: 'STATE_NOT_KEPT' }) });
    expect(without).toMatchObject({ status: 'expired', certificate: null });
  });

  it('final, when it became so between the two questions', async () => {
    const answers: TransactionStatus[] = [{ status: 'unknown' }, applied];
    const body = await read(`${PATH}?expiry=9`, {
      transaction: async () => answers.shift()!,
      expiryCertificate: async () => ({ code: 'NONCE_USED' }),
    });
    expect(body).toMatchObject({ status: 'final' });
  });

  it('the receipt: immutable, tagged by its bytes, 304 for who has it', async () => {
    const { api } = fakeApi({ receipt: async () => new Uint8Array([1, 2, 3]) });
    const response = await api.request(`${PATH}/receipt`);
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('Vary')).toBe('Accept');
    const tag = response.headers.get('ETag')!;
    expect(tag).toMatch(/^"[\w-]{43}"$/);
    const again = await api.request(`${PATH}/receipt`, { headers: { 'If-None-Match': tag } });
    expect([again.status, again.headers.get('ETag'), await again.text()]).toEqual([304, tag, '']);
    const other = fakeApi({ receipt: async () => new Uint8Array([1, 2, 4]) });
    expect((await other.api.request(`${PATH}/receipt`)).headers.get('ETag')).not.toBe(tag);
    const head = await api.request(`${PATH}/receipt`, { method: 'HEAD' });
    expect([head.status, head.headers.get('ETag'), await head.text()]).toEqual([200, tag, '']);
  });
});

describe('error', () => {
  it('404 for a receipt or a certificate that is not there', async () => {
    const { api } = fakeApi();
    await expectProblem(await api.request(`${PATH}/receipt`), 'NOT_FOUND', 404);
    await expectProblem(await api.request(`${PATH}/expiry-certificate?expiry=99`), 'HEIGHT_NOT_REACHED', 404);
  });

  it('406 for a form that there is not', async () => {
    const { api } = fakeApi({ receipt: async () => new Uint8Array([1]) });
    const response = await api.request(`${PATH}/receipt`, { headers: { Accept: 'text/html, application/json;q=0' } });
    await expectProblem(response, 'BAD_REQUEST', 406);
  });

  it.each([
    ['expiry=', 'empty'],
    ['expiry=-1', 'negative'],
    ['expiry=1.5', 'a fraction'],
    ['expiry=0x10', 'hexadecimal'],
    ['expiry=01', 'a leading zero'],
    ['expiry=9007199254740993', 'beyond what a number holds'],
    ['expiry=1&expiry=2', 'twice'],
    ['expiri=5', 'misspelt'],
  ])('400 for ?%s (%s)', async (query) => {
    const { api } = fakeApi();
    await expectProblem(await api.request(`${PATH}?${query}`), 'BAD_REQUEST', 400);
  });

  it('400 without the expiry that a certificate is for', async () => {
    await expectProblem(await fakeApi().api.request(`${PATH}/expiry-certificate`), 'BAD_REQUEST', 400);
  });
});

describe('security', () => {
  const sender = accountIdToText(SENDER);
  const nonce = toHex(NONCE);

  it.each([
    [`${sender.toUpperCase()}/${nonce}`, 'upper case'],
    [`${sender.slice(0, -1)}q/${nonce}`, 'a typing error'],
    [`${sender}/${nonce.slice(1)}`, 'a short nonce'],
    [`${sender}/${nonce}00`, 'a long nonce'],
    [`${sender}/${nonce.replace('09', '0G')}`, 'no hexadecimal'],
    [`${sender}%00/${nonce}`, 'a NUL'],
    [`..%2f..%2fetc%2fpasswd/${nonce}`, 'a path'],
    [`%ff%fe/${nonce}`, 'invalid UTF-8'],
    [`%E4%B8%AD/${nonce}`, 'other letters'],
    [`__proto__/${nonce}`, 'a prototype'],
    [`${'a'.repeat(2_000)}/${nonce}`, 'a long one'],
  ])('400 for %s (%s), and the chain is not asked', async (path) => {
    let asked = 0;
    const { api, errors } = fakeApi({
      transaction: async () => {
        asked += 1;
        return { status: 'unknown' };
      },
    });
    const response = await api.request(`/v1/transactions/${path}`);
    const problem = await expectProblem(response, 'BAD_REQUEST', 400);
    expect(String(problem.detail).length).toBeLessThan(200);
    expect([asked, errors]).toEqual([0, []]);
  });
});
