import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../node-core/codec/bytes.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { startChild } from '../../test/conformance/children/child.ts';
import { recordBytes } from '../../test/conformance/children/vote-bytes.ts';
import { seeded } from '../../test/conformance/seeded.ts';
import { decodeRecord, encodeRecord } from './encoding.ts';
import { voteRecordFile } from './vote-record.ts';

const WRITER = new URL('../../test/conformance/children/vote-writer.ts', import.meta.url);
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brop-vote-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const corrupt = (pattern: RegExp) =>
  expect.toSatisfy((e: unknown) => e instanceof StoreError && e.code === 'corrupt' && pattern.test(e.message));
const swaps = (lines: readonly string[]) => lines.filter((line) => /^\d+ \d+$/.test(line));

describe('between processes', () => {
  it('lets the process that opens later take over: the older one loses, and stops', async () => {
    const older = startChild(WRITER, folder, 'stop');
    await older.line((line) => line === '1 20');
    const newer = startChild(WRITER, folder, 'stop');
    await older.line((line) => line === 'lost');
    await newer.line((line) => line === '2 20');
    await newer.end();
    expect(swaps(older.lines).every((line) => line.startsWith('1 '))).toBe(true);
    expect(swaps(newer.lines)[0]).toBe('2 1');
  });

  it('never lets two processes that fight over the record take the same position (2 s)', async () => {
    const children = [startChild(WRITER, folder, 'again'), startChild(WRITER, folder, 'again')];
    await Promise.all(children.map((child) => child.line((line) => line.startsWith('open'))));
    await sleep(2_000);
    // Killed at any point, also inside a transaction, the one must not hold up the other.
    await children[0]!.end();
    const before = swaps(children[1]!.lines).length;
    await children[1]!.line(() => swaps(children[1]!.lines).length > before + 20);
    await children[1]!.end();
    const [first, second] = children.map((child) => child.lines.filter((line) => line !== 'lost'));
    const all = [...first!, ...second!];
    expect(new Set(all).size, 'an epoch was opened, or a position taken, twice').toBe(all.length);
    expect(
      children.map((child) => child.lines.includes('lost')),
      'both lose now and then',
    ).toEqual([true, true]);
    expect(children.map((child) => child.errors())).toEqual(['', '']);
  });

  it('keeps what it acknowledged, whole, over 15 kills', async () => {
    const random = seeded(4);
    for (let kill = 1; kill <= 15; kill++) {
      const child = startChild(WRITER, folder, 'stop');
      await child.line((line) => /^\d+ 3$/.test(line));
      await sleep(random(60));
      await child.end();
      const [epoch, version] = swaps(child.lines).at(-1)!.split(' ').map(Number) as [number, number];
      const record = voteRecordFile({ folder });
      const { bytes } = await record.open();
      await record.close();
      const found = [version, version + 1].filter((v) => Buffer.compare(bytes!, recordBytes(epoch, v)) === 0);
      expect(found, `kill ${kill}: ${epoch} ${version} was acknowledged`).toHaveLength(1);
    }
  }, 60_000);
});

describe('damage', () => {
  beforeEach(async () => {
    const record = voteRecordFile({ folder, create: true });
    const { position } = await record.open();
    await record.compareAndSwap(position, recordBytes(1, 1));
    await record.close();
  });

  it('refuses a record of which any byte has changed', () => {
    const good = encodeRecord({ position: { epoch: 3, version: 4 }, bytes: utf8('votes') });
    expect(decodeRecord(good, 'here')).toEqual({ position: { epoch: 3, version: 4 }, bytes: utf8('votes') });
    for (let at = 0; at < good.length; at++) {
      const bad = Uint8Array.from(good);
      bad[at]! ^= 1;
      expect(() => decodeRecord(bad, 'here'), `byte ${at}`).toThrow(corrupt(/vote record in here is damaged/));
    }
    for (let length = 0; length < good.length; length++) {
      expect(() => decodeRecord(good.subarray(0, length), 'here'), `${length} bytes`).toThrow(corrupt(/damaged/));
    }
  });

  it('refuses a file in which bytes of the record have changed, even where creation is allowed', async () => {
    const data = join(folder, 'data.mdb');
    const bytes = readFileSync(data);
    bytes[bytes.indexOf(Buffer.from(recordBytes(1, 1).subarray(0, 64))) + 1_000]! ^= 1;
    writeFileSync(data, bytes);
    await expect(voteRecordFile({ folder, create: true }).open()).rejects.toThrow(corrupt(/rejoin with a new key/));
  });

  it('refuses a file that is cut off, empty or gone, even where creation is allowed', async () => {
    const data = join(folder, 'data.mdb');
    copyFileSync(data, `${data}.good`);
    for (const size of [12_000, 8_192, 100, 0]) {
      copyFileSync(`${data}.good`, data);
      truncateSync(data, size);
      await expect(voteRecordFile({ folder, create: true }).open(), `${size} bytes`).rejects.toThrow(
        corrupt(/data\.mdb/),
      );
    }
    rmSync(data);
    await expect(voteRecordFile({ folder, create: true }).open()).rejects.toThrow(corrupt(/missing, but/));
  });
});
