/** Webhooks of a node stand outside consensus: what is wrong with them is logged, and the node goes on. */
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { openLmdbStore } from '../../adapters/store-lmdb/store.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { Queries } from '../../node-core/runtime/queries.ts';
import { type InProcessNode, startInProcessNode } from '../../test/api/in-process-node.ts';
import { startDelivery } from './delivery.ts';

let folder: string;
let running: InProcessNode;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'brop-delivery-'));
  running = await startInProcessNode();
});
afterEach(async () => {
  await running.stop();
  rmSync(folder, { recursive: true });
});

async function start(webhooks = { deliver: true, loopback: false }) {
  const errors: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (text: string) => void errors.push(text) };
  const chain = new Queries(nativeCrypto, systemClock, running.node);
  const audit = { append() {}, of: async () => [] };
  const delivery = await startDelivery({ dataFolder: folder, webhooks, node: running.node, chain, log, audit });
  return { ...delivery, errors };
}

it('delivers by default, from a secret and a store of its own', async () => {
  const { subscriptions, errors, stop } = await start();
  expect(await subscriptions!.list('brop1nobody')).toEqual([]);
  expect(errors).toEqual([]);
  await stop();
  expect(existsSync(join(folder, 'webhook-secret'))).toBe(true);
});

it('does nothing when its config says so, and leaves no trace; events are served all the same', async () => {
  const { subscriptions, events, stop } = await start({ deliver: false, loopback: false });
  expect(subscriptions).toBeUndefined();
  expect(events.height).toBe(running.node.store.height);
  await stop();
  expect(existsSync(join(folder, 'webhook-secret'))).toBe(false);
});

it.each([
  ['a secret that others may read', () => chmodSync(join(folder, 'webhook-secret'), 0o644)],
  ['a damaged secret', () => writeFileSync(join(folder, 'webhook-secret'), 'x')],
  ['a damaged store', () => writeFileSync(join(folder, 'subscriptions', 'data.mdb'), 'x'.repeat(20_000))],
])('%s: the node goes on, without webhooks', async (_, damage) => {
  await (await start()).stop();
  damage();
  const { subscriptions, errors, stop } = await start();
  expect(subscriptions).toBeUndefined();
  expect(errors).toEqual(['webhooks are not delivered']);
  const { height } = running.node.store;
  while (running.node.store.height === height) await new Promise((resolve) => setTimeout(resolve, 20));
  await stop();
});

it('a store that somebody else has open', async () => {
  await (await start()).stop();
  const other = await openLmdbStore({ folder: join(folder, 'subscriptions') });
  const { subscriptions, errors } = await start();
  expect(subscriptions).toBeUndefined();
  expect(errors).toEqual(['webhooks are not delivered']);
  await other.close();
});
