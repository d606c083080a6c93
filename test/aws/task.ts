/** A node as an ECS task runs it: one command, everything else from the environment, a log on standard output. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseMetrics, total } from '../../cli/top/prometheus-text.ts';
import type { NodeConfigInput } from '../../nodes/config.ts';
import { NODE_FLAGS } from '../../nodes/launch.ts';
import type { Emulator } from './emulator.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Five nodes begin at once, on whatever machine this is. */
const PATIENCE_MS = 150_000;

interface Line {
  readonly message?: string;
  readonly level?: string;
  readonly api?: string | null;
  readonly metrics?: string | null;
}

export class Task {
  readonly config: NodeConfigInput;
  /** What it has logged, newest last. */
  readonly lines: Line[] = [];
  errors = '';
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;

  constructor({ endpoint, region, credentials }: Emulator, config: NodeConfigInput) {
    this.config = config;
    this.child = spawn(process.execPath, [...NODE_FLAGS, 'nodes/node/main.ts'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        BROP_CONFIG: JSON.stringify(config),
        ...{ AWS_ENDPOINT_URL: endpoint, AWS_REGION: region },
        ...{ AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
      },
    });
    this.exited = once(this.child, 'exit');
    let rest = '';
    this.child.stdout!.on('data', (part: Buffer) => {
      const lines = (rest + String(part)).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.lines.push(line.startsWith('{') ? JSON.parse(line) : { message: line });
    });
    this.child.stderr!.on('data', (part: Buffer) => {
      this.errors += String(part);
    });
  }

  has(message: string): boolean {
    return this.lines.some((line) => line.message === message);
  }

  /** @throws {Error} with what the node has said, when it does not come to that. */
  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (const end = Date.now() + PATIENCE_MS; !(await isSo()); await sleep(100)) {
      const isOver = this.child.exitCode !== null || this.child.signalCode !== null;
      if (!isOver && Date.now() < end) continue;
      const said = this.lines.slice(-25).map((line) => JSON.stringify(line));
      throw new Error(
        `${this.config.name}: not ${what}${isOver ? ', it has ended' : ''}\n${said.join('\n')}\n${this.errors}`,
      );
    }
  }

  runs(): Promise<void> {
    return this.until('running', () => this.has('the node runs'));
  }

  /** Where it serves; known when it runs. */
  url(of: 'api' | 'metrics', path: string): URL {
    const line = this.lines.find(({ message }) => message === 'the node runs');
    return new URL(path, line?.[of] ?? 'http://not-yet.invalid');
  }

  /** The sum of a metric's rows; 0 before the node serves any. */
  async metric(name: string): Promise<number> {
    const response = await fetch(this.url('metrics', '/metrics')).catch(() => undefined);
    return response === undefined ? 0 : (total(parseMetrics(await response.text()), name) ?? 0);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.exited;
    return this.child.exitCode;
  }
}
