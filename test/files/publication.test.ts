/** What a node publishes, checked against the store it was computed from and against the specifications of the files. */
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyAnchor } from '../../node-core/chain/anchor.ts';
import { decodeAnchorFile } from '../../node-core/chain/anchor-file.ts';
import { decodeCheckpoint, noteKeyOf } from '../../node-core/chain/checkpoint.ts';
import { bundlePath, decodeBundle } from '../../node-core/chain/entries.ts';
import {
  ANCHOR_PATH,
  bundlePaths,
  CHECKPOINT_KEY_PATH,
  CHECKPOINT_PATH,
  hashTilePath,
  hashTilePaths,
  segmentPaths,
} from '../../node-core/chain/file-paths.ts';
import { headerHash } from '../../node-core/chain/identifiers.ts';
import { readRow, segmentPath, segmentRows } from '../../node-core/chain/segment.ts';
import { decodeNoteKey, verifyNote } from '../../node-core/chain/signed-note.ts';
import { concat, equal } from '../../node-core/codec/bytes.ts';
import { leafHash, rootOf } from '../../node-core/crypto/merkle-log.ts';
import { tileReader, tileWrites } from '../../node-core/runtime/chain-rows.ts';
import { Publication } from '../../node-core/runtime/publication.ts';
import { writeSnapshot } from '../../node-core/runtime/snapshot-write.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { MemoryStore } from '../simulation/memory-store.ts';
import { crypto, MadeChain, stillClock, text } from './made-chain.ts';

const sha256 = (bytes: Uint8Array) => crypto.hash('sha-256', bytes);
let chain: MadeChain;
let files: Publication;

beforeAll(async () => {
  chain = await MadeChain.open('publication');
  await chain.grow(270, 3);
  files = chain.publication();
});

const leaves = async () => {
  const all: Uint8Array[] = [];
  for (const path of bundlePaths(chain.store.frontier.size)) {
    const width = Number(/\.p\/(\d+)$/.exec(path)?.[1] ?? 256);
    all.push(...decodeBundle((await files.read(path))!, width));
  }
  return all;
};

it('a checkpoint and an anchor of the newest block, which verify from the genesis hash and the key beside them', async () => {
  const { genesis } = chain.members;
  const { checkpoint, note } = decodeCheckpoint((await files.read(CHECKPOINT_PATH))!);
  const key = decodeNoteKey(crypto, text(await files.read(CHECKPOINT_KEY_PATH)).trim());
  expect(key).toEqual(noteKeyOf(genesis.hash, chain.noteKey.publicKey));
  expect(verifyNote(crypto, note, [key])).toBeNull();
  const anchor = decodeAnchorFile((await files.read(ANCHOR_PATH))!);
  const trusted = verifyAnchor(crypto, anchor, genesis.hash);
  if ('code' in trusted) throw new Error(trusted.code);
  const { height, logSize, logRoot } = trusted.header;
  expect(checkpoint).toEqual({
    ...{ genesisHash: genesis.hash, height, size: logSize, root: logRoot },
    headerHash: headerHash(crypto, anchor.header),
  });
  expect(height).toBe(270);
});

it('bundles hold the genesis and every transaction that took effect, and tiles their hashes up to the root', async () => {
  const entries = await leaves();
  expect(entries[0]).toEqual(chain.members.genesis.bytes);
  // Of the two admissions of the first block one was rejected: it is no leaf.
  expect(entries).toHaveLength(1 + 1 + 269 * 3);
  const hashes = entries.map((entry) => leafHash(sha256, entry));
  expect(equal(rootOf(sha256, hashes), chain.store.frontier.root())).toBe(true);
  const tiles = new Map<string, Uint8Array>();
  for (const path of hashTilePaths(entries.length)) tiles.set(path, (await files.read(path))!);
  expect([...tiles.keys()]).toEqual([
    ...['tile/0/000', 'tile/0/001', 'tile/0/002', `tile/0/003.p/${entries.length - 768}`, 'tile/1/000.p/3'],
  ]);
  const level0 = concat(...[...tiles].filter(([path]) => path.startsWith('tile/0')).map(([, bytes]) => bytes));
  expect(level0).toEqual(concat(...hashes));
  for (const i of [0, 1, 2]) {
    const root = rootOf(sha256, hashes.slice(256 * i, 256 * i + 256));
    expect(tiles.get('tile/1/000.p/3')!.subarray(32 * i, 32 * i + 32)).toEqual(root);
  }
});

it('segments hold the very rows of the store, whole and in part, and any range of them', async () => {
  for (const [segment, count] of [
    [0, 256],
    [0, 7],
    [1, 14],
  ] as const) {
    const path = segmentPath(segment, count);
    const whole = (await files.read(path))!;
    expect(await files.size(path)).toBe(whole.length);
    let height = 256 * segment;
    for await (const { row } of segmentRows(files, segment, count)) {
      height += 1;
      expect(row).toEqual([...(await chain.store.row(height))!]);
    }
    expect(height).toBe(256 * segment + count);
    for (const [offset, length] of [
      [0, 1],
      [19, 3_000],
      [whole.length - 5, 5],
      [whole.length - 5, 50],
      [whole.length, 9],
      [whole.length + 7, 9],
      [1_000, 0],
    ] as const) {
      const part = await files.read(path, { range: { offset, length } });
      expect(part).toEqual(whole.slice(offset, offset + length));
    }
  }
  expect(await readRow(files, 270, 14)).toEqual([...(await chain.store.row(270))!]);
  expect(await files.read(segmentPath(1))).toBeUndefined();
  expect(await files.read(segmentPath(1, 15))).toBeUndefined();
  expect([...segmentPaths(270)]).toEqual(['blocks/000', 'blocks/001.p/14']);
});

describe('what an older checkpoint needs stays there when the chain has grown', () => {
  it('narrower tiles and bundles are what the wider ones begin with', async () => {
    const wide = (await files.read(hashTilePath(0, 1)))!;
    for (const width of [1, 100, 255]) {
      expect(await files.read(hashTilePath(0, 1, width))).toEqual(wide.slice(0, 32 * width));
    }
    const all = decodeBundle((await files.read(bundlePath(1)))!, 256);
    expect(decodeBundle((await files.read(bundlePath(1, 100)))!, 100)).toEqual(all.slice(0, 100));
    expect(await files.read(hashTilePath(0, 3, 255))).toBeUndefined();
    expect(await files.read(hashTilePath(3, 0, 1))).toBeUndefined();
    expect(await files.read(bundlePath(4, 1))).toBeUndefined();
  });
});

it.each([
  'tile/0/0',
  'tile/0/000.p/0',
  'tile/0/000.p/256',
  'tile/00/000',
  'tile/0/x000/001',
  'tile/64/000',
  'blocks/000.p/007',
  'blocks/../genesis.cbor',
  'snapshots/0',
  'note-key',
  '',
])('%s is no file', async (path) => {
  expect(await files.read(path)).toBeUndefined();
  expect(await files.size(path)).toBeUndefined();
});

it('a chain without a block has a genesis and its leaf, and neither checkpoint nor anchor', async () => {
  const young = await MadeChain.open('young');
  const { genesis } = young.members;
  const published = young.publication();
  expect(await published.read('genesis.cbor')).toEqual(genesis.bytes);
  expect(await published.read(ANCHOR_PATH)).toBeUndefined();
  expect(await published.read(CHECKPOINT_PATH)).toBeUndefined();
  expect(decodeBundle((await published.read(bundlePath(0, 1)))!, 1)).toEqual([genesis.bytes]);
  await young.grow(1, 1);
  expect(decodeAnchorFile((await published.read(ANCHOR_PATH))!).genesis).toEqual(genesis.bytes);
});

it('without a note key there is an anchor and no checkpoint; one that is not Ed25519 is refused', async () => {
  const parts = { crypto, store: chain.store, blobs: chain.blobs, clock: stillClock };
  const published = new Publication(parts);
  expect(await published.read(ANCHOR_PATH)).toEqual(await files.read(ANCHOR_PATH));
  expect(await published.read(CHECKPOINT_PATH)).toBeUndefined();
  expect(await published.read(CHECKPOINT_KEY_PATH)).toBeUndefined();
  const noteSigner = {
    publicKey: { suite: 'p256' as const, bytes: new Uint8Array(65) },
    sign: async () => new Uint8Array(),
  };
  expect(() => new Publication({ ...parts, noteSigner })).toThrow(/ed25519/);
});

it('what is read at the same time waits its turn and comes out right', async () => {
  const paths = [...bundlePaths(chain.store.frontier.size), ...segmentPaths(270), ...hashTilePaths(800)];
  const fresh = chain.publication();
  const together = await Promise.all([...paths, ...paths].map((path) => fresh.read(path)));
  for (const [i, path] of [...paths, ...paths].entries()) expect(together[i]).toEqual(await files.read(path));
});

describe('what the disk has damaged is not given out', () => {
  it('a sealed segment: whichever byte', async () => {
    const kv = new MemoryStore();
    const blobs = new MemoryBlobs();
    const sealed = await MadeChain.open('sealed', { kv, blobs });
    await sealed.grow(260, 1);
    const before = (await sealed.publication().read('blocks/000'))!;
    await sealed.store.flush();
    expect(await sealed.store.blocks.sealNext(sealed.store.flushedHeight, async () => {})).toBe(true);
    expect(await sealed.publication().read('blocks/000')).toEqual(before);
    expect((await sealed.publication().read('blocks/000.p/9'))!.length).toBeLessThan(before.length);
    const file = blobs.files.get('blocks/000')!;
    const places = [0, 9, 19, 20, 100, 2_075, 2_076, 3_000, file.length >> 1, file.length - 1];
    for (const at of places) {
      blobs.files.set('blocks/000', file.with(at, file[at]! ^ 1));
      await expect(sealed.publication().read('blocks/000'), `byte ${at}`).rejects.toThrow(/blocks\/000/);
    }
  });

  it('snapshots: index, manifest and chunk; and a chunk that no manifest names', async () => {
    const blobs = new MemoryBlobs();
    const snapped = await MadeChain.open('snapped', { blobs });
    await snapped.grow(3, 2);
    await writeSnapshot({ crypto, store: snapped.store, blobs, clock: stillClock }, 2);
    const paths = await blobs.list('');
    expect(paths).toEqual([
      expect.stringMatching(/^snapshots\/3$/),
      'snapshots/index',
      expect.stringMatching(/^state/),
    ]);
    for (const path of paths) {
      const right = blobs.files.get(path)!;
      expect(await snapped.publication().read(path)).toEqual(right);
      expect(await snapped.publication().size(path)).toBe(right.length);
      for (const at of [0, right.length >> 1, right.length - 1]) {
        blobs.files.set(path, right.with(at, right[at]! ^ 1));
        await expect(snapped.publication().read(path), `${path}, byte ${at}`).rejects.toThrow(path);
      }
      blobs.files.set(path, right);
    }
    const stranger = `state/${'ab'.repeat(32)}`;
    blobs.files.set(stranger, Uint8Array.of(1));
    expect(await snapped.publication().read(stranger)).toBeUndefined();
  });

  it('tiles of every kind', async () => {
    const kv = new MemoryStore();
    const damaged = await MadeChain.open('tiles', { kv });
    await damaged.grow(60, 10);
    await damaged.store.flush();
    const { size } = damaged.store.frontier;
    for (const [level, index, path] of [
      [0, 0, 'tile/0/000'],
      [0, 1, 'tile/0/001.p/9'],
      [0, 2, `tile/0/002.p/${size - 512}`],
      [1, 0, 'tile/1/000.p/2'],
    ] as const) {
      const right = tileReader(kv)(level, index)!;
      expect(await damaged.publication().read(path)).toBeDefined();
      await kv.write(tileWrites({ level, index, hashes: right.with(33, right[33]! ^ 1) }));
      await expect(damaged.publication().read(path), path).rejects.toMatchObject({ code: 'corrupt' });
      await kv.write(tileWrites({ level, index, hashes: right }));
    }
  });
});

it('a file that is longer than the reader allows is refused', async () => {
  await expect(files.read(segmentPath(0), { maxBytes: 1_000 })).rejects.toMatchObject({ code: 'io' });
});
