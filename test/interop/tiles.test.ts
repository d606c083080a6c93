/** The log as plain files, followed by a Python script from an entry to the signed checkpoint: none of our code. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { noteKeyOf } from '../../node-core/chain/checkpoint.ts';
import { encodeNoteKey } from '../../node-core/chain/signed-note.ts';
import { toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { copyFiles } from '../../node-core/runtime/files-copy.ts';
import { MadeChain } from '../files/made-chain.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { Python } from './python.ts';

let python: Python;
let chain: MadeChain;
let files: ReadonlyMap<string, Uint8Array>;
const folders: string[] = [];

beforeAll(async () => {
  python = new Python();
  chain = await MadeChain.open('tiles in Python');
  // Two tiles of level 0 that are full, a partial one, and a level above.
  await chain.grow(55, 10);
  const target = new MemoryBlobs();
  await copyFiles({ crypto, source: chain.publication(), target });
  files = target.files;
});
afterAll(() => {
  python.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function folder(change: (files: Map<string, Uint8Array>) => void = () => {}): string {
  const changed = new Map(files);
  change(changed);
  const at = mkdtempSync(join(tmpdir(), 'brop-tiles-'));
  folders.push(at);
  for (const [path, bytes] of changed) {
    mkdirSync(dirname(join(at, path)), { recursive: true });
    writeFileSync(join(at, path), bytes);
  }
  return at;
}

const genesis = () => toHex(chain.members.genesis.hash);
const verify = (at: string, index: number, ...more: string[]) =>
  python.run('verify_tiles.py', [at, String(index), '--genesis', genesis(), ...more]);
const flip = (path: string, at: number) => (map: Map<string, Uint8Array>) => {
  const bytes = map.get(path)!.slice();
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  map.set(path, bytes);
};

/** Another character of base64: what is no base64 at all is another fault. */
const otherDigit = (path: string, at: number) => (map: Map<string, Uint8Array>) => {
  const bytes = map.get(path)!.slice();
  const digit = bytes.length + at;
  bytes[digit] = bytes[digit] === 0x41 ? 0x42 : 0x41;
  map.set(path, bytes);
};

it('entries lead through their tiles to the root that is signed', async () => {
  const at = folder();
  const { size } = chain.store.frontier;
  expect(size).toBeGreaterThan(512);
  const digests = new Map<number, string>();
  for (let height = 1; height <= chain.store.height; height++) {
    const { transactions, results } = (await chain.store.block(height))!;
    for (const [i, [, , , index]] of results.entries()) {
      if (index !== null) digests.set(index, toHex(crypto.hash('sha-256', transactions[i]!)));
    }
  }
  for (const index of [1, 2, 255, 256, 511, 512, size - 1]) {
    const { exitCode, output } = await verify(at, index);
    expect(output).toMatchObject({ ok: true, size, height: chain.store.height, entry: digests.get(index) });
    expect(exitCode).toBe(0);
  }
  expect((await verify(at, 0)).output).toMatchObject({ entry: genesis() });
  expect(await verify(at, size)).toMatchObject({ exitCode: 14 });
  const key = noteKeyOf(chain.members.genesis.hash, chain.noteKey.publicKey);
  expect(await verify(at, 7, '--key', python.file(utf8(encodeNoteKey(crypto, key))))).toMatchObject({ exitCode: 0 });
});

it('not when a tile, an entry, the checkpoint or its key is changed', async () => {
  const index = 300;
  const partial = [...files.keys()].find((path) => path.startsWith('tile/0/002.p/'))!;
  const exits = async (change: (map: Map<string, Uint8Array>) => void) =>
    (await verify(folder(change), index)).exitCode;
  // The first 256 entries are one hash of the tile above.
  expect(await exits(flip('tile/0/000', 40))).toBe(0);
  expect((await verify(folder(flip('tile/0/000', 40)), 3)).exitCode).toBe(14);
  expect(await exits(flip('tile/0/001', 32 * 44))).toBe(14);
  expect(await exits(flip(partial, 3))).toBe(14);
  expect(await exits(flip('tile/1/000.p/2', 3))).toBe(14);
  expect(await exits(flip('tile/entries/001', -1))).toBe(0);
  expect(await exits(flip('tile/entries/000', 30))).toBe(11);
  expect((await verify(folder(flip('tile/entries/001', -1)), 511)).exitCode).toBe(14);
  expect(await exits(otherDigit('checkpoint', -10))).toBe(15);
  expect(await exits(flip('checkpoint', 80))).toBe(15);
  expect(await exits(flip('checkpoint.vkey', -10))).toBe(10);
  const other = noteKeyOf(chain.members.genesis.hash, chain.members.operator.publicKey);
  const key = python.file(utf8(encodeNoteKey(crypto, other)));
  expect((await verify(folder(), index, '--key', key)).exitCode).toBe(15);
  expect(await python.run('verify_tiles.py', [folder(), '1', '--genesis', '00'.repeat(32)])).toMatchObject({
    exitCode: 11,
  });
});
