import { beforeEach, describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { hostedFileId, MAX_HOSTED_BYTES } from '../../node-core/middleware/hosting/hosted-file.ts';
import type { RecordQuery } from '../../node-core/middleware/query/query.ts';
import type { FileWanted, HostedFile, HostedState, Hosting } from '../../node-core/ports/hosting.ts';
import { expectProblem, fakeApi } from '../../test/api/fake-api.ts';
import { knows, logIn, ORIGIN, person } from '../../test/api/log-in.ts';
import type { Api } from '../parts.ts';

const ANN = person(3);
const BOB = person(4);
const CONTENT = utf8('a file');
const SHA256 = pureCrypto.hash('sha-256', CONTENT);
const BODY = { sha256: toHex(SHA256), sizeBytes: CONTENT.length, mediaType: 'application/pdf' };
const ID = hostedFileId(pureCrypto, ANN.id, SHA256);
const ADDRESS = `https://node.example/v1/hosting/files/${ID}`;
const HOSTED = toHex(pureCrypto.hash('sha-256', utf8(ADDRESS)));

/** One file of Ann's. */
class OneFile implements Hosting {
  state: HostedState = 'expected';
  readonly links: string[] = [];
  file(wanted: FileWanted = { ...BODY, sha256: SHA256 }): HostedFile {
    const kept = { askedMs: 1, storedMs: null, retainedUntilMs: null };
    return { ...wanted, ...kept, id: ID, account: ANN.text, state: this.state, address: ADDRESS };
  }
  async ask(_account: string, wanted: FileWanted) {
    const form = { url: 'https://bucket.example/', fields: { key: ID }, expiresMs: 2 };
    return { file: this.file(wanted), form: this.state === 'stored' ? null : form };
  }
  async find(id: string) {
    return id === ID ? this.file() : undefined;
  }
  async link(_file: HostedFile, request: string) {
    this.links.push(request);
    return 'https://bucket.example/link';
  }
  async usage() {
    return { files: 1, bytes: 6, served: [{ month: '2026-11', files: 2, bytes: 12 }] };
  }
}

let files: OneFile;
let fields: Record<string, unknown>[];
let asked: RecordQuery[];
let api: Api;
let ann: Awaited<ReturnType<typeof logIn>>;
let bob: Awaited<ReturnType<typeof logIn>>;

beforeEach(async () => {
  files = new OneFile();
  fields = [];
  asked = [];
  const known = knows(ANN, BOB);
  const account = async (id: Uint8Array) => {
    const view = await known(id);
    const permissions = toHex(id) === toHex(ANN.id) ? (['evidence'] as const) : (['identity'] as const);
    return view && { ...view, account: { ...view.account, permissions } };
  };
  const search = async (query: RecordQuery) => {
    asked.push(query);
    return { rows: fields.map((one) => ({ fields: one })) as never, next: null, count: null, progress: {} as never };
  };
  const options = { hosting: files, records: { search }, authentication: { origins: [ORIGIN] } };
  api = fakeApi({ account }, options).api;
  ann = await logIn(api, ANN, ['hosting:manage']);
  bob = await logIn(api, BOB, ['hosting:manage']);
});

describe('an upload', () => {
  it('is asked for by a partner, who learns address, digest of the address and form', async () => {
    const response = await ann('POST', '/v1/hosting/files', BODY);
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({
      file: {
        ...{ ...BODY, id: ID, account: ANN.text, state: 'expected', address: ADDRESS, hosted: HOSTED },
        ...{ askedMs: 1, storedMs: null, retainedUntilMs: null },
      },
      upload: { url: 'https://bucket.example/', fields: { key: ID }, expiresMs: 2 },
    });
    files.state = 'stored';
    const again = await ann('POST', '/v1/hosting/files', BODY);
    expect([again.status, await again.json()]).toMatchObject([200, { upload: null, file: { state: 'stored' } }]);
    expect(await (await ann('GET', '/v1/hosting/usage')).json()).toMatchObject({ files: 1, served: [{ bytes: 12 }] });
  });

  it.each([
    [{ sizeBytes: MAX_HOSTED_BYTES + 1 }, 'HOSTED_FILE_TOO_LARGE', 413],
    [{ sizeBytes: -1 }, 'BAD_REQUEST', 400],
    [{ sizeBytes: 1.5 }, 'BAD_REQUEST', 400],
    [{ sha256: 'abc' }, 'BAD_REQUEST', 400],
    [{ mediaType: 'text/html; charset=utf-8' }, 'BAD_REQUEST', 400],
    [{ mediaType: '' }, 'BAD_REQUEST', 400],
    [{ key: '../x' }, 'BAD_REQUEST', 400],
  ] as const)('%j is refused', async (changed, code, status) => {
    await expectProblem(await ann('POST', '/v1/hosting/files', { ...BODY, ...changed }), code, status);
  });

  it('is nobody’s without a token, without the scope, or without the permission to register evidence', async () => {
    const body = JSON.stringify(BODY);
    const init = { method: 'POST', body, headers: { 'Content-Type': 'application/json' } };
    await expectProblem(await api.request('/v1/hosting/files', init), 'AUTHENTICATION_REQUIRED', 401);
    const reader = await logIn(api, ANN, ['audit:read']);
    await expectProblem(await reader('POST', '/v1/hosting/files', BODY), 'SCOPE_MISSING', 403);
    await expectProblem(await bob('POST', '/v1/hosting/files', BODY), 'NOT_PERMITTED', 403);
    await expectProblem(await bob('GET', `/v1/hosting/files/${ID}/state`), 'NOT_FOUND', 404);
    expect((await ann('GET', `/v1/hosting/files/${ID}/state`)).status).toBe(200);
  });
});

describe('a download', () => {
  const record = { registrant: ANN.text, hosted: HOSTED, digest: [`sha-256:${toHex(SHA256)}`] };
  const PATH = `/v1/hosting/files/${ID}`;
  const download = () => api.request(PATH, { headers: { 'X-Amzn-Trace-Id': 'trace 1' } }, { requestId: 'request 1' });

  it('is anybody’s once the file is stored and registered', async () => {
    files.state = 'stored';
    fields = [record];
    const response = await download();
    expect([response.status, response.headers.get('Location')]).toEqual([302, 'https://bucket.example/link']);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(files.links).toEqual(['request 1']);
    expect(asked[0]).toMatchObject({ where: [`hosted=${HOSTED}`, `registrant=${ANN.text}`] });
  });

  it('counts each time, under whatever one name a client sends its requests', async () => {
    files.state = 'stored';
    fields = [record];
    const headers = { 'X-Amzn-Trace-Id': 'Root=1-0', 'X-Request-Id': '1' };
    for (const _ of '12') await api.request(PATH, { headers });
    for (const requestId of ['a', 'b']) await api.request(PATH, { headers }, { requestId });
    expect(new Set(files.links).size).toBe(4);
  });

  it.each([
    ['of a file without a record', []],
    ['with a record of another registrant', [{ ...record, registrant: BOB.text }]],
    ['with a record of another content', [{ ...record, digest: [`sha-256:${'0'.repeat(64)}`] }]],
    ['with a record of a batch', [{ registrant: ANN.text, hosted: HOSTED, root: toHex(SHA256) }]],
    ['with a record of another address', [{ ...record, hosted: '0'.repeat(64) }]],
  ])('%s is refused', async (_, records) => {
    files.state = 'stored';
    fields = records;
    await expectProblem(await download(), 'HOSTED_FILE_UNREGISTERED', 404);
    expect(files.links).toEqual([]);
  });

  it.each(['expected', 'refused'] as const)('of what is %s is refused, registered or not', async (state) => {
    files.state = state;
    fields = [record];
    await expectProblem(await download(), 'NOT_FOUND', 404);
  });

  it('of nothing, and where nothing is hosted', async () => {
    await expectProblem(await api.request(`/v1/hosting/files/file_${'0'.repeat(64)}`), 'NOT_FOUND', 404);
    await expectProblem(await api.request('/v1/hosting/files/x'), 'BAD_REQUEST', 400);
    await expectProblem(await fakeApi().api.request(`/v1/hosting/files/${ID}`), 'NOT_FOUND', 404);
  });
});
