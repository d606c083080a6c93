/** What a node publishes is whole at every moment, whatever breaks off; also by a node that has lost its store. */
import { describe, expect, it } from 'vitest';
import { decodeAnchorFile } from '../../node-core/chain/anchor-file.ts';
import { ANCHOR_PATH, bundlePaths, hashTilePaths, segmentPaths } from '../../node-core/chain/file-paths.ts';
import { decodeHeader } from '../../node-core/chain/header.ts';
import { decodeStoredBlock } from '../../node-core/chain/stored-block.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { operationsOf } from '../../node-core/protocol/table.ts';
import { BlockIntake } from '../../node-core/runtime/block-intake.ts';
import { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { Executor } from '../../node-core/runtime/executor.ts';
import { checkFiles } from '../../node-core/runtime/files-check.ts';
import { Mempool } from '../../node-core/runtime/mempool.ts';
import { Publication } from '../../node-core/runtime/publication.ts';
import {
  type Published,
  type PublishPorts,
  partialPaths,
  publishedIn,
  publishFiles,
} from '../../node-core/runtime/publish-files.ts';
import { Publisher } from '../../node-core/runtime/publisher.ts';
import { joinFromSnapshot } from '../../node-core/runtime/snapshot-join.ts';
import { readIndex } from '../../node-core/runtime/snapshot-read.ts';
import { writeSnapshot } from '../../node-core/runtime/snapshot-write.ts';
import { signerOf } from '../simulation/fixture.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { MemoryStore } from '../simulation/memory-store.ts';
import { crypto, MadeChain, quietLog, stillClock, text, verifier } from './made-chain.ts';

const NOTHING: Published = { height: 0, logSize: 0 };

const ports = (chain: MadeChain, target: MemoryBlobs): PublishPorts => ({
  ...{ crypto, store: chain.store, files: chain.publication(), target, goesOn: () => true },
});

const snapshot = ({ store, blobs }: MadeChain) => writeSnapshot({ crypto, store, blobs, clock: stillClock }, 2);

/** Paths that are wrong, missing or too much, `stale` ones apart. */
async function wrongIn({ files }: MemoryBlobs, { members }: MadeChain, stale: readonly string[] = []) {
  const kept = new MemoryBlobs(new Map([...files].filter(([path]) => !stale.includes(path))));
  const genesisHash = members.genesis.hash;
  const { wrong } = await checkFiles({ crypto, files: kept, paths: [...kept.files.keys()], genesisHash });
  return wrong.map(({ path }) => path);
}

describe('one pass after the other', () => {
  it('leaves a whole chain each time, and writes nothing twice', async () => {
    const chain = await MadeChain.open('publisher');
    const put: string[] = [];
    const target = new MemoryBlobs(new Map(), async (path, _, keep) => {
      put.push(path);
      keep();
    });
    let at = NOTHING;
    let stale: readonly string[] = [];
    for (const blocks of [40, 0, 218, 30]) {
      await chain.grow(blocks, 3);
      if (blocks === 218) await snapshot(chain);
      const before = at;
      at = await publishFiles(ports(chain, target), before);
      expect(at).toEqual({ height: chain.store.height, logSize: chain.store.frontier.size });
      if (blocks > 0) stale = [...stale, ...partialPaths(before).filter((path) => !partialPaths(at).includes(path))];
      expect(await wrongIn(target, chain, stale), `${at.height}`).toEqual([]);
      expect(await publishedIn(ports(chain, target))).toMatchObject(at);
    }
    const immutable = put.filter((path) => /^(blocks|tile|state)\//.test(path));
    expect(new Set(immutable).size).toBe(immutable.length);
    expect(put.filter((path) => path.startsWith('snapshots/'))).toEqual(['snapshots/258', 'snapshots/index']);
  });

  it('a snapshot above the bound waits until that has passed it; those that are out stay', async () => {
    const chain = await MadeChain.open('publisher bound');
    const target = new MemoryBlobs();
    let [upTo, at] = [-1, NOTHING];
    const published = async () => {
      await chain.grow(5, 1);
      at = await publishFiles({ ...ports(chain, target), snapshotsUpTo: () => upTo }, at);
      return readIndex(target);
    };
    await chain.grow(20, 1);
    await snapshot(chain);
    expect(await published()).toEqual([]);
    upTo = 20;
    expect(await published()).toEqual([20]);
    await snapshot(chain);
    expect(await published()).toEqual([20]);
    upTo = 30;
    expect(await published()).toEqual([20, 30]);
  });

  it('widens a bundle whose first blocks are pruned by what was published of it', async () => {
    const chain = await MadeChain.open('publisher pruned');
    const target = new MemoryBlobs();
    await chain.grow(520, 0);
    const before = await publishFiles(ports(chain, target), NOTHING);
    const pause = async () => {};
    while (await chain.store.blocks.sealNext(before.height, pause));
    while (await chain.store.pruneNext(before.height + 1, pause));
    expect(chain.store.blocks.firstHeight).toBe(513);
    await chain.grow(3, 2);
    const at = await publishFiles(ports(chain, target), before);
    expect(at).toEqual({ height: 523, logSize: before.logSize + 6 });
    const stale = partialPaths(before).filter((path) => !partialPaths(at).includes(path));
    expect(await wrongIn(target, chain, stale)).toEqual([]);
  });

  it('refuses a place with another chain', async () => {
    const [chain, other] = [await MadeChain.open('one'), await MadeChain.open('another')];
    await chain.grow(2, 1);
    await other.grow(2, 1);
    const target = new MemoryBlobs();
    await publishFiles(ports(other, target), NOTHING);
    await expect(publishedIn(ports(chain, target))).rejects.toMatchObject({ code: 'CHAIN_FILE' });
  });
});

describe('wherever it breaks off', () => {
  it('all that the anchor names is there, and the next pass ends it', async () => {
    const chain = await MadeChain.open('publisher breaks off');
    await chain.grow(250, 3);
    let allowed = Number.POSITIVE_INFINITY;
    const target = new MemoryBlobs(new Map(), async (_, __, keep) => {
      if (allowed-- <= 0) throw new StoreError('io', 'the place is away');
      keep();
    });
    const first = await publishFiles(ports(chain, target), NOTHING);
    await chain.grow(10, 3);
    await snapshot(chain);
    const isNamed = (files: ReadonlyMap<string, Uint8Array>) => {
      const { height, logSize } = decodeHeader(decodeAnchorFile(files.get(ANCHOR_PATH)!).header);
      const named = [...segmentPaths(height), ...hashTilePaths(logSize), ...bundlePaths(logSize)];
      return named.filter((path) => !files.has(path));
    };
    let failures = 0;
    for (allowed = 1; ; allowed = failures + 1) {
      try {
        await publishFiles(ports(chain, target), first);
        break;
      } catch (error) {
        expect(error).toMatchObject({ code: 'io' });
        expect(isNamed(target.files)).toEqual([]);
        failures += 1;
      }
    }
    expect(failures, 'places where it broke off').toBeGreaterThan(3);
    const stale = partialPaths(first).filter(
      (path) => !partialPaths({ height: 260, logSize: chain.store.frontier.size }).includes(path),
    );
    expect(await wrongIn(target, chain, stale)).toEqual([]);
  });
});

describe('a store that was lost', () => {
  it('begins at the published snapshot, and goes on publishing where its earlier life ended', async () => {
    const chain = await MadeChain.open('publisher lost');
    const target = new MemoryBlobs();
    await chain.grow(290, 1);
    await snapshot(chain);
    await chain.grow(10, 1);
    const before = await publishFiles(ports(chain, target), NOTHING);
    await chain.grow(230, 1);
    const again = await reborn(chain, target);
    await again.takeTo(chain.store.height);
    const at = await publishFiles(again.ports, await publishedIn(again.ports));
    expect(at.height).toBe(530);
    const stale = partialPaths(before).filter((path) => !partialPaths(at).includes(path));
    expect(await wrongIn(target, chain, stale)).toEqual([]);
  });

  it('publishes nothing while it is behind what its earlier life has published', async () => {
    const chain = await MadeChain.open('publisher behind');
    const target = new MemoryBlobs();
    await chain.grow(20, 1);
    await snapshot(chain);
    await chain.grow(20, 1);
    const before = await publishFiles(ports(chain, target), NOTHING);
    const files = new Map(target.files);
    const again = await reborn(chain, target);
    await again.takeTo(30);
    expect(await publishFiles(again.ports, await publishedIn(again.ports))).toMatchObject(before);
    expect(target.files).toEqual(files);
  });

  it('finds no snapshot above the anchor, though one was written while the last pass went on', async () => {
    const chain = await MadeChain.open('publisher overtaken');
    let isOvertaken = false;
    const target = new MemoryBlobs(new Map(), async (path, _, keep) => {
      if (path.startsWith('blocks/') && !isOvertaken) {
        isOvertaken = true;
        await chain.grow(290, 1);
        await snapshot(chain);
      }
      keep();
    });
    await chain.grow(10, 1);
    await snapshot(chain);
    await chain.grow(10, 1);
    const before = await publishFiles(ports(chain, target), NOTHING);
    expect([before.height, isOvertaken]).toEqual([20, true]);
    expect(text(target.files.get('snapshots/index'))).toBe('10\n');
    await chain.grow(230, 1);
    const again = await reborn(chain, target);
    await again.takeTo(540);
    const at = await publishFiles(again.ports, await publishedIn(again.ports));
    const stale = partialPaths(before).filter((path) => !partialPaths(at).includes(path));
    expect(await wrongIn(target, chain, stale)).toEqual([]);
  });
});

/** Goes on a second with each look at it. */
function runningClock(): Clock {
  let nowMs = stillClock.now();
  return { ...stillClock, now: () => (nowMs += 1_000) };
}

/** A node with an empty store that joins from the target, and takes blocks of the chain after that. */
async function reborn(chain: MadeChain, target: MemoryBlobs, clock: Clock = stillClock) {
  const { genesis } = chain.members;
  const [kv, blobs] = [new MemoryStore(), new MemoryBlobs()];
  await joinFromSnapshot({
    crypto,
    kv,
    genesis,
    sources: [{ name: 'target', files: target }],
    clock: stillClock,
    log: quietLog,
  });
  const store = await ChainStore.open(crypto, kv, blobs, genesis.bytes);
  const executor = new Executor({
    crypto,
    store,
    mempool: new Mempool(),
    verifier,
    table: operationsOf(1),
    log: quietLog,
  });
  const commit = store.commit.bind(store);
  const intake = new BlockIntake({ crypto, store, executor, verifier, commit });
  const files = new Publication({ crypto, store, blobs, clock, noteSigner: signerOf(chain.noteKey) });
  return {
    ports: { crypto, store, files, target, goesOn: () => true },
    blobs,
    takeTo: async (height: number) => {
      while (store.height < height) await intake.take(decodeStoredBlock(...(await chain.store.row(store.height + 1))!));
    },
  };
}

describe('while the node runs', () => {
  it('tries again after failures, removes what nobody needs, and tells which segments are out', async () => {
    const chain = await MadeChain.open('publisher runs');
    await chain.grow(300, 2);
    let away = 3;
    const target = new MemoryBlobs(new Map(), async (_, __, keep) => {
      if (away-- > 0) throw new StoreError('io', 'the place is away');
      keep();
    });
    const sealed: number[] = [];
    const waits: number[] = [];
    const clock = {
      ...runningClock(),
      schedule: (delayMs: number, action: () => void) => {
        waits.push(delayMs);
        return stillClock.schedule(0, action);
      },
    };
    const publisher = new Publisher({
      ...{ crypto, store: chain.store, target, clock, log: quietLog, everyMs: 77 },
      files: new Publication({ crypto, store: chain.store, blobs: chain.blobs, clock }),
      sealed: async (height) => void sealed.push(height),
    });
    publisher.start();
    const reached = async (height: number) => {
      while (publisher.height < height || sealed.length === 0) await new Promise((next) => setTimeout(next, 5));
    };
    await reached(300);
    for (const height of [310, 320]) {
      await chain.grow(10, 2);
      await reached(height);
    }
    await publisher.stop();
    const partial = [...target.files.keys()].filter((path) => path.startsWith('blocks/001.p/'));
    expect(partial).toEqual(['blocks/001.p/54', 'blocks/001.p/64']);
    expect(new Set(sealed)).toEqual(new Set([256]));
    expect(waits.slice(0, 5)).toEqual([0, 1_000, 2_000, 4_000, 77]);
  });

  it('tells nothing of a segment that is left out, nor of those after it, until a snapshot stands above it', async () => {
    const chain = await MadeChain.open('publisher left out');
    const others = new MemoryBlobs();
    await chain.grow(300, 1);
    await snapshot(chain);
    await publishFiles(ports(chain, others), NOTHING);
    await chain.grow(520, 1);
    const target = new MemoryBlobs();
    const again = await reborn(chain, others, runningClock());
    await again.takeTo(780);
    const sealed: number[] = [];
    const said: unknown[] = [];
    const publisher = new Publisher({
      ...{ ...again.ports, target, clock: stillClock, everyMs: 1 },
      log: { ...quietLog, warn: (message, fields) => void said.push([message, fields]) },
      sealed: async (height) => void sealed.push(height),
    });
    const publishTo = async (height: number) => {
      await again.takeTo(height);
      while (publisher.height < height) await new Promise((next) => setTimeout(next, 5));
    };
    publisher.start();
    await publishTo(780);
    await publishTo(790);
    await publishTo(800);
    const whole = [...target.files.keys()].filter((path) => /^blocks\/\d+$/.test(path));
    expect([whole, sealed]).toEqual([['blocks/002'], []]);
    expect(said).toEqual([[expect.stringMatching('not published'), { path: 'blocks/000' }]]);
    await writeSnapshot({ crypto, store: again.ports.store, blobs: again.blobs, clock: stillClock }, 2);
    await publishTo(810);
    await publishTo(820);
    await publisher.stop();
    expect(sealed).toEqual([768]);
    expect(said).toHaveLength(1);
  });
});
