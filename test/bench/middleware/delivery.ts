/** How soon a webhook is with its receiver, and what a thousand subscriptions cost. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { nativeCrypto, nativeSigner } from '../../../adapters/crypto-native/native.ts';
import { Dispatcher } from '../../../node-core/middleware/delivery/dispatcher.ts';
import { EventLog } from '../../../node-core/middleware/events/event-log.ts';
import type { Subscription } from '../../../node-core/ports/subscription-store.ts';
import { createClient, signerFromSecretKey } from '../../../sdk/index.ts';
import { bytesOf, evidenceBody, op, World } from '../../ledger/world.ts';
import { feedOf } from '../../middleware/feed.ts';
import type { BenchChain } from '../chain.ts';
import { evidenceTransactions, type HttpClient } from '../client.ts';
import { percentile } from '../measure.ts';

const PER_SECOND = 20;
const WARM_UP_SECONDS = 2;
const SUBSCRIPTIONS = 1_000;
/** When so long none has come, all have. */
const QUIET_MS = 2_000;
const BLOCKS = 40;
const EVENTS_EACH = 100;

/** Needs a chain that logs at level `debug`. */
export async function deliveryFigures(
  chain: BenchChain,
  seconds: number,
  say: (line: string) => void,
): Promise<Readonly<Record<string, string>>> {
  say(`webhooks about ${PER_SECOND} registrations a second`);
  const { taken, here } = await webhookTimes(chain, seconds);
  const ratio = await thousandThroughOne(say);
  return {
    webhook_p50_ms: percentile(taken, 0.5).toFixed(0),
    webhook_p95_ms: percentile(taken, 0.95).toFixed(0),
    webhook_own_p50_ms: percentile(here, 0.5).toFixed(0),
    webhook_own_p95_ms: percentile(here, 0.95).toFixed(0),
    subscriptions_1000: ratio.toFixed(2),
  };
}

/**
 * Milliseconds from the moment when the first validator has made a block durable to the arrival of a webhook about a
 * registration in it, one for each registration; and from when the follower has the block. The chain must log at level
 * `debug`.
 */
async function webhookTimes(
  chain: BenchChain,
  seconds: number,
): Promise<{ readonly taken: number[]; readonly here: number[] }> {
  const { http, sender, expiry, devnet } = chain;
  const arrived: { readonly height: number; readonly atMs: number }[] = [];
  const server = createServer(async (request, response) => {
    const atMs = Date.now();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    response.writeHead(204).end();
    arrived.push({ height: (JSON.parse(String(Buffer.concat(chunks))) as { height: number }).height, atMs });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const client = createClient({
      ...{ url: devnet.apiUrl, genesisHash: sender.chain, account: sender.account, crypto: nativeCrypto },
      signer: signerFromSecretKey('ed25519', sender.key.secretKey),
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ url, types: ['evidence.registered'] }),
    };
    const made = await client.auth.fetch('/v1/subscriptions', 'subscriptions:manage', init);
    if (made.status !== 201) throw new Error(`no subscription: ${made.status} ${await made.text()}`);
    await oneByOne(http, evidenceTransactions(sender, PER_SECOND * (seconds + WARM_UP_SECONDS), expiry));
    for (let before = -1; before < arrived.length; ) {
      before = arrived.length;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    }
    const finals = devnet.processes.map(({ name }) => finalMs(join(devnet.folder, name, 'node.log')));
    const follower = finals.pop()!;
    const first = (height: number) => Math.min(...finals.map((times) => times.get(height) ?? Number.POSITIVE_INFINITY));
    const warm = arrived.slice(PER_SECOND * WARM_UP_SECONDS);
    return {
      taken: warm.map(({ height, atMs }) => atMs - first(height)),
      here: warm.map(({ height, atMs }) => atMs - follower.get(height)!),
    };
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** At an even rate, each in a request of its own. */
async function oneByOne(http: HttpClient, transactions: readonly Uint8Array[]): Promise<void> {
  const begin = performance.now();
  for (const [i, transaction] of transactions.entries()) {
    const waitMs = Math.max(0, begin + (i * 1_000) / PER_SECOND - performance.now());
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    const { status, body } = await http.send('POST', '/v1/transactions', transaction);
    if (status !== 202) throw new Error(`not accepted: ${status} ${body}`);
  }
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

/**
 * CPU of a dispatcher that delivers the same events to a thousand subscriptions with a filter each, through that of one
 * subscription to all of them. Requests are answered at once: what is compared is matching, reading, signing, recording.
 */
async function thousandThroughOne(say: (line: string) => void): Promise<number> {
  const world = await World.open();
  const partner = await world.partner('partner', { quota: { max: 1_000_000_000, periodMs: 1_000 } });
  let made = 0;
  for (let i = 0; i < BLOCKS; i++) {
    const transactions = Array.from({ length: EVENTS_EACH }, () => {
      const subject = `lot ${made % SUBSCRIPTIONS}`;
      return world.transaction(partner, [op.register(evidenceBody(`record ${made++}`, { subject }))]);
    });
    await world.applied(...transactions);
  }
  const filters = Array.from({ length: SUBSCRIPTIONS }, (_, i) => ({ subject: `lot ${i}` }));
  // The first run of each compiles code for both.
  const [, , one, thousand] = [
    await deliveryCost(world, [{}]),
    await deliveryCost(world, filters),
    await deliveryCost(world, [{}]),
    await deliveryCost(world, filters),
  ];
  say(
    `${made} deliveries: ${one!.toFixed(0)} ms of CPU with one subscription, ${thousand!.toFixed(0)} with a thousand`,
  );
  return thousand! / one!;
}

/** CPU in ms until every event of the world has been delivered, once for all. */
async function deliveryCost(world: World, filters: readonly Subscription['filter'][]): Promise<number> {
  const { feed } = feedOf(world);
  const clock = {
    now: () => Date.now(),
    schedule: (delayMs: number, action: () => void) => {
      const timer = setTimeout(action, delayMs);
      return () => clearTimeout(timer);
    },
  };
  let delivered = 0;
  const progress = { cursor: null, from: null, replay: null, failing: null, disabled: null, proven: false };
  const subscribed = filters.map((filter, i) => ({
    subscription: {
      ...{ id: `sub_${i}`, owner: 'owner', url: 'https://partner.example/', description: '', createdMs: 0 },
      ...{ types: ['evidence.registered'], filter, keys: [{ scheme: 'v1a' as const, generation: 1, untilMs: null }] },
    },
    progress,
    attempts: 0,
  }));
  const dispatcher = await Dispatcher.open({
    store: {
      all: async () => subscribed,
      watermark: async () => 1,
      attempts: async () => [],
      replace: async () => true,
      write: async (changes) => void JSON.stringify(changes),
      close: async () => {},
    },
    transport: {
      refusal: () => null,
      close: () => {},
      post: async () => {
        delivered += 1;
        return { kind: 'answered', status: 204 };
      },
    },
    events: new EventLog(nativeCrypto, world.genesis.hash, feed),
    receipts: { receipt: async () => bytesOf('receipt') },
    random: { bytes: (length) => new Uint8Array(length) },
    log: { debug() {}, info() {}, warn() {}, error: (text, fields) => console.error(text, fields) },
    master: bytesOf('master'),
    sign: (secret, message) => nativeSigner('ed25519', secret)(message),
    clock,
  });
  const before = process.cpuUsage();
  dispatcher.start();
  while (delivered < BLOCKS * EVENTS_EACH) await new Promise((resolve) => setTimeout(resolve, 5));
  await dispatcher.stop();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
