/** Two nodes that dial each other, of which one gets no answer: the other's connection is taken instead. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { NodeIdentity } from './identity.ts';
import type { MtlsTransportOptions } from './settings.ts';
import { type FaultyProxy, newIdentities, startNode, startProxy, type TestNode, testNode, until } from './testing.ts';

const LISTEN = { host: '127.0.0.1', port: 0 };
/** Whatever must not be waited for. */
const NEVER_MS = 600_000;

const nodes: TestNode[] = [];
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.transport.close();
  for (const end of ends.splice(0)) await end();
});

async function started(identity: NodeIdentity, options: Omit<MtlsTransportOptions, 'identity' | 'log'>) {
  const node = testNode(identity, options);
  nodes.push(node);
  await startNode(node);
  return node;
}

/** The lower node dials `port`; the higher one dials the lower. */
async function lowerDials(port: number, options: Partial<MtlsTransportOptions>) {
  const [a, b] = newIdentities(2) as [NodeIdentity, NodeIdentity];
  const lower = await started(a, { listen: LISTEN, peers: [{ id: b.peerId, host: '127.0.0.1', port }], ...options });
  const higher = await started(b, {
    listen: LISTEN,
    peers: [{ id: a.peerId, host: '127.0.0.1', port: lower.transport.port! }],
  });
  await until('connected', () => lower.transport.peers().length === 1 && higher.transport.peers().length === 1);
  return { lower, higher };
}

/** A port whose queue of connections is full, so that the kernel drops what comes: as behind a firewall. */
async function deafPort(): Promise<number> {
  const program = `require('net').createServer().listen({port:0,host:'127.0.0.1',backlog:1},function(){console.log(this.address().port)})`;
  const child: ChildProcess = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  ends.push(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  child.kill('SIGSTOP');
  const port = Number(line);
  const fillers: Socket[] = [];
  ends.push(() => fillers.forEach((socket) => void socket.destroy()));
  for (let i = 0; i < 8; i++) fillers.push(connect(port, '127.0.0.1').on('error', () => {}));
  await until('the queue is full', () => fillers.some((socket) => !socket.connecting));
  return port;
}

it('a dial that TCP does not answer gives way to the other side at once', async () => {
  const never = { connectTimeoutMs: NEVER_MS, handshakeTimeoutMs: NEVER_MS, holdMs: NEVER_MS };
  await lowerDials(await deafPort(), never);
});

it('a dial that is answered and comes no further gives way after the hold', async () => {
  const proxy: FaultyProxy = await startProxy(1);
  ends.push(() => proxy.close());
  proxy.cut();
  const { lower } = await lowerDials(proxy.port, { handshakeTimeoutMs: NEVER_MS, holdMs: 50 });
  expect(lower.events).toHaveLength(1);
});

it('a dial that TCP does not answer is begun anew', async () => {
  const [a, b] = newIdentities(2) as [NodeIdentity, NodeIdentity];
  const port = await deafPort();
  const peers = [{ id: b.peerId, host: '127.0.0.1', port }];
  const node = await started(a, { peers, connectTimeoutMs: 30, handshakeTimeoutMs: NEVER_MS, unreachableMaxMs: 20 });
  await until('it says so', () => node.logged.some((line) => /cannot connect.*no connection after 30 ms/.test(line)));
});
