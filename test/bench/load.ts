/** Offers transactions to a chain at a steady rate, or as fast as it takes them, and watches what becomes final. */
import { encodeTogether } from '../../node-core/chain/transaction-batch.ts';
import type { HttpClient } from './client.ts';

/** Transactions in one request, as a partner with much to register sends them. */
const TOGETHER = 32;
/** Requests under way at once. */
const IN_FLIGHT = 16;
const POLL_MS = 100;

export interface Offer {
  readonly transactions: readonly Uint8Array[];
  /** Transactions a second; Infinity: as fast as they are taken. */
  readonly perSecond: number;
  /** Most transactions taken and not yet final: a client that waits for its receipts. Infinity: one that does not. */
  readonly maxOutstanding: number;
  readonly seconds: number;
  /** Before the rate is measured. */
  readonly warmUpSeconds: number;
}

export interface Outcome {
  /** Transactions that became final per second, after the warm-up. */
  readonly tps: number;
  readonly accepted: number;
  readonly refused: number;
  /** All that became final, also what was under way at the end. */
  readonly committed: number;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** @throws {Error} when all transactions were sent before the time was over: the offer is too small. */
export async function offer(http: HttpClient, options: Offer): Promise<Outcome> {
  const { transactions, perSecond, maxOutstanding, seconds, warmUpSeconds } = options;
  // Signing took long, and the server has given up idle connections meanwhile.
  http.refresh();
  const logSize = async () => Number((await http.json('/v1/status')).logSize);
  const before = await logSize();
  const begin = performance.now();
  let [next, accepted, refused, final, stopped] = [0, 0, 0, before, false];
  const again: (readonly Uint8Array[])[] = [];
  const mayGoOn = () =>
    next < ((performance.now() - begin) / 1_000) * perSecond && accepted - (final - before) < maxOutstanding;
  const worker = async () => {
    while (!stopped && next < transactions.length) {
      if (!mayGoOn()) {
        await sleep(2);
        continue;
      }
      const kept = again.pop();
      const part = kept ?? transactions.slice(next, next + TOGETHER);
      if (kept === undefined) next += part.length;
      const left = await submitTogether(http, part);
      accepted += part.length - left.length;
      refused += left.length;
      if (left.length === 0 || maxOutstanding === Number.POSITIVE_INFINITY) continue;
      // One that waits for its receipts comes back with what there was no room for.
      again.push(left);
      await sleep(POLL_MS);
    }
  };
  const workers = Array.from({ length: IN_FLIGHT }, worker);
  const look = async () => {
    final = await logSize();
    return { atMs: performance.now(), final };
  };
  const poll = setInterval(() => void look(), POLL_MS);
  await sleep(warmUpSeconds * 1_000);
  const first = await look();
  await sleep(seconds * 1_000);
  const last = await look();
  const ranDry = next >= transactions.length;
  stopped = true;
  clearInterval(poll);
  await Promise.all(workers);
  await drained(http);
  if (ranDry) throw new Error('all transactions were sent before the time was over');
  const tps = ((last.final - first.final) / (last.atMs - first.atMs)) * 1_000;
  return { tps, accepted, refused, committed: (await logSize()) - before };
}

/** Nothing is pending any more: what is measured next does not wait for this. */
async function drained(http: HttpClient): Promise<void> {
  for (;;) {
    const { pending } = (await http.json('/v1/status')) as { readonly pending: { readonly transactions: number } };
    if (pending.transactions === 0) return;
    await sleep(POLL_MS);
  }
}

/** Those of them that were not taken. */
async function submitTogether(http: HttpClient, transactions: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
  const headers = { 'content-type': 'application/cbor' };
  const { status, body } = await http.send('POST', '/v1/transactions/batch', encodeTogether(transactions), headers);
  if (status !== 200) return transactions;
  const { outcomes } = JSON.parse(String(body)) as { readonly outcomes: readonly { readonly status: number }[] };
  return transactions.filter((_, i) => outcomes[i]?.status !== 202);
}
