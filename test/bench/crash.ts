/** `kill -9` of one validator under load: how long the others stand still, and how soon it is back in step. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HealthFacts } from '../../api/health.ts';
import type { NodeConfigInput } from '../../nodes/config.ts';
import { launchNode } from '../../nodes/launch.ts';
import type { BenchChain } from './chain.ts';
import { evidenceTransactions, HttpClient } from './client.ts';
import { offer } from './load.ts';

const VICTIM = 1;
const PER_SECOND = 400;
const BEFORE_MS = 3_000;
const DOWN_MS = 5_000;
const GIVE_UP_MS = 30_000;

export interface Crash {
  /** Longest time between two blocks from before the kill until the victim is back. */
  readonly gapMs: number;
  /** From its restart to the height that the others had. */
  readonly stepMs: number;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** @param restarted is told the process in which the victim comes back. */
export async function crash(chain: BenchChain, restarted: (pid: number) => void): Promise<Crash> {
  const { devnet, http, sender, expiry } = chain;
  const seconds = (BEFORE_MS + DOWN_MS) / 1_000 + 8;
  const transactions = evidenceTransactions(sender, PER_SECOND * (seconds + 3), expiry);
  const load = offer(http, {
    transactions,
    perSecond: PER_SECOND,
    maxOutstanding: Number.POSITIVE_INFINITY,
    seconds,
    warmUpSeconds: 0,
  });
  await sleep(BEFORE_MS);
  const from = await heightOf(http);
  const victim = devnet.processes[VICTIM]!.process;
  victim.kill('SIGKILL');
  await once(victim, 'exit');
  await sleep(DOWN_MS);
  const { name } = devnet.processes[VICTIM]!;
  const config = join(devnet.folder, name, 'config.json');
  const begin = performance.now();
  const again = launchNode(config, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  restarted(again.pid!);
  try {
    await inStep(http, config);
    const stepMs = performance.now() - begin;
    const to = await heightOf(http);
    await load;
    return { gapMs: await longestGap(http, from, to), stepMs };
  } finally {
    again.kill('SIGTERM');
    await once(again, 'exit');
  }
}

async function heightOf(http: HttpClient): Promise<number> {
  return Number((await http.json('/v1/status')).height);
}

/**
 * One block behind is in step, as another one may just be on its way. The victim is asked for its health, which costs it
 * little: its metrics, fifty times a second, were a fifteenth of what it did.
 */
async function inStep(http: HttpClient, configFile: string): Promise<void> {
  const { metrics } = JSON.parse(readFileSync(configFile, 'utf8')) as NodeConfigInput;
  const own = new HttpClient(`http://127.0.0.1:${metrics!.port}`, 1);
  const end = performance.now() + GIVE_UP_MS;
  while (performance.now() < end) {
    const height = await own.send('GET', '/healthz').then(
      ({ body }) => (JSON.parse(String(body)) as HealthFacts).height,
      () => null,
    );
    if (height !== null && height >= (await heightOf(http)) - 1) return own.close();
    await sleep(20);
  }
  throw new Error('the killed validator did not come back into step');
}

/** By the times in the headers. */
async function longestGap(http: HttpClient, from: number, to: number): Promise<number> {
  let [before, longest] = [0, 0];
  for (let height = from; height <= to; height++) {
    const timeMs = Number((await http.json(`/v1/blocks/${height}`)).timeMs);
    if (before > 0) longest = Math.max(longest, timeMs - before);
    before = timeMs;
  }
  return longest;
}
