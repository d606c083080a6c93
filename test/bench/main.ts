/**
 * `npm run bench [-- --quick]`: four validators and a follower as real processes, over mutual TLS, with the embedded
 * store, and a client over HTTP. Latency at 20 tx/s first, then the rate with as much as the client can offer.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { decodeGenesis, PROTOCOL_VERSION } from '../../node-core/chain/genesis.ts';
import { createdAccountId, genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { ADMIT_PARTNER, admitPartnerBody } from '../../node-core/chain/operations/admit-partner.ts';
import { verifyReceipt } from '../../node-core/chain/receipt.ts';
import { finishTransaction, prepareTransaction } from '../../node-core/chain/transaction.ts';
import { generateKeyPair } from '../../node-core/crypto/generate.ts';
import { type Devnet, startDevnet } from '../../nodes/devnet/supervise.ts';
import { evidenceTransactions, HttpClient, type Sender } from './client.ts';
import { cpuSeconds, diskBytes, percentile, residentMb } from './measure.ts';

const LATENCY_RATE = 20;
const IN_FLIGHT = 64;
/** Above what two cores have done so far, so that the client never runs dry. */
const OFFERED_PER_SECOND = 4_000;
/** Most transactions accepted but not yet final: a client that waits for its receipts. */
const MAX_OUTSTANDING = 6_000;

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, idle: { type: 'boolean' } },
});
const seconds = values.quick === true ? 10 : 30;
const say = (line: string) => process.stderr.write(`${line}\n`);

function random(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

async function admitSender(devnet: Devnet, http: HttpClient): Promise<Sender> {
  const genesis = decodeGenesis(nativeCrypto, readFileSync(join(devnet.folder, 'genesis.cbor')));
  const operator = openKeyFile(join(devnet.folder, 'operator', 'account-key.json'));
  const key = generateKeyPair('ed25519', random);
  const body = admitPartnerBody.encode({
    name: 'Bench partner',
    key: key.publicKey,
    legal: { version: '1.0', digest: random(32) },
    permissions: ['evidence'],
    quota: { max: 1_000_000_000_000, periodMs: 86_400_000 },
  });
  const sender = genesisAccountId(nativeCrypto, operator.publicKey);
  const nonce = random(32);
  const draft = {
    chain: genesis.hash,
    protocolVersion: PROTOCOL_VERSION,
    sender,
    label: 'bench',
    nonce,
    expiry: 1_000,
    operations: [{ type: ADMIT_PARTNER, body }],
  };
  const unsigned = prepareTransaction(nativeCrypto, draft, operator.publicKey);
  const answer = await http.send(
    'POST',
    '/v1/transactions',
    finishTransaction(unsigned, await operator.sign(unsigned.message)),
    { prefer: 'wait=20' },
  );
  if (answer.status !== 200) throw new Error(`the partner was not admitted: ${answer.status} ${answer.body}`);
  return { chain: genesis.hash, account: createdAccountId(nativeCrypto, draft, 0), key };
}

/** Milliseconds from submission to a receipt that verifies, at a steady rate. */
async function latencies(http: HttpClient, sender: Sender, expiry: number): Promise<number[]> {
  const transactions = evidenceTransactions(sender, LATENCY_RATE * seconds, expiry);
  const taken: number[] = [];
  const calls: Promise<void>[] = [];
  const begin = performance.now();
  for (const [i, transaction] of transactions.entries()) {
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(0, begin + (i * 1_000) / LATENCY_RATE - performance.now())),
    );
    calls.push(submitAndVerify(http, sender, transaction).then((ms) => void taken.push(ms)));
  }
  await Promise.all(calls);
  return taken;
}

async function submitAndVerify(http: HttpClient, sender: Sender, transaction: Uint8Array): Promise<number> {
  const start = performance.now();
  const { status, body } = await http.send('POST', '/v1/transactions', transaction, { prefer: 'wait=20' });
  const ms = performance.now() - start;
  const facts = status === 200 ? verifyReceipt(nativeCrypto, body, sender.chain) : { code: `HTTP ${status}` };
  if ('code' in facts) throw new Error(`no valid receipt: ${JSON.stringify(facts)} ${status === 200 ? '' : body}`);
  return ms;
}

/** Median time to verify one receipt offline, once the code is warm. */
async function receiptVerification(http: HttpClient, sender: Sender, expiry: number): Promise<number> {
  const [transaction] = evidenceTransactions(sender, 1, expiry);
  const { body } = await http.send('POST', '/v1/transactions', transaction, { prefer: 'wait=20' });
  const times = Array.from({ length: 101 }, () => {
    const start = performance.now();
    const facts = verifyReceipt(nativeCrypto, body, sender.chain);
    if ('code' in facts) throw new Error(`no valid receipt: ${facts.code}`);
    return performance.now() - start;
  });
  return percentile(times, 0.5);
}

interface Rate {
  readonly tps: number;
  readonly refused: number;
  readonly committed: number;
}

/** Offers as much as the chain takes; the rate is what became final between two looks at the log. */
async function rate(http: HttpClient, sender: Sender, expiry: number): Promise<Rate> {
  say(`signing ${OFFERED_PER_SECOND * (seconds + 3)} transactions`);
  const transactions = evidenceTransactions(sender, OFFERED_PER_SECOND * (seconds + 3), expiry);
  http.refresh();
  const before = Number((await http.json('/v1/status')).logSize);
  let next = 0;
  let accepted = 0;
  let refused = 0;
  let final = before;
  let stop = false;
  const worker = async () => {
    while (!stop && next < transactions.length) {
      if (accepted - (final - before) > MAX_OUTSTANDING) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      const { status } = await http.send('POST', '/v1/transactions', transactions[next++]!);
      if (status === 202 || status === 200) accepted += 1;
      else refused += 1;
    }
  };
  const workers = Array.from({ length: IN_FLIGHT }, worker);
  const look = async () => {
    final = Number((await http.json('/v1/status')).logSize);
    return { atMs: performance.now(), logSize: final };
  };
  const poll = setInterval(() => void look(), 100);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const first = await look();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const last = await look();
  stop = true;
  clearInterval(poll);
  await Promise.all(workers);
  return {
    tps: ((last.logSize - first.logSize) / (last.atMs - first.atMs)) * 1_000,
    refused,
    committed: last.logSize - before,
  };
}

function validatorPids(devnet: Devnet): number[] {
  return devnet.processes.slice(0, -1).map(({ process }) => process.pid!);
}

async function idle(devnet: Devnet): Promise<void> {
  const pids = validatorPids(devnet);
  const before = pids.map(cpuSeconds);
  await new Promise((resolve) => setTimeout(resolve, 30_000));
  const share = pids.map((pid, i) => ((cpuSeconds(pid) - before[i]!) / 30) * 100);
  say(
    `idle: ${share.map((s) => s.toFixed(2)).join(' ')} % of a core per validator, ${pids.map((pid) => residentMb(pid).toFixed(0)).join(' ')} MB`,
  );
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'brop-bench-'));
  const devnet = await startDevnet(
    {
      folder: join(folder, 'devnet'),
      validators: 4,
      apiPort: 0,
      parameters: { minBlockIntervalMs: 10 },
      logLevel: 'warn',
    },
    say,
  );
  const http = new HttpClient(devnet.apiUrl, IN_FLIGHT + 8);
  try {
    const sender = await admitSender(devnet, http);
    if (values.idle === true) await idle(devnet);
    const expiry = Number((await http.json('/v1/status')).height) + 14_000;
    say(`latency: ${LATENCY_RATE} tx/s for ${seconds} s`);
    const taken = await latencies(http, sender, expiry);
    say('rate');
    const { tps, refused, committed } = await rate(http, sender, expiry);
    const verifyMs = await receiptVerification(http, sender, expiry);
    const rss = Math.max(...validatorPids(devnet).map(residentMb));
    const disk = diskBytes(join(folder, 'devnet', 'validator-0', 'data')) / (committed + taken.length);
    const bytes = evidenceTransactions(sender, 1, expiry)[0]!.length;
    const figures = {
      tps,
      p50_ms: percentile(taken, 0.5),
      p95_ms: percentile(taken, 0.95),
      rss_mb: rss,
      disk_B_per_tx: disk,
      verify_ms: verifyMs,
    };
    say(`${refused} submissions refused, ${committed} committed in the rate phase`);
    const row = Object.entries(figures).map(([name, value]) => `${name}=${value.toFixed(name.endsWith('ms') ? 1 : 0)}`);
    process.stdout.write(`bench ${row.join(' ')} tx_B=${bytes} seconds=${seconds}\n`);
    if (values.json === true) process.stdout.write(`${JSON.stringify({ ...figures, tx_B: bytes, seconds })}\n`);
  } finally {
    http.close();
    await devnet.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
