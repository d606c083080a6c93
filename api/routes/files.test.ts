import { describe, expect, it } from 'vitest';
import { CHECKPOINT_PATH } from '../../node-core/chain/file-paths.ts';
import { expectProblem, fakeApi } from '../../test/api/fake-api.ts';
import { MemoryBlobs } from '../../test/simulation/memory-blobs.ts';

const TILE = Uint8Array.from({ length: 8_192 }, (_, i) => i % 251);
const LARGE = Uint8Array.from({ length: 3_500_000 }, (_, i) => i % 241);
const PATHS = { tile: '/files/tile/0/000', large: '/files/blocks/000', checkpoint: '/files/checkpoint' };

function api(options: Parameters<typeof fakeApi>[1] = {}) {
  const files = new MemoryBlobs();
  files.files.set('tile/0/000', TILE);
  files.files.set('blocks/000', LARGE);
  files.files.set(CHECKPOINT_PATH, new TextEncoder().encode('a note\n'));
  return { ...fakeApi({}, { files, ...options }), files };
}

const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());
const ranged = (range: string, more: Record<string, string> = {}) => ({ headers: { Range: range, ...more } });

describe('GET /files/{path}', () => {
  it('gives immutable files for ever, in bytes', async () => {
    const response = await api().api.request(PATHS.tile);
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('application/octet-stream');
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('Accept-Ranges')).toBe('bytes');
    expect(response.headers.get('Content-Length')).toBe('8192');
    expect(await bytesOf(response)).toEqual(TILE);
  });

  it('gives a checkpoint as text that caches ask about each time', async () => {
    const { api: app, files } = api();
    const response = await app.request(PATHS.checkpoint);
    expect(response.headers.get('Content-Type')).toBe('text/plain; charset=utf-8');
    expect(response.headers.get('Cache-Control')).toBe('no-cache');
    expect(await response.text()).toBe('a note\n');
    const tag = response.headers.get('ETag')!;
    const again = await app.request(PATHS.checkpoint, { headers: { 'If-None-Match': tag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    files.files.set(CHECKPOINT_PATH, new TextEncoder().encode('a new note\n'));
    const renewed = await app.request(PATHS.checkpoint, { headers: { 'If-None-Match': tag } });
    expect([renewed.status, await renewed.text()]).toEqual([200, 'a new note\n']);
  });

  it('sends a large file piece by piece, whole and right', async () => {
    const { api: app, files } = api();
    const lengths: number[] = [];
    const read = files.read.bind(files);
    files.read = (path, options = {}) => {
      lengths.push(options.range?.length ?? Number.POSITIVE_INFINITY);
      return read(path, options);
    };
    const response = await app.request(PATHS.large);
    expect(response.headers.get('Content-Length')).toBe('3500000');
    expect(await bytesOf(response)).toEqual(LARGE);
    expect(Math.max(...lengths)).toBe(1 << 20);
  });

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=100-199', 100, 100],
    ['bytes=8000-9999', 8_000, 192],
    ['bytes=8191-', 8_191, 1],
    ['bytes=-5', 8_187, 5],
    ['bytes=-9999', 0, 8_192],
  ])('%s is the part from %i, %i bytes', async (range, offset, length) => {
    for (const [path, whole] of [
      [PATHS.tile, TILE],
      [PATHS.large, LARGE],
    ] as const) {
      const from = range.startsWith('bytes=-') ? Math.max(0, whole.length - Number(range.slice(7))) : offset;
      const to = /-$|=-/.test(range) ? whole.length : Math.min(whole.length, Number(range.split('-')[1]) + 1);
      const response = await api().api.request(path, ranged(range));
      expect(response.status).toBe(206);
      expect(response.headers.get('Content-Range')).toBe(`bytes ${from}-${to - 1}/${whole.length}`);
      expect(await bytesOf(response)).toEqual(whole.slice(from, to));
      if (whole === TILE) expect([from, to - from]).toEqual([offset, length]);
    }
  });

  it.each(['bytes=8192-', 'bytes=9000-9001', 'bytes=-0'])('%s is 416, with the length', async (range) => {
    const response = await api().api.request(PATHS.tile, ranged(range));
    expect(response.headers.get('Content-Range')).toBe('bytes */8192');
    await expectProblem(response, 'BAD_REQUEST', 416);
  });

  it.each(['bytes=5-2', 'bytes=0-1,5-6', 'lines=1-2', 'bytes=', 'bytes=a-b', 'bytes=-'])(
    '%s is no range that is known: the whole',
    async (range) => {
      const response = await api().api.request(PATHS.tile, ranged(range));
      expect(response.status).toBe(200);
      expect(await bytesOf(response)).toEqual(TILE);
    },
  );

  it('If-Range gives the part of the same file only', async () => {
    const { api: app } = api();
    for (const path of [PATHS.tile, PATHS.large]) {
      const tag = (await app.request(path, { method: 'HEAD' })).headers.get('ETag')!;
      expect((await app.request(path, ranged('bytes=0-9', { 'If-Range': tag }))).status).toBe(206);
      const other = await app.request(path, ranged('bytes=0-9', { 'If-Range': '"another"' }));
      expect(other.status).toBe(200);
      await other.body?.cancel();
    }
    // Bytes that were not read have no digest: no other node gives them the same tag.
    const tags = await Promise.all([api(), api()].map(({ api: a }) => a.request(PATHS.large, { method: 'HEAD' })));
    expect(new Set(tags.map(({ headers }) => headers.get('ETag'))).size).toBe(2);
  });

  it('HEAD tells the length and sends nothing', async () => {
    const response = await api().api.request(PATHS.large, { method: 'HEAD' });
    expect([response.status, response.headers.get('Content-Length')]).toEqual([200, '3500000']);
    expect(await bytesOf(response)).toHaveLength(0);
  });
});

describe('what is refused', () => {
  it.each(['tile/0/001', 'tile/0/000.p/256', 'note-key', 'blocks/x/y', 'snapshots/5'])('404: %s', async (path) => {
    await expectProblem(await api().api.request(`/files/${path}`), 'NOT_FOUND', 404);
  });

  it.each(['..%2fsecret', 'a%20b', 'a//b', 'A', '%00', 'a/', `${'a'.repeat(201)}`])('400: %s', async (path) => {
    await expectProblem(await api().api.request(`/files/${path}`), 'BAD_REQUEST', 400);
  });

  it('a node that publishes nothing has no files', async () => {
    await expectProblem(await fakeApi().api.request(PATHS.tile), 'NOT_FOUND', 404);
  });

  it('a disk that fails is the node, told without its paths', async () => {
    const { api: app, files, errors } = api();
    files.read = async () => {
      throw new Error('/var/lib/brop: EIO');
    };
    const problem = await expectProblem(await app.request(PATHS.tile), 'INTERNAL', 500);
    expect(JSON.stringify(problem)).not.toContain('/var/lib');
    expect(errors).toHaveLength(1);
  });
});

describe('large files cost', () => {
  const address = { remoteAddress: '192.0.2.1' };

  it('so many at once, and fewer for one address; a slot is free again when its file is gone', async () => {
    const { api: app } = api({ limits: { maxFiles: 3, maxFilesOfOne: 2, requestsPerSecond: 0 } });
    const open = (remoteAddress: string) => app.request(PATHS.large, {}, { remoteAddress });
    const first = await open('192.0.2.1');
    const second = await open('192.0.2.1');
    await expectProblem(await open('192.0.2.1'), 'TOO_MANY_REQUESTS', 429);
    const third = await open('192.0.2.2');
    expect(third.status).toBe(200);
    await expectProblem(await open('192.0.2.3'), 'TOO_MANY_REQUESTS', 429);
    await first.body!.cancel();
    await bytesOf(second);
    const fourth = await open('192.0.2.1');
    expect(fourth.status).toBe(200);
    await Promise.all([third, fourth].map((response) => response.body!.cancel()));
  });

  it('what is answered without a body holds no slot', async () => {
    const { api: app } = api({ limits: { maxFiles: 1 } });
    const bodiless: readonly (readonly [string, RequestInit])[] = [
      [PATHS.large, { method: 'HEAD' }],
      [PATHS.large, ranged('bytes=9999999-')],
      [PATHS.tile, {}],
    ];
    for (const [path, init] of bodiless) expect((await app.request(path, init, address)).status).not.toBe(429);
    await expectProblem(await app.request('/files/tile/0/009', {}, address), 'NOT_FOUND', 404);
    expect((await app.request(PATHS.tile, {}, address)).status).toBe(200);
  });

  it('a client that takes nothing is given up', async () => {
    const timers: (() => void)[] = [];
    const clock = {
      now: () => 0,
      schedule: (_: number, action: () => void) => {
        timers.push(action);
        return () => void timers.splice(timers.indexOf(action), 1);
      },
    };
    const { api: app } = api({ clock, limits: { maxFiles: 1 } });
    const stalled = await app.request(PATHS.large);
    await expectProblem(await app.request(PATHS.tile), 'TOO_MANY_REQUESTS', 429);
    for (const timer of [...timers]) timer();
    await expect(stalled.arrayBuffer()).rejects.toThrow(/takes nothing/);
    expect((await app.request(PATHS.tile)).status).toBe(200);
  });

  it('they count against the allowance of the address like every request', async () => {
    const { api: app } = api({ limits: { requestsPerSecond: 1, burst: 2 } });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await app.request(PATHS.tile, {}, address)).status);
    expect(statuses).toEqual([200, 200, 429]);
  });
});
