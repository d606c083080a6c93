/** Late nodes that have nothing but the plain files of the chain: one executes all of it, one begins from a snapshot. */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNodeIdentity } from '../../adapters/transport-mtls/identity.ts';
import { decodeAnchorFile } from '../../node-core/chain/anchor-file.ts';
import { ANCHOR_PATH } from '../../node-core/chain/file-paths.ts';
import { decodeHeader } from '../../node-core/chain/header.ts';
import type { NodeConfigInput } from '../../nodes/config.ts';
import { launchNode } from '../../nodes/launch.ts';
import type { NodeReport } from '../../nodes/node/main.ts';
import { HttpClient } from './client.ts';

const BROP = fileURLToPath(new URL('../../cli/brop.mjs', import.meta.url));
const GIVE_UP_MS = 300_000;

export interface CaughtUp {
  /** Transactions a second from the start of the process to the newest block. */
  readonly syncTps: number;
  /** Seconds from the start of the process to the newest block, from a snapshot. */
  readonly snapshotSeconds: number;
}

/** @param devnetFolder of a devnet that has been stopped. */
export async function catchUp(devnetFolder: string, folder: string, say: (line: string) => void): Promise<CaughtUp> {
  const genesis = join(devnetFolder, 'genesis.cbor');
  const data = join(devnetFolder, 'follower', 'data');
  const files = join(folder, 'files');
  const brop = (...args: string[]) => execFileSync(process.execPath, [BROP, ...args], { stdio: 'pipe' });
  brop('snapshot', data, '--genesis', genesis);
  brop('export', '--data', data, '--out', files);
  const all = await lateNode(join(folder, 'late'), genesis, files, 'genesis');
  say(`${all.logSize} transactions from files in ${all.seconds.toFixed(1)} s`);
  const snapshot = await lateNode(join(folder, 'later'), genesis, files, 'snapshot');
  return { syncTps: all.logSize / all.seconds, snapshotSeconds: snapshot.seconds };
}

async function lateNode(folder: string, genesis: string, files: string, join_: 'genesis' | 'snapshot') {
  mkdirSync(folder, { recursive: true });
  createNodeIdentity(join(folder, 'node-key.pem'));
  const config: NodeConfigInput = {
    role: 'follower',
    genesis,
    dataFolder: 'data',
    nodeKey: 'node-key.pem',
    fileSources: [files],
    join: join_,
    api: { host: '127.0.0.1', port: 0, requestsPerSecond: 0 },
    index: false,
    log: { level: 'warn', file: 'node.log' },
    signatureWorkers: 2,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const begin = performance.now();
  const child = launchNode(join(folder, 'config.json'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  try {
    const http = new HttpClient(await apiOf(child), 1);
    const wanted = anchoredHeight(files);
    while (performance.now() - begin < GIVE_UP_MS) {
      const { height, logSize } = await http.json('/v1/status');
      if (Number(height) >= wanted) {
        http.close();
        return { seconds: (performance.now() - begin) / 1_000, logSize: Number(logSize) };
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('the late node did not catch up');
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

/** Height of the newest block in the files. */
function anchoredHeight(files: string): number {
  return decodeHeader(decodeAnchorFile(readFileSync(join(files, ANCHOR_PATH))).header).height;
}

async function apiOf(child: ChildProcess): Promise<string> {
  const [report] = (await once(child, 'message')) as [NodeReport];
  if (report.kind !== 'ready') throw new Error(`the late node did not start: ${report.message}`);
  return report.apiUrl!;
}
