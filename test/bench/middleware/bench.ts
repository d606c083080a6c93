/** `npm run bench -- middleware`: searching and being told. README.md says what each figure is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChain } from '../chain.ts';
import { deliveryFigures } from './delivery.ts';
import { keepUp } from './keeping-up.ts';
import { recordCosts } from './records.ts';

const RECORDS = 1_000_000;
const QUICK_RECORDS = 100_000;

/** Prints one line of `key=value`. */
export async function benchMiddleware(quick: boolean, say: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'brop-bench-'));
  const [records, seconds] = quick ? [QUICK_RECORDS, 10] : [RECORDS, 30];
  try {
    say(`${records} records`);
    const costs = await recordCosts(join(folder, 'records.sqlite'), records, say);
    say('an index beside a chain at its full rate');
    const chain = await startChain(join(folder, 'chain'), {}, say, { index: true });
    const kept = await keepUp(chain, seconds, say).finally(() => chain.stop());
    const telling = await startChain(join(folder, 'telling'), {}, say, { logLevel: 'debug' });
    const told = await deliveryFigures(telling, seconds, say).finally(() => telling.stop());
    const figures: Readonly<Record<string, string>> = {
      query_p95_ms: costs.p95Ms.toFixed(1),
      page_depth: costs.depth.toFixed(2),
      index_rows_s: costs.rowsPerSecond.toFixed(0),
      tps: kept.tps.toFixed(0),
      index_lag_blocks: kept.lagBlocksP95.toFixed(0),
      index_lag_s: kept.caughtUpSeconds.toFixed(1),
      ...told,
      records: String(records),
      seconds: String(seconds),
    };
    const shown = Object.entries(figures).map(([name, value]) => `${name}=${value}`);
    process.stdout.write(`bench-middleware ${shown.join(' ')}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
