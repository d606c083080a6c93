/** The nodes of a run as processes: made, started, killed, stopped, continued, and ended all together. */
import type { ChildProcess } from 'node:child_process';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '../../nodes/devnet/create.ts';
import { launchNode } from '../../nodes/launch.ts';
import type { NodeReport } from '../../nodes/node/main.ts';
import type { Network } from './network.ts';
import { FOLLOWER, nameOf, VALIDATORS } from './plan.ts';

const START_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 20_000;
const OUTPUT_KEPT = 4_000;

export const NODES = Array.from({ length: VALIDATORS + 1 }, (_, node) => node);

/** How a process ended, and the last that it said on standard error. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

export interface Began {
  readonly atMs: number;
  /** From the start of the process to its word that it runs. */
  readonly readyMs: number;
}

/** One node over all its lives. */
export class NodeProcess {
  readonly node: number;
  readonly name: string;
  readonly folder: string;
  state: 'down' | 'starting' | 'up' | 'stopped' = 'down';
  apiUrl = '';
  /** False from a start until it is in step, as /healthz would say it: what it refuses till then may be out of date. */
  isServing = true;
  private readonly prefix: readonly string[];
  private readonly onUnexpectedEnd: (ending: Ending) => void;
  private child: ChildProcess | null = null;
  private ending: Promise<Ending> = Promise.resolve({ code: 0, signal: null, output: '' });
  /** Whether somebody knows that this life will end. */
  private isDoomed = false;

  constructor(node: number, folder: string, prefix: readonly string[], onUnexpectedEnd: (ending: Ending) => void) {
    this.node = node;
    this.name = nameOf(node);
    this.folder = join(folder, this.name);
    this.prefix = prefix;
    this.onUnexpectedEnd = onUnexpectedEnd;
  }

  get dataFolder(): string {
    return join(this.folder, 'data');
  }

  /** The port that other nodes dial. */
  get nodePort(): number {
    return (JSON.parse(readFileSync(join(this.folder, 'config.json'), 'utf8')) as Config).listen.port;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Resolves once it runs; with its ending when it does not come to that. */
  async start(): Promise<Began | Ending> {
    const atMs = Date.now();
    const config = join(this.folder, 'config.json');
    const child = launchNode(config, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }, this.prefix);
    this.child = child;
    this.state = 'starting';
    this.isServing = false;
    this.isDoomed = false;
    const ready = new Promise<Began>((resolve) => {
      child.on('message', (message) => {
        const report = message as NodeReport;
        if (report.kind !== 'ready') return;
        this.apiUrl = report.apiUrl ?? '';
        if (this.state === 'starting') this.state = 'up';
        resolve({ atMs, readyMs: Date.now() - atMs });
      });
    });
    let isReady = false;
    this.ending = this.watch(child);
    void this.ending.then((ending) => {
      if (isReady && !this.isDoomed) this.onUnexpectedEnd(ending);
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
    const outcome = await Promise.race([ready, this.ending]);
    clearTimeout(timer);
    isReady = 'readyMs' in outcome;
    return outcome;
  }

  private watch(child: ChildProcess): Promise<Ending> {
    let output = '';
    const kept = createWriteStream(join(this.folder, 'stderr.log'), { flags: 'a' });
    child.stderr?.on('data', (chunk) => {
      kept.write(chunk);
      output = (output + String(chunk)).slice(-OUTPUT_KEPT);
    });
    return new Promise((resolve) => {
      child.once('error', (error) => {
        output += error.message;
      });
      child.once('close', (code, signal) => {
        kept.end();
        if (this.child === child) this.state = 'down';
        resolve({ code, signal, output: output.trim() });
      });
    });
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.isDoomed = true;
    this.child?.kill('SIGKILL');
    await this.ending;
  }

  /** Its end is expected; resolves when it has ended by itself. */
  willEnd(): Promise<Ending> {
    this.isDoomed = true;
    return this.ending;
  }

  /** Its end would be a failure again. */
  willLive(): void {
    this.isDoomed = false;
  }

  stop(): void {
    this.child?.kill('SIGSTOP');
    this.state = 'stopped';
  }

  continue(): void {
    this.child?.kill('SIGCONT');
    this.state = 'up';
  }

  /** In order; killed when it takes too long. */
  async end(): Promise<Ending> {
    this.isDoomed = true;
    if (this.state === 'stopped') this.continue();
    this.child?.kill('SIGTERM');
    const timer = setTimeout(() => this.child?.kill('SIGKILL'), END_TIMEOUT_MS);
    const ending = await this.ending;
    clearTimeout(timer);
    return ending;
  }
}

/** Makes keys, genesis and configs, and puts the nodes into the network; nothing runs yet. */
export async function createCluster(
  folder: string,
  network: Network,
  onUnexpectedEnd: (node: NodeProcess, ending: Ending) => void,
): Promise<NodeProcess[]> {
  const parameters = { minBlockIntervalMs: 100 };
  await create({ folder, validators: VALIDATORS, apiPort: 0, parameters, logLevel: 'info' });
  const paths = NODES.map((node) => join(folder, nameOf(node), 'config.json'));
  const configs = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')) as Config);
  const nodeOfPort = new Map(configs.map(({ listen }, node) => [listen.port, node]));
  for (const [node, config] of configs.entries()) {
    config.listen.host = network.hostOf(node);
    // Validators have an API here too, so that everybody's chain can be looked at.
    config.api = { host: network.hostOf(node), port: 0, requestsPerSecond: 0 };
    for (const peer of config.peers) Object.assign(peer, network.dialled(node, nodeOfPort.get(peer.port)!, peer.port));
    writeFileSync(paths[node]!, `${JSON.stringify(config, null, 2)}\n`);
  }
  return NODES.map((node) => {
    const process: NodeProcess = new NodeProcess(node, folder, network.prefixOf(node), (ending) =>
      onUnexpectedEnd(process, ending),
    );
    return process;
  });
}

/** What of a config is changed here. */
interface Config {
  listen: { host: string; port: number };
  peers: { host: string; port: number }[];
  api?: { host: string; port: number; requestsPerSecond: number };
}

export function isValidator({ node }: NodeProcess): boolean {
  return node !== FOLLOWER;
}
