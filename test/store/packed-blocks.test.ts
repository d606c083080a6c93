/** The blocks of a store that really packs its rows, as that of a node does: the same blocks, and damage by its name. */
import { describe, expect, test } from 'vitest';
import { zstdPacking } from '../../adapters/store-lmdb/packing.ts';
import { SEGMENT_HEIGHTS } from '../../node-core/chain/segment.ts';
import { equal } from '../../node-core/codec/bytes.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import type { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { fsck } from '../../node-core/runtime/fsck.ts';
import { KeptBlocks } from '../../node-core/runtime/kept-blocks.ts';
import { bytesOf, crypto, op, partnerBody, World } from '../ledger/world.ts';
import type { MemoryStore } from '../simulation/memory-store.ts';

const nonce = (height: number) => bytesOf(`nonce at ${height}`);

async function sealAll(store: ChainStore): Promise<void> {
  while (await store.blocks.sealNext(store.flushedHeight, async () => {}));
}

describe('a store that packs', () => {
  const [FIRST, AFTER] = [Uint8Array.of('b'.charCodeAt(0)), Uint8Array.of('d'.charCodeAt(0))];
  /** The rows of the blocks: those of `b` first. */
  const packedRows = (kv: MemoryStore) => [...kv.range(FIRST, AFTER)];
  const fill = async (in_: World, heights: number, every = 1) => {
    for (let height = 1; height <= heights; height++) {
      const numbers = height % every === 0 ? [1, 2, 3] : [];
      const admissions = numbers.map((n) =>
        in_.transaction(in_.operator, [op.admit(partnerBody(`p${height}/${n}`))], { nonce: nonce(height * 10 + n) }),
      );
      await in_.block(admissions);
    }
  };

  test('has the same blocks, and seals them as they are packed', async () => {
    const [plain, packing] = await Promise.all([World.open(), World.open({ packing: zstdPacking })]);
    for (const in_ of [plain, packing]) {
      await fill(in_, SEGMENT_HEIGHTS + 2, 32);
      await in_.store.flush();
    }
    const again = await packing.copy();
    for (let height = 1; height <= SEGMENT_HEIGHTS + 2; height++) {
      const row = await plain.store.row(height);
      expect([await packing.store.row(height), await again.store.row(height)], `${height}`).toEqual([row, row]);
    }
    await sealAll(plain.store);
    await sealAll(again.store);
    const [plainFile, packedFile] = [plain, again].map(({ blobs }) => blobs.files.get('blocks/000')!);
    expect(packedFile!.length / plainFile!.length).toBeLessThan(0.95);
    for (let height = 1; height <= SEGMENT_HEIGHTS; height++) {
      expect(again.store.blocks.hasRecent(height)).toBe(false);
      expect(await again.store.row(height), `${height}`).toEqual(await plain.store.row(height));
    }
    const heights: number[] = [];
    for await (const { header } of again.store.blocks.from(1)) heights.push(header.height);
    expect(heights).toHaveLength(SEGMENT_HEIGHTS + 2);
  }, 60_000);

  test('has them in fewer bytes', async () => {
    const sizes: number[] = [];
    for (const in_ of [await World.open(), await World.open({ packing: zstdPacking })]) {
      await fill(in_, 3);
      sizes.push(packedRows(in_.kv).reduce((sum, { value }) => sum + value.length, 0));
    }
    expect(sizes[1]! / sizes[0]!).toBeLessThan(0.8);
  });

  test('the newest block is not unpacked: it is what was written', async () => {
    let unpacked = 0;
    const counting = {
      ...zstdPacking,
      unpack: (packed: Uint8Array) => {
        unpacked += 1;
        return zstdPacking.unpack(packed);
      },
    };
    const in_ = await World.open({ packing: counting });
    await fill(in_, 3);
    const newest = in_.store.blocks.recent(3)!;
    expect([in_.store.recentBlock(3)?.header.height, unpacked]).toEqual([3, 0]);
    expect((await in_.copy()).store.blocks.recent(3)).toEqual(newest);
    unpacked = 0;
    expect([in_.store.recentBlock(2)?.header.height, unpacked]).toEqual([2, 2]);
  });

  test('a block whose write failed is not the newest', async () => {
    const in_ = await World.open({ packing: zstdPacking });
    await fill(in_, 2);
    in_.kv.write = () => Promise.reject(new StoreError('full', 'no room'));
    await expect(fill(in_, 1)).rejects.toThrow('no room');
    expect([in_.store.height, in_.store.blocks.recent(2) !== undefined]).toEqual([2, true]);
    expect(in_.store.blocks.recent(3)).toBeUndefined();
  });

  test('a flipped bit in a row, each third of them, is named or changes nothing, and fsck says it', async () => {
    const in_ = await World.open({ packing: zstdPacking });
    await fill(in_, 3);
    await in_.store.flush();
    const { kv, blobs, genesis } = in_;
    const exact = (await in_.store.row(2))!;
    const reader = new KeptBlocks(crypto, kv, blobs, 0);
    const rowsOf2 = packedRows(kv).filter(({ key }) => key[8] === 2);
    expect(rowsOf2).toHaveLength(2);
    let [named, unseen] = [0, 0];
    for (const { key, value } of rowsOf2) {
      // Three and eight have no common factor: each place in a byte has its turn.
      for (let bit = 0; bit < value.length * 8; bit += 3) {
        const damaged = value.slice();
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        await kv.write([{ key, value: damaged }]);
        const read = await reader.row(2).catch((error: unknown) => error);
        if (Array.isArray(read)) {
          expect([equal(read[0], exact[0]), equal(read[1], exact[1])], `bit ${bit}`).toEqual([true, true]);
          unseen += 1;
          continue;
        }
        named += 1;
        expect(read, `bit ${bit}`).toMatchObject({
          code: 'STORE_CORRUPT',
          message: expect.stringContaining('the store: block 2 is not as it was verified'),
        });
      }
      await kv.write([{ key, value: value.subarray(0, -20) }]);
      const { findings } = await fsck({ crypto, kv, blobs, genesis, progress: () => {} });
      expect(findings.join('\n')).toContain('the store: block 2 is not as it was verified');
      await kv.write([{ key, value }]);
    }
    expect(named).toBeGreaterThan(1_000);
    expect(unseen, 'bits of a frame that say nothing').toBeLessThan(10);
  }, 60_000);

  test('rows that cannot be unpacked: no start from them, in the head or after it', async () => {
    for (const flushed of [true, false]) {
      const in_ = await World.open({ packing: zstdPacking });
      await fill(in_, 3);
      if (flushed) await in_.store.flush();
      const last = packedRows(in_.kv).find(({ key }) => key[8] === 3)!;
      await in_.kv.write([{ key: last.key, value: last.value.subarray(0, -1) }]);
      await expect(in_.copy(), `flushed: ${flushed}`).rejects.toMatchObject({
        code: 'STORE_CORRUPT',
        message: expect.stringContaining('block 3 is not as it was verified'),
      });
    }
  });
});
