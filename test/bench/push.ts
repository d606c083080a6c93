/** How soon a final block is with a follower, by the logs of all nodes: they share the clock of this machine. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchChain } from './chain.ts';
import { evidenceTransactions } from './client.ts';
import { offer } from './load.ts';

const PER_SECOND = 400;
const WARM_UP_SECONDS = 3;

/**
 * Milliseconds from the moment when the first validator has made a block durable to that when the follower has verified
 * it, executed it and made it durable too; one for each block. The chain must log at level `debug`.
 */
export async function pushTimes({ devnet, http, sender, expiry }: BenchChain, seconds: number): Promise<number[]> {
  const heightOf = async () => Number((await http.json('/v1/status')).height);
  const transactions = evidenceTransactions(sender, PER_SECOND * (seconds + WARM_UP_SECONDS + 3), expiry);
  const load = { transactions, perSecond: PER_SECOND, maxOutstanding: Number.POSITIVE_INFINITY, seconds };
  const warmed = new Promise<number>((resolve, reject) => {
    setTimeout(() => heightOf().then(resolve, reject), WARM_UP_SECONDS * 1_000);
  });
  const [from] = await Promise.all([warmed, offer(http, { ...load, warmUpSeconds: WARM_UP_SECONDS })]);
  const to = await heightOf();
  const finals = devnet.processes.map(({ name }) => finalMs(join(devnet.folder, name, 'node.log')));
  const follower = finals.pop()!;
  const heights = Array.from({ length: to - from }, (_, i) => from + 1 + i);
  return heights.map((height) => {
    const firstMs = Math.min(...finals.map((times) => times.get(height) ?? Number.POSITIVE_INFINITY));
    return follower.get(height)! - firstMs;
  });
}

/** When each block was final at a node. */
function finalMs(log: string): Map<number, number> {
  const times = new Map<number, number>();
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    if (!line.includes('"a block is final"')) continue;
    const { height, time } = JSON.parse(line) as { readonly height: number; readonly time: string };
    times.set(height, Date.parse(time));
  }
  return times;
}
