/** Runs the nodes of a devnet as processes of their own and ends them together. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FolderLock, lockFolder } from '../../adapters/store-lmdb/folder-lock.ts';
import { BropError, CODES, type CodeName } from '../../node-core/chain/codes.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { loadConfig, type NodeConfigInput } from '../config.ts';
import { launchNode } from '../launch.ts';
import type { NodeReport } from '../node/main.ts';
import { create, type DevnetOptions, type DevnetSigner, exists, isPortFree, movePorts, nodeNames } from './create.ts';
import { SOFT_TOKENS } from './soft-tokens.ts';

export interface DevnetProcess {
  readonly name: string;
  readonly process: ChildProcess;
}

export interface Devnet {
  readonly folder: string;
  readonly apiUrl: string;
  readonly processes: readonly DevnetProcess[];
  /** Resolves with the name of the first node that ended by itself. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 10_000;

/**
 * Starts the devnet in `folder`, making it first when there is none.
 * @param say is told, in a line for people, what is being done.
 * @throws {BropError} with the code of the node that could not start; CONFIG_INVALID, when the devnet that is there signs
 *   with another kind of key than asked for.
 */
export async function startDevnet(options: DevnetOptions, say: (line: string) => void): Promise<Devnet> {
  const { folder } = options;
  const lock = lockDevnet(folder);
  try {
    if (exists(folder)) {
      say(`going on with the chain in ${folder}`);
      assertSigner(folder, options.signer);
      if (options.movesApi === true) await movePorts(folder, countValidators(folder), 'api', options.apiPort);
    } else {
      say(`making keys and genesis of ${options.validators} validators in ${folder}`);
      await create(options);
    }
    const validators = countValidators(folder);
    await settlePorts(folder, validators, say);
    const net = await supervise(folder, nodeNames(validators));
    return { ...net, stop: () => net.stop().finally(() => lock.release()) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Two supervisors of one folder would make its keys twice, and move the ports under each other's nodes. */
function lockDevnet(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    return lockFolder(folder);
  } catch (error) {
    if (error instanceof StoreError) throw new BropError('STORE_LOCKED', error.message, { cause: error });
    throw error;
  }
}

/** Keys are made with the chain. */
function assertSigner(folder: string, asked: DevnetSigner | undefined): void {
  if (asked === undefined) return;
  const config = loadConfig(join(folder, 'validator-0', 'config.json'));
  const made = config.role === 'validator' ? config.consensusKey.driver : '';
  if (made === asked) return;
  const detail = `the devnet in ${folder} was made with --signer ${made}: choose another folder for one with ${asked}.`;
  throw new BropError('CONFIG_INVALID', detail);
}

function countValidators(folder: string): number {
  let count = 0;
  while (existsSync(join(folder, `validator-${count}`, 'config.json'))) count += 1;
  return count;
}

async function settlePorts(folder: string, validators: number, say: (line: string) => void): Promise<void> {
  const configs = nodeNames(validators).map(
    (name) => JSON.parse(readFileSync(join(folder, name, 'config.json'), 'utf8')) as NodeConfigInput,
  );
  const api = configs.at(-1)?.api?.port ?? 0;
  if (api !== 0 && !(await isPortFree(api))) {
    say(`port ${api} is in use: the API takes another one`);
    await movePorts(folder, validators, 'api');
  }
  const used = configs.flatMap(({ listen, metrics }) => [listen?.port ?? 0, metrics?.port ?? 0]);
  const free = await Promise.all(used.map((port) => isPortFree(port)));
  if (free.includes(false)) {
    say('a port of the nodes is in use: they take other ones');
    await movePorts(folder, validators, 'nodes');
  }
}

async function supervise(folder: string, names: readonly string[]): Promise<Devnet> {
  const processes = names.map((name) => ({
    name,
    process: launchNode(join(folder, name, 'config.json'), {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: environmentOf(join(folder, name)),
    }),
  }));
  let stopping = false;
  const failed = new Promise<string>((resolve) => {
    for (const { name, process } of processes) process.once('exit', () => !stopping && resolve(name));
  });
  const stop = async () => {
    stopping = true;
    await Promise.all(processes.map(({ process }) => end(process)));
  };
  try {
    const reports = await Promise.all(processes.map(({ name, process }) => ready(name, process)));
    return { folder, apiUrl: reports.at(-1)!, processes, failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A node with tokens of its own is told where they are. */
function environmentOf(folder: string): NodeJS.ProcessEnv {
  const configuration = join(folder, SOFT_TOKENS);
  return existsSync(configuration) ? { ...process.env, SOFTHSM2_CONF: configuration } : process.env;
}

/** The API's URL, or '' for a node without one. @throws {BropError} with what the node said. */
function ready(name: string, child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stderr?.on('data', (chunk) => {
      output = (output + String(chunk)).slice(-2_000);
    });
    child.on('message', (message) => {
      const report = message as NodeReport;
      if (report.kind === 'ready') resolve(report.apiUrl ?? '');
      else reject(failure(name, report.code, report.message));
    });
    child.once('error', (error) => reject(failure(name, 'INTERNAL', error.message)));
    child.once('exit', (code, signal) =>
      reject(failure(name, 'INTERNAL', `ended early (${signal ?? code}): ${output}`)),
    );
  });
}

function failure(name: string, code: string, message: string): BropError {
  return new BropError(Object.hasOwn(CODES, code) ? (code as CodeName) : 'INTERNAL', `${name}: ${message}`);
}

/** Asks a process to end in order, and kills it when it does not. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
