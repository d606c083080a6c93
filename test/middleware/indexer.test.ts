// An index beside a chain: it keeps up, recovers, and whatever has happened to it, it is what the chain says.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { SqliteIndexStore } from '../../adapters/index-sqlite/index-sqlite.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import type { BlockSource } from '../../node-core/middleware/block-source.ts';
import { finalizedBlock, finalizedGenesis } from '../../node-core/middleware/finalized-block.ts';
import { Indexer, type IndexWriter } from '../../node-core/middleware/index/indexer.ts';
import { rowsOf } from '../../node-core/middleware/index/rows.ts';
import type { FinalBlock } from '../../node-core/ports/block-feed.ts';
import { type IndexProgress, IndexStoreError } from '../../node-core/ports/index-store.ts';
import { NodeBlockFeed } from '../../node-core/runtime/block-feed.ts';
import type { CommitListener } from '../../node-core/runtime/node.ts';
import { contentsOf } from '../conformance/index-store.ts';
import { blockDraw, RandomChain } from '../ledger/random-chain.ts';
import { crypto, evidenceBody, op, World } from '../ledger/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'indexer-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newPath = () => join(folder, `${files++}.sqlite`);

class Writer extends SqliteIndexStore implements IndexWriter<FinalBlock> {
  /** What the next calls of `write` throw. */
  readonly faults: Error[] = [];

  write(blocks: readonly FinalBlock[]): Promise<IndexProgress> {
    const fault = this.faults.shift();
    if (fault !== undefined) return Promise.reject(fault);
    return this.apply(blocks.map((block) => rowsOf(finalizedBlock(crypto, block))));
  }
}

/** A chain with an index beside it. */
function beside(world: World, path: string, firstHeight?: number) {
  const listeners = new Set<CommitListener>();
  const onCommit = (listener: CommitListener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const feed = new NodeBlockFeed({ store: world.store, onCommit });
  const source: BlockSource<FinalBlock> = {
    get height() {
      return feed.height;
    },
    get firstHeight() {
      return firstHeight ?? feed.firstHeight;
    },
    waitAbove: (above, signal) => feed.waitAbove(above, signal),
    read: async (height) => (await feed.block(height))!,
    sizeBytes: () => 1,
  };
  const said: string[] = [];
  const say = (message: string) => said.push(message);
  const log = { debug: say, info: say, warn: say, error: say };
  const writer = new Writer(path);
  // Whoever waits between two tries does not wait here.
  const clock = { ...systemClock, schedule: (_: number, action: () => void) => systemClock.schedule(0, action) };
  const indexer = new Indexer({ crypto, genesis: world.genesis, source, writer, clock, log });
  const committed = (executed: Parameters<CommitListener>[0]) => {
    for (const listener of [...listeners]) listener(executed);
  };
  const caughtUp = async () => {
    for (let i = 0; indexer.height < world.store.height; i++) {
      if (i === 2_000) throw new Error(`the index is at ${indexer.height}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const stop = async () => {
    await indexer.stop();
    await writer.close();
  };
  return { indexer, writer, committed, caughtUp, stop, said };
}

async function grow(world: World, blocks: number, committed: (executed: Parameters<CommitListener>[0]) => void) {
  const partner = await world.partner(`partner ${world.store.height}`);
  for (let i = 0; i < blocks; i++) {
    const subject = `lot ${i % 3}`;
    const bytes = world.transaction(partner, [
      op.register(evidenceBody(`file ${i}`, { subject })),
      op.register(evidenceBody('x')),
    ]);
    committed((await world.block([bytes])).executed);
  }
}

/** Everything in the file, in the order of its tables. */
function bytesOf(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  const tables = ['meta', 'list', 'row', 'entry', 'ahead'].map((table) => [
    table,
    database.prepare(`SELECT * FROM ${table}`).all(),
  ]);
  database.close();
  return JSON.stringify(tables);
}

test('an index that is built anew from the chain is the one that grew with it, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(blockDraw, { minLength: 3, maxLength: 8 }), async (draws) => {
      const chain = await RandomChain.open();
      const [livePath, rebuiltPath] = [newPath(), newPath()];
      const live = beside(chain.world, livePath);
      live.indexer.start();
      for (const draw of draws) {
        live.committed(await chain.draw(draw));
        await live.caughtUp();
      }
      await live.stop();
      const rebuilt = beside(chain.world, rebuiltPath);
      rebuilt.indexer.start();
      await rebuilt.caughtUp();
      await rebuilt.stop();
      expect(bytesOf(rebuiltPath)).toBe(bytesOf(livePath));
    }),
    { numRuns: 10 },
  );
}, 120_000);

test('a chain of blocks, whatever their order and however often they come, gives one index', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(blockDraw, { minLength: 2, maxLength: 6 }),
      fc.infiniteStream(fc.nat()),
      async (draws, chance) => {
        const chain = await RandomChain.open();
        for (const draw of draws) await chain.draw(draw);
        const { world } = chain;
        const blocks = [rowsOf(finalizedGenesis(crypto, world.genesis))];
        for (let height = 1; height <= world.store.height; height++)
          blocks.push(rowsOf(finalizedBlock(crypto, (await world.store.block(height))!)));
        const [inOrder, shuffled] = [new SqliteIndexStore(':memory:'), new SqliteIndexStore(':memory:')];
        await Promise.all([inOrder.open('chain', 0), shuffled.open('chain', 0)]);
        await inOrder.apply(blocks);
        const mixed = [...blocks, ...blocks].sort(() => (chance.next().value! % 2 === 0 ? 1 : -1));
        for (const block of mixed) await shuffled.apply([block]);
        expect(await contentsOf(shuffled, blocks)).toEqual(await contentsOf(inOrder, blocks));
        expect((await shuffled.progress()).watermark).toBe(world.store.height);
      },
    ),
    { numRuns: 10 },
  );
}, 120_000);

describe('rows of a block', () => {
  test('are as many as its own row says', async () => {
    const world = await World.open();
    await grow(world, 3, () => {});
    for (let height = 0; height <= world.store.height; height++) {
      const block =
        height === 0
          ? finalizedGenesis(crypto, world.genesis)
          : finalizedBlock(crypto, (await world.store.block(height))!);
      const { rows } = rowsOf(block);
      expect(rows[0]).toMatchObject({ collection: 'blocks', key: String(height), fields: { rows: rows.length } });
    }
  });
});

describe('an indexer', () => {
  test('begins with the genesis, catches up with what is there, then takes each block', async () => {
    const world = await World.open();
    await grow(world, 100, () => {});
    const { indexer, writer, caughtUp, committed, stop } = beside(world, newPath());
    expect([indexer.height, indexer.lagBlocks]).toEqual([-1, world.store.height]);
    indexer.start();
    await caughtUp();
    const operator = accountIdToText(world.operator.id);
    expect((await writer.rows('participants', [operator]))[0]?.fields).toMatchObject({ kind: 'operator' });
    await grow(world, 2, committed);
    await caughtUp();
    expect([indexer.lagBlocks, indexer.failures]).toEqual([0, 0]);
    await stop();
  });

  test('goes on where it was after a restart', async () => {
    const world = await World.open();
    const path = newPath();
    const first = beside(world, path);
    first.indexer.start();
    await grow(world, 2, first.committed);
    await first.caughtUp();
    await first.stop();
    await grow(world, 2, () => {});
    const second = beside(world, path);
    let written = 0;
    const { write } = second.writer;
    second.writer.write = (blocks) => {
      written += blocks.length;
      return write.call(second.writer, blocks);
    };
    second.indexer.start();
    await second.caughtUp();
    expect(written).toBe(3);
    await second.stop();
  });

  test('that fails says so, tries again, and misses nothing', async () => {
    const world = await World.open();
    const path = newPath();
    const { indexer, writer, caughtUp, committed, stop, said } = beside(world, path);
    writer.faults.push(new IndexStoreError('unavailable', 'no room'), new Error('a bug'));
    indexer.start();
    await grow(world, 5, committed);
    await caughtUp();
    expect(indexer.failures).toBe(2);
    expect(said.filter((message) => message.startsWith('the index failed'))).toHaveLength(2);
    await stop();
    const soundPath = newPath();
    const sound = beside(world, soundPath);
    sound.indexer.start();
    await sound.caughtUp();
    await sound.stop();
    expect(bytesOf(path)).toBe(bytesOf(soundPath));
  });

  test('whose index is damaged builds it anew', async () => {
    const world = await World.open();
    const [path, soundPath] = [newPath(), newPath()];
    const { indexer, writer, caughtUp, committed, stop, said } = beside(world, path);
    indexer.start();
    await grow(world, 3, committed);
    await caughtUp();
    writer.faults.push(new IndexStoreError('corrupt', 'an entry leads to no row'));
    await grow(world, 2, committed);
    await caughtUp();
    await stop();
    expect(said).toContain('the index is damaged and is built anew');
    const sound = beside(world, soundPath);
    sound.indexer.start();
    await sound.caughtUp();
    await sound.stop();
    expect(bytesOf(path)).toBe(bytesOf(soundPath));
  });

  test('of a node that keeps no old blocks begins where it can, with the genesis all the same', async () => {
    const world = await World.open();
    await grow(world, 6, () => {});
    const { indexer, writer, caughtUp, stop } = beside(world, newPath(), 4);
    indexer.start();
    await caughtUp();
    expect(await writer.progress()).toEqual({ from: 4, watermark: world.store.height });
    const operator = accountIdToText(world.operator.id);
    expect((await writer.rows('accounts', [operator]))[0]).toBeDefined();
    await stop();
  });

  test('behind what is still kept begins anew', async () => {
    const world = await World.open();
    const path = newPath();
    const first = beside(world, path);
    first.indexer.start();
    await grow(world, 1, first.committed);
    await first.caughtUp();
    await first.stop();
    await grow(world, 8, () => {});
    const second = beside(world, path, 7);
    second.indexer.start();
    await second.caughtUp();
    expect(await second.writer.progress()).toMatchObject({ from: 7 });
    expect(second.said).toContain('blocks that the index lacks are no longer kept: it begins anew');
    await second.stop();
  });
});
