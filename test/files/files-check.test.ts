/** A copy of a chain as files is verified with nothing but the genesis hash; whatever is changed in it is named. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeAnchorFile, encodeAnchorFile } from '../../node-core/chain/anchor-file.ts';
import { decodeCheckpoint, noteKeyOf, signCheckpoint } from '../../node-core/chain/checkpoint.ts';
import { ANCHOR_PATH, CHECKPOINT_KEY_PATH, CHECKPOINT_PATH, segmentPaths } from '../../node-core/chain/file-paths.ts';
import { encodeNote, encodeNoteKey } from '../../node-core/chain/signed-note.ts';
import { utf8 } from '../../node-core/codec/bytes.ts';
import { checkFiles, type FilesCheckParts } from '../../node-core/runtime/files-check.ts';
import { copyFiles } from '../../node-core/runtime/files-copy.ts';
import { writeSnapshot } from '../../node-core/runtime/snapshot-write.ts';
import { signerOf } from '../simulation/fixture.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { crypto, MadeChain, stillClock } from './made-chain.ts';

let chain: MadeChain;
let original: ReadonlyMap<string, Uint8Array>;

beforeAll(async () => {
  chain = await MadeChain.open('files-check');
  await chain.grow(258, 2);
  await writeSnapshot({ crypto, store: chain.store, blobs: chain.blobs, clock: stillClock }, 2);
  await chain.grow(3, 2);
  const target = new MemoryBlobs();
  await copyFiles({ crypto, source: chain.publication(), target });
  original = new Map(target.files);
});

function copy(): MemoryBlobs {
  const blobs = new MemoryBlobs();
  for (const [path, bytes] of original) blobs.files.set(path, bytes);
  return blobs;
}

const check = (files: MemoryBlobs, more: Partial<FilesCheckParts> = {}) =>
  checkFiles({ crypto, files, paths: [...files.files.keys()], genesisHash: chain.members.genesis.hash, ...more });

/** Paths that are named as wrong, each once. */
async function named(files: MemoryBlobs, more: Partial<FilesCheckParts> = {}): Promise<string[]> {
  const { wrong } = await check(files, more);
  return [...new Set(wrong.map(({ path }) => path))];
}

it('a whole copy holds: blocks, log, checkpoint and snapshot', async () => {
  expect([...original.keys()].sort()).toEqual(
    expect.arrayContaining([
      'anchor.cbor',
      'blocks/000',
      'blocks/001.p/5',
      'checkpoint',
      'snapshots/258',
      'tile/1/000.p/2',
    ]),
  );
  const executed: number[] = [];
  const execute = async ({ header }: { readonly header: { readonly height: number } }) => {
    executed.push(header.height);
    return null;
  };
  const checked = await check(copy(), { execute });
  expect(checked.wrong).toEqual([]);
  expect(checked).toMatchObject({ height: 261, logSize: chain.store.frontier.size, snapshots: [258] });
  expect(checked.transactions).toBe(2 + 260 * 2);
  expect(checked.checkpointKey).toEqual(noteKeyOf(chain.members.genesis.hash, chain.noteKey.publicKey));
  expect(executed).toEqual(Array.from({ length: 261 }, (_, i) => i + 1));
});

describe('one byte changed', () => {
  it('in every file: that file is named', async () => {
    for (const [path, bytes] of original) {
      for (const at of new Set([0, bytes.length - 1])) {
        const files = copy();
        const changed = bytes.slice();
        changed[at]! ^= 1;
        files.files.set(path, changed);
        expect(await named(files), `${path} at ${at}`).toContain(path);
      }
    }
  }, 120_000);

  it('anywhere: the file is named', async () => {
    const paths = [...original.keys()];
    const place = fc.record({ path: fc.constantFrom(...paths), at: fc.nat(), bit: fc.nat({ max: 7 }) });
    await fc.assert(
      fc.asyncProperty(place, async ({ path, at, bit }) => {
        const files = copy();
        const changed = original.get(path)!.slice();
        changed[at % changed.length]! ^= 1 << bit;
        files.files.set(path, changed);
        expect(await named(files), `${path} at ${at % changed.length}`).toContain(path);
      }),
      { numRuns: 30 },
    );
  }, 120_000);

  it.each([CHECKPOINT_PATH, CHECKPOINT_KEY_PATH, 'snapshots/index'])(
    'at each place of %s',
    async (path) => {
      // The blocks are right, and take most of the time: one walk for all places would not be the real one.
      const bytes = original.get(path)!;
      for (let at = 0; at < bytes.length; at += 1 + (bytes.length >> 4)) {
        const files = copy();
        const changed = bytes.slice();
        changed[at]! ^= 0x20;
        files.files.set(path, changed);
        expect(await named(files), `${path} at ${at}`).toContain(path);
      }
    },
    120_000,
  );
});

describe('every file', () => {
  it('missing is named', async () => {
    for (const path of original.keys()) {
      // Which of the two is missing, or that both should be, nothing can say.
      const files = copy();
      files.files.delete(path);
      const wrong = await named(files);
      if (path !== 'snapshots/index') expect(wrong, path).toContain(path);
      else expect(wrong).toContain('snapshots/258');
    }
  }, 120_000);

  it('cut short or longer is named', async () => {
    for (const [path, bytes] of original) {
      for (const changed of [bytes.slice(0, -1), new Uint8Array([...bytes, 0]), new Uint8Array(0)]) {
        const files = copy();
        files.files.set(path, changed);
        expect(await named(files), `${path} of ${changed.length} bytes`).toContain(path);
      }
    }
  }, 120_000);
});

it.each(['README', 'blocks/002', 'tile/0/009', 'blocks/000.p/9', 'state/00', '.hidden', 'snapshots/7'])(
  'a file too many, %s, is named',
  async (path) => {
    const files = copy();
    files.files.set(path, utf8('something'));
    expect(await named(files)).toContain(path);
  },
);

it('another chain: by its genesis, and file by file where it was mixed in', async () => {
  const other = await MadeChain.open('another chain');
  await other.grow(261, 2);
  const target = new MemoryBlobs();
  await copyFiles({ crypto, source: other.publication(), target });
  expect(await named(target)).toEqual(['genesis.cbor']);
  for (const [path, bytes] of target.files) {
    if (!original.has(path)) continue;
    const files = copy();
    files.files.set(path, bytes);
    expect(await named(files), path).toContain(path);
  }
}, 60_000);

describe('what its maker could have put there', () => {
  it('an older anchor of the same chain does not fit the rest', async () => {
    const younger = await MadeChain.open('files-check');
    await younger.grow(258, 2);
    const files = copy();
    const older = (await younger.publication().read(ANCHOR_PATH))!;
    expect(decodeAnchorFile(older).header).not.toEqual(decodeAnchorFile(original.get(ANCHOR_PATH)!).header);
    files.files.set(ANCHOR_PATH, older);
    expect(await named(files)).toContain('blocks/001.p/5');
  });

  it('a certificate of the anchor with one signature less', async () => {
    const anchor = decodeAnchorFile(original.get(ANCHOR_PATH)!);
    const [round, signatures] = anchor.certificate;
    const files = copy();
    files.files.set(ANCHOR_PATH, encodeAnchorFile({ ...anchor, certificate: [round, signatures.slice(1)] }));
    expect(await named(files)).toEqual([ANCHOR_PATH]);
  });

  it('a checkpoint by another key, with the key beside it: it holds, but not for who knows the key', async () => {
    const { hash } = chain.members.genesis;
    const other = chain.members.operator;
    const key = noteKeyOf(hash, other.publicKey);
    const { checkpoint, note } = decodeCheckpoint(original.get(CHECKPOINT_PATH)!);
    const files = copy();
    files.files.set(CHECKPOINT_PATH, await signCheckpoint(crypto, checkpoint, key, signerOf(other).sign));
    expect(await named(files)).toEqual([CHECKPOINT_PATH]);
    files.files.set(CHECKPOINT_KEY_PATH, utf8(`${encodeNoteKey(crypto, key)}\n`));
    expect(await named(files)).toEqual([]);
    expect(await named(files, { noteKey: key })).toEqual([]);
    const known = noteKeyOf(hash, chain.noteKey.publicKey);
    expect(await named(files, { noteKey: known })).toEqual([CHECKPOINT_KEY_PATH]);
    expect(await named(copy(), { noteKey: known })).toEqual([]);
    const double = copy();
    double.files.set(CHECKPOINT_PATH, encodeNote({ ...note, signatures: [...note.signatures, ...note.signatures] }));
    expect(await named(double)).toEqual([CHECKPOINT_PATH]);
  });

  it('a block that does not execute to its own header', async () => {
    const execute = async ({ header }: { readonly header: { readonly height: number } }) =>
      header.height === 257 ? 'has another state' : null;
    expect((await check(copy(), { execute })).wrong).toEqual([
      { path: 'blocks/001.p/5', what: 'block 257 has another state' },
    ]);
  });
});

describe('copying', () => {
  it('goes on where it was broken off, and follows the chain', async () => {
    const grown = await MadeChain.open('copying');
    await grown.grow(250, 2);
    const target = new MemoryBlobs();
    const source = grown.publication();
    const reads: string[] = [];
    const failing = {
      read: async (path: string, options?: object) => {
        reads.push(path);
        if (reads.filter((read) => read.startsWith('tile/entries')).length === 2) throw new Error('broken off');
        return source.read(path, options);
      },
    };
    await expect(copyFiles({ crypto, source: failing, target })).rejects.toThrow('broken off');
    // Without an anchor nobody takes it for a chain.
    expect(target.files.has(ANCHOR_PATH)).toBe(false);
    const there = target.files.size;
    expect(there).toBeGreaterThan(2);
    const copied = await copyFiles({ crypto, source, target });
    expect(copied.copied).toBe(copied.files - there);
    await grown.grow(20, 2);
    await copyFiles({ crypto, source: grown.publication(), target });
    expect([...target.files.keys()].filter((path) => path.startsWith('blocks'))).toEqual([...segmentPaths(270)]);
    const checked = await checkFiles({
      ...{ crypto, files: target, paths: [...target.files.keys()], genesisHash: grown.members.genesis.hash },
    });
    expect(checked).toMatchObject({ height: 270, wrong: [] });
  });

  it('names what the source lacks', async () => {
    const files = copy();
    files.files.delete('tile/0/001');
    await expect(copyFiles({ crypto, source: files, target: new MemoryBlobs() })).rejects.toThrow(/tile\/0\/001/);
    files.files.delete(ANCHOR_PATH);
    await expect(copyFiles({ crypto, source: files, target: new MemoryBlobs() })).rejects.toThrow(/anchor\.cbor/);
  });
});
