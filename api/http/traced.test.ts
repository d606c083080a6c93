import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Refusal } from '../../node-core/chain/codes.ts';
import { encodeTogether } from '../../node-core/chain/transaction-batch.ts';
import type { Submitted } from '../../node-core/ports/chain-access.ts';
import type { SpanDetails, SpanName, Tracing } from '../../node-core/ports/tracing.ts';
import { fakeApi, NONCE, NOW_MS, post, SENDER } from '../../test/api/fake-api.ts';

interface Reported {
  readonly digest: string;
  readonly name: SpanName;
  readonly startMs: number;
  readonly endMs: number;
  readonly details: SpanDetails | undefined;
}

function recorder(): { readonly tracing: Tracing; readonly spans: Reported[] } {
  const spans: Reported[] = [];
  return {
    spans,
    tracing: {
      span: (digest, name, startMs, endMs, details) => void spans.push({ digest, name, startMs, endMs, details }),
    },
  };
}

const BYTES = Uint8Array.of(0xd2, 1, 2, 3);
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const accepted: Submitted = { sender: SENDER, nonce: NONCE, expiry: 9 };

describe('happy', () => {
  it('a submission is the root of its trace: digest, times, status, the trace of the client', async () => {
    const { tracing, spans } = recorder();
    const { api, time } = fakeApi(
      {
        submit: async () => {
          time.ms += 25;
          return accepted;
        },
      },
      { tracing },
    );
    const headers = { 'Content-Type': 'application/cose', traceparent: TRACEPARENT };
    expect((await api.request('/v1/transactions', post(BYTES, headers))).status).toBe(202);
    expect(spans).toEqual([
      {
        digest: digestOf(BYTES),
        name: 'submit',
        startMs: NOW_MS,
        endMs: NOW_MS + 25,
        details: {
          attributes: { 'http.response.status_code': 202, 'brop.bytes': BYTES.length },
          traceparent: TRACEPARENT,
        },
      },
    ]);
  });

  it('each transaction of a batch has its own root and its own status', async () => {
    const { tracing, spans } = recorder();
    const refused: Refusal = { code: 'EXPIRED' };
    const { api } = fakeApi({ submitAll: async () => [accepted, refused] }, { tracing });
    const other = Uint8Array.of(0xd2, 9);
    const request = post(encodeTogether([BYTES, other]), { 'Content-Type': 'application/cbor' });
    expect((await api.request('/v1/transactions/batch', request)).status).toBe(200);
    expect(
      spans.map(({ digest, details }) => [digest, details?.attributes?.['http.response.status_code'], details?.failed]),
    ).toEqual([
      [digestOf(BYTES), 202, undefined],
      [digestOf(other), 410, 'EXPIRED'],
    ]);
  });
});

describe('error', () => {
  it('a refusal is reported with its code, and answered as without tracing', async () => {
    const { tracing, spans } = recorder();
    const { api } = fakeApi({ submit: async () => ({ code: 'TX_MALFORMED' }) }, { tracing });
    expect((await api.request('/v1/transactions', post(BYTES))).status).toBe(400);
    expect(spans).toMatchObject([
      { name: 'submit', details: { failed: 'TX_MALFORMED', attributes: { 'http.response.status_code': 400 } } },
    ]);
  });

  it('so is what nobody can explain', async () => {
    const { tracing, spans } = recorder();
    const { api } = fakeApi({ submit: () => Promise.reject(new Error('a bug')) }, { tracing });
    expect((await api.request('/v1/transactions', post(BYTES))).status).toBe(500);
    expect(spans).toMatchObject([{ details: { failed: 'INTERNAL' } }]);
  });
});
