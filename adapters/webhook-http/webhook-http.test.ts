/** Receivers that behave, and such as do not, on the loopback address; names that are looked up as a test wants. */
import { execFile } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../node-core/codec/bytes.ts';
import { selfSigned } from '../../test/middleware/self-signed.ts';
import { MAX_ANSWER_BYTES, type WebhookHttpOptions, webhookHttp } from './webhook-http.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function receiver(handler: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(handler))}/hook?a=b`;
}

/** Writes bytes of its own as soon as somebody connects. */
async function rawReceiver(speak: (socket: Socket) => void): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    speak(socket);
  });
  return `http://127.0.0.1:${await listen(server)}/`;
}

const post = (url: string, options: WebhookHttpOptions = {}) =>
  webhookHttp({ loopback: true, timeLimitMs: 400, ...options }).post(url, { 'webhook-id': 'x' }, utf8('{"a":1}'));

describe('receivers', () => {
  it('one that behaves gets method, path, headers and body', async () => {
    let seen: unknown;
    const url = await receiver(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method, url: path, headers } = request;
      const { host, 'webhook-id': id, 'content-length': length } = headers;
      seen = { method, path, host, id, length, body: Buffer.concat(chunks).toString() };
      response.statusCode = 204;
      response.end();
    });
    expect(await post(url)).toEqual({ kind: 'answered', status: 204 });
    const { host } = new URL(url);
    const body = '{"a":1}';
    expect(seen).toEqual({ method: 'POST', path: '/hook?a=b', host, id: 'x', length: '7', body });
  });

  it('a connection serves several messages; one that was ended meanwhile is made anew', async () => {
    let connections = 0;
    const server = createServer((_, response) => response.end());
    server.on('connection', (socket) => {
      connections += 1;
      // Once it has answered two, it is gone when the third comes.
      let answered = 0;
      socket.on('data', () => {
        answered += 1;
        if (answered === 3) socket.destroy();
      });
    });
    const url = `http://127.0.0.1:${await listen(server)}/`;
    const sender = webhookHttp({ loopback: true });
    for (let i = 0; i < 5; i++)
      expect(await sender.post(url, {}, utf8('{}'))).toEqual({ kind: 'answered', status: 200 });
    expect(connections).toBeGreaterThan(1);
    expect(connections).toBeLessThan(5);
    sender.close();
  });

  it.each([
    ['120', 120],
    ['0', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['99999999999', undefined],
    ['999999999', 7 * 86_400],
    [new Date(Date.now() - 60_000).toUTCString(), 0],
  ])('Retry-After: %s', async (value, retryAfterSeconds) => {
    const url = await receiver((_, response) => response.writeHead(503, { 'Retry-After': value }).end());
    const expected = { kind: 'answered', status: 503, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
    expect(await post(url)).toEqual(expected);
  });

  it('a redirect is an answer and is not followed', async () => {
    let inward = 0;
    const inner = await receiver((_, response) => {
      inward += 1;
      response.end();
    });
    const url = await receiver((_, response) => response.writeHead(307, { Location: inner }).end());
    expect(await post(url)).toEqual({ kind: 'answered', status: 307 });
    expect(inward).toBe(0);
  });
});

describe('receivers that do not behave', () => {
  const cases: readonly (readonly [string, string, () => Promise<string>])[] = [
    [
      'nobody is there',
      'connect',
      async () => {
        const url = await receiver(() => {});
        await new Promise((resolve) => servers.pop()!.close(resolve));
        return url;
      },
    ],
    ['never answers', 'timeout', () => receiver(() => {})],
    [
      'answers without end',
      'too-large',
      () =>
        receiver((_, response) => {
          const piece = Buffer.alloc(MAX_ANSWER_BYTES / 4);
          const more = () => {
            while (response.write(piece));
            response.once('drain', more);
          };
          more();
        }),
    ],
    [
      'drips',
      'timeout',
      () =>
        receiver((_, response) => {
          const timer = setInterval(() => response.write('.'), 20);
          response.on('close', () => clearInterval(timer));
        }),
    ],
    [
      'sends headers without end',
      'garbage',
      () =>
        rawReceiver((socket) => {
          socket.write('HTTP/1.1 200 OK\r\n');
          const timer = setInterval(() => socket.write(`x-header: ${'a'.repeat(1_000)}\r\n`), 1);
          socket.on('close', () => clearInterval(timer));
        }),
    ],
    [
      'sends 100 Continue without end',
      'timeout',
      () =>
        rawReceiver((socket) => {
          const timer = setInterval(() => socket.write('HTTP/1.1 100 Continue\r\n\r\n'), 5);
          socket.on('close', () => clearInterval(timer));
        }),
    ],
    ['speaks another protocol', 'garbage', () => rawReceiver((socket) => socket.write('220 mail.example ESMTP\r\n'))],
    ['hangs up', 'connect', () => rawReceiver((socket) => socket.destroy())],
    [
      'breaks off',
      'connect',
      () =>
        rawReceiver((socket) => {
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort');
        }),
    ],
    [
      'changes the protocol',
      'garbage',
      () =>
        rawReceiver((socket) => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
        }),
    ],
  ];
  it.each(cases)('one that %s: %s', async (_, reason, make) => {
    expect(await post(await make())).toEqual({ kind: 'none', reason });
  });
});

describe('names', () => {
  const at =
    (...addresses: string[]) =>
    async () =>
      addresses.map((address) => ({ address, family: address.includes(':') ? (6 as const) : (4 as const) }));

  it.each([
    [['127.0.0.1']],
    [['10.1.2.3']],
    [['169.254.169.254']],
    [['::1']],
    [['::ffff:127.0.0.1']],
    [['1.1.1.1', '127.0.0.1']],
    [['1.1.1.1', 'fd00::1']],
  ])('one that leads to %s is not connected to', async (addresses) => {
    for (const loopback of [true, false])
      expect(await post('https://example.com/', { lookup: at(...addresses), loopback })).toEqual({
        kind: 'none',
        reason: 'address',
      });
  });

  it('one without an address, and one whose servers do not answer', async () => {
    const none = { kind: 'none', reason: 'dns' };
    expect(await post('https://example.com/', { lookup: at() })).toEqual(none);
    expect(await post('https://example.com/', { lookup: () => Promise.reject(new Error('ENOTFOUND')) })).toEqual(none);
    const hangs = post('https://example.com/', { lookup: () => new Promise(() => {}) });
    expect(await hangs).toEqual({ kind: 'none', reason: 'timeout' });
  });

  it('is looked up once for a post: what was judged is what is connected to', async () => {
    // A name server that gives a public address first, and an inner one to whoever asks again. 192.0.2.1 is nobody's.
    let asked = 0;
    let reached = 0;
    const inner = await receiver(() => {
      reached += 1;
    });
    const lookup = async () => [{ address: asked++ === 0 ? '1.1.1.1' : '127.0.0.1', family: 4 as const }];
    const { port } = new URL(inner);
    await post(`https://rebinding.example:${port}/`, { lookup, timeLimitMs: 200 });
    expect({ asked, reached }).toEqual({ asked: 1, reached: 0 });
  });
});

describe('TLS', () => {
  it('a certificate must hold for the host', async () => {
    const { cert, key } = selfSigned('127.0.0.1');
    const port = await listen(createHttpsServer({ cert, key }, (_, response) => response.end()));
    const url = `https://127.0.0.1:${port}/`;
    expect(await post(url)).toEqual({ kind: 'none', reason: 'tls' });
    expect(await post(url, { ca: cert })).toEqual({ kind: 'answered', status: 200 });
    const other = selfSigned('elsewhere.example');
    const otherPort = await listen(createHttpsServer(other, (_, response) => response.end()));
    expect(await post(`https://127.0.0.1:${otherPort}/`, { ca: other.cert })).toEqual({ kind: 'none', reason: 'tls' });
  });

  it('plain HTTP behind https is no handshake', async () => {
    const url = (await receiver((_, response) => response.end())).replace('http:', 'https:');
    expect(await post(url)).toEqual({ kind: 'none', reason: 'tls' });
  });
});

it('asks no proxy of the environment', async () => {
  let asked = 0;
  const proxy = createServer(() => {
    asked += 1;
  });
  proxy.on('connect', (_, socket) => {
    asked += 1;
    socket.destroy();
  });
  const port = await listen(proxy);
  const url = await receiver((_, response) => response.end('direct'));
  const module = new URL('./webhook-http.ts', import.meta.url).href;
  const script = `const { webhookHttp } = await import(${JSON.stringify(module)});
    const sender = webhookHttp({ loopback: true, timeLimitMs: 5_000 });
    console.log(JSON.stringify(await sender.post(${JSON.stringify(url)}, {}, new Uint8Array(0))));`;
  const proxyUrl = `http://127.0.0.1:${port}`;
  const env = { ...process.env, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl, NO_PROXY: '' };
  const args = ['--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...env, http_proxy: proxyUrl } });
  expect(JSON.parse(stdout)).toEqual({ kind: 'answered', status: 200 });
  expect(asked).toBe(0);
});

it('a closed one posts nothing more, and ends what is under way', async () => {
  const sender = webhookHttp({ loopback: true });
  const url = await receiver(() => sender.close());
  const ended = { kind: 'none', reason: 'connect' };
  expect(await sender.post(url, {}, new Uint8Array(0))).toEqual(ended);
  expect(await sender.post(url, {}, new Uint8Array(0))).toEqual(ended);
});
