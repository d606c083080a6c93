/** Pages that were read do not pile up as memory of the process, and nobody sees the map being renewed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { uint64 } from '../../node-core/codec/bytes.ts';
import type { KeyValueStore } from '../../node-core/ports/key-value-store.ts';
import { MappedBound, mappedBytes } from './mapped.ts';
import { openLmdbStore } from './store.ts';

const MB = 1 << 20;
const folders: string[] = [];
const stores: KeyValueStore[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** 64 MB in values of 16 kB. */
async function filled(maxMappedBytes: number): Promise<KeyValueStore> {
  const folder = mkdtempSync(join(tmpdir(), 'brop-mapped-'));
  folders.push(folder);
  const store = await openLmdbStore({ folder, maxMappedBytes });
  stores.push(store);
  for (let part = 0; part < 8; part++) {
    const rows = Array.from({ length: 512 }, (_, i) => uint64(part * 512 + i));
    await store.write(rows.map((key) => ({ key, value: new Uint8Array(16_000).fill(key[7]!) })));
  }
  return store;
}

function readAll(store: KeyValueStore): number {
  let most = 0;
  for (let i = 0; i < 4_096; i++) {
    expect(store.get(uint64(i))![15_999]).toBe(i % 256);
    most = Math.max(most, mappedBytes());
  }
  return most;
}

describe.skipIf(mappedBytes() === 0)('what is mapped', () => {
  it('stays bounded while the whole file is read, and while it is read as a range', async () => {
    const store = await filled(4 * MB);
    const before = mappedBytes();
    expect(readAll(store) - before).toBeLessThan(28 * MB);
    let rows = 0;
    for (const { value } of store.range(uint64(0), uint64(4_096))) rows += value.length === 16_000 ? 1 : 0;
    expect(rows).toBe(4_096);
    expect(mappedBytes() - before).toBeLessThan(28 * MB);
  });

  it('is left alone without a bound: the test above measures what it says', async () => {
    const store = await filled(1_000 * MB);
    const before = mappedBytes();
    expect(readAll(store) - before).toBeGreaterThan(50 * MB);
  });

  it('is not given up under a view, nor under a write that is on its way', async () => {
    const store = await filled(1 * MB);
    const view = store.snapshot();
    const writing = store.write([{ key: uint64(0), value: new Uint8Array(1) }]);
    for (let i = 1; i < 4_096; i++) store.get(uint64(i));
    await writing;
    expect(view.get(uint64(0))).toHaveLength(16_000);
    view.close();
    for (let i = 1; i < 4_096; i++) store.get(uint64(i));
    expect(store.get(uint64(0))).toHaveLength(1);
    await store.write([{ key: uint64(1), value: null }]);
    expect(store.get(uint64(1))).toBeUndefined();
  });
});

describe('the bound', () => {
  it('counts from what was mapped when the store was opened, or renewed', () => {
    let now = 100;
    const bound = new MappedBound(10, () => now);
    now = 110;
    expect(bound.isExceeded).toBe(false);
    now = 111;
    expect(bound.isExceeded).toBe(true);
    bound.renewed();
    expect(bound.isExceeded).toBe(false);
  });

  it('is looked at once in 256 reads', () => {
    const bound = new MappedBound(10, () => 0);
    expect(Array.from({ length: 512 }, () => bound.read()).filter(Boolean)).toHaveLength(2);
    expect(bound.read(300)).toBe(true);
  });
});
