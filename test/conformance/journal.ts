import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../node-core/codec/bytes.ts';
import type { Journal } from '../../node-core/ports/journal.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';

export interface JournalHarness {
  readonly journal: Journal;
  /** Opens the same journal again, as another process does. */
  reopen(): Journal;
  cleanup(): Promise<void>;
}

/** What every Journal must do; see node-core/ports/journal.ts, whose sentences the tests follow. */
export function describeJournal(name: string, make: () => Promise<JournalHarness>): void {
  describe(`journal: ${name}`, () => {
    let harness: JournalHarness;
    beforeEach(async () => {
      harness = await make();
    });
    afterEach(() => harness.cleanup());
    describeRows(() => harness);
    describeForgetting(() => harness);
  });
}

const rowsOf = async (journal: Journal, height: number) =>
  Object.fromEntries([...(await journal.read(height))].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));

function describeRows(harness: () => JournalHarness): void {
  it('gives back what was put at a height, by name, and to who opens it later', async () => {
    const { journal, reopen } = harness();
    await journal.put(7, 'proposal/1', utf8('one'));
    await journal.put(7, 'block', utf8('block'));
    await journal.put(8, 'block', utf8('other'));
    for (const reader of [journal, reopen()]) {
      expect(await rowsOf(reader, 7)).toEqual({ block: 'block', 'proposal/1': 'one' });
      expect(await rowsOf(reader, 8)).toEqual({ block: 'other' });
      expect(await rowsOf(reader, 9)).toEqual({});
    }
  });

  it('replaces a row whole, whether it gets longer or shorter', async () => {
    const { journal } = harness();
    for (const size of [0, 10, 3_000_000, 500_000, 5]) {
      const bytes = new Uint8Array(size).map((_, i) => (i * 31 + size) & 0xff);
      await journal.put(1, 'row', bytes);
      const rows = await journal.read(1);
      expect([...rows.keys()]).toEqual(['row']);
      expect(Buffer.compare(rows.get('row')!, bytes), `${size} bytes`).toBe(0);
    }
  });

  it('keeps no reference to the bytes of the caller, and gives out bytes that are the caller’s', async () => {
    const { journal } = harness();
    const bytes = utf8('kept');
    const put = journal.put(1, 'row', bytes);
    bytes.fill(0);
    await put;
    (await journal.read(1)).get('row')!.fill(0);
    expect(await rowsOf(journal, 1)).toEqual({ row: 'kept' });
  });

  it('removes what is there and what is not', async () => {
    const { journal } = harness();
    await journal.put(1, 'a', utf8('a'));
    await journal.put(1, 'ab', new Uint8Array(900_000));
    await journal.remove(1, ['a', 'c']);
    expect([...(await journal.read(1)).keys()]).toEqual(['ab']);
    await journal.remove(2, ['a']);
  });

  it.each(['', 'A', 'a b', 'a#b', 'ä', 'a'.repeat(101)])('refuses the name %j', async (name) => {
    await expect(harness().journal.put(1, name, utf8('x'))).rejects.toThrow(RangeError);
  });

  it('refuses everything with "closed" after it is closed', async () => {
    const { journal } = harness();
    await journal.close();
    await journal.close();
    const isClosed = (error: unknown) => error instanceof StoreError && error.code === 'closed';
    for (const use of [journal.put(1, 'a', utf8('x')), journal.read(1), journal.remove(1, ['a']), journal.forget(1)])
      await expect(use).rejects.toSatisfy(isClosed);
    await expect(journal.isUsed()).rejects.toSatisfy(isClosed);
  });
}

function describeForgetting(harness: () => JournalHarness): void {
  it('forgets all rows up to a height, for whoever opens it, and writes there no more', async () => {
    const { journal, reopen } = harness();
    for (let height = 5; height <= 12; height++) {
      await journal.put(height, 'block', utf8(`block ${height}`));
      await journal.put(height, 'proposal/1', new Uint8Array(height === 9 ? 900_000 : 3));
    }
    await journal.forget(10);
    await journal.forget(8);
    for (const reader of [journal, reopen()]) {
      for (let height = 5; height <= 10; height++) expect(await rowsOf(reader, height), `${height}`).toEqual({});
      expect(Object.keys(await rowsOf(reader, 11))).toEqual(['block', 'proposal/1']);
      await reader.put(10, 'block', utf8('again'));
      expect(await rowsOf(reader, 10)).toEqual({});
    }
    await reopen().forget(11);
    expect(await rowsOf(journal, 11)).toEqual({});
    expect(Object.keys(await rowsOf(journal, 12))).toEqual(['block', 'proposal/1']);
  });

  it('gives up forgetting between two heights when it is told to, and goes on the next time', async () => {
    const { journal, reopen } = harness();
    for (let height = 1; height <= 5; height++) await journal.put(height, 'block', utf8(`block ${height}`));
    let heights = 2;
    await journal.forget(5, () => heights-- > 0);
    expect([await rowsOf(journal, 2), await rowsOf(journal, 3)]).toEqual([{}, { block: 'block 3' }]);
    await reopen().forget(4);
    expect(await rowsOf(journal, 4)).toEqual({});
    expect(await rowsOf(journal, 5)).toEqual({ block: 'block 5' });
  });

  it('is used from the first row on, also when that was forgotten', async () => {
    const { journal, reopen } = harness();
    await journal.forget(3);
    expect(await journal.isUsed()).toBe(false);
    await journal.put(4, 'a', utf8('x'));
    expect([await journal.isUsed(), await reopen().isUsed()]).toEqual([true, true]);
    await journal.forget(4);
    expect([await journal.isUsed(), await reopen().isUsed()]).toEqual([true, true]);
  });
}
