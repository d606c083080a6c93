import { beforeAll, describe, expect, test } from 'vitest';
import { bytesOf, crypto, op, partnerBody, World } from '../../test/ledger/world.ts';
import { MemoryBlobs } from '../../test/simulation/memory-blobs.ts';
import type { MemoryStore } from '../../test/simulation/memory-store.ts';
import { indexIn } from '../chain/packed.ts';
import { rowLength, SEGMENT_HEIGHTS, segmentHeaderBytes } from '../chain/segment.ts';
import { toHex } from '../codec/bytes.ts';
import { StoreError, type Write } from '../ports/key-value-store.ts';
import { ChainStore } from './chain-store.ts';
import { Upkeep } from './upkeep.ts';

const LAST = 3 * SEGMENT_HEIGHTS + 10;
const noPause = async () => {};
const nonce = (height: number) => bytesOf(`nonce at ${height}`);

/** A chain of three segments and some blocks, each tenth of which admits a partner. Nothing is sealed yet. */
let world: World;
let rows: string[];
beforeAll(async () => {
  world = await World.open({ parameters: { expiryWindow: 20, nonceRetention: 5 } });
  for (let height = 1; height <= LAST; height++) {
    const admission = () =>
      world.transaction(world.operator, [op.admit(partnerBody(`p${height}`))], { nonce: nonce(height) });
    await world.block(height % 10 === 1 ? [admission()] : []);
  }
  await world.store.flush();
  rows = await rowsOf(world.store, 1);
}, 120_000);

async function rowsOf(store: ChainStore, from: number): Promise<string[]> {
  const found: string[] = [];
  for (let height = from; height <= LAST; height++) found.push(((await store.row(height)) ?? []).map(toHex).join('/'));
  return found;
}

/** The same data again, as it would be after the process has died. */
async function opened(kv: MemoryStore, blobs: MemoryBlobs): Promise<ChainStore> {
  return ChainStore.open(crypto, kv, new MemoryBlobs(blobs.files), world.genesis.bytes);
}

async function copy(): Promise<{ kv: MemoryStore; blobs: MemoryBlobs; store: ChainStore }> {
  const { kv, blobs, store } = await world.copy();
  return { kv, blobs, store };
}

async function sealAll(store: ChainStore): Promise<void> {
  while (await store.blocks.sealNext(store.flushedHeight, noPause));
}

describe('sealing', () => {
  test('moves whole segments to the blobs; every block stays what it was', async () => {
    const { kv, blobs, store } = await copy();
    await sealAll(store);
    expect(await blobs.list('')).toEqual(['blocks/000', 'blocks/001', 'blocks/002']);
    expect([...kv.range(Uint8Array.of(98), Uint8Array.of(99))]).toHaveLength(LAST - 3 * SEGMENT_HEIGHTS);
    expect(await rowsOf(store, 1)).toEqual(rows);
    const again = await opened(kv, blobs);
    expect(await rowsOf(again, 1)).toEqual(rows);
    expect(again.blocks.sealed).toBe(3);
    expect(await again.block(LAST + 1)).toBeUndefined();
  });

  test('a segment waits for the block after its last one', async () => {
    const { store } = await copy();
    expect(await store.blocks.sealNext(SEGMENT_HEIGHTS, noPause)).toBe(false);
    expect(await store.blocks.sealNext(SEGMENT_HEIGHTS + 1, noPause)).toBe(true);
  });

  test('all blocks one after the other, from any height', async () => {
    const { store } = await copy();
    await store.blocks.sealNext(LAST, noPause);
    for (const from of [1, 200, 256, 257, LAST, LAST + 1]) {
      const heights: number[] = [];
      for await (const { header } of store.blocks.from(from)) heights.push(header.height);
      expect(heights).toEqual(Array.from({ length: LAST - from + 1 }, (_, i) => from + i));
    }
  });

  test('the death of the process at each write, before or after it: nothing is lost, and it seals again', async () => {
    for (const side of ['before', 'after'] as const) {
      for (let at = 1; at <= 4; at++) {
        const { kv, blobs, store } = await dying(at, side);
        await expect(sealAll(store), `${side} write ${at}`).rejects.toThrow('dies');
        const again = await opened(kv, blobs);
        expect(await rowsOf(again, 1), `${side} write ${at}`).toEqual(rows);
        await sealAll(again);
        expect(again.blocks.sealed).toBe(3);
        expect(await rowsOf(again, 1), `${side} write ${at}`).toEqual(rows);
      }
    }
  }, 60_000);

  test('a full disk: the blocks stay where they are, until there is room', async () => {
    const { blobs, store } = await copy();
    blobs.capacityBytes = 1_000;
    await expect(sealAll(store)).rejects.toThrow(StoreError);
    expect(await rowsOf(store, 1)).toEqual(rows);
    blobs.capacityBytes = Number.POSITIVE_INFINITY;
    await sealAll(store);
    expect(store.blocks.sealed).toBe(3);
  });
});

/** Dies at the write with this number, puts and writes counted together. */
async function dying(at: number, side: 'before' | 'after') {
  const { kv, blobs } = await copy();
  let writes = 0;
  const passing = async (write: () => Promise<void> | void) => {
    writes += 1;
    if (writes === at && side === 'before') throw new Error('dies');
    await write();
    if (writes === at) throw new Error('dies');
  };
  const dyingKv = Object.assign(Object.create(kv) as MemoryStore, {
    write: (batch: readonly Write[]) => passing(() => kv.write(batch)),
  });
  const dyingBlobs = new MemoryBlobs(blobs.files, (_path, _bytes, keep) => passing(keep));
  return { kv, blobs, store: await ChainStore.open(crypto, dyingKv, dyingBlobs, world.genesis.bytes) };
}

describe('damage', () => {
  test('a byte of a sealed block is noticed, whichever it is, and the file named', async () => {
    const { blobs, store } = await copy();
    await store.blocks.sealNext(LAST, noPause);
    const file = blobs.files.get('blocks/000')!;
    const length = rowLength((await store.row(1))!);
    const start = segmentHeaderBytes(SEGMENT_HEIGHTS);
    for (let at = start; at < start + length; at++) {
      file[at]! ^= 1;
      await expect(store.block(1), `byte ${at}`).rejects.toThrow('blocks/000: ');
      await expect(store.row(1), `byte ${at}`).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
      file[at]! ^= 1;
    }
    expect(await store.block(1)).toBeDefined();
  });

  test('a header of the file, a file that is cut off, one that is gone', async () => {
    const { blobs, store } = await copy();
    await store.blocks.sealNext(LAST, noPause);
    const file = blobs.files.get('blocks/000')!;
    file[3]! ^= 1;
    await expect(store.block(200)).rejects.toThrow('blocks/000: is no segment of blocks');
    file[3]! ^= 1;
    blobs.files.set('blocks/000', file.slice(0, -1));
    await expect(store.block(256)).rejects.toThrow('blocks/000: row of height 256: the file ends before it does');
    expect(await store.block(255)).toBeDefined();
    blobs.files.delete('blocks/000');
    await expect(store.block(1)).rejects.toThrow('blocks/000 is missing');
    expect(await store.block(257)).toBeDefined();
  });
});

describe('where a transaction is', () => {
  test('is known from the state, and after that for ever', async () => {
    for (const height of [1, 301, 771]) {
      expect(world.store.packedAt(world.operator.id, nonce(height))).toBe(height);
      expect(indexIn((await world.store.block(height))!, world.operator.id, nonce(height))).toBe(0);
      expect(indexIn((await world.store.block(height))!, world.validator.id, nonce(height))).toBeUndefined();
    }
    expect(world.store.packedAt(world.operator.id, nonce(2))).toBeUndefined();
  });
});

describe('pruning', () => {
  test('takes whole segments below the height, their files, and what refers to them', async () => {
    const { kv, blobs, store } = await copy();
    await sealAll(store);
    expect(await store.pruneNext(2 * SEGMENT_HEIGHTS, noPause)).toBe(true);
    expect(await store.pruneNext(2 * SEGMENT_HEIGHTS, noPause)).toBe(false);
    expect(await blobs.list('')).toEqual(['blocks/001', 'blocks/002']);
    expect(store.blocks.firstHeight).toBe(257);
    expect([await store.block(1), await store.row(256)]).toEqual([undefined, undefined]);
    expect(store.packedAt(world.operator.id, nonce(1))).toBeUndefined();
    expect(store.packedAt(world.operator.id, nonce(261))).toBe(261);
    await store.flush();
    const again = await opened(kv, blobs);
    expect(again.blocks.firstHeight).toBe(257);
    expect(await rowsOf(again, 257)).toEqual(rows.slice(256));
    const from: number[] = [];
    for await (const { header } of again.blocks.from(1)) from.push(header.height);
    expect([from[0], from.length]).toEqual([257, LAST - 256]);
  });

  test('a file that a crash left behind goes at the next start', async () => {
    const { blobs, store } = await copy();
    await sealAll(store);
    const file = blobs.files.get('blocks/000')!;
    await store.pruneNext(LAST, noPause);
    blobs.files.set('blocks/000', file);
    await store.blocks.removePruned();
    expect(await blobs.list('')).toEqual(['blocks/001', 'blocks/002']);
  });

  test('a damaged segment goes like the others', async () => {
    const { blobs, store } = await copy();
    await sealAll(store);
    blobs.files.get('blocks/000')!.fill(0);
    expect(await store.pruneNext(LAST, noPause)).toBe(true);
    expect(store.blocks.firstHeight).toBe(257);
  });
});

describe('upkeep', () => {
  /** Timers that are run by hand. */
  const clockOf = () => {
    const timers: { readonly delayMs: number; readonly action: () => void }[] = [];
    const schedule = (delayMs: number, action: () => void) => {
      const timer = { delayMs, action };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    };
    return { timers, clock: { now: () => 0, schedule } };
  };
  const settle = async (timers: { readonly delayMs: number; readonly action: () => void }[], longMs: number) => {
    for (let i = 0; i < 20_000; i++) {
      await new Promise((next) => setImmediate(next));
      const next = timers.findIndex(({ delayMs }) => delayMs <= longMs);
      if (next < 0) return;
      for (const { action } of timers.splice(next, 1)) action();
    }
  };
  const quiet = { debug: () => {}, info: () => {}, warn: () => {} };

  test('seals and prunes what is due, a row in each turn', async () => {
    const { store, blobs } = await copy();
    const { timers, clock } = clockOf();
    const upkeep = new Upkeep({ store, clock, log: { ...quiet, error: () => {} }, retainBlocks: 300 });
    upkeep.look();
    await settle(timers, 0);
    expect([await blobs.list(''), store.blocks.firstHeight]).toEqual([['blocks/001', 'blocks/002'], 257]);
    await upkeep.stop();
  });

  test('a full disk is said once, and tried again later', async () => {
    const { store, blobs } = await copy();
    const { timers, clock } = clockOf();
    const errors: string[] = [];
    const log = { ...quiet, error: (message: string) => void errors.push(message) };
    const upkeep = new Upkeep({ store, clock, log, retainBlocks: null });
    blobs.capacityBytes = 0;
    upkeep.look();
    await settle(timers, 0);
    upkeep.look();
    await settle(timers, 0);
    expect([errors, store.blocks.sealed]).toEqual([['blocks are not sealed or pruned for now'], 0]);
    blobs.capacityBytes = Number.POSITIVE_INFINITY;
    await settle(timers, 60_000);
    expect([errors.length, store.blocks.sealed, store.blocks.firstHeight]).toEqual([1, 3, 1]);
    await upkeep.stop();
  });

  test('stops in the middle of a segment, and leaves no timer', async () => {
    const { store } = await copy();
    const { timers, clock } = clockOf();
    const upkeep = new Upkeep({ store, clock, log: { ...quiet, error: () => {} }, retainBlocks: null });
    upkeep.look();
    await new Promise((next) => setImmediate(next));
    expect(timers).toHaveLength(1);
    await upkeep.stop();
    expect([timers.length, store.blocks.sealed]).toEqual([0, 0]);
  });
});
