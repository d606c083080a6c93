/**
 * `npm run bench [-- --quick]`: four validators and a follower as real processes, over mutual TLS, with the embedded
 * store, and a client over HTTP, all on this machine. README.md says what each figure is.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { batchSeconds } from './batch.ts';
import { catchUp } from './catch-up.ts';
import { type BenchChain, startChain } from './chain.ts';
import { evidenceTransactions } from './client.ts';
import { crash } from './crash.ts';
import { benchFunctions } from './functions.ts';
import { latencies, receiptVerification } from './latency.ts';
import { offer } from './load.ts';
import { cpuSeconds, diskBytes, MemoryWatch, peakResidentMb, percentile, residentMb } from './measure.ts';
import { benchMiddleware } from './middleware/bench.ts';
import { pushTimes } from './push.ts';
import { costByStateSize } from './state.ts';

/** Above what two cores have done so far, so that the client never runs dry. */
const MOST_PER_SECOND = 4_000;
const OVERLOAD_PER_SECOND = 3_600;
const MAX_OUTSTANDING = 4_000;
const OPERATIONS_EACH = 64;
/** Of these; as many as there is room for in a node. */
const MAX_LARGE_OUTSTANDING = 200;
const MOST_LARGE_PER_SECOND = 500;
const BATCH = 100_000;
const WARM_UP_SECONDS = 3;
const STATE_SIZES = [10_000, 100_000, 1_000_000];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean' },
    json: { type: 'boolean' },
    idle: { type: 'boolean' },
    state: { type: 'boolean' },
  },
});
const seconds = values.quick === true ? 10 : 30;
const time = { seconds, warmUpSeconds: WARM_UP_SECONDS };
const inAll = seconds + WARM_UP_SECONDS + 2;
const unbounded = Number.POSITIVE_INFINITY;
const say = (line: string) => process.stderr.write(`${line}\n`);
const folder = mkdtempSync(join(tmpdir(), 'brop-bench-'));
const figures: Record<string, number> = {};

/** A chain for answers as quick as they get: it proposes a block as soon as there is something to pack. */
async function quickChain(): Promise<void> {
  const chain = await startChain(join(folder, 'quick'), { minBlockIntervalMs: 10 }, say);
  try {
    if (values.idle === true) await idle(chain);
    say(`latency: 20 tx/s for ${seconds} s`);
    const taken = await latencies(chain, seconds);
    figures.p50_ms = percentile(taken, 0.5);
    figures.p95_ms = percentile(taken, 0.95);
    figures.verify_ms = await receiptVerification(chain);
  } finally {
    await chain.stop();
  }
}

/** A chain whose nodes log each block: how soon the follower has it. */
async function loggingChain(): Promise<void> {
  const chain = await startChain(join(folder, 'push'), {}, say, { logLevel: 'debug' });
  try {
    say('blocks to the follower');
    figures.push_p95_ms = percentile(await pushTimes(chain, seconds), 0.95);
  } finally {
    await chain.stop();
  }
}

/** Small transactions, as many as there is room for and more; a validator that dies; nodes that come late to all that. */
async function busyChain(memory: MemoryWatch): Promise<void> {
  const path = join(folder, 'busy');
  const chain = await startChain(path, {}, say);
  memory.watch(chain.validatorPids());
  try {
    await rates(chain, path);
    say('kill -9 of a validator');
    const { gapMs, stepMs } = await crash(chain, (pid) => memory.watch([pid]));
    Object.assign(figures, { gap_ms: gapMs, step_ms: stepMs });
  } finally {
    await chain.stop();
  }
  say('late nodes');
  const { syncTps, snapshotSeconds } = await catchUp(path, folder, say);
  Object.assign(figures, { sync_tps: syncTps, snapshot_s: snapshotSeconds });
}

/** Much in one transaction: many operations, or the root of many digests. */
async function largeChain(memory: MemoryWatch): Promise<void> {
  const chain = await startChain(join(folder, 'large'), {}, say);
  memory.watch(chain.validatorPids());
  try {
    say(`transactions of ${OPERATIONS_EACH} operations`);
    const large = evidenceTransactions(chain.sender, MOST_LARGE_PER_SECOND * inAll, chain.expiry, OPERATIONS_EACH);
    const full = { transactions: large, perSecond: unbounded, maxOutstanding: MAX_LARGE_OUTSTANDING, ...time };
    figures.ops = (await offer(chain.http, full)).tps * OPERATIONS_EACH;
    say(`${figures.ops.toFixed(0)} operations/s, at most ${peaks(chain)} MB`);
    say(`batch of ${BATCH}`);
    figures.batch_s = await batchSeconds(chain, BATCH);
  } finally {
    await chain.stop();
  }
}

async function rates(chain: BenchChain, path: string): Promise<void> {
  const { http, sender, expiry } = chain;
  say('rate');
  const most = evidenceTransactions(sender, MOST_PER_SECOND * inAll, expiry);
  const full = { transactions: most, perSecond: unbounded, maxOutstanding: MAX_OUTSTANDING, ...time };
  const { tps, refused, committed } = await offer(http, full);
  say(`${tps.toFixed(0)} tx/s, ${refused} submissions refused, at most ${peaks(chain)} MB`);
  figures.tps = tps;
  figures.tx_B = most[0]!.length;
  figures.disk_B_per_tx = diskBytes(join(path, 'validator-0', 'data')) / committed;
  say(`overload: ${OVERLOAD_PER_SECOND} tx/s offered`);
  const over = evidenceTransactions(sender, OVERLOAD_PER_SECOND * inAll, expiry);
  const pressed = { transactions: over, perSecond: OVERLOAD_PER_SECOND, maxOutstanding: unbounded, ...time };
  const overload = await offer(http, pressed);
  say(`${overload.tps.toFixed(0)} tx/s, ${overload.refused} submissions refused, at most ${peaks(chain)} MB`);
  figures.overload_tps = overload.tps;
}

function peaks(chain: BenchChain): string {
  return chain
    .validatorPids()
    .map((pid) => peakResidentMb(pid).toFixed(0))
    .join(' ');
}

async function idle(chain: BenchChain): Promise<void> {
  const pids = chain.validatorPids();
  const before = pids.map(cpuSeconds);
  await new Promise((resolve) => setTimeout(resolve, 30_000));
  const share = pids.map((pid, i) => ((cpuSeconds(pid) - before[i]!) / 30) * 100);
  say(
    `idle: ${share.map((s) => s.toFixed(2)).join(' ')} % of a core per validator, ${pids.map((pid) => residentMb(pid).toFixed(0)).join(' ')} MB`,
  );
}

const ORDER =
  'tps ops batch_s p50_ms p95_ms overload_tps gap_ms rss_mb anon_mb disk_B_per_tx sync_tps step_ms snapshot_s verify_ms tx_B push_p95_ms';

function shown(name: string, value: number): string {
  return `${name}=${value.toFixed(name.endsWith('_s') || /^(p50|p95|verify)_ms$/.test(name) ? 1 : 0)}`;
}

async function benchLedger(): Promise<void> {
  await quickChain();
  await loggingChain();
  const memory = new MemoryWatch();
  try {
    await busyChain(memory);
    await largeChain(memory);
    const { residentMb: most, anonymousMb } = memory.most;
    Object.assign(figures, { rss_mb: most, anon_mb: anonymousMb });
  } finally {
    memory.stop();
  }
  if (values.state === true) {
    const costs = await costByStateSize(STATE_SIZES, say);
    figures.state_growth = costs.at(-1)! / costs[0]!;
  }
  const names = ORDER.split(' ');
  const growth = figures.state_growth === undefined ? '' : ` state_growth=${figures.state_growth.toFixed(2)}`;
  process.stdout.write(
    `bench ${names.map((name) => shown(name, figures[name]!)).join(' ')}${growth} seconds=${seconds}\n`,
  );
  if (values.json === true) process.stdout.write(`${JSON.stringify({ ...figures, seconds })}\n`);
}

try {
  if (positionals[0] === undefined) await benchLedger();
  else if (positionals[0] === 'middleware') await benchMiddleware(values.quick === true, say);
  else if (positionals[0] === 'functions') await benchFunctions(say);
  else throw new Error(`there is no bench of ${positionals[0]}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
