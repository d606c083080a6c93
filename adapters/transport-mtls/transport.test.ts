import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { NodeIdentity } from './identity.ts';
import type { MtlsTransportOptions } from './settings.ts';
import {
  type FaultyProxy,
  freePort,
  newIdentities,
  newIdentity,
  startNode,
  startProxy,
  type TestNode,
  testNode,
  until,
} from './testing.ts';

const nodes: TestNode[] = [];
const proxies: FaultyProxy[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.transport.close();
  for (const proxy of proxies.splice(0)) await proxy.close();
});

const LISTEN = { host: '127.0.0.1', port: 0 };
type Options = Omit<MtlsTransportOptions, 'identity' | 'log'>;

async function started(identity: NodeIdentity, options: Options): Promise<TestNode> {
  const node = testNode(identity, options);
  nodes.push(node);
  await startNode(node);
  return node;
}

const at = (node: { readonly peerId: string }, port: number | undefined) => ({
  id: node.peerId,
  host: '127.0.0.1',
  port: port!,
});
const connected = (node: TestNode, peer: TestNode) => node.transport.peers().includes(peer.id);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

/** The second listens, the first dials it, if wanted through a proxy, and they are connected. */
async function pair(options: { first?: Partial<Options>; second?: Partial<Options>; proxied?: boolean } = {}) {
  const [a, b] = newIdentities(2) as [NodeIdentity, NodeIdentity];
  const second = await started(b, { listen: LISTEN, peers: [{ id: a.peerId }], ...options.second });
  const proxy = await startProxy(second.transport.port!);
  proxies.push(proxy);
  const port = options.proxied ? proxy.port : second.transport.port;
  const first = await started(a, { peers: [at(b, port)], ...options.first });
  await until('the pair is connected', () => connected(first, second) && connected(second, first));
  return { first, second, proxy };
}

describe('messages', () => {
  it('go both ways, whole and in order, from 1 byte to the limit of 8 MiB', async () => {
    const { first, second } = await pair();
    const sizes = [1, 300, 16_384, 1_000_000, 8 * 1024 * 1024, 2];
    for (const [from, to] of [
      [first, second],
      [second, first],
    ] as const) {
      for (const size of sizes) expect(from.transport.send(to.id, new Uint8Array(size).fill(size & 0xff))).toBe(true);
      await until('all have arrived', () => to.messages.length === sizes.length);
      expect(to.messages.map(({ bytes }) => bytes.length)).toEqual(sizes);
      expect(
        to.messages.every(({ bytes, from: id }) => id === from.id && bytes.every((b) => b === (bytes.length & 0xff))),
      ).toBe(true);
    }
  });

  it('keep their order, 20,000 small ones of several turns between large ones', async () => {
    const { first, second } = await pair();
    let sent = 0;
    while (sent < 20_000) {
      for (let n = 0; n < 1_000; n++, sent++) {
        const filler = sent % 997 === 0 ? 'x'.repeat(50_000) : '';
        expect(first.transport.send(second.id, Buffer.from(`${sent} ${filler}`))).toBe(true);
      }
      await sleep(0);
    }
    await until('all have arrived', () => second.messages.length === sent);
    expect(second.messages.every(({ bytes }, n) => Number.parseInt(text(bytes), 10) === n)).toBe(true);
  });

  it('of no bytes or over the limit are a mistake of the caller', async () => {
    const { first, second } = await pair({ first: { maxMessageBytes: 1_000 } });
    expect(() => first.transport.send(second.id, new Uint8Array(0))).toThrow(RangeError);
    expect(() => first.transport.send(second.id, new Uint8Array(1_001))).toThrow(/1001 bytes: 1 to 1000 can be sent/);
    expect(first.transport.send(second.id, new Uint8Array(1_000))).toBe(true);
  });

  it('are refused for peers that are unknown or not connected', async () => {
    const [a, b] = newIdentities(2) as [NodeIdentity, NodeIdentity];
    const node = await started(a, { peers: [{ id: b.peerId }] });
    expect(node.transport.send(b.peerId, Buffer.from('x'))).toBe(false);
    expect(node.transport.send('0'.repeat(64), Buffer.from('x'))).toBe(false);
  });

  it('are refused when the queue is full, which is bounded in bytes, and taken again when it drains', async () => {
    const bound = 4 * 1024 * 1024;
    const { first, second, proxy } = await pair({ proxied: true, first: { maxQueuedBytes: bound } });
    proxy.stall();
    let sent = 0;
    const flood = async () => {
      let accepted = 0;
      for (let round = 0; round < 200; round++) {
        while (accepted < 50_000 && first.transport.send(second.id, new Uint8Array(1_000))) accepted++;
        await sleep(1);
      }
      return accepted;
    };
    sent += await flood();
    // What the kernel buffers on the way comes on top: some MB for loopback sockets.
    expect(sent * 1_004).toBeGreaterThan(bound);
    expect(sent * 1_004).toBeLessThan(bound + 24 * 1024 * 1024);
    expect(first.transport.send(second.id, new Uint8Array(1_000))).toBe(false);
    proxy.reset();
    await until('reconnected', () => first.events.length === 3 && connected(second, first));
    expect(first.transport.send(second.id, Buffer.from('again'))).toBe(true);
    await until('the message after it', () => second.messages.some(({ bytes }) => text(bytes) === 'again'));
  });
});

describe('connections', () => {
  it('join four nodes that all dial each other, and every message reaches its receiver once', async () => {
    const identities = newIdentities(4);
    const ports = await Promise.all(identities.map(freePort));
    const mesh = await Promise.all(
      identities.map((identity, self) =>
        started(identity, {
          listen: { host: '127.0.0.1', port: ports[self]! },
          peers: identities.flatMap((peer, n) => (n === self ? [] : [at(peer, ports[n])])),
        }),
      ),
    );
    await until('all are connected', () => mesh.every((node) => node.transport.peers().length === 3));
    await sleep(300);
    for (const from of mesh) for (const to of from.transport.peers()) from.transport.send(to, Buffer.from(`to ${to}`));
    await until('all have arrived', () => mesh.every((node) => node.messages.length === 3));
    for (const node of mesh) {
      expect(node.messages.map(({ bytes }) => text(bytes))).toEqual(Array(3).fill(`to ${node.id}`));
      expect(new Set(node.messages.map(({ from }) => from)).size).toBe(3);
    }
  });

  it('settle at one, without flapping, when both dial at the same moment (25 pairs)', async () => {
    for (let round = 0; round < 25; round++) {
      const [a, b] = newIdentities(2) as [NodeIdentity, NodeIdentity];
      const [portA, portB] = [await freePort(), await freePort()];
      const both = [
        testNode(a, { listen: { host: '127.0.0.1', port: portA }, peers: [at(b, portB)] }),
        testNode(b, { listen: { host: '127.0.0.1', port: portB }, peers: [at(a, portA)] }),
      ];
      nodes.push(...both);
      if (round % 2 === 1) both.reverse();
      await Promise.all(both.map(startNode));
      if (round % 3 === 0) await sleep(round);
      const [first, second] = both as [TestNode, TestNode];
      await until(`round ${round} connects`, () => connected(first, second) && connected(second, first));
      await sleep(60);
      for (const node of both)
        expect(node.events, `round ${round}: ${both.flatMap((n) => n.logged).join('\n')}`).toHaveLength(1);
      first.transport.send(second.id, Buffer.from('ping'));
      second.transport.send(first.id, Buffer.from('pong'));
      await until('both are heard', () => first.messages.length === 1 && second.messages.length === 1);
      for (const node of nodes.splice(0)) await node.transport.close();
    }
  });

  it('come back after a reset, and after the other node was stopped and started again', async () => {
    const { first, second, proxy } = await pair({ proxied: true });
    proxy.reset();
    await until('reconnected', () => first.events.length === 3 && second.events.length === 3);
    expect(first.events).toEqual([`connected ${second.id}`, `disconnected ${second.id}`, `connected ${second.id}`]);
    const port = second.transport.port!;
    await second.transport.close();
    await until('the end is noticed', () => !connected(first, second));
    await sleep(300);
    const again = await started(second.identity, { listen: { host: '127.0.0.1', port }, peers: [{ id: first.id }] });
    await until('connected to the new one', () => connected(first, again) && connected(again, first));
    again.transport.send(first.id, Buffer.from('back'));
    await until('it is heard', () => first.messages.some(({ bytes }) => text(bytes) === 'back'));
  });

  it('stay up when there is nothing to say, by signs of life alone', async () => {
    const times = { heartbeatMs: 50, silenceMs: 200 };
    const { first, second } = await pair({ first: times, second: times });
    await sleep(1_000);
    expect([first.events.length, second.events.length]).toEqual([1, 1]);
  });

  it('are given up when the cable is cut, and made again when it is mended', async () => {
    const times = { heartbeatMs: 50, silenceMs: 250, handshakeTimeoutMs: 300 };
    const { first, second, proxy } = await pair({ proxied: true, first: times, second: times });
    proxy.cut();
    await until('both notice', () => !connected(first, second) && !connected(second, first));
    expect(first.logged.join('\n')).toMatch(/peer disconnected.*silent for 250 ms/);
    await sleep(500);
    proxy.mend();
    await until('they find each other', () => connected(first, second) && connected(second, first));
  });

  it('let a peer that comes back over a new one replace the dead one that nobody noticed', async () => {
    const [a, b] = newIdentities(2) as [NodeIdentity, NodeIdentity];
    const portA = await freePort();
    const higher = await started(b, { listen: LISTEN, peers: [{ id: a.peerId }] });
    const proxy = await startProxy(higher.transport.port!);
    proxies.push(proxy);
    // The lower node has dialled, so that its own dial is the one that would win.
    const lower = await started(a, {
      listen: { host: '127.0.0.1', port: portA },
      peers: [at(b, proxy.port)],
      holdMs: 100,
    });
    await until('connected', () => connected(lower, higher));
    proxy.cut();
    await higher.transport.close();
    const again = await started(b, { peers: [at(a, portA)] });
    await until('replaced', () => connected(again, lower) && lower.events.length === 3);
    expect(lower.events).toEqual([`connected ${b.peerId}`, `disconnected ${b.peerId}`, `connected ${b.peerId}`]);
    again.transport.send(lower.id, Buffer.from('here'));
    await until('it is heard', () => lower.messages.length === 1);
  });

  it('end when a peer is dropped, and are not made again before the penalty is over', async () => {
    const { first, second } = await pair({ second: { penaltyMs: 600 } });
    const since = performance.now();
    second.transport.drop(first.id, 'sent an impossible vote');
    expect(connected(second, first)).toBe(false);
    await until('the other side notices', () => !connected(first, second));
    await until('it is back', () => connected(first, second) && connected(second, first));
    expect(performance.now() - since).toBeGreaterThan(600);
    expect(second.events).toEqual([`connected ${first.id}`, `disconnected ${first.id}`, `connected ${first.id}`]);
    expect(second.logged.join('\n')).toMatch(/warn peer dropped .*"reason":"sent an impossible vote"/);
  });

  it('deliver nothing more of a peer that its handler drops, not even what came in the same read', async () => {
    const { first, second } = await pair();
    second.onMessage = () => second.transport.drop(first.id, 'enough');
    for (let n = 0; n < 50; n++) first.transport.send(second.id, Buffer.from(`${n}`));
    await until('dropped', () => !connected(second, first));
    await sleep(50);
    expect(second.messages).toHaveLength(1);
  });
});

describe('starting and closing', () => {
  it('rejects with one clear line when the port is in use, and leaves nothing running', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    const node = testNode(newIdentity(), { listen: { host: '127.0.0.1', port }, peers: [] });
    await expect(startNode(node)).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: another program is listening there`,
    );
    await node.transport.close();
    await new Promise((resolve) => other.close(resolve));
  });

  it.each([
    [[{ id: 'ABC' }], /^peers\[0\]\.id must be 64 lower-case hexadecimal digits: ABC$/],
    [[{ id: 'a'.repeat(64), host: 'h' }], /^peers\[0\] needs both host and port, or none$/],
    [[{ id: 'a'.repeat(64) }, { id: 'a'.repeat(64) }], /^peers\[1\]\.id is given twice/],
  ])('names the field of a wrong peer', (peers, message) => {
    expect(() => testNode(newIdentity(), { peers })).toThrow(message);
  });

  it('calls no handler after close, and closes with connections open', async () => {
    const { first, second } = await pair();
    await second.transport.close();
    expect(second.events).toEqual([`connected ${first.id}`]);
    expect(second.transport.send(first.id, Buffer.from('x'))).toBe(false);
  });

  it('logs what a handler throws and goes on', async () => {
    const { first, second } = await pair();
    second.onMessage = () => {
      throw new Error('a bug in the handler');
    };
    for (const word of ['one', 'two']) first.transport.send(second.id, Buffer.from(word));
    await until('both were delivered', () => second.messages.length === 2);
    expect(second.logged.filter((line) => /a transport handler failed .*"handler":"received"/.test(line))).toHaveLength(
      2,
    );
    expect(connected(first, second)).toBe(true);
  });
});
