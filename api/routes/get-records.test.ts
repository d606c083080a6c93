import { describe, expect, it } from 'vitest';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { type RecordSearch, runQuery } from '../../node-core/middleware/query/query.ts';
import { type Entry, type IndexRow, type IndexStore, IndexStoreError } from '../../node-core/ports/index-store.ts';
import { expectProblem, fakeApi, NONCE, SENDER } from '../../test/api/fake-api.ts';

const row: IndexRow = {
  collection: 'evidence',
  key: 'ab'.repeat(32),
  ...{ height: 4, transaction: 1, row: 1, timeMs: 1_000 },
  sender: accountIdToText(SENDER),
  nonce: toHex(NONCE),
  fields: { subject: 'lot 7', digest: ['sha-256:00'] },
};
const genesisRow: IndexRow = { ...row, transaction: 0, sender: null, nonce: null };

/** Gives the same rows whatever it is asked. */
function indexOf(...rows: readonly IndexRow[]): RecordSearch {
  const store = storeOf(...rows);
  return { search: (query) => runQuery(pureCrypto, store, query) };
}

function storeOf(...rows: readonly IndexRow[]): IndexStore {
  const progress = async () => ({ from: 0, watermark: 9 });
  const entries = rows.map((one): Entry => ({ at: new Uint8Array(8), row: one }));
  return {
    open: progress,
    apply: progress,
    clear: progress,
    progress,
    rows: async () => rows,
    scan: async () => entries,
    count: async () => rows.length,
    close: async () => {},
  };
}

describe('happy', () => {
  it('gives rows with what the index covers', async () => {
    const { api } = fakeApi({}, { records: indexOf(row) });
    const response = await api.request('/v1/records?where=subject=lot%207&where=height>=2&count=true');
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    const { row: _, ...shown } = row;
    expect(await response.json()).toEqual({
      records: [shown],
      next: null,
      count: { value: 1, exact: true },
      index: { from: 0, height: 9 },
    });
  });

  it('gives a receipt with each row when asked, and none for what no transaction wrote', async () => {
    const asked: string[] = [];
    const receipt = async (sender: Uint8Array, nonce: Uint8Array) => {
      asked.push(`${accountIdToText(sender)}/${toHex(nonce)}`);
      return Uint8Array.of(1, 2, 3);
    };
    for (const [shown, expected] of [
      [row, 'AQID'],
      [genesisRow, null],
    ] as const) {
      const { api } = fakeApi({ receipt }, { records: indexOf(shown) });
      expect(await (await api.request('/v1/records?proof=true')).json()).toMatchObject({
        records: [{ receipt: expected }],
      });
    }
    expect(asked).toEqual([`${row.sender}/${row.nonce}`]);
  });
});

describe('error', () => {
  it.each([
    ['COLLECTION_UNKNOWN', 404, 'collection=nothing'],
    ['FIELD_UNKNOWN', 400, 'where=colour=red'],
    ['FIELD_NOT_INDEXED', 400, 'sort=sizeBytes'],
    ['FILTER_INVALID', 400, 'where=subject'],
    ['CURSOR_INVALID', 400, 'cursor=xx'],
    ['BAD_REQUEST', 400, 'limit=0'],
    ['BAD_REQUEST', 400, 'limit=101'],
    ['BAD_REQUEST', 400, 'count=yes'],
    ['BAD_REQUEST', 400, 'where='],
    ['BAD_REQUEST', 400, 'colour=red'],
  ] as const)('%s, %i: %s', async (code, status, parameters) => {
    const { api } = fakeApi({}, { records: indexOf(row) });
    await expectProblem(await api.request(`/v1/records?${parameters}`), code, status);
  });

  it('is unavailable without an index, and while the index does not answer', async () => {
    await expectProblem(await fakeApi().api.request('/v1/records'), 'INDEX_UNAVAILABLE', 503);
    const broken: RecordSearch = { search: () => Promise.reject(new IndexStoreError('unavailable', 'no room')) };
    const { api, errors } = fakeApi({}, { records: broken });
    await expectProblem(await api.request('/v1/records'), 'INDEX_UNAVAILABLE', 503);
    expect(errors).toEqual([]);
  });
});

describe('security', () => {
  it('receipts count as more than one request', async () => {
    const { api } = fakeApi(
      { receipt: async () => Uint8Array.of(1) },
      { records: indexOf(row), limits: { requestsPerSecond: 1, burst: 15 } },
    );
    const ask = () => api.request('/v1/records?proof=true&limit=50', {}, { remoteAddress: '192.0.2.1' });
    expect((await ask()).status).toBe(200);
    await expectProblem(await ask(), 'TOO_MANY_REQUESTS', 429);
  });

  it('what is wrong with a filter is said without its value', async () => {
    const { api } = fakeApi({}, { records: indexOf(row) });
    const text = await (await api.request('/v1/records?where=height=personal-data')).text();
    expect(text).not.toContain('personal-data');
  });
});
