import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { crypto, type Entry, join, rowsOf, SnapshotWorld } from '../../test/ledger/snapshot-world.ts';
import { op, partnerBody, World } from '../../test/ledger/world.ts';
import { MemoryBlobs } from '../../test/simulation/memory-blobs.ts';
import { MemoryStore } from '../../test/simulation/memory-store.ts';
import { verifyAnchor } from '../chain/anchor.ts';
import {
  chunkPath,
  encodeSnapshot,
  hasChunk,
  MAX_CHUNK_BYTES,
  readChunk,
  SNAPSHOT_INDEX,
  verifySnapshot,
} from '../chain/snapshot.ts';
import { stateKey } from '../chain/state-keys.ts';
import { toHex, utf8 } from '../codec/bytes.ts';
import { prove, verifyProof } from '../crypto/state-proof.ts';
import { stateKeyHash, stateValueHash } from '../crypto/state-tree.ts';
import { prunedThroughOf } from '../ledger/nonces.ts';
import { StoreError, type Write } from '../ports/key-value-store.ts';
import { ChainStore } from './chain-store.ts';
import { checkSnapshot, readIndex } from './snapshot-read.ts';
import { stateRowKey, stateRowsUnder } from './state-rows.ts';

const sha256 = (bytes: Uint8Array) => crypto.hash('sha-256', bytes);
/** Enough for a root, children and grandchildren in chunks of 1 MiB. */
const many = (count: number, sizeBytes: number, name = 'entry'): Entry[] =>
  Array.from({ length: count }, (_, i) => ({ name: `${name} ${i}`, sizeBytes }));

/** The order in which nonces go. */
const order = (store: ChainStore) => [...store.expiringNonces(Number.MAX_SAFE_INTEGER - 1, 1_000)];

async function reopened(chain: SnapshotWorld, kv: MemoryStore): Promise<ChainStore> {
  const store = await ChainStore.open(crypto, kv, new MemoryBlobs(), chain.world.genesis.bytes);
  return store;
}

describe('written, verified and joined', () => {
  const states = fc.array(
    fc.record({ name: fc.string({ minLength: 1, maxLength: 20 }), sizeBytes: fc.nat({ max: 60_000 }) }),
    {
      maxLength: 60,
    },
  );

  test('any state is the same in the store that joined: entries, pages, order of removal, head', async () => {
    await fc.assert(
      fc.asyncProperty(states, fc.nat({ max: 2 }), async (entries, more) => {
        const chain = await SnapshotWorld.open();
        await chain.block([chain.world.transaction(chain.world.operator, [op.admit(partnerBody('a firm'))])], entries);
        for (let i = 0; i < more; i++) await chain.block();
        const written = await chain.snapshot();
        const checked = await checkSnapshot(crypto, chain.blobs, written.height, chain.world.genesis.hash);
        expect(checked).toEqual({
          height: written.height,
          entries: written.entries,
          chunks: written.chunks,
          wrong: [],
        });
        const { height, said, kv } = await join(chain.world, [{ name: 'a', files: chain.blobs }]);
        expect([height, said]).toEqual([1 + more, []]);
        expect(rowsOf(kv, 'shg')).toEqual(await chain.rows('shg'));
        const store = await reopened(chain, kv);
        expect(order(store)).toEqual(order(chain.world.store));
        expect([store.height, store.parent]).toEqual([chain.world.store.height, chain.world.store.parent]);
      }),
      { numRuns: 25 },
    );
  });

  test('a store that joined makes the same blocks as the one that was there from the start', async () => {
    const parameters = { nonceRetention: 2, expiryWindow: 6, maxPruned: 4, maxBlockTransactions: 4 };
    const chain = await SnapshotWorld.open({ parameters });
    const { world } = chain;
    const transaction = (name: string) =>
      world.transaction(world.operator, [op.admit(partnerBody(name))], { expiry: world.next + 3 });
    await chain.block([transaction('one'), transaction('two')], many(40, 40_000));
    for (let i = 0; i < 3; i++) await chain.block([transaction(`firm ${i}`)]);
    await chain.snapshot();
    const { kv } = await join(world, [{ name: 'a', files: chain.blobs }]);
    const joined = await reopened(chain, kv);
    for (let i = 0; i < 12; i++) {
      const executed = await chain.block(i % 3 === 0 ? [transaction(`late ${i}`)] : []);
      const again = new World(world.members, kv, joined).execute(
        executed.transactions.map((t) => t.transaction.bytes),
      ).executed;
      expect(toHex(again.headerBytes)).toBe(toHex(executed.headerBytes));
      expect(again.noncesRemoved).toEqual(executed.noncesRemoved);
      const { certificate } = (await world.store.certified(executed.header.height))!;
      await joined.commit(again, certificate);
    }
    await joined.flush();
    expect(prunedThroughOf(joined)).toBeGreaterThan(4);
    expect(rowsOf(kv, 's')).toEqual(await chain.rows('s'));
    expect(order(joined)).toEqual(order(world.store));
    expect((await reopened(chain, kv)).height).toBe(world.store.height);
  });

  test('a store that joined proves its state at once, and says which height it began from', async () => {
    const chain = await SnapshotWorld.open();
    const { world } = chain;
    await chain.block([world.transaction(world.operator, [op.admit(partnerBody('a firm'))])], many(40, 40_000));
    await chain.snapshot();
    const { kv } = await join(world, [{ name: 'a', files: chain.blobs }]);
    const store = await reopened(chain, kv);
    const anchor = (await store.anchor(store.height))!;
    const trusted = verifyAnchor(crypto, anchor, world.genesis.hash);
    if ('code' in trusted) throw new Error(trusted.code);
    for (const key of [utf8('entry 7'), stateKey.account(world.operator.id), utf8('absent')]) {
      const keyHash = stateKeyHash(sha256, key);
      const value = store.get(key);
      const proof = prove(sha256, (path) => store.page(path), keyHash);
      const expected = value === undefined ? null : stateValueHash(sha256, value);
      expect(verifyProof(sha256, trusted.header.stateRoot, keyHash, proof, expected)).toBe(true);
    }
    expect(store.origin?.header.height).toBe(1);
    expect(await store.certified(0)).toBeUndefined();
    expect(await store.hasSignatureOf(() => 2, 0)).toBe(true);
    expect(await store.hasSignatureOf(() => 2, 1)).toBe(false);
  });

  test('is of the height at which it was begun, whatever is committed while it is written', async () => {
    const chain = await SnapshotWorld.open();
    await chain.block([], many(3_000, 600));
    const underWay = chain.snapshot();
    for (let i = 0; i < 5; i++) await chain.block([], [...many(50, 700), { name: `new ${i}`, sizeBytes: 10 }]);
    const written = await underWay;
    expect(written.height).toBe(1);
    expect(chain.world.store.height).toBeGreaterThan(1);
    expect((await checkSnapshot(crypto, chain.blobs, 1, chain.world.genesis.hash)).wrong).toEqual([]);
  });

  test('the newest up to a bound is joined, and none when all are above it', async () => {
    const chain = await SnapshotWorld.open();
    for (let i = 0; i < 3; i++) {
      await chain.block();
      await chain.snapshot(3);
    }
    const sources = [{ name: 'a', files: chain.blobs }];
    const heights = await Promise.all(
      [0, 1, 2, 9].map(async (upTo) => (await join(chain.world, sources, { upTo })).height),
    );
    expect(heights).toEqual([null, 1, 2, 3]);
  });

  test('needs a block: there is none at height 0', async () => {
    const chain = await SnapshotWorld.open();
    await expect(chain.snapshot()).rejects.toThrow('no block yet');
  });

  test('is refused to a store whose rows are not those of its header, and gets no manifest', async () => {
    const chain = await SnapshotWorld.open();
    await chain.block([], many(40, 40_000));
    await chain.world.store.flush();
    const [, damaged] = stateRowsUnder(chain.world.kv, '');
    const key = stateRowKey(damaged!.keyHash);
    const value = chain.world.kv.get(key)!;
    value[value.length - 1]! ^= 1;
    await chain.world.kv.write([{ key, value }]);
    await expect(chain.snapshot()).rejects.toThrow(/does not agree with its own hashes/);
    value[5]! ^= 1;
    await chain.world.kv.write([{ key, value }]);
    await expect(chain.snapshot()).rejects.toThrow(/not what its key says/);
    expect([...chain.blobs.files.keys()].filter((path) => path.startsWith('snapshots/'))).toEqual([]);
  });
});

describe('several snapshots', () => {
  test('share the chunks that did not change; old ones go, with what only they named', async () => {
    const chain = await SnapshotWorld.open();
    await chain.block([], many(200, 60_000));
    const first = await chain.snapshot();
    expect([first.newChunks, first.chunks > 16]).toEqual([first.chunks, true]);
    const before = new Set(await chain.blobs.list('state/'));
    await chain.block([], [{ name: 'entry 3', sizeBytes: 59_000 }]);
    const second = await chain.snapshot();
    expect(second.newChunks).toBe(1);
    await chain.block([], [{ name: 'entry 4', sizeBytes: 59_000 }]);
    await chain.snapshot();
    expect(await readIndex(chain.blobs)).toEqual([2, 3]);
    expect(await chain.blobs.list('snapshots/')).toEqual(['snapshots/2', 'snapshots/3', SNAPSHOT_INDEX]);
    const gone = [...before].filter((path) => !chain.blobs.files.has(path));
    expect(gone).toHaveLength(1);
    for (const height of [2, 3])
      expect((await checkSnapshot(crypto, chain.blobs, height, chain.world.genesis.hash)).wrong).toEqual([]);
    for (const chunk of await chain.blobs.list('state/'))
      expect(await chain.blobs.size(chunk)).toBeLessThanOrEqual(MAX_CHUNK_BYTES);
  });

  test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['cut short', (bytes) => bytes.slice(1)],
    ['changed in one bit', (bytes) => bytes.with(40, bytes[40]! ^ 1)],
  ])('a chunk that was %s is written again, and so is an index that is none', async (_, harm) => {
    const chain = await SnapshotWorld.open();
    await chain.block();
    await chain.snapshot();
    const [chunk] = await chain.blobs.list('state/');
    chain.blobs.files.set(chunk!, harm(chain.blobs.files.get(chunk!)!));
    chain.blobs.files.set(SNAPSHOT_INDEX, utf8('1\n1\n'));
    expect((await checkSnapshot(crypto, chain.blobs, 1, chain.world.genesis.hash)).wrong).toMatchObject([
      { path: chunk },
    ]);
    await chain.snapshot();
    expect((await checkSnapshot(crypto, chain.blobs, 1, chain.world.genesis.hash)).wrong).toEqual([]);
    expect(await readIndex(chain.blobs)).toEqual([1]);
  });
});

describe('damage', () => {
  let chain: SnapshotWorld;
  let other: SnapshotWorld;
  beforeAll(async () => {
    chain = await SnapshotWorld.open();
    await chain.block([], many(60, 30_000));
    await chain.snapshot();
    await chain.block([], [{ name: 'more', sizeBytes: 10 }]);
    await chain.snapshot();
    other = await SnapshotWorld.open({ suite: 'p256' });
    for (let i = 0; i < 3; i++) await other.block();
    await other.snapshot();
  });

  const copy = (of: SnapshotWorld): MemoryBlobs => {
    const blobs = new MemoryBlobs();
    for (const [path, bytes] of of.blobs.files) blobs.files.set(path, bytes.slice());
    return blobs;
  };
  const flip = (blobs: MemoryBlobs, path: string, at: number) => {
    const bytes = blobs.files.get(path)!.slice();
    bytes[at]! ^= 1;
    blobs.files.set(path, bytes);
  };

  test('every byte of a manifest counts', () => {
    const manifest = chain.blobs.files.get('snapshots/1')!;
    const { hash } = chain.world.genesis;
    expect(verifySnapshot(crypto, manifest, 1, hash)).not.toHaveProperty('code');
    for (let i = 0; i < manifest.length; i++) {
      const bytes = manifest.slice();
      bytes[i]! ^= 1 << (i % 8);
      expect(verifySnapshot(crypto, bytes, 1, hash), `byte ${i}`).toHaveProperty('code');
    }
    for (const length of [0, 1, manifest.length - 1])
      expect(verifySnapshot(crypto, manifest.subarray(0, length), 1, hash)).toHaveProperty('code');
  });

  test('a part is nothing, one entry or a hash, and its bytes are as long as that', () => {
    const { hash } = chain.world.genesis;
    const snapshot = verifySnapshot(crypto, chain.blobs.files.get('snapshots/1')!, 1, hash);
    if ('code' in snapshot) throw new Error(snapshot.code);
    for (const length of [1, 31, 33, 63]) {
      const bytes = new Uint8Array(length);
      const parts = snapshot.parts.map((part, i) =>
        i === 3 ? { ...part, subtree: { ...part.subtree, bytes } } : part,
      );
      expect(verifySnapshot(crypto, encodeSnapshot({ ...snapshot, parts }), 1, hash)).toEqual({
        code: 'SNAPSHOT_INVALID',
        detail: 'its parts are not one state',
      });
    }
  });

  test('every byte of a chunk counts, and a chunk is no other', async () => {
    const small = await SnapshotWorld.open();
    await small.block();
    await small.snapshot();
    const { hash } = small.world.genesis;
    const snapshot = verifySnapshot(crypto, small.blobs.files.get('snapshots/1')!, 1, hash);
    if ('code' in snapshot) throw new Error(snapshot.code);
    const [part] = snapshot.parts.filter(hasChunk);
    const chunk = small.blobs.files.get(chunkPath(sha256, part!.subtree))!;
    expect(readChunk(sha256, part!, chunk)).not.toHaveProperty('code');
    for (let i = 0; i < chunk.length; i++) {
      const bytes = chunk.slice();
      bytes[i]! ^= 1 << (i % 8);
      expect(readChunk(sha256, part!, bytes), `byte ${i}`).toMatchObject({ code: 'SNAPSHOT_CHUNK' });
    }
    const large = verifySnapshot(crypto, chain.blobs.files.get('snapshots/1')!, 1, chain.world.genesis.hash);
    if ('code' in large) throw new Error(large.code);
    const [first, second] = large.parts.filter(hasChunk);
    const swapped = chain.blobs.files.get(chunkPath(sha256, second!.subtree))!;
    expect(readChunk(sha256, first!, swapped)).toMatchObject({ code: 'SNAPSHOT_CHUNK' });
  });

  test('a damaged chunk is named, refused and taken from the next source', async () => {
    const bad = copy(chain);
    const [path] = await bad.list('state/');
    flip(bad, path!, 100);
    const { height, said, kv } = await join(chain.world, [
      { name: 'first', files: bad },
      { name: 'second', files: chain.blobs },
    ]);
    expect(height).toBe(2);
    expect(said).toEqual([`warn a file is refused: first ${path} SNAPSHOT_CHUNK`]);
    expect(rowsOf(kv, 's')).toEqual(await chain.rows('s'));
  });

  test('a source that cannot be read is passed over, and named once', async () => {
    const gone = new MemoryBlobs();
    gone.read = async () => {
      throw new StoreError('io', 'the place is gone');
    };
    const { height, said } = await join(chain.world, [
      { name: 'gone', files: gone },
      { name: 'second', files: chain.blobs },
    ]);
    expect(height).toBe(2);
    const named = ['snapshots/index', 'snapshots/2', expect.stringMatching(/^state/)];
    expect(said.map((line) => line.replace('warn a file cannot be read: gone ', ''))).toEqual(named);
  });

  test('an altered manifest is named, and the snapshot before it taken', async () => {
    const bad = copy(chain);
    flip(bad, 'snapshots/2', bad.files.get('snapshots/2')!.length - 10);
    const { height, said } = await join(chain.world, [{ name: 'only', files: bad }]);
    expect(height).toBe(1);
    expect(said).toEqual(['warn a file is refused: only snapshots/2 PROOF_CERTIFICATE']);
  });

  test('another chain, another height under its name, a broken index: one line each, and nothing is taken', async () => {
    const foreign = await join(chain.world, [{ name: 'foreign', files: other.blobs }]);
    expect([foreign.height, foreign.said]).toEqual([
      null,
      ['warn a file is refused: foreign snapshots/3 PROOF_GENESIS'],
    ]);
    expect(rowsOf(foreign.kv, 'jsphgno').size).toBe(0);
    const future = new MemoryBlobs();
    for (const [path, bytes] of chain.blobs.files) if (!path.startsWith('snapshots/')) future.files.set(path, bytes);
    future.files.set('snapshots/999999', chain.blobs.files.get('snapshots/2')!);
    future.files.set(SNAPSHOT_INDEX, utf8('999999\n'));
    const later = await join(chain.world, [{ name: 'later', files: future }]);
    expect([later.height, later.said]).toEqual([
      null,
      ['warn a file is refused: later snapshots/999999 SNAPSHOT_INVALID'],
    ]);
    for (const text of ['2\n1\n', '1', 'x\n', '01\n', '1\n\n', '99999999999999999\n']) {
      const broken = new MemoryBlobs();
      broken.files.set(SNAPSHOT_INDEX, utf8(text));
      const { height, said } = await join(chain.world, [{ name: 'broken', files: broken }]);
      expect([height, said], text).toEqual([null, ['warn a file is refused: broken snapshots/index SNAPSHOT_INVALID']]);
    }
  });

  test('a snapshot that lacks a chunk is given up for the one before, whole or not at all', async () => {
    const lacking = copy(chain);
    const snapshot = verifySnapshot(crypto, lacking.files.get('snapshots/2')!, 2, chain.world.genesis.hash);
    const older = verifySnapshot(crypto, lacking.files.get('snapshots/1')!, 1, chain.world.genesis.hash);
    if ('code' in snapshot || 'code' in older) throw new Error('not a snapshot');
    const named = new Set(older.parts.filter(hasChunk).map(({ subtree }) => chunkPath(sha256, subtree)));
    const only = snapshot.parts
      .filter(hasChunk)
      .map(({ subtree }) => chunkPath(sha256, subtree))
      .find((path) => !named.has(path));
    lacking.files.delete(only!);
    const { height, said, kv } = await join(chain.world, [{ name: 'only', files: lacking }]);
    expect([height, said]).toEqual([1, [`error a chunk of a snapshot is not to be had from any source: ${only}`]]);
    const store = await reopened(chain, kv);
    expect([store.height, store.get(utf8('more')), store.get(utf8('entry 1'))?.length]).toEqual([1, undefined, 30_000]);
  });
});

/** Fails at the n-th write, with everything before it in place. */
class DyingStore extends MemoryStore {
  left: number;
  constructor(left: number) {
    super();
    this.left = left;
  }
  override async write(batch: readonly Write[]): Promise<void> {
    if (this.left-- <= 0) throw new Error('the machine died');
    return super.write(batch);
  }
}

describe('a join that dies at any of its writes', () => {
  test('leaves a store that joins anew, or starts from the genesis, and nothing of the first try', async () => {
    const chain = await SnapshotWorld.open();
    await chain.block([], many(60, 30_000));
    await chain.snapshot();
    await chain.block([], many(10, 20_000));
    const sources = [{ name: 'a', files: chain.blobs }];
    let died = 0;
    for (let writes = 0; ; writes++) {
      const kv = new DyingStore(writes);
      const finished = await join(chain.world, sources, { kv }).then(
        () => true,
        () => false,
      );
      kv.left = Number.POSITIVE_INFINITY;
      if (finished) break;
      died += 1;
      const forGenesis = new MemoryStore();
      await forGenesis.write([...kv.range(new Uint8Array(0), Uint8Array.of(0xff))]);
      const fresh = new MemoryStore();
      await ChainStore.open(crypto, fresh, new MemoryBlobs(), chain.world.genesis.bytes);
      expect((await reopened(chain, forGenesis)).height).toBe(0);
      expect(rowsOf(forGenesis, 'jsphgnlo'), `died at write ${writes}`).toEqual(rowsOf(fresh, 'jsphgnlo'));
      // Meanwhile there is a newer snapshot.
      const again = await join(chain.world, sources, { kv });
      expect([again.height, (await reopened(chain, kv)).height]).toEqual([1, 1]);
      expect(rowsOf(kv, 'j').size).toBe(0);
    }
    expect(died).toBeGreaterThan(16);
  });

  test('is refused over a chain that is there', async () => {
    const chain = await SnapshotWorld.open();
    await chain.block();
    await chain.snapshot();
    await expect(join(chain.world, [{ name: 'a', files: chain.blobs }], { kv: chain.world.kv })).rejects.toThrow(
      'holds a chain',
    );
  });
});
