/** The ledger table beside a real chain: what is read out of it is what the node says, whatever happens on the way. */
import { PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { blockOf } from '../../adapters/ledger-dynamodb/items.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { decodeReceipt, verifyReceipt } from '../../node-core/chain/receipt.ts';
import type { Operation } from '../../node-core/chain/transaction.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { Queries } from '../../node-core/runtime/queries.ts';
import { ledgerSource } from '../../nodes/aws/ledger-source.ts';
import type { NodeConfig } from '../../nodes/config.ts';
import { beginFromSnapshot } from '../../nodes/snapshots.ts';
import { crypto } from '../api/in-process-node.ts';
import { quietLog } from '../files/made-chain.ts';
import { Keyring, setChange } from '../ledger/set-changes.ts';
import { SnapshotWorld } from '../ledger/snapshot-world.ts';
import { evidenceBody, op, partnerBody, World } from '../ledger/world.ts';
import { feedOf } from '../middleware/feed.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { MemoryStore } from '../simulation/memory-store.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { ProxyRig } from './proxy-rig.ts';

let emulator: Emulator;
let rig: ProxyRig;
let queries: Queries;
beforeAll(async () => {
  emulator = await startEmulator();
  rig = await ProxyRig.start(emulator);
  queries = new Queries(crypto, systemClock, rig.running.node);
  await rig.register('a', 'bb', 'ccc');
  await rig.register('dddd');
}, 60_000);
afterAll(async () => {
  await rig?.stop();
  await emulator?.stop();
});

/** Everything in a table, in an order of its own. */
async function contents(tableName: string) {
  const { Items = [] } = await rig.dynamodb.send(new ScanCommand({ TableName: tableName }));
  return Items.map((item) => JSON.stringify(item, (_, value) => (value instanceof Uint8Array ? [...value] : value)))
    .map((text) => text.replaceAll(/"pending\\":.*?}/g, ''))
    .sort();
}

/** Whatever is there, everything that it refers to is there too. */
async function expectWhole(tableName: string): Promise<void> {
  const { Items = [] } = await rig.dynamodb.send(new ScanCommand({ TableName: tableName }));
  const keys = new Set(Items.map(({ pk, sk }) => `${pk!.S} ${sk!.S}`));
  for (const item of Items) {
    const of = item.pk!.S!;
    if (of === 'head')
      for (let height = 1; height <= Number(item.height!.N); height++)
        expect(keys, 'of the head').toContain(`block/${height} part/0000`);
    if (of.startsWith('transaction/')) expect(keys, of).toContain(`block/${Number(item.sk!.S)} part/0000`);
    if (!of.startsWith('block/') || item.parts === undefined) continue;
    const parts = Items.filter(({ pk }) => pk!.S === of).sort((a, b) => (a.sk!.S! < b.sk!.S! ? -1 : 1));
    for (const [, , , , digest] of blockOf(parts).results)
      expect(keys, of).toContain(`account/${toHex(digest)} record`);
  }
}

describe('what is read', () => {
  it('is what the node says: status, blocks, transactions, receipts that verify offline', async () => {
    const table = await rig.table('ledger', 'S');
    await rig.copy(table);
    const { reader, feed } = await rig.reader(table);
    const { genesis } = rig.running.consortium;
    expect(reader.genesis.bytes).toEqual(genesis.bytes);
    expect(await reader.status()).toEqual({ ...(await queries.status()), consensus: null });
    for (let height = 1; height <= rig.source.height; height++) {
      expect(await reader.block(height)).toEqual(await queries.block(height));
      for (const { sender, nonce } of (await reader.block(height))!.transactions) {
        expect(await reader.transaction(sender, nonce)).toEqual(await queries.transaction(sender, nonce));
        const receipt = await reader.receipt(sender, nonce);
        expect(receipt).toEqual(await queries.receipt(sender, nonce));
        expect(verifyReceipt(crypto, receipt!, genesis.hash)).not.toHaveProperty('code');
        expect(await reader.waitFinal(sender, nonce, 0)).toBe(true);
      }
    }
    expect(feed.height).toBe(rig.source.height);
    expect((await feed.block(1))?.header.height).toBe(1);
    expect(await feed.block(feed.height + 1)).toBeUndefined();
    expect(await reader.transaction(rig.partnerId, new Uint8Array(32))).toBeUndefined();
    expect(await reader.receipt(rig.partnerId, new Uint8Array(32))).toBeUndefined();
    expect(await reader.waitFinal(rig.partnerId, new Uint8Array(32), 1)).toBe(false);
  });

  it('is nothing before a node has written: a code that says so', async () => {
    await expect(rig.reader(await rig.table('ledger', 'S'))).rejects.toMatchObject({ code: 'NOT_SYNCED' });
  });

  it('waits for what becomes final meanwhile', async () => {
    const table = await rig.table('ledger', 'S');
    await rig.copy(table);
    const { feed } = await rig.reader(table);
    const writer = rig.writer(table);
    writer.start();
    const waited = feed.waitAbove(feed.height, new AbortController().signal);
    await rig.register('later');
    expect(await waited).toBe(true);
    await writer.stop();
    const gone = new AbortController();
    const never = feed.waitAbove(Number.MAX_SAFE_INTEGER, gone.signal);
    gone.abort();
    expect(await never).toBe(false);
  });
});

/** Copies what there is now, and all that was there before stays as it is. */
async function copyOf(world: World, table: string, firstHeight = 1): Promise<void> {
  const feed = feedOf(world).feed;
  const status = async () => ({ ...(await queries.status()), height: world.store.height });
  const source = ledgerSource(crypto, { store: world.store, onCommit: () => () => {} }, { status });
  const writer = rig.writer(table, rig.dynamodb, { ...source, firstHeight, height: feed.height });
  writer.start();
  while (writer.height < world.store.height) await new Promise((next) => setTimeout(next, 2));
  await writer.stop();
}

describe('a chain whose validators change', () => {
  it('has in each receipt the changes before it, also when the table begins later', async () => {
    const world = await World.open({ validators: 4 });
    const keyring = new Keyring(world.members.validators);
    const [whole, part] = [await rig.table('ledger', 'S'), await rig.table('ledger', 'S')];
    const pairs: { readonly sender: Uint8Array; readonly nonce: Uint8Array; readonly height: number }[] = [];
    const pack = async (...operations: Operation[]) => {
      const bytes = world.transaction(world.operator, operations);
      await world.applied(bytes);
      const { sender, nonce } = world.parse(bytes).transaction;
      pairs.push({ sender, nonce, height: world.store.height });
    };
    const all = world.store.validators.validators;
    for (const count of [3, 4, 3]) {
      await pack(op.admit(partnerBody(`partner ${pairs.length}`)));
      const effectiveHeight = world.next + 1;
      const approvers = keyring.approvers(world.store.validators);
      await pack(setChange(world.store, { validators: all.slice(0, count), effectiveHeight, approvers }));
      await pack(op.admit(partnerBody(`partner ${pairs.length}`)));
      await copyOf(world, whole);
    }
    expect(world.store.setChanges()).toHaveLength(3);
    const firstHeight = world.store.height - 1;
    await copyOf(world, part, firstHeight);
    const node = new Queries(pureCrypto, {} as never, { store: world.store } as never);
    const [{ reader }, { reader: late }] = [await rig.reader(whole), await rig.reader(part)];
    for (const { sender, nonce, height } of pairs) {
      const receipt = await node.receipt(sender, nonce);
      expect(await reader.receipt(sender, nonce)).toEqual(receipt);
      expect(await late.receipt(sender, nonce)).toEqual(height < firstHeight ? undefined : receipt);
    }
    expect(decodeReceipt((await reader.receipt(pairs.at(-1)!.sender, pairs.at(-1)!.nonce))!).setChanges).toHaveLength(
      3,
    );
    await expect(late.block(firstHeight - 1)).rejects.toMatchObject({ code: 'PRUNED' });
    expect((await late.status()).firstHeight).toBe(firstHeight);
  });
});

it('a block of several parts is whole, whatever of it came first', async () => {
  const world = await World.open();
  const table = await rig.table('ledger', 'S');
  const partner = await world.partner('partner', { quota: { max: 1_000_000_000, periodMs: 1 } });
  const operations = (name: string) =>
    Array.from({ length: 64 }, (_, i) => op.register(evidenceBody(`${name} ${i}`, { subject: 's'.repeat(250) })));
  await world.applied(...Array.from({ length: 36 }, (_, i) => world.transaction(partner, operations(`${i}`))));
  await copyOf(world, table);
  const { Items = [] } = await rig.dynamodb.send(new ScanCommand({ TableName: table }));
  const name = `block/${world.store.height}`;
  expect(Items.filter(({ pk }) => pk!.S === name).length).toBeGreaterThan(1);
  const { reader } = await rig.reader(table);
  const { certificate, transactions } = (await reader.storedBlock(world.store.height))!;
  const stored = (await world.store.block(world.store.height))!;
  expect({ certificate, transactions }).toEqual({ certificate: stored.certificate, transactions: stored.transactions });
});

describe('faults', () => {
  it('a crash at any request is gone on from, and leaves the same table', async () => {
    const whole = await rig.table('ledger', 'S');
    await rig.copy(whole);
    const expected = await contents(whole);
    for (let at = 1; ; at++) {
      const table = await rig.table('ledger', 'S');
      const client = rig.client();
      let requests = 0;
      client.middlewareStack.add(
        (next) => async (args) => {
          if (++requests >= at) throw Object.assign(new Error('the power is off'), { code: 'ECONNRESET' });
          return next(args);
        },
        { step: 'initialize' },
      );
      const dying = rig.writer(table, client);
      dying.start();
      while (dying.failures === 0 && dying.height < rig.source.height) await new Promise((next) => setTimeout(next, 1));
      const survived = dying.failures === 0;
      await dying.stop();
      await expectWhole(table);
      await rig.copy(table);
      expect(await contents(table), `request ${at}`).toEqual(expected);
      if (survived) break;
    }
  }, 60_000);

  it('two nodes that write at once leave what one would', async () => {
    const one = await rig.table('ledger', 'S');
    await rig.copy(one);
    const both = await rig.table('ledger', 'S');
    const writers = [rig.writer(both), rig.writer(both)];
    for (const writer of writers) writer.start();
    for (const writer of writers) await rig.caughtUp(writer);
    for (const writer of writers) await writer.stop();
    expect(await contents(both)).toEqual(await contents(one));
  });

  it('a throttled table is waited for, and nothing is passed over', async () => {
    const table = await rig.table('ledger', 'S');
    const client = rig.client();
    let refused = 0;
    client.middlewareStack.add(
      (next) => async (args) => {
        if (refused++ < 20 && refused % 3 === 0)
          throw Object.assign(new Error('slow down'), { name: 'ProvisionedThroughputExceededException' });
        return next(args);
      },
      { step: 'initialize' },
    );
    const writer = rig.writer(table, client);
    writer.start();
    await rig.caughtUp(writer);
    await writer.stop();
    expect(writer.failures).toBeGreaterThan(0);
    expect(writer.said.join('\n')).toContain('the ledger table cannot be written and is tried again');
    const { reader } = await rig.reader(table);
    for (let height = 1; height <= rig.source.height; height++) expect(await reader.block(height)).toBeDefined();
  });

  it('a follower whose disk is gone begins no higher than the table ends, whatever newer snapshots there are', async () => {
    const { endpoint, region, credentials } = emulator;
    const settings = { AWS_ENDPOINT_URL: endpoint, AWS_REGION: region };
    const keys = { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey };
    for (const [name, value] of Object.entries({ ...settings, ...keys })) vi.stubEnv(name, value);
    const chain = await SnapshotWorld.open();
    const { genesis, store } = chain.world;
    const grown = async (blocks: number) => {
      for (let i = 0; i < blocks; i++) await chain.block();
      await chain.snapshot();
    };
    await grown(2);
    const [behind, empty] = [await rig.table('ledger', 'S'), await rig.table('ledger', 'S')];
    await chain.block();
    await copyOf(chain.world, behind);
    await grown(2);
    const beginning = async (ledgerTable: string) => {
      const kv = new MemoryStore();
      const config = { role: 'follower', join: 'snapshot', ledgerTable } as NodeConfig;
      await beginFromSnapshot(config, kv, genesis, [{ name: 'published', files: chain.blobs }], quietLog);
      return (await ChainStore.open(crypto, kv, new MemoryBlobs(), genesis.bytes)).origin?.header.height;
    };
    expect(store.height).toBe(5);
    expect(await beginning(behind)).toBe(2);
    // A table that begins with this node may begin anywhere.
    expect(await beginning(empty)).toBe(5);
    vi.unstubAllEnvs();
  });

  it('the head is moved over no gap and never back', async () => {
    const table = await rig.table('ledger', 'S');
    await rig.copy(table);
    const { reader } = await rig.reader(table);
    const { height } = await reader.head();
    const pruned = rig.writer(table, rig.dynamodb, {
      ...rig.source,
      firstHeight: height + 2,
      height: height + 2,
      waitAbove: async () => true,
    });
    pruned.start();
    while (pruned.failures === 0) await new Promise((next) => setTimeout(next, 1));
    await pruned.stop();
    expect(pruned.said[0]).toContain('the table ends at');
    expect((await reader.head()).height).toBe(height);
  });

  it('a table of another chain is left as it is', async () => {
    const table = await rig.table('ledger', 'S');
    await rig.copy(table);
    const before = await contents(table);
    const other = rig.writer(table, rig.dynamodb, { ...rig.source, genesis: new Uint8Array([1, 2, 3]) });
    other.start();
    while (other.failures === 0) await new Promise((next) => setTimeout(next, 1));
    await other.stop();
    expect(other.said[0]).toContain('belongs to another chain');
    expect(await contents(table)).toEqual(before);
  });

  it('what does not lead to its header is not given out', async () => {
    const table = await rig.table('ledger', 'S');
    await rig.copy(table);
    const { Items = [] } = await rig.dynamodb.send(new ScanCommand({ TableName: table }));
    const item = Items.find(({ pk, inLog }) => pk!.S!.startsWith('transaction/') && inLog !== undefined)!;
    const damaged = { ...item, inLog: { B: new Uint8Array(item.inLog!.B!).map((byte) => byte ^ 1) } };
    await rig.dynamodb.send(new PutItemCommand({ TableName: table, Item: damaged }));
    const { reader } = await rig.reader(table);
    const { transactions } = (await reader.block(Number(item.sk!.S)))!;
    const { sender, nonce } = transactions[Number(item.index!.N)]!;
    await expect(reader.receipt(sender, nonce)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});

it('a transaction costs one unit to write beside its share of the block', async () => {
  const table = await rig.table('ledger', 'S');
  await rig.copy(table);
  const { Items = [] } = await rig.dynamodb.send(new ScanCommand({ TableName: table }));
  const places = Items.filter(({ pk }) => pk!.S!.startsWith('transaction/'));
  const sizeBytes = places.map((item) =>
    Object.entries(item).reduce((sum, [name, { S, N, B }]) => sum + name.length + (S ?? N ?? B ?? '').length, 0),
  );
  // 25 hashes of 32 bytes: a log of 2^25 leaves.
  const withoutPath = places.map((item, i) => sizeBytes[i]! - (item.inLog?.B?.length ?? 0));
  expect(Math.max(...withoutPath) + 25 * 32).toBeLessThanOrEqual(1_024);
});
