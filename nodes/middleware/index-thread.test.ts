import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterAll, expect, test } from 'vitest';
import type { RecordPage } from '../../node-core/middleware/query/query.ts';
import type { IndexRow } from '../../node-core/ports/index-store.ts';
import { IndexThread } from './index-thread.ts';

const folder = mkdtempSync(join(tmpdir(), 'index-thread-'));
afterAll(() => rmSync(folder, { recursive: true }));

const row = (height: number): IndexRow => ({
  ...{ collection: 'evidence', key: `record ${height}`, height, transaction: 1, row: 0, timeMs: height },
  ...{ sender: 'somebody', nonce: 'n', fields: { subject: 'lot 7' } },
});
const query = { collection: 'evidence', where: ['subject=lot 7'], limit: 10 };

async function keysIn(thread: IndexThread): Promise<string[]> {
  return ((await thread.search(query)) as RecordPage).rows.map(({ key }) => key);
}

test('writes and searches in its thread, and says what is wrong as a store in this one would', async () => {
  const thread = new IndexThread(join(folder, 'one.sqlite'));
  await expect(thread.search(query)).rejects.toMatchObject({ code: 'closed' });
  expect(await thread.open('chain', 0)).toEqual({ from: 0, watermark: -1 });
  expect(await thread.apply([{ height: 0, rows: [row(0)] }])).toEqual({ from: 0, watermark: 0 });
  expect(await keysIn(thread)).toEqual(['record 0']);
  expect(await thread.search({ ...query, where: ['colour=red'] })).toMatchObject({ code: 'FIELD_UNKNOWN' });
  expect(await thread.clear(5)).toEqual({ from: 5, watermark: 4 });
  expect(await keysIn(thread)).toEqual([]);
  await thread.close();
  await expect(thread.search(query)).rejects.toMatchObject({ code: 'closed' });
});

test('a thread that dies takes the calls under way with it, and the next one starts another', async () => {
  const thread = new IndexThread(join(folder, 'two.sqlite'));
  await thread.open('chain', 0);
  await thread.apply([{ height: 0, rows: [row(0)] }]);
  const { worker } = thread as unknown as { readonly worker: Worker };
  // Called before that it might be through already.
  const ended = worker.terminate();
  const lost = thread.apply([{ height: 1, rows: [row(1)] }]);
  await expect(lost).rejects.toMatchObject({ code: 'unavailable' });
  await ended;
  expect(await keysIn(thread)).toContain('record 0');
  expect(await thread.apply([{ height: 1, rows: [row(1)] }])).toMatchObject({ watermark: 1 });
  expect(await keysIn(thread)).toEqual(['record 0', 'record 1']);
  await thread.close();
});

test('a folder that is not there is unavailable, not the end of the process', async () => {
  const thread = new IndexThread(join(folder, 'nowhere', 'index.sqlite'));
  await expect(thread.open('chain', 0)).rejects.toMatchObject({ code: 'unavailable' });
  await thread.close();
});
