/** The driver against servers of the test's own: right ones, and each way of being wrong. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { httpFiles } from './files-http.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const FILE = Uint8Array.from({ length: 1_000 }, (_, i) => i % 251);
let servers: Server[] = [];

async function serve(handler: Handler, options: { timeoutMs?: number; prefix?: string } = {}) {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}${options.prefix ?? '/files'}`;
  return httpFiles({ url, ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }) });
}

afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  servers = [];
});

/** Files as a server of static files serves them. */
const right: Handler = (request, response) => {
  if (request.url !== '/files/blocks/000') return void response.writeHead(404).end('nothing');
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (first === undefined) return void response.writeHead(200).end(FILE);
  const [offset, end] = [Number(first), Math.min(Number(last), FILE.length - 1)];
  if (offset >= FILE.length) return void response.writeHead(416, { 'Content-Range': `bytes */${FILE.length}` }).end();
  const headers = { 'Content-Range': `bytes ${offset}-${end}/${FILE.length}` };
  response.writeHead(206, headers).end(FILE.subarray(offset, end + 1));
};
const answering =
  (status: number, headers: Record<string, string>, body: Uint8Array | string = '') =>
  (_: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(status, headers).end(body);

const range = { offset: 10, length: 20 };
const io = (words: RegExp) => (error: unknown) =>
  error instanceof StoreError && error.code === 'io' && words.test(error.message) && /127\.0\.0\.1/.test(error.message);

describe('a right server', () => {
  it('gives files, ranges of them, and nothing for what is not there', async () => {
    const files = await serve(right);
    expect(await files.read('blocks/000')).toEqual(FILE);
    expect(await files.read('blocks/001')).toBeUndefined();
    for (const [offset, length] of [
      [0, 1],
      [10, 20],
      [990, 10],
      [990, 50],
      [1_000, 5],
      [5_000, 5],
      [3, 0],
    ] as const) {
      expect(await files.read('blocks/000', { range: { offset, length } })).toEqual(
        FILE.slice(offset, offset + length),
      );
    }
    expect(await files.read('blocks/001', { range })).toBeUndefined();
  });

  it('may answer a range with the whole; only the part is taken', async () => {
    const files = await serve(answering(200, {}, FILE));
    expect(await files.read('blocks/000', { range })).toEqual(FILE.slice(10, 30));
    expect(await files.read('blocks/000', { range: { offset: 990, length: 50 } })).toEqual(FILE.slice(990));
  });

  it('is asked below its path, without compression', async () => {
    const seen: string[] = [];
    const note: Handler = (request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers['accept-encoding']}`);
      response.end('x');
    };
    await (await serve(note, { prefix: '/a/b/' })).read('checkpoint');
    await (await serve(note, { prefix: '' })).read('tile/0/000.p/3');
    expect(seen).toEqual(['GET /a/b/checkpoint identity', 'GET /tile/0/000.p/3 identity']);
  });
});

describe('an answer that is no file', () => {
  it.each<[string, Handler, RegExp]>([
    ['a redirect', answering(302, { Location: 'http://127.0.0.1:9/' }), /status 302/],
    ['an error', answering(500, {}), /status 500/],
    ['not modified', answering(304, {}), /status 304/],
    ['no content', answering(204, {}), /status 204/],
    ['a part that nobody asked for', answering(206, { 'Content-Range': 'bytes 0-0/9' }, 'x'), /status 206/],
    ['compressed bytes', answering(200, { 'Content-Encoding': 'gzip' }, 'x'), /compressed/],
    ['more bytes than are allowed', answering(200, {}, FILE), /longer than 500 bytes/],
  ])('%s', async (_, handler, words) => {
    const files = await serve(handler);
    await expect(files.read('checkpoint', { maxBytes: 500 })).rejects.toSatisfy(io(words));
  });

  it.each<[string, Record<string, string>, number]>([
    ['no Content-Range', {}, 20],
    ['another offset', { 'Content-Range': 'bytes 11-30/1000' }, 20],
    ['a longer one', { 'Content-Range': 'bytes 10-30/1000' }, 21],
    ['an empty one', { 'Content-Range': 'bytes 10-9/1000' }, 0],
    ['garbage', { 'Content-Range': 'bytes x' }, 20],
    ['several', { 'Content-Type': 'multipart/byteranges' }, 20],
  ])('a range with %s', async (_, headers, length) => {
    const files = await serve(answering(206, headers, FILE.subarray(10, 10 + length)));
    await expect(files.read('blocks/000', { range })).rejects.toSatisfy(io(/it answered .* to a range of 20 from 10/));
  });

  it('a range with fewer bytes than it says', async () => {
    const files = await serve(answering(206, { 'Content-Range': 'bytes 10-29/1000' }, FILE.subarray(10, 25)));
    await expect(files.read('blocks/000', { range })).rejects.toSatisfy(io(/15 bytes of 20/));
  });

  it('a range with more bytes than it says', async () => {
    const files = await serve(answering(206, { 'Content-Range': 'bytes 10-29/1000' }, FILE.subarray(10, 40)));
    await expect(files.read('blocks/000', { range })).rejects.toSatisfy(io(/longer than 20 bytes/));
  });

  it('a body that breaks off', async () => {
    const files = await serve((_, response) => {
      response.writeHead(200, { 'Content-Length': '1000' });
      response.write('x', () => response.destroy());
    });
    await expect(files.read('blocks/000')).rejects.toSatisfy(io(/./));
  });
});

describe('silence', () => {
  it('before the answer, and within it', async () => {
    const mute = await serve(() => {}, { timeoutMs: 100 });
    await expect(mute.read('checkpoint')).rejects.toSatisfy(io(/no answer in 100 ms/));
    const stuck = await serve((_, response) => void response.writeHead(200).write('x'), { timeoutMs: 100 });
    await expect(stuck.read('checkpoint')).rejects.toSatisfy(io(/no answer in 100 ms/));
  });

  it('a slow answer that goes on is waited for', async () => {
    const files = await serve(
      (_, response) => {
        let left = 6;
        const timer = setInterval(() => {
          response.write('x');
          left -= 1;
          if (left > 0) return;
          clearInterval(timer);
          response.end();
        }, 100);
      },
      { timeoutMs: 400 },
    );
    expect(await files.read('checkpoint')).toHaveLength(6);
  });

  it('closing ends what is under way, and what comes after', async () => {
    const files = await serve(() => {}, { timeoutMs: 60_000 });
    const reading = files.read('checkpoint');
    files.close();
    await expect(reading).rejects.toSatisfy(io(/closed/));
    await expect(files.read('checkpoint')).rejects.toSatisfy(io(/closed/));
  });

  it('nobody there', async () => {
    const files = await serve(right);
    const [server] = servers.splice(0);
    await new Promise((resolve) => server!.close(resolve));
    await expect(files.read('checkpoint')).rejects.toSatisfy(io(/ECONNREFUSED/));
  });
});

it.each(['../secret', 'a//b', '/a', 'a/', 'A', 'a?b', 'a%2fb', ''])('%j is the path of no file', async (path) => {
  const files = httpFiles({ url: 'http://127.0.0.1:9/' });
  await expect(files.read(path)).rejects.toBeInstanceOf(RangeError);
});

it.each(['ftp://host/', 'file:///etc', 'host/files', 'http://host/?a', 'http://host/#a', 'http://me:secret@host/'])(
  '%j is the URL of no files, and is not repeated',
  (url) => {
    expect(() => httpFiles({ url })).toThrow(RangeError);
    expect(() => httpFiles({ url })).not.toThrow(/secret/);
  },
);
