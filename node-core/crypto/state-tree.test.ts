import { sha256 } from '@noble/hashes/sha2.js';
import { sha3_256 } from '@noble/hashes/sha3.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import vectors from '../../test/vectors/state-tree/trees.json' with { type: 'json' };
import { compare, concat, fromHex, toHex, utf8 } from '../codec/bytes.ts';
import type { Hash } from './hash-type.ts';
import {
  type PageReader,
  pageKey,
  type StateUpdate,
  stateKeyHash,
  stateRoot,
  stateValueHash,
  updateTree,
} from './state-tree.ts';

const ZEROS = new Uint8Array(32);

/** The definition, over a sorted list: it knows nothing of pages. */
function reference(hash: Hash, leaves: readonly StateUpdate[], depth = 0): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return ZEROS;
  if (leaves.length === 1) return hash(concat(Uint8Array.of(0x20), first.keyHash, first.valueHash!));
  const isRight = ({ keyHash }: StateUpdate): boolean => ((keyHash[depth >> 3]! >> (7 - (depth & 7))) & 1) === 1;
  const left = reference(
    hash,
    leaves.filter((leaf) => !isRight(leaf)),
    depth + 1,
  );
  const right = reference(hash, leaves.filter(isRight), depth + 1);
  return hash(concat(Uint8Array.of(0x21), left, right));
}

/** A state in memory, as a node stores it. */
class Store {
  readonly pages = new Map<string, Uint8Array>();
  readonly read: PageReader = (path) => this.pages.get(pageKey(path));
  private readonly hash: Hash;

  constructor(hash: Hash = sha256) {
    this.hash = hash;
  }

  apply(updates: Iterable<StateUpdate>): Uint8Array {
    const change = updateTree(this.hash, this.read, updates);
    for (const [path, page] of change.pages) {
      if (page === null) this.pages.delete(path);
      else this.pages.set(path, page.slice());
    }
    return change.root;
  }

  asHex(): Record<string, string> {
    return Object.fromEntries([...this.pages].sort().map(([path, page]) => [path, toHex(page)]));
  }
}

const leaf = (i: number): { keyHash: Uint8Array; valueHash: Uint8Array } => ({
  keyHash: stateKeyHash(sha256, utf8(`key ${i}`)),
  valueHash: stateValueHash(sha256, utf8(`value ${i}`)),
});

/** Key hashes that crowd together, with common beginnings of any length up to 255 bits. */
const crowdedKeys = fc.tuple(fc.constantFrom(0x00, 0xff, 0x12), fc.nat(255), fc.nat(7)).map(([fill, bit, last]) => {
  const keyHash = new Uint8Array(32).fill(fill);
  keyHash[bit >> 3]! ^= 0x80 >> (bit & 7);
  keyHash[31]! ^= last;
  return keyHash;
});
const anyKeys = fc.uint8Array({ minLength: 32, maxLength: 32 });
const valueHashes = fc.nat(50).map((n) => sha256(Uint8Array.of(n)));
const updatesOf = (keys: fc.Arbitrary<Uint8Array>): fc.Arbitrary<StateUpdate[]> =>
  fc.array(fc.record({ keyHash: keys, valueHash: fc.option(valueHashes, { freq: 2 }) }), { maxLength: 40 });
const batches = fc
  .tuple(fc.array(crowdedKeys, { minLength: 1, maxLength: 30 }), fc.array(anyKeys, { minLength: 1, maxLength: 30 }))
  .chain(([crowded, any]) => fc.array(updatesOf(fc.constantFrom(...crowded, ...any)), { maxLength: 8 }));

function afterUpdates(map: Map<string, StateUpdate>, updates: readonly StateUpdate[]): void {
  for (const update of updates) {
    if (update.valueHash === null) map.delete(toHex(update.keyHash));
    else map.set(toHex(update.keyHash), update);
  }
}

const sorted = (map: Map<string, StateUpdate>): StateUpdate[] =>
  [...map.values()].sort((a, b) => compare(a.keyHash, b.keyHash));

describe('the root', () => {
  test.each(vectors.trees)('of the vector «$note»', ({ entries, leaves, root }) => {
    for (const { key, value } of entries ?? []) {
      expect(leaves).toContainEqual({
        keyHash: toHex(stateKeyHash(sha256, fromHex(key))),
        valueHash: toHex(stateValueHash(sha256, fromHex(value))),
      });
    }
    const updates = leaves.map((l) => ({ keyHash: fromHex(l.keyHash), valueHash: fromHex(l.valueHash) }));
    expect(toHex(new Store().apply(updates))).toBe(root);
    expect(toHex(reference(sha256, updates))).toBe(root);
  });

  test('of nothing is 32 zero bytes, and stores nothing', () => {
    const store = new Store();
    expect(store.apply([])).toEqual(ZEROS);
    expect(store.apply([{ keyHash: leaf(1).keyHash, valueHash: null }])).toEqual(ZEROS);
    expect(store.pages.size).toBe(0);
    expect(stateRoot(sha256, store.read)).toEqual(ZEROS);
  });

  test('uses the hash it is given', () => {
    const leaves = Array.from({ length: 50 }, (_, i) => leaf(i));
    expect(new Store(sha3_256).apply(leaves)).toEqual(reference(sha3_256, leaves));
  });

  test('is that of the definition at every size to 120, added one by one and removed one by one', () => {
    const store = new Store();
    const leaves: StateUpdate[] = [];
    for (let i = 0; i < 120; i++) {
      leaves.push(leaf(i));
      expect(store.apply([leaf(i)]), `${i + 1} leaves`).toEqual(reference(sha256, leaves));
    }
    while (leaves.length > 0) {
      const { keyHash } = leaves.shift()!;
      expect(store.apply([{ keyHash, valueHash: null }]), `${leaves.length} left`).toEqual(reference(sha256, leaves));
    }
    expect(store.pages.size).toBe(0);
  });

  test('does not depend on the order of updates or how they were cut into batches', () => {
    const leaves = Array.from({ length: 60 }, (_, i) => leaf(i));
    const root = new Store().apply(leaves);
    fc.assert(
      fc.property(fc.shuffledSubarray(leaves, { minLength: 60 }), fc.integer({ min: 1, max: 30 }), (shuffled, size) => {
        const store = new Store();
        let last: Uint8Array = ZEROS;
        for (let i = 0; i < shuffled.length; i += size) last = store.apply(shuffled.slice(i, i + size));
        expect(last).toEqual(root);
      }),
    );
  });
});

describe('against a model', () => {
  test('any batches of puts and deletes: the root by definition, and the pages of a tree built afresh', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const store = new Store();
        const model = new Map<string, StateUpdate>();
        for (const updates of all) {
          const root = store.apply(updates);
          afterUpdates(model, updates);
          expect(root).toEqual(reference(sha256, sorted(model)));
          expect(stateRoot(sha256, store.read)).toEqual(root);
          const fresh = new Store();
          fresh.apply(model.values());
          expect(store.asHex()).toEqual(fresh.asHex());
        }
        store.apply([...model.values()].map(({ keyHash }) => ({ keyHash, valueHash: null })));
        expect(store.asHex()).toEqual({});
      }),
      { numRuns: 300 },
    );
  }, 120_000);

  test('large batches over a large state', () => {
    const store = new Store();
    const model = new Map<string, StateUpdate>();
    for (let round = 0; round < 6; round++) {
      const updates = Array.from({ length: 1500 }, (_, i) => ({
        keyHash: leaf((i * 7 + round * 900) % 4000).keyHash,
        valueHash: (i + round) % 3 === 0 ? null : leaf(i + round * 10_000).valueHash,
      }));
      afterUpdates(model, updates);
      expect(store.apply(updates)).toEqual(reference(sha256, sorted(model)));
    }
    const fresh = new Store();
    fresh.apply(model.values());
    expect(store.asHex()).toEqual(fresh.asHex());
  }, 60_000);
});

describe('updates', () => {
  const leaves = Array.from({ length: 500 }, (_, i) => leaf(i));

  test('that change nothing write nothing', () => {
    const store = new Store();
    const root = store.apply(leaves);
    const nothing = [leaf(3), leaf(77), { keyHash: leaf(9999).keyHash, valueHash: null }];
    const change = updateTree(sha256, store.read, nothing);
    expect(change.root).toEqual(root);
    expect([...change.pages.keys()]).toEqual([]);
  });

  test('that put and delete a new key in one batch leave nothing behind', () => {
    const store = new Store();
    store.apply(leaves);
    const { keyHash, valueHash } = leaf(9999);
    const change = updateTree(sha256, store.read, [
      { keyHash, valueHash },
      { keyHash, valueHash: null },
    ]);
    expect(change.pages.size).toBe(0);
  });

  test('of one key in one batch: the last counts', () => {
    const [{ keyHash, valueHash }, other] = [leaf(1), leaf(2)];
    const root = new Store().apply([{ keyHash, valueHash: other.valueHash }, { keyHash, valueHash: null }, leaf(1)]);
    expect(root).toEqual(reference(sha256, [{ keyHash, valueHash }]));
  });

  test('write the pages on the way to the change, and no other', () => {
    const store = new Store();
    store.apply(leaves);
    const { keyHash } = leaf(42);
    const { pages } = updateTree(sha256, store.read, [{ keyHash, valueHash: leaf(43).valueHash }]);
    expect(pages.size).toBeGreaterThan(1);
    for (const path of pages.keys()) expect(toHex(keyHash).startsWith(path)).toBe(true);
  });

  test('leave the pages they read as they were', () => {
    const store = new Store();
    store.apply(leaves);
    const before = store.asHex();
    updateTree(
      sha256,
      store.read,
      leaves.map(({ keyHash }, i) => ({ keyHash, valueHash: leaf(i + 1).valueHash })),
    );
    expect(store.asHex()).toEqual(before);
  });

  test('with hashes of a wrong length are refused', () => {
    const { keyHash, valueHash } = leaf(1);
    const read: PageReader = () => undefined;
    expect(() => updateTree(sha256, read, [{ keyHash: keyHash.slice(1), valueHash }])).toThrow(RangeError);
    expect(() => updateTree(sha256, read, [{ keyHash, valueHash: new Uint8Array(0) }])).toThrow(RangeError);
  });
});

describe('a damaged store', () => {
  const store = new Store();
  store.apply(Array.from({ length: 500 }, (_, i) => leaf(i)));
  const update = [{ ...leaf(7), valueHash: leaf(8).valueHash }];
  const second = toHex(leaf(7).keyHash)[0]!;
  const withPage =
    (path: string, page: Uint8Array | undefined): PageReader =>
    (p) =>
      pageKey(p) === path ? page : store.read(p);
  const run = (read: PageReader) => () => updateTree(sha256, read, update);

  test('without a page that its parent names', () => {
    expect(run(withPage(second, undefined))).toThrow(expect.objectContaining({ code: 'missingPage' }));
  });

  test.each([
    ['no bytes', new Uint8Array(0)],
    ['part of a mask', new Uint8Array(3)],
    ['a slot of no known kind', concat(Uint8Array.of(0xc0, 0, 0, 0), new Uint8Array(64))],
    ['too short', store.pages.get(second)!.slice(0, -1)],
    ['too long', concat(store.pages.get(second)!, Uint8Array.of(0))],
    ['nothing in it', new Uint8Array(4)],
    ['one leaf in it', concat(Uint8Array.of(0x40, 0, 0, 0), new Uint8Array(64))],
  ])('with a page below the root that has %s', (_, page) => {
    expect(run(withPage(second, page))).toThrow(expect.objectContaining({ code: 'badPage' }));
  });
});
