import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../node-core/ports/log.ts';
import type { PeerId } from '../../node-core/ports/transport.ts';
import { createNodeIdentity, type NodeIdentity } from './identity.ts';
import type { MtlsTransportOptions } from './settings.ts';
import { type MtlsTransport, mtlsTransport } from './transport.ts';

/** A transport under test, and everything that it has told its handler and its log, in order. */
export interface TestNode {
  readonly id: PeerId;
  readonly identity: NodeIdentity;
  readonly transport: MtlsTransport;
  /** "connected <peer>", "disconnected <peer>". */
  readonly events: string[];
  readonly messages: { readonly from: PeerId; readonly bytes: Uint8Array }[];
  /** "<level> <message> <fields as JSON>". */
  readonly logged: string[];
  onMessage?: (from: PeerId, bytes: Uint8Array) => void;
}

export function newIdentity(): NodeIdentity {
  const folder = mkdtempSync(join(tmpdir(), 'brop-key-'));
  try {
    return createNodeIdentity(join(folder, 'node.key'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** In ascending order of their PeerIds, so that of each pair the first has the lower one. */
export function newIdentities(count: number): NodeIdentity[] {
  return Array.from({ length: count }, newIdentity).sort((a, b) => (a.peerId < b.peerId ? -1 : 1));
}

export function testNode(identity: NodeIdentity, options: Omit<MtlsTransportOptions, 'identity' | 'log'>): TestNode {
  const logged: string[] = [];
  const write =
    (level: string) =>
    (message: string, fields = {}) => {
      logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
    };
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const transport = mtlsTransport({ reconnectMinMs: 20, reconnectMaxMs: 200, ...options, identity, log });
  return { id: identity.peerId, identity, transport, events: [], messages: [], logged };
}

export function startNode(node: TestNode): Promise<void> {
  return node.transport.start({
    connected: (peer) => node.events.push(`connected ${peer}`),
    disconnected: (peer) => node.events.push(`disconnected ${peer}`),
    received(from, bytes) {
      node.messages.push({ from, bytes });
      node.onMessage?.(from, bytes);
    },
  });
}

/** Waits until `condition` holds; says `what` was waited for when it does not in time. */
export async function until(what: string, condition: () => boolean, withinMs = 8_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

export interface FaultyProxy {
  readonly port: number;
  /** Swallows all bytes from now on, in both directions, and passes on no ends: a cable that was pulled. */
  cut(): void;
  /** Reads nothing more from either side: a peer that has stopped reading. */
  stall(): void;
  /** Passes on what comes over new connections again. */
  mend(): void;
  /** Breaks the connections that there are, with a reset. */
  reset(): void;
  close(): Promise<void>;
}

/** A TCP proxy to `target` on 127.0.0.1 whose faults are those of a network. */
export async function startProxy(target: number): Promise<FaultyProxy> {
  const pairs: { sockets: Socket[]; cut: boolean }[] = [];
  let cut = false;
  const server = createServer((near) => {
    const far = connectTcp(target, '127.0.0.1');
    const pair = { sockets: [near, far], cut };
    pairs.push(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (chunk) => pair.cut || to.write(chunk));
      from.on('error', () => {});
      from.on('close', () => pair.cut || to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const each = (action: (socket: Socket) => void) => {
    for (const { sockets } of pairs) for (const socket of sockets) action(socket);
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      cut = true;
      for (const pair of pairs) pair.cut = true;
    },
    stall: () => each((socket) => socket.pause()),
    mend() {
      cut = false;
    },
    reset: () => each((socket) => socket.resetAndDestroy()),
    close() {
      each((socket) => socket.destroy());
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
