import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeIdentity } from './identity.ts';
import { newIdentities, newIdentity, startNode, type TestNode, testNode, until } from './testing.ts';

/** `server` listens and pins `friend`, which is connected, and `traitor`, whose key the tests use by hand. */
let server: TestNode;
let friend: TestNode;
let traitor: NodeIdentity;
const sockets: Socket[] = [];

beforeEach(async () => {
  const [a, b, c] = newIdentities(3) as [NodeIdentity, NodeIdentity, NodeIdentity];
  traitor = c;
  const limits = {
    handshakeTimeoutMs: 400,
    frameTimeoutMs: 500,
    heartbeatMs: 100,
    maxHalfOpen: 10,
    maxHalfOpenPerAddress: 5,
  };
  server = testNode(a, {
    listen: { host: '127.0.0.1', port: 0 },
    peers: [{ id: b.peerId }, { id: c.peerId }],
    maxMessageBytes: 100_000,
    penaltyMs: 300,
    ...limits,
  });
  await startNode(server);
  friend = testNode(b, {
    peers: [{ id: a.peerId, host: '127.0.0.1', port: server.transport.port! }],
    heartbeatMs: 100,
  });
  await startNode(friend);
  const sides = [server, friend];
  await until('the friend is connected', () => sides.every(({ transport }) => transport.peers().length === 1));
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await friend.transport.close();
  await server.transport.close();
});

/** Whatever happened, the friend's connection is the same as before and carries messages. */
async function friendIsUnaffected(): Promise<void> {
  const before = server.messages.length;
  expect(friend.transport.send(server.id, Buffer.from('still here'))).toBe(true);
  await until('the friend is heard', () => server.messages.length === before + 1);
  expect(server.events.filter((event) => event.includes(friend.id))).toEqual([`connected ${friend.id}`]);
  expect(friend.events).toEqual([`connected ${server.id}`]);
}

function tcp(): Socket {
  const socket = connectTcp(server.transport.port!, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  sockets.push(socket);
  return socket;
}

function tls(options: ConnectionOptions): TLSSocket {
  const socket = connectTls({ port: server.transport.port!, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  socket.on('error', () => {});
  socket.resume();
  sockets.push(socket);
  return socket;
}

const as = (identity: NodeIdentity): ConnectionOptions => ({
  key: identity.key.export({ type: 'pkcs8', format: 'pem' }),
  cert: identity.cert,
});
const closed = (socket: Socket) => until('the connection is closed', () => socket.closed);
const log = () => server.logged.join('\n');
const logs = (pattern: RegExp) => until(`the log has ${pattern}`, () => pattern.test(log()));

describe('strangers', () => {
  it.each([
    ['garbage', Buffer.from('deadbeef'.repeat(64), 'hex')],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a giant length', Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3])],
  ])('that send %s are closed and logged', async (_, bytes) => {
    const socket = tcp();
    socket.write(bytes);
    await closed(socket);
    await logs(/warn connection refused {"address":"127\.0\.0\.1","reason":/);
    await friendIsUnaffected();
  });

  it('that show no certificate are closed and logged', async () => {
    await closed(tls({}));
    await logs(/"reason":"no certificate"/);
    await friendIsUnaffected();
  });

  it('that show a key that is not pinned are closed and logged with it, once a minute per address', async () => {
    const stranger = newIdentity();
    for (let n = 0; n < 6; n++) await closed(tls(as(stranger)));
    expect(server.logged.filter((line) => line.includes('connection refused'))).toEqual([
      `warn connection refused {"address":"127.0.0.1","reason":"unknown key ${stranger.peerId}"}`,
    ]);
    expect(server.transport.peers()).toEqual([friend.id]);
    await friendIsUnaffected();
  });

  it('that show a pinned certificate without its key do not get in', async () => {
    const thief = newIdentity();
    // OpenSSL refuses the pair outright, so the thief cannot even start; a client of its own would fail at
    // CertificateVerify, which no option of ours switches off.
    expect(() => tls({ ...as(thief), cert: friend.identity.cert })).toThrow(/key values mismatch/);
    await friendIsUnaffected();
  });

  it('that speak TLS 1.2 are closed', async () => {
    await closed(tls({ ...as(traitor), maxVersion: 'TLSv1.2' }));
    expect(server.transport.peers()).toEqual([friend.id]);
    await friendIsUnaffected();
  });

  it('that say nothing are closed after the time for a handshake', async () => {
    const socket = tcp();
    const since = performance.now();
    await closed(socket);
    expect(performance.now() - since).toBeGreaterThan(350);
    await logs(/handshake not complete after 400 ms/);
    await friendIsUnaffected();
  });

  it('that drip a handshake byte by byte are closed after the same time', async () => {
    const socket = tcp();
    const drip = setInterval(() => socket.write(Buffer.from([0x16])), 50);
    await closed(socket);
    clearInterval(drip);
    await friendIsUnaffected();
  });

  it('that flood with half-open connections get 5 per address, and peers get in meanwhile', async () => {
    const flood = Array.from({ length: 40 }, tcp);
    await until('all but 5 are closed', () => flood.filter((socket) => socket.closed).length === 35);
    await logs(/too many that have not identified themselves/);
    await friendIsUnaffected();
    const late = tls(as(traitor));
    await until('the late peer is connected', () => server.transport.peers().length === 2);
    late.destroy();
    await Promise.all(flood.map((socket) => closed(socket)));
  });
});

describe('pinned peers', () => {
  async function admitted(): Promise<TLSSocket> {
    const socket = tls(as(traitor));
    await until('the traitor is connected', () => server.transport.peers().includes(traitor.peerId));
    return socket;
  }

  it('that announce a giant frame are closed before anything of it is kept', async () => {
    const socket = await admitted();
    socket.write(Buffer.from([0x00, 0x01, 0x86, 0xa1]));
    await closed(socket);
    await logs(/peer disconnected.*a message of 100001 bytes is over the limit of 100000/);
    await friendIsUnaffected();
  });

  it('that never complete a frame, though they go on dripping, are closed', async () => {
    const socket = await admitted();
    socket.write(Buffer.from([0, 0, 1, 0]));
    const drip = setInterval(() => socket.write(Buffer.from([1])), 50);
    await closed(socket);
    clearInterval(drip);
    await logs(/a message was not complete after 500 ms/);
    await friendIsUnaffected();
  });

  it('that send whole frames fast or slowly are not taken for such', async () => {
    const socket = await admitted();
    for (let n = 0; n < 14; n++) {
      socket.write(Buffer.from([0, 0, 0, 2, 7]));
      await sleep(50);
      socket.write(Buffer.from([8]));
    }
    await until('all have arrived', () => server.messages.length === 14);
    expect(socket.closed).toBe(false);
  });

  it('that stop reading are closed, and do not hold up others', async () => {
    const socket = await admitted();
    socket.pause();
    while (!socket.closed && server.transport.peers().includes(traitor.peerId)) {
      server.transport.send(traitor.peerId, new Uint8Array(100_000));
      await sleep(1);
    }
    await logs(/took nothing of what was sent for 500 ms/);
    await friendIsUnaffected();
  });

  it('that open a second connection have their first replaced, and no more than one counts', async () => {
    const first = await admitted();
    const second = tls(as(traitor));
    await closed(first);
    await until(
      'the second is live',
      () => server.events.filter((e) => e === `connected ${traitor.peerId}`).length === 2,
    );
    second.write(Buffer.from([0, 0, 0, 1, 9]));
    await until('it is heard', () => server.messages.length === 1);
    expect(server.transport.peers().filter((peer) => peer === traitor.peerId)).toHaveLength(1);
    await friendIsUnaffected();
  });

  it('that come back during a penalty are closed', async () => {
    await admitted();
    server.transport.drop(traitor.peerId, 'a test');
    await closed(tls(as(traitor)));
    expect(server.transport.peers()).toEqual([friend.id]);
    await sleep(300);
    await admitted();
    await friendIsUnaffected();
  });
});

describe('a node that is dialled', () => {
  it('is not connected to when it has another key than the pinned one', async () => {
    const impostor = server;
    const identity = newIdentity();
    const wanted = newIdentity();
    const node = testNode(identity, {
      peers: [{ id: wanted.peerId, host: '127.0.0.1', port: impostor.transport.port! }],
    });
    await startNode(node);
    await until('it is refused', () => node.logged.length > 0);
    expect(node.logged[0]).toContain(`the node there has another key: ${impostor.id}`);
    await sleep(200);
    expect([node.transport.peers(), node.events, node.logged.length]).toEqual([[], [], 1]);
    await node.transport.close();
  });

  it('is not reported as connected when it has not pinned us', async () => {
    const node = testNode(newIdentity(), {
      peers: [{ id: server.id, host: '127.0.0.1', port: server.transport.port! }],
    });
    await startNode(node);
    await until('it is refused', () => log().includes(`unknown key ${node.id}`));
    await sleep(100);
    expect(node.events).toEqual([]);
    await node.transport.close();
    await friendIsUnaffected();
  });
});
