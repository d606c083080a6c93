import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compare, concat, toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { type KeyValueStore, type Reads, StoreError, type Write } from '../../node-core/ports/key-value-store.ts';
import { seeded } from './seeded.ts';

/** One empty store of the driver under test, and the ways to close and open it again on the same data. */
export interface KeyValueStoreHarness {
  readonly store: KeyValueStore;
  /** Closes the store and opens its data again. */
  reopen(): Promise<KeyValueStore>;
  /** Simulated drivers: loses, as power loss would, what is not durable, and opens the data again. */
  crash?(): Promise<KeyValueStore>;
  cleanup(): Promise<void>;
}

/** What every KeyValueStore must do; see node-core/ports/key-value-store.ts, whose sentences the tests follow. */
export function describeKeyValueStore(name: string, open: () => Promise<KeyValueStoreHarness>): void {
  describe(`key-value store: ${name}`, () => {
    let harness: KeyValueStoreHarness;
    let store: KeyValueStore;
    beforeEach(async () => {
      harness = await open();
      store = harness.store;
    });
    afterEach(() => harness.cleanup());

    describe('reads', () => describeReads(() => store));
    describe('ranges', () => describeRanges(() => store));
    describe('bounds', () => describeBounds(() => store));
    describe('views', () => describeViews(() => store));
    describe('packing', () => describePacking(() => store));

    it('keeps what was written over a reopening', async () => {
      await store.write([put('a', 'one'), put('b', ''), put('c', 'three')]);
      await store.write([remove('a')]);
      store = await harness.reopen();
      expect(entries(store)).toEqual([
        ['b', ''],
        ['c', 'three'],
      ]);
    });

    it('makes batches durable in the order of the calls, whole or not at all, when it crashes', async (context) => {
      if (harness.crash === undefined) return context.skip('a real process is killed instead: see *.crash.test.ts');
      await crashTwentyTimes(harness.store, harness.crash.bind(harness));
    });

    it('agrees with a sorted map over 300 random batches, ranges and reopenings (seed 1)', async () => {
      const model = new Map<string, Uint8Array>();
      const random = seeded(1);
      for (let step = 0; step < 300; step++) {
        await store.write(randomBatch(random, model));
        if (step % 100 === 99) store = await harness.reopen();
        const [from, to] = [randomKey(random), randomKey(random)];
        const reverse = random(2) === 0;
        const limit = random(3) === 0 ? random(5) : undefined;
        const options = { reverse, ...(limit === undefined ? {} : { limit }) };
        const got = [...store.range(from, to, options)].map(({ key, value }) => [toHex(key), toHex(value)]);
        expect(got, `step ${step}: ${toHex(from)} to ${toHex(to)}, ${JSON.stringify(options)}`).toEqual(
          expected(model, toHex(from), toHex(to), reverse, limit),
        );
      }
    });
  });
}

/** Ten batches at a time are under way when the store crashes, some of them acknowledged. */
async function crashTwentyTimes(store: KeyValueStore, crash: () => Promise<KeyValueStore>): Promise<void> {
  const random = seeded(7);
  for (let round = 0; round < 20; round++) {
    const acknowledged = new Set<number>();
    const first = round * 10;
    for (let n = first; n < first + 10; n++) {
      const batch = [0, 1, 2].map((part) => put(`${String(n).padStart(4, '0')}/${part}`, `value ${n}`));
      store.write(batch).then(
        () => acknowledged.add(n),
        () => {},
      );
      if (random(3) === 0) await Promise.resolve();
    }
    store = await crash();
    const survived = new Map<number, number>();
    for (const [key] of entries(store)) {
      const n = Number.parseInt(key!, 10);
      survived.set(n, (survived.get(n) ?? 0) + 1);
    }
    for (const count of survived.values()) expect(count, `round ${round}`).toBe(3);
    const here = [...survived.keys()].filter((n) => n >= first);
    expect(here, `round ${round}: a batch without the one before it`).toEqual(here.map((_, index) => first + index));
    for (const n of acknowledged) expect(survived.has(n), `acknowledged batch ${n} is lost`).toBe(true);
  }
}

function describeReads(store: () => KeyValueStore): void {
  it('returns undefined for a key that is not there, and tells it from an empty value', async () => {
    await store().write([put('empty', '')]);
    expect(store().get(utf8('absent'))).toBeUndefined();
    expect(store().get(utf8('empty'))).toEqual(new Uint8Array(0));
  });

  it('shows a batch as soon as its write has resolved', async () => {
    expect(read(store(), 'k')).toBeUndefined();
    for (let n = 0; n < 50; n++) {
      await store().write([put('k', `value ${n}`)]);
      expect(read(store(), 'k')).toBe(`value ${n}`);
    }
  });

  it('applies the changes of a batch in order, and ignores deletes of absent keys', async () => {
    await store().write([put('k', 'first'), remove('absent'), put('k', 'second'), put('gone', 'x'), remove('gone')]);
    expect(entries(store())).toEqual([['k', 'second']]);
  });

  it('applies writes that are not awaited in the order of the calls', async () => {
    const writes = Array.from({ length: 30 }, (_, n) => store().write([put('k', `value ${n}`), put(`k${n}`, '')]));
    writes.push(store().write([]));
    await writes.at(-1);
    expect(read(store(), 'k')).toBe('value 29');
    await Promise.all(writes);
  });

  it('keeps no reference to the bytes of the caller', async () => {
    const [key, value] = [utf8('key'), utf8('value')];
    const written = store().write([{ key, value }]);
    key.fill(0x78);
    value.fill(0x78);
    await written;
    expect(entries(store())).toEqual([['key', 'value']]);
  });

  it('returns bytes that later writes, reads and changes by the caller do not touch', async () => {
    const sizes = [0, 1, 200, 5_000, 40_000, 200_000];
    for (const size of sizes) await store().write([{ key: utf8(`s${size}`), value: new Uint8Array(size).fill(1) }]);
    const kept = sizes.map((size) => store().get(utf8(`s${size}`))!);
    const ranged = [...store().range(utf8('s'), utf8('t'))];
    for (const size of sizes) await store().write([{ key: utf8(`s${size}`), value: new Uint8Array(size).fill(2) }]);
    for (const bytes of kept) expect(bytes.every((byte) => byte === 1)).toBe(true);
    for (const { key, value } of ranged)
      expect([value.length, value.every((b) => b === 1)]).toEqual([Number(text(key).slice(1)), true]);
    kept[1]!.fill(9);
    expect(store().get(utf8('s1'))).toEqual(new Uint8Array([2]));
    // A Buffer would share memory in slice() and compare unequal to plain bytes.
    expect(Object.getPrototypeOf(kept[2])).toBe(Uint8Array.prototype);
  });
}

function describeRanges(store: () => KeyValueStore): void {
  const keys = (range: Iterable<{ key: Uint8Array }>): string => [...range].map(({ key }) => text(key)).join(' ');

  beforeEach(() => store().write([put('b', '2'), put('ba', '3'), put('a', '1'), put('c', '4'), put('d', '5')]));

  it('yields ascending bytewise order, from inclusive, to exclusive', () => {
    expect(keys(store().range(utf8('a'), utf8('c')))).toBe('a b ba');
    expect(keys(store().range(utf8('aa'), utf8('cc')))).toBe('b ba c');
  });

  it('yields the same entries backwards when reversed', () => {
    expect(keys(store().range(utf8('a'), utf8('c'), { reverse: true }))).toBe('ba b a');
    expect(keys(store().range(utf8('aa'), utf8('cc'), { reverse: true }))).toBe('c ba b');
  });

  it('stops at the limit, from whichever end it starts', () => {
    expect(keys(store().range(utf8('a'), utf8('z'), { limit: 2 }))).toBe('a b');
    expect(keys(store().range(utf8('a'), utf8('z'), { limit: 2, reverse: true }))).toBe('d c');
    expect(keys(store().range(utf8('a'), utf8('z'), { limit: 0 }))).toBe('');
  });

  it('is empty when to is not above from', () => {
    expect(keys(store().range(utf8('c'), utf8('c')))).toBe('');
    expect(keys(store().range(utf8('d'), utf8('a'), { reverse: true }))).toBe('');
  });

  it('takes an empty lower bound and one longer than any key', () => {
    expect(keys(store().range(new Uint8Array(0), new Uint8Array(512).fill(0xff)))).toBe('a b ba c d');
    expect(keys(store().range(new Uint8Array(0), new Uint8Array(512).fill(0xff), { reverse: true }))).toBe(
      'd c ba b a',
    );
  });

  it('can be left half-way, and run inside another range', () => {
    const seen: string[] = [];
    for (const outer of store().range(utf8('a'), utf8('z'))) {
      for (const inner of store().range(utf8('c'), utf8('z'))) {
        seen.push(text(outer.key) + text(inner.key));
        break;
      }
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(['ac', 'bc']);
  });

  it('can be run twice', () => {
    const range = () => store().range(utf8('a'), utf8('z'));
    expect(keys(range())).toBe(keys(range()));
  });
}

function describeViews(store: () => KeyValueStore): void {
  const closed = expect.toSatisfy((error: unknown) => error instanceof StoreError && error.code === 'closed');
  const seen = (reads: Reads) =>
    [...reads.range(utf8('a'), utf8('z'))].map(({ key, value }) => `${text(key)}=${text(value)}`).join(' ');

  it('shows what was there when it was taken, over later writes and turns of the event loop', async () => {
    await store().write([put('a', '1'), put('b', '1'), put('gone', '1')]);
    const first = store().snapshot();
    await store().write([put('a', '2'), put('c', '2'), remove('gone')]);
    const second = store().snapshot();
    for (let n = 0; n < 20; n++) {
      await store().write([put('b', `n${n}`), put(`d${n}`, '3')]);
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(read(store(), 'b')).toBe(`n${n}`);
      expect(seen(first)).toBe('a=1 b=1 gone=1');
      expect(seen(second)).toBe('a=2 b=1 c=2');
    }
    expect([first.get(utf8('a')), first.get(utf8('c')), second.get(utf8('gone'))].map(shown)).toEqual(['1', '', '']);
    first.close();
    expect(seen(second)).toBe('a=2 b=1 c=2');
    second.close();
    expect(read(store(), 'd19')).toBe('3');
  });

  it('walks a range of many pages on in the view, while entries are overwritten and removed', async () => {
    const all = Array.from({ length: 3_000 }, (_, n) => `k${String(n).padStart(4, '0')}`);
    await store().write(all.map((key) => put(key, 'before')));
    const view = store().snapshot();
    const walked: string[] = [];
    for (const { key, value } of view.range(utf8('k'), utf8('l'))) {
      walked.push(`${text(key)}=${text(value)}`);
      if (walked.length % 500 === 0)
        await store().write(all.map((name, n) => (n % 2 === 0 ? put(name, 'after') : remove(name))));
    }
    expect(walked).toEqual(all.map((key) => `${key}=before`));
    view.close();
  });

  it('refuses with "closed" once it is closed, which may be done again', async () => {
    await store().write([put('a', '1')]);
    const view = store().snapshot();
    const range = view.range(utf8('a'), utf8('z'));
    view.close();
    view.close();
    expect(() => view.get(utf8('a'))).toThrow(closed);
    expect(() => view.range(utf8('a'), utf8('z'))).toThrow(closed);
    expect(() => [...range]).toThrow(closed);
    expect(read(store(), 'a')).toBe('1');
  });

  it('ends with the store, which closes under views that are open', async () => {
    await store().write([put('a', '1')]);
    const [first, second] = [store().snapshot(), store().snapshot()];
    second.range(utf8('a'), utf8('z'))[Symbol.iterator]().next();
    await store().close();
    expect(() => first.get(utf8('a'))).toThrow(closed);
    expect(() => second.get(utf8('a'))).toThrow(closed);
    expect(() => store().snapshot()).toThrow(closed);
    first.close();
  });
}

function describePacking(store: () => KeyValueStore): void {
  const MAX_BYTES = 64 * 1024 * 1024;
  /** Bytes that are alike, as rows are, and bytes that are not. */
  const values = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.integer({ min: 1, max: 2_000 }))
      .map(([part, times]) => concat(...Array.from({ length: times }, () => part))),
  );

  it('gives back what was packed, changes nothing of it, and gives plain bytes', () => {
    const { packing } = store();
    const holds = (value: Uint8Array) => {
      const before = toHex(value);
      const packed = packing.pack(value);
      const packedBefore = toHex(packed);
      expect(toHex(packing.unpack(packed)!)).toBe(before);
      expect([toHex(value), toHex(packed)]).toEqual([before, packedBefore]);
      for (const bytes of [packed, packing.unpack(packed)])
        expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    };
    fc.assert(fc.property(values, holds));
    holds(new Uint8Array(0));
  });

  it('keeps what it gave when it packs and unpacks other bytes', () => {
    const { packing } = store();
    const all = Array.from({ length: 50 }, (_, n) => new Uint8Array(n * 700).fill(n));
    const packed = all.map((value) => packing.pack(value));
    const unpacked = packed.map((bytes) => packing.unpack(bytes)!);
    expect(unpacked.map(toHex)).toEqual(all.map(toHex));
  });

  it('packs in a view as in the store', async () => {
    const view = store().snapshot();
    const value = new Uint8Array(5_000).fill(7);
    expect(toHex(view.packing.pack(value))).toBe(toHex(store().packing.pack(value)));
    expect(toHex(view.packing.unpack(store().packing.pack(value))!)).toBe(toHex(value));
    view.close();
  });

  it('makes null or bytes of what is cut off, damaged or never was packed, and does not throw', () => {
    const { packing } = store();
    const isNullOrBytes = (bytes: Uint8Array) => {
      const unpacked = packing.unpack(bytes);
      expect(unpacked === null || unpacked.length <= MAX_BYTES).toBe(true);
    };
    fc.assert(
      fc.property(values, fc.nat(), fc.nat(), (value, at, bit) => {
        const packed = packing.pack(value);
        isNullOrBytes(value);
        isNullOrBytes(packed.subarray(0, at % (packed.length + 1)));
        const damaged = packed.slice();
        if (damaged.length > 0) damaged[at % damaged.length]! ^= 1 << (bit % 8);
        isNullOrBytes(damaged);
      }),
    );
  });

  it('packs and unpacks 64 MiB, and gives null for what would be longer', () => {
    const { packing } = store();
    const longest = new Uint8Array(MAX_BYTES).fill(5);
    expect(packing.unpack(packing.pack(longest))?.length).toBe(MAX_BYTES);
    expect(packing.unpack(packing.pack(new Uint8Array(MAX_BYTES + 1)))).toBeNull();
  });
}

const shown = (bytes: Uint8Array | undefined) => (bytes === undefined ? '' : text(bytes));

function describeBounds(store: () => KeyValueStore): void {
  it('takes keys of 1 and 511 bytes and values of 0 and 2 MiB', async () => {
    const long = new Uint8Array(511).fill(0xab);
    const big = new Uint8Array(2 * 1024 * 1024).fill(0xcd);
    await store().write([
      { key: new Uint8Array([0]), value: new Uint8Array(0) },
      { key: long, value: big },
    ]);
    expect(store().get(new Uint8Array([0]))).toEqual(new Uint8Array(0));
    const read = store().get(long)!;
    expect(compare(read, big)).toBe(0);
  });

  it.each([0, 512])('refuses a key of %i bytes with RangeError, and changes nothing', async (length) => {
    const batch = [put('before', 'x'), { key: new Uint8Array(length), value: utf8('x') }];
    await expect(store().write(batch)).rejects.toBeInstanceOf(RangeError);
    expect(() => store().get(new Uint8Array(length))).toThrow(RangeError);
    expect(entries(store())).toEqual([]);
    await store().write([put('after', 'x')]);
    expect(entries(store())).toEqual([['after', 'x']]);
  });

  it('takes 5,000 entries in one batch, and ranges over them either way', async () => {
    await store().write(Array.from({ length: 5_000 }, (_, n) => put(`k${n}`, `value ${n}`)));
    expect(entries(store())).toHaveLength(5_000);
    expect(read(store(), 'k4321')).toBe('value 4321');
    const sorted = Array.from({ length: 5_000 }, (_, n) => `k${n}`).sort();
    for (const limit of [undefined, 15, 16, 17, 3_000]) {
      const keys = (reverse: boolean) =>
        [...store().range(utf8('k'), utf8('l'), { reverse, ...(limit && { limit }) })].map(({ key }) => text(key));
      expect(keys(false)).toEqual(sorted.slice(0, limit));
      expect(keys(true)).toEqual([...sorted].reverse().slice(0, limit));
    }
  });

  it('finishes the writes under way when it closes, closes twice, and then refuses with "closed"', async () => {
    await store().write([put('k', 'v')]);
    const pending = store().write([put('l', 'v')]);
    const range = store().range(utf8('a'), utf8('z'));
    // One range that is left open: the last entry that it may have read ahead is not asked for.
    store().range(utf8('a'), utf8('z'))[Symbol.iterator]().next();
    await Promise.all([store().close(), store().close()]);
    await pending;
    const closed = (error: unknown) => error instanceof StoreError && error.code === 'closed';
    await expect(store().write([put('k', 'v')])).rejects.toSatisfy(closed);
    expect(() => store().get(utf8('k'))).toThrow(expect.toSatisfy(closed));
    expect(() => store().range(utf8('a'), utf8('b'))).toThrow(expect.toSatisfy(closed));
    expect(() => [...range]).toThrow(expect.toSatisfy(closed));
  });
}

function put(key: string, value: string): Write {
  return { key: utf8(key), value: utf8(value) };
}

function remove(key: string): Write {
  return { key: utf8(key), value: null };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder('utf-8').decode(bytes);
}

function read(store: KeyValueStore, key: string): string | undefined {
  const value = store.get(utf8(key));
  return value === undefined ? undefined : text(value);
}

function entries(store: KeyValueStore): string[][] {
  return [...store.range(new Uint8Array(0), new Uint8Array(512).fill(0xff))].map((e) => [text(e.key), text(e.value)]);
}

function randomKey(random: (below: number) => number): Uint8Array {
  return Uint8Array.from({ length: 1 + random(3) }, () => [0, 1, 0x7f, 0x80, 0xff][random(5)]!);
}

function randomBatch(random: (below: number) => number, model: Map<string, Uint8Array>): Write[] {
  return Array.from({ length: random(6) }, () => {
    const key = randomKey(random);
    const value = random(3) === 0 ? null : new Uint8Array(random(8) === 0 ? 9_000 : random(40)).fill(random(256));
    if (value === null) model.delete(toHex(key));
    else model.set(toHex(key), value);
    return { key, value };
  });
}

function expected(
  model: Map<string, Uint8Array>,
  from: string,
  to: string,
  reverse: boolean,
  limit?: number,
): string[][] {
  const within = [...model].filter(([key]) => key >= from && key < to).sort(([a], [b]) => (a < b ? -1 : 1));
  const ordered = reverse ? within.reverse() : within;
  return ordered.slice(0, limit).map(([key, value]) => [key, toHex(value)]);
}
