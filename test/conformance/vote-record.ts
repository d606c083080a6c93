import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../node-core/codec/bytes.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import type { VoteRecord, VoteRecordPosition } from '../../node-core/ports/vote-record.ts';

/** One record that was never written, and as many holders of it as a test asks for. */
export interface VoteRecordHarness {
  /** A new holder of the same record, not opened yet; allowed to create it. */
  holder(): VoteRecord;
  /** A new holder of the same record that was not told that this is the first start. */
  returning(): VoteRecord;
  cleanup(): Promise<void>;
}

/** What every VoteRecord must do; see node-core/ports/vote-record.ts, whose sentences the tests follow. */
export function describeVoteRecord(name: string, make: () => Promise<VoteRecordHarness>): void {
  describe(`vote record: ${name}`, () => {
    let harness: VoteRecordHarness;
    beforeEach(async () => {
      harness = await make();
    });
    afterEach(() => harness.cleanup());

    describeOneHolder(() => harness);
    describeRefusals(() => harness);
    describeSeveralHolders(() => harness);
  });
}

function describeOneHolder(harness: () => VoteRecordHarness): void {
  it('starts at version 0 of an epoch above 0, without bytes', async () => {
    const record = harness().holder();
    const { position, bytes } = await record.open();
    expect(position.epoch).toBeGreaterThan(0);
    expect([position.version, bytes]).toEqual([0, null]);
    expect(await record.read()).toEqual({ position, bytes: null });
  });

  it('replaces the bytes and moves to the next version of the same epoch', async () => {
    const record = harness().holder();
    const { position } = await record.open();
    let at: VoteRecordPosition = position;
    for (const text of ['first', '', 'third']) {
      const next = taken(await record.compareAndSwap(at, utf8(text)));
      expect(next).toEqual({ epoch: at.epoch, version: at.version + 1 });
      expect(await record.read()).toEqual({ position: next, bytes: utf8(text) });
      at = next;
    }
  });

  it('keeps records from none to 64 KiB over a reopening, in a greater epoch', async () => {
    for (const size of [0, 1, 2_000, 5_000, 65_536]) {
      const [writer, reader] = [harness().holder(), harness().returning()];
      const { position } = await writer.open();
      await writer.compareAndSwap(position, new Uint8Array(size).fill(size & 0xff));
      await writer.close();
      const reopened = await reader.open();
      expect(reopened.position.epoch).toBeGreaterThan(position.epoch);
      expect(reopened.position.version).toBe(0);
      expect(reopened.bytes).toEqual(new Uint8Array(size).fill(size & 0xff));
      await reader.close();
    }
  });

  it('loses at any other position than the stored one, and changes nothing', async () => {
    const record = harness().holder();
    const { position } = await record.open();
    const at = taken(await record.compareAndSwap(position, utf8('kept')));
    for (const wrong of [
      position,
      { epoch: at.epoch, version: at.version + 1 },
      { epoch: at.epoch + 1, version: at.version },
      { epoch: at.epoch - 1, version: at.version },
    ]) {
      expect(await record.compareAndSwap(wrong, utf8('wrong'))).toBe('lost');
    }
    expect(await record.read()).toEqual({ position: at, bytes: utf8('kept') });
  });

  it('keeps no reference to the bytes of the caller, and gives out bytes that are the caller’s', async () => {
    const record = harness().holder();
    const { position } = await record.open();
    const bytes = utf8('vote');
    const swapped = record.compareAndSwap(position, bytes);
    bytes.fill(0);
    await swapped;
    (await record.read()).bytes!.fill(0);
    expect((await record.read()).bytes).toEqual(utf8('vote'));
  });
}

function describeRefusals(harness: () => VoteRecordHarness): void {
  it('refuses a missing record with "corrupt" unless it is the first start', async () => {
    await expect(harness().returning().open()).rejects.toSatisfy(isStoreError('corrupt'));
    // The refusal must not itself count as a first start.
    await expect(harness().returning().open()).rejects.toSatisfy(isStoreError('corrupt'));
    await harness().holder().open();
    await harness().returning().open();
  });

  it('refuses everything with "closed" before it is opened and after it is closed', async () => {
    const record = harness().holder();
    const position = { epoch: 1, version: 0 };
    await expect(record.read()).rejects.toSatisfy(isStoreError('closed'));
    await expect(record.compareAndSwap(position, utf8('x'))).rejects.toSatisfy(isStoreError('closed'));
    await record.open();
    await record.close();
    await record.close();
    await expect(record.read()).rejects.toSatisfy(isStoreError('closed'));
    await expect(record.compareAndSwap(position, utf8('x'))).rejects.toSatisfy(isStoreError('closed'));
  });
}

function describeSeveralHolders(harness: () => VoteRecordHarness): void {
  it('lets one of two calls from the same position win', async () => {
    const record = harness().holder();
    const { position } = await record.open();
    const results = await Promise.all([
      record.compareAndSwap(position, utf8('a')),
      record.compareAndSwap(position, utf8('b')),
    ]);
    expect(results.filter((result) => result === 'lost')).toHaveLength(1);
    expect((await record.read()).bytes).toEqual(results[0] === 'lost' ? utf8('b') : utf8('a'));
  });

  it('gives every opening an epoch above all before, also when several open at once', async () => {
    const opened = await Promise.all(Array.from({ length: 5 }, () => harness().holder().open()));
    const epochs = opened.map(({ position }) => position.epoch);
    expect(new Set(epochs).size).toBe(5);
    const { position } = await harness().holder().open();
    expect(position.epoch).toBeGreaterThan(Math.max(...epochs));
  });

  it('makes the older holder lose from the moment the newer one has opened', async () => {
    const [older, newer] = [harness().holder(), harness().holder()];
    const first = await older.open();
    const at = taken(await older.compareAndSwap(first.position, utf8('of the older')));
    const second = await newer.open();
    expect(second.bytes).toEqual(utf8('of the older'));
    expect(await older.compareAndSwap(at, utf8('too late'))).toBe('lost');
    const next = taken(await newer.compareAndSwap(second.position, utf8('of the newer')));
    expect(await older.compareAndSwap(at, utf8('too late'))).toBe('lost');
    expect(await older.read()).toEqual({ position: next, bytes: utf8('of the newer') });
  });

  it('shows each holder what the other wrote, without a reopening', async () => {
    const [writer, reader] = [harness().holder(), harness().holder()];
    await reader.open();
    let { position } = await writer.open();
    for (let n = 0; n < 20; n++) {
      position = taken(await writer.compareAndSwap(position, utf8(`vote ${n}`)));
      expect(await reader.read()).toEqual({ position, bytes: utf8(`vote ${n}`) });
    }
  });
}

function taken(result: VoteRecordPosition | 'lost'): VoteRecordPosition {
  expect(result).not.toBe('lost');
  return result as VoteRecordPosition;
}

function isStoreError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && error.code === code;
}
