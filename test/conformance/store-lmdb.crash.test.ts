import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openLmdbStore } from '../../adapters/store-lmdb/store.ts';
import { startChild } from './children/child.ts';
import { faults, headOf } from './children/numbered-batches.ts';
import { seeded } from './seeded.ts';

const KILLS = 15;

// A kill shows atomicity and order, not durability: what was handed to the kernel survives the death of a process.
// That pages are flushed before a write resolves is shown by strace in adapters/store-lmdb/README.md.
it(`keeps every acknowledged batch whole, and the last one whole or not at all, over ${KILLS} kills`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'brop-crash-'));
  const random = seeded(3);
  let before = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    const child = startChild(new URL('./children/lmdb-writer.ts', import.meta.url), folder);
    await child.line((line) => Number(line) > before);
    await sleep(random(150));
    await child.end();
    const acknowledged = Math.max(...child.lines.map(Number).filter((n) => !Number.isNaN(n)));
    const store = await openLmdbStore({ folder });
    const head = headOf(store);
    expect(head, `kill ${kill}: batch ${acknowledged} was acknowledged`).toBeGreaterThanOrEqual(acknowledged);
    expect(head, `kill ${kill}: more batches than can have been under way`).toBeLessThanOrEqual(acknowledged + 3);
    expect(faults(store, head), `kill ${kill}, batches up to ${head}`).toEqual([]);
    await store.close();
    before = head;
  }
  rmSync(folder, { recursive: true });
}, 120_000);
