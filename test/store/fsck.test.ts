import { beforeAll, describe, expect, test } from 'vitest';
import type { Genesis } from '../../node-core/chain/genesis.ts';
import { concat, toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { type FsckReport, fsck } from '../../node-core/runtime/fsck.ts';
import { seeded } from '../conformance/seeded.ts';
import { MadeChain } from '../files/made-chain.ts';
import { cachedCrypto } from '../simulation/cached-crypto.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { MemoryStore } from '../simulation/memory-store.ts';

const crypto = cachedCrypto();
const EVERYTHING = [new Uint8Array(0), Uint8Array.of(0xff)] as const;
/** What is not of the chain: a vote is not, and these are checked when they are used. */
const NOT_OF_THE_CHAIN = 'de';

let kv: MemoryStore;
let blobs: MemoryBlobs;
let genesis: Genesis;
beforeAll(async () => {
  kv = new MemoryStore();
  blobs = new MemoryBlobs();
  const chain = await MadeChain.open('fsck', { kv, blobs });
  await chain.grow(262, 2);
  await chain.store.flush();
  await chain.store.blocks.sealNext(chain.store.flushedHeight, async () => {});
  await chain.grow(2, 3);
  await chain.store.flush();
  genesis = chain.members.genesis;
}, 120_000);

const check = (store = kv, files = blobs): Promise<FsckReport> =>
  fsck({ crypto, kv: store, blobs: files, genesis, progress: () => {} });

/** The store with one bit of one value turned. */
async function damaged(key: Uint8Array, at: number, bit: number): Promise<MemoryStore> {
  const copy = new MemoryStore();
  await copy.write([...kv.range(...EVERYTHING)]);
  const value = copy.get(key)!.slice();
  value[at]! ^= bit;
  await copy.write([{ key, value }]);
  return copy;
}

describe('a store', () => {
  test('that is whole', async () => {
    const report = await check();
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ height: 264, firstHeight: 1, blocks: 264 });
    expect(report.entries).toBeGreaterThan(500);
  }, 60_000);

  test('of another chain', async () => {
    const other = (await MadeChain.open('another')).members.genesis;
    await expect(fsck({ crypto, kv, blobs, genesis: other, progress: () => {} })).rejects.toMatchObject({
      code: 'STORE_OTHER_CHAIN',
    });
  });

  test('without a chain', async () => {
    expect((await check(new MemoryStore())).findings).toContain('genesis: there is none in the store');
  });
});

describe('one bit', () => {
  test('of any value in the store is found, whichever row it is in', async () => {
    const random = seeded(5);
    const rows = [...kv.range(...EVERYTHING)].filter(
      ({ key, value }) => value.length > 0 && !NOT_OF_THE_CHAIN.includes(String.fromCharCode(key[0]!)),
    );
    const kinds = [...new Set(rows.map(({ key }) => String.fromCharCode(key[0]!)))];
    expect(kinds.join('')).toBe('abcghklnpqs');
    for (const kind of kinds) {
      const of = rows.filter(({ key }) => key[0] === kind.charCodeAt(0));
      for (let draw = 0; draw < 4; draw++) {
        const { key, value } = of[random(of.length)]!;
        const [at, bit] = [random(value.length), 1 << random(8)];
        const { findings } = await check(await damaged(key, at, bit));
        expect(findings, `bit ${bit} of byte ${at} of row ${kind} ${toHex(key)}`).not.toEqual([]);
      }
    }
  }, 300_000);

  test('of a sealed segment is found, and the segment named', async () => {
    const random = seeded(6);
    const file = blobs.files.get('blocks/000')!;
    for (let draw = 0; draw < 12; draw++) {
      const flipped = file.slice();
      const at = random(draw < 4 ? 2_000 : file.length);
      flipped[at]! ^= 1 << random(8);
      const { findings } = await check(kv, new MemoryBlobs(new Map([['blocks/000', flipped]])));
      expect(findings.join('\n'), `byte ${at}`).toContain('blocks/000');
    }
  }, 120_000);
});

describe('what is wrong is named', () => {
  const found = async (store: MemoryStore, files = blobs) => (await check(store, files)).findings;
  const rowOf = (letter: string, matches: (value: Uint8Array) => boolean = () => true) =>
    [...kv.range(Uint8Array.of(letter.charCodeAt(0)), Uint8Array.of(letter.charCodeAt(0) + 1))].find(({ value }) =>
      matches(value),
    )!;

  test('a block', async () => {
    const { key } = rowOf('b');
    expect(await found(await damaged(key, 40, 1))).toContain(
      'The store does not agree with its own hashes. the store: block 257 is not as it was verified',
    );
  });

  test('a page of the state tree', async () => {
    const page = rowOf('p', (value) => value.length > 200);
    expect((await found(await damaged(page.key, 20, 1)))[0]).toMatch(/^page .* of the state tree: /);
  });

  test('a hash within a page, from which nothing but proofs follows', async () => {
    const { key, value } = rowOf('p', ({ length }) => length > 400);
    expect(await found(await damaged(key, value.length - 1, 1))).toEqual([
      expect.stringMatching(/^page .* of the state tree: its hashes do not follow from its slots$/),
    ]);
  });

  test('a state entry', async () => {
    const { key, value } = rowOf('s');
    expect(await found(await damaged(key, value.length - 1, 1))).toContainEqual(
      expect.stringMatching(`^state entry ${toHex(key.subarray(1))}: has another value than the tree says`),
    );
  });

  test('a tile of the log', async () => {
    const { key } = rowOf('l');
    expect(await found(await damaged(key, 33, 1))).toContain('tile/0/000: does not hold leaf 1');
  });

  test('a place row that no block confirms', async () => {
    const copy = new MemoryStore();
    await copy.write([...kv.range(...EVERYTHING)]);
    await copy.write([{ key: concat(utf8('t'), new Uint8Array(31).fill(7)), value: Uint8Array.of(5) }]);
    expect(await found(copy)).toContain(`place of the transaction ${'07'.repeat(31)}: it is not in block 5`);
  });

  test('files that are missing and files that are too many, and all of it at once', async () => {
    const files = new MemoryBlobs(new Map([['blocks/007', Uint8Array.of(1)]]));
    const { key } = rowOf('a');
    const findings = await found(await damaged(key, 0, 1), files);
    expect(findings).toContain('blocks/000: is missing');
    expect(findings).toContain('blocks/007: is not wanted here');
    expect(findings.some((line) => line.startsWith('account record '))).toBe(true);
  });
});
