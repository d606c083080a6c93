/** A node that catches up from plain files: it takes what is right, names what is wrong, and goes on elsewhere. */
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../adapters/system/clock.ts';
import { decodeAnchorFile, encodeAnchorFile } from '../../node-core/chain/anchor-file.ts';
import { decodeSegmentHeader, segmentPath } from '../../node-core/chain/segment.ts';
import type { ChainFiles } from '../../node-core/ports/chain-files.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import type { Transport } from '../../node-core/ports/transport.ts';
import { operationsOf } from '../../node-core/protocol/table.ts';
import { BlockIntake } from '../../node-core/runtime/block-intake.ts';
import { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { CheckedAhead } from '../../node-core/runtime/checked-ahead.ts';
import { Executor } from '../../node-core/runtime/executor.ts';
import { type FileSource, FileSync } from '../../node-core/runtime/file-sync.ts';
import { copyFiles } from '../../node-core/runtime/files-copy.ts';
import { Mempool } from '../../node-core/runtime/mempool.ts';
import { Node } from '../../node-core/runtime/node.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { MemoryStore } from '../simulation/memory-store.ts';
import { crypto, MadeChain, verifier } from './made-chain.ts';

const HEIGHT = 300;
let chain: MadeChain;
let original: ReadonlyMap<string, Uint8Array>;

beforeAll(async () => {
  chain = await MadeChain.open('file-sync');
  await chain.grow(HEIGHT, 4);
  const target = new MemoryBlobs();
  await copyFiles({ crypto, source: chain.publication(), target });
  original = new Map(target.files);
});

function copy(change: (files: Map<string, Uint8Array>) => void = () => {}): MemoryBlobs {
  const blobs = new MemoryBlobs();
  for (const [path, bytes] of original) blobs.files.set(path, bytes);
  change(blobs.files);
  return blobs;
}

const source = (name: string, files: ChainFiles): FileSource => ({ name, files });

interface Follower {
  readonly node: Node;
  readonly store: ChainStore;
  /** Lines of the log from `warn` on. */
  readonly said: string[];
  /** Resolves when the log says that a source has been gone through, well or badly, so often. */
  settled(times: number): Promise<void>;
}

/** Started, with nobody to talk to. */
async function follower(fileSources: readonly FileSource[], kv = new MemoryStore()): Promise<Follower> {
  const alone: Transport = {
    start: async () => {},
    send: () => false,
    peers: () => [],
    drop: () => {},
    close: async () => {},
  };
  const store = await ChainStore.open(crypto, kv, new MemoryBlobs(), chain.members.genesis.bytes);
  const said: string[] = [];
  let ends = 0;
  let tell = () => {};
  const note = (level: string) => (message: string, fields?: object) => {
    if (level !== 'info') said.push(`${level}: ${message} ${JSON.stringify(fields)}`);
    if (message !== 'catching up from files') ends += 1;
    tell();
  };
  const log = { debug: () => {}, info: note('info'), warn: note('warn'), error: note('error') };
  const onFatal = (error: unknown) => void said.push(`fatal: ${error}`);
  const node = new Node({ crypto, store, transport: alone, verifier, clock: systemClock, log, fileSources, onFatal });
  await node.start();
  const settled = (times: number) =>
    new Promise<void>((resolve) => {
      tell = () => {
        if (ends >= times) resolve();
      };
      tell();
    });
  return { node, store, said, settled };
}

it('takes the whole chain, block by block the very same, and the same state', async () => {
  const { node, store, said, settled } = await follower([source('a folder', copy())]);
  await settled(1);
  expect(store.height).toBe(HEIGHT);
  expect(store.parent).toEqual(chain.store.parent);
  expect(store.frontier.root()).toEqual(chain.store.frontier.root());
  for (const height of [1, 2, 256, 257, HEIGHT]) expect(await store.row(height)).toEqual(await chain.store.row(height));
  expect(said).toEqual([]);
  await node.stop();
});

it('goes on from the height that it has', async () => {
  const half = await MadeChain.open('file-sync');
  await half.grow(150, 4);
  const kv = new MemoryStore();
  const first = await follower([source('half', half.publication())], kv);
  await first.settled(1);
  expect(first.store.height).toBe(150);
  const reads: string[] = [];
  const all = copy();
  const counted: ChainFiles = {
    read: (path, options) => {
      reads.push(path);
      return all.read(path, options);
    },
  };
  await first.node.stop();
  const second = await follower([source('all', counted)], kv);
  await second.settled(1);
  expect(second.store.height).toBe(HEIGHT);
  expect(second.said).toEqual([]);
  expect(reads[0]).toBe('anchor.cbor');
  await second.node.stop();
});

/** Flips a bit of the row of a height. */
function damage(files: Map<string, Uint8Array>, height: number, at = 100): void {
  const segment = height > 256 ? 1 : 0;
  const path = segmentPath(segment, segment === 0 ? 256 : HEIGHT - 256);
  const bytes = files.get(path)!.slice();
  const offsets = decodeSegmentHeader(bytes, segment, segment === 0 ? 256 : HEIGHT - 256);
  bytes[offsets[height - 256 * segment - 1]! + at]! ^= 1;
  files.set(path, bytes);
}

describe('a wrong file is named and refused, and the next source goes on', () => {
  it.each<[string, (files: Map<string, Uint8Array>) => void, RegExp, number]>([
    ['a header', (files) => damage(files, 77), /blocks\/000.*block 77|row of height 77/, 76],
    ['a transaction', (files) => damage(files, 280, 900), /blocks\/001\.p\/44/, 279],
    ['a segment header', (files) => files.set('blocks/000', new Uint8Array(5_000)), /blocks\/000/, 0],
    ['a segment cut short', (f) => f.set('blocks/000', f.get('blocks/000')!.slice(0, -9)), /blocks\/000/, 255],
    ['a segment that is missing', (files) => files.delete('blocks/000'), /blocks\/000.*no such file/, 0],
    ['an anchor', (f) => f.set('anchor.cbor', f.get('anchor.cbor')!.with(900, 1)), /anchor\.cbor/, 0],
    ['an anchor that is none', (files) => files.set('anchor.cbor', new Uint8Array(1)), /anchor\.cbor/, 0],
  ])('%s', async (_, change, named, taken) => {
    const bad = source('bad', copy(change));
    const alone = await follower([bad]);
    await alone.settled(1);
    expect(alone.store.height).toBeGreaterThanOrEqual(Math.min(taken, 1));
    expect(alone.store.height).toBeLessThanOrEqual(taken);
    expect(alone.said.join('\n')).toMatch(named);
    expect(alone.said.join('\n')).toContain('"source":"bad"');
    await alone.node.stop();

    const both = await follower([bad, source('good', copy())]);
    await both.settled(2);
    expect(both.store.height).toBe(HEIGHT);
    expect(both.said).toHaveLength(1);
    await both.node.stop();
  });

  it('certificates of another chain, and an anchor that promises more than there is', async () => {
    const other = await MadeChain.open('another chain');
    await other.grow(HEIGHT, 4);
    const anchor = decodeAnchorFile(original.get('anchor.cbor')!);
    const foreign = copy((files) => {
      for (const path of files.keys()) if (path.startsWith('blocks')) files.set(path, new Uint8Array(1));
    });
    const swapped: ChainFiles = {
      read: (path, options) => (path.startsWith('blocks') ? other.publication() : foreign).read(path, options),
    };
    const { said, store, node, settled } = await follower([
      source('another', other.publication()),
      source('swapped', swapped),
      source(
        'none',
        copy((files) => files.set('anchor.cbor', encodeAnchorFile(anchor)).delete('blocks/001.p/44')),
      ),
    ]);
    await settled(3);
    expect(said[0]).toMatch(/anchor\.cbor.*PROOF_GENESIS/);
    expect(said[1]).toMatch(/blocks\/000.*without a valid certificate/);
    expect(said[2]).toMatch(/blocks\/001\.p\/44.*no such file/);
    expect(store.height).toBe(256);
    await node.stop();
  });

  it('the whole segment is as good when its part is gone', async () => {
    const files = new MemoryBlobs();
    const longer = await MadeChain.open('file-sync');
    await longer.grow(520, 4);
    await copyFiles({ crypto, source: longer.publication(), target: files });
    files.files.set('anchor.cbor', original.get('anchor.cbor')!);
    const { said, store, node, settled } = await follower([source('renewed', files)]);
    await settled(1);
    expect(said).toEqual([]);
    expect(store.height).toBe(512);
    await node.stop();
  });
});

it('a source out of reach is passed over', async () => {
  const unreachable: ChainFiles = {
    read: async () => {
      throw new StoreError('io', 'https://nowhere: ECONNREFUSED');
    },
  };
  const { said, store, node, settled } = await follower([source('nowhere', unreachable), source('good', copy())]);
  await settled(2);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/out of reach.*ECONNREFUSED/);
  expect(store.height).toBe(HEIGHT);
  await node.stop();
});

it('stops in the middle of it, at once, also when a source never answers', async () => {
  let asked = () => {};
  const reading = new Promise<void>((resolve) => {
    asked = resolve;
  });
  let giveUp: (error: Error) => void = () => {};
  const files = copy();
  const silent: FileSource = {
    name: 'silent',
    files: {
      read: (path, options) => {
        if (path !== 'blocks/001.p/44') return files.read(path, options);
        asked();
        return new Promise((_, reject) => {
          giveUp = reject;
        });
      },
    },
    close: () => giveUp(new Error('closed')),
  };
  const { node, said, store } = await follower([silent]);
  await reading;
  await node.stop();
  expect(said).toEqual([]);
  expect(store.height).toBeLessThanOrEqual(256);
});

describe('when it looks', () => {
  /** Alone, with a clock of its own; gives how often its source was asked since the last time. */
  function looking(best: { height: number | null }, files: ChainFiles) {
    let asked = 0;
    let now = 1_000_000;
    const counted: ChainFiles = {
      read: (path, options) => {
        asked += 1;
        return files.read(path, options);
      },
    };
    const { store } = chain;
    const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const executor = new Executor({
      crypto,
      store,
      mempool: new Mempool(),
      verifier,
      table: operationsOf(1),
      log: quiet,
    });
    const sync = new FileSync({
      ...{ crypto, store, log: quiet, sources: [source('only', counted)] },
      intake: new BlockIntake({ crypto, store, executor, verifier, commit: async () => {} }),
      ahead: new CheckedAhead({ crypto, store, verifier, table: operationsOf(1), log: quiet }),
      clock: { now: () => now, schedule: () => () => {} },
      run: async (job) => job(),
      proceed: async () => {},
      bestPeerHeight: () => best.height,
    });
    return async (afterMs: number) => {
      now += afterMs;
      asked = 0;
      sync.look();
      while (sync.active) await new Promise((resolve) => setImmediate(resolve));
      return asked;
    };
  }

  it('at the start, then every 10 s as long as there are no peers', async () => {
    const look = looking({ height: null }, copy());
    expect([await look(0), await look(1_000), await look(8_999), await look(1)]).toEqual([1, 0, 0, 1]);
  });

  it('with peers only when it is far behind them', async () => {
    const best: { height: number | null } = { height: HEIGHT };
    const look = looking(best, copy());
    expect([await look(0), await look(20_000)]).toEqual([1, 0]);
    best.height = HEIGHT + 255;
    expect(await look(20_000)).toBe(0);
    best.height = HEIGHT + 256;
    expect([await look(20_000), await look(1_000)]).toEqual([1, 0]);
  });

  it('a source whose file was wrong is passed over for a minute', async () => {
    const look = looking(
      { height: null },
      copy((files) => files.set('anchor.cbor', new Uint8Array(3))),
    );
    expect([await look(0), await look(10_000), await look(49_999), await look(10_000)]).toEqual([1, 0, 0, 1]);
  });

  it('a source that was out of reach at the start is asked again though peers are near, until it has answered', async () => {
    const files = copy();
    let away = true;
    const look = looking(
      { height: HEIGHT },
      {
        read: (path, options) => {
          if (away) throw new StoreError('io', 'the bucket is away');
          return files.read(path, options);
        },
      },
    );
    expect([await look(0), await look(59_999), await look(1)]).toEqual([1, 0, 1]);
    away = false;
    expect([await look(60_000), await look(60_000), await look(600_000)]).toEqual([1, 0, 0]);
  });
});
