/**
 * Where there are no namespaces: every link goes through a TCP proxy of ours on 127.0.0.1. A cut direction is not read
 * any more, so that its bytes wait, as they do in TCP while packets are lost; nobody is told.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Network } from './network.ts';

const HOST = '127.0.0.1';
const SLOW_MS = 150;

interface Pipe {
  readonly from: number;
  readonly to: number;
  readonly source: Socket;
}

export async function proxies(nodes: number): Promise<Network> {
  const network = new Proxies();
  for (let from = 0; from < nodes; from++) {
    for (let to = 0; to < nodes; to++) if (from !== to) await network.open(from, to);
  }
  return network;
}

class Proxies implements Network {
  readonly name = 'TCP proxies';
  readonly hostOf = () => HOST;
  readonly prefixOf = () => [];
  private readonly servers = new Map<string, Server>();
  /** By link, the port that the proxy dials in turn. */
  private readonly targets = new Map<string, number>();
  private readonly pipes = new Set<Pipe>();
  private readonly cuts = new Set<string>();
  private readonly delays = new Set<string>();

  async open(from: number, to: number): Promise<void> {
    const server = createServer((near) => this.join(from, to, near));
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    this.servers.set(`${from} ${to}`, server);
  }

  readonly dialled = (from: number, to: number, port: number) => {
    this.targets.set(`${from} ${to}`, port);
    return { host: HOST, port: (this.servers.get(`${from} ${to}`)!.address() as AddressInfo).port };
  };

  private join(from: number, to: number, near: Socket): void {
    const far = connect(this.targets.get(`${from} ${to}`)!, HOST);
    this.pipe(from, to, near, far);
    this.pipe(to, from, far, near);
  }

  private pipe(from: number, to: number, source: Socket, sink: Socket): void {
    const link = `${from} ${to}`;
    const pipe = { from, to, source };
    this.pipes.add(pipe);
    source.setNoDelay(true);
    source.on('data', (chunk) => {
      if (this.delays.has(link)) setTimeout(() => sink.write(chunk), SLOW_MS);
      else if (!sink.write(chunk)) source.pause();
    });
    sink.on('drain', () => {
      if (!this.cuts.has(link)) source.resume();
    });
    source.on('error', () => {});
    source.on('close', () => {
      this.pipes.delete(pipe);
      sink.destroy();
    });
    if (this.cuts.has(link)) source.pause();
  }

  async cut(from: number, to: number): Promise<void> {
    this.cuts.add(`${from} ${to}`);
    for (const pipe of this.pipes) if (pipe.from === from && pipe.to === to) pipe.source.pause();
  }

  async slow(from: number, to: number): Promise<void> {
    this.delays.add(`${from} ${to}`);
  }

  async mend(): Promise<void> {
    this.cuts.clear();
    // What is under way slowly must not be overtaken.
    if (this.delays.size > 0) for (const { source } of this.pipes) source.pause();
    if (this.delays.size > 0) await new Promise((resolve) => setTimeout(resolve, 2 * SLOW_MS));
    this.delays.clear();
    for (const { source } of this.pipes) source.resume();
  }

  async close(): Promise<void> {
    for (const { source } of this.pipes) source.destroy();
    for (const server of this.servers.values()) server.close();
  }
}
