/** A chain at its full rate with the index beside it: how far the index is behind, and how soon it is there. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseMetrics } from '../../../cli/top/prometheus-text.ts';
import type { BenchChain } from '../chain.ts';
import { evidenceTransactions } from '../client.ts';
import { offer } from '../load.ts';
import { percentile } from '../measure.ts';

const MOST_PER_SECOND = 4_000;
const MAX_OUTSTANDING = 4_000;
const WARM_UP_SECONDS = 3;
const LOOK_MS = 200;
const PATIENCE_MS = 120_000;

export interface KeptUp {
  /** Transactions that became final per second meanwhile. */
  readonly tps: number;
  /** 95th percentile of blocks that were final and not in the index. */
  readonly lagBlocksP95: number;
  /** From the end of the load to an index that has everything, s. */
  readonly caughtUpSeconds: number;
}

export async function keepUp(chain: BenchChain, seconds: number, say: (line: string) => void): Promise<KeptUp> {
  const { http, sender, expiry } = chain;
  const transactions = evidenceTransactions(sender, MOST_PER_SECOND * (seconds + WARM_UP_SECONDS + 2), expiry);
  const lags: number[] = [];
  // Signing took long, and the server has given up idle connections meanwhile.
  http.refresh();
  const look = async () => lags.push(await lagOf(chain));
  // A look that a busy node does not answer is one fewer; the last ones, below, must be answered.
  const timer = setInterval(() => void look().catch(() => {}), LOOK_MS);
  const load = {
    transactions,
    perSecond: Number.POSITIVE_INFINITY,
    maxOutstanding: MAX_OUTSTANDING,
    seconds,
    warmUpSeconds: WARM_UP_SECONDS,
  };
  const { tps } = await offer(http, load).finally(() => clearInterval(timer));
  const begin = performance.now();
  while ((await lagOf(chain)) > 0) {
    if (performance.now() - begin > PATIENCE_MS) throw new Error('the index does not catch up');
    await sleep(20);
  }
  const caughtUpSeconds = (performance.now() - begin) / 1_000;
  const lagBlocksP95 = percentile(lags, 0.95);
  say(
    `${tps.toFixed(0)} tx/s; behind by ${lagBlocksP95} blocks (p95), all there after ${caughtUpSeconds.toFixed(2)} s`,
  );
  return { tps, lagBlocksP95, caughtUpSeconds };
}

async function lagOf({ http }: BenchChain): Promise<number> {
  const { body } = await http.send('GET', '/metrics');
  const sample = parseMetrics(String(body)).get('brop_index_lag_blocks')?.[0];
  if (sample === undefined) throw new Error('this node has no index');
  return sample.value;
}
