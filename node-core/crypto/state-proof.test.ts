import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import vectors from '../../test/vectors/state-tree/trees.json' with { type: 'json' };
import { concat, fromHex, toHex, utf8 } from '../codec/bytes.ts';
import { prove, type StateProof, verifyProof } from './state-proof.ts';
import { type PageReader, pageKey, type StateUpdate, stateKeyHash, stateValueHash, updateTree } from './state-tree.ts';

const ZEROS = new Uint8Array(32);
const leafHash = (keyHash: Uint8Array, valueHash: Uint8Array): Uint8Array =>
  sha256(concat(Uint8Array.of(0x20), keyHash, valueHash));
const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(concat(Uint8Array.of(0x21), left, right));

function build(leaves: readonly StateUpdate[]): { root: Uint8Array; read: PageReader } {
  const { root, pages } = updateTree(sha256, () => undefined, leaves);
  return { root, read: (path) => pages.get(pageKey(path)) ?? undefined };
}

type Leaf = { readonly keyHash: Uint8Array; readonly valueHash: Uint8Array };

const leaf = (i: number): Leaf => ({
  keyHash: stateKeyHash(sha256, utf8(`key ${i}`)),
  valueHash: stateValueHash(sha256, utf8(`value ${i}`)),
});

const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte));

/** A key hash whose first bits are those of `bits` ('0110…'), the rest zeros. */
function at(bits: string): Uint8Array {
  const keyHash = new Uint8Array(32);
  for (const [i, bit] of [...bits].entries()) if (bit === '1') keyHash[i >> 3]! |= 0x80 >> (i & 7);
  return keyHash;
}

const keys = fc.oneof(
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  fc.tuple(fc.constantFrom(0x00, 0xff), fc.nat(255)).map(([fill, bit]) => flipped(new Uint8Array(32).fill(fill), bit)),
);
const maps = fc
  .uniqueArray(keys, { maxLength: 40, selector: toHex })
  .map((all) => all.map((keyHash): Leaf => ({ keyHash, valueHash: sha256(keyHash) })));

const fromVector = (proof: {
  siblings: string[];
  leaf: { keyHash: string; valueHash: string } | null;
}): StateProof => ({
  siblings: proof.siblings.map(fromHex),
  leaf: proof.leaf === null ? null : { keyHash: fromHex(proof.leaf.keyHash), valueHash: fromHex(proof.leaf.valueHash) },
});

describe('proofs', () => {
  test.each(vectors.trees)('are those of the vector «$note», and verify', ({ leaves, root, proofs }) => {
    const { read } = build(leaves.map((l) => ({ keyHash: fromHex(l.keyHash), valueHash: fromHex(l.valueHash) })));
    for (const vector of proofs) {
      const keyHash = fromHex(vector.keyHash);
      const proof = prove(sha256, read, keyHash);
      expect(proof).toEqual(fromVector(vector));
      const valueHash = leaves.find((l) => l.keyHash === vector.keyHash)?.valueHash;
      const expected = valueHash === undefined ? null : fromHex(valueHash);
      expect(verifyProof(sha256, fromHex(root), keyHash, proof, expected)).toBe(true);
    }
  });

  test('show every key that is there and every key that is not, and never the contrary', () => {
    fc.assert(
      fc.property(maps, fc.array(keys, { maxLength: 10 }), (leaves, others) => {
        const { root, read } = build(leaves);
        const values = new Map(leaves.map(({ keyHash, valueHash }) => [toHex(keyHash), valueHash]));
        for (const keyHash of [...leaves.map((l) => l.keyHash), ...others]) {
          const proof = prove(sha256, read, keyHash);
          const valueHash = values.get(toHex(keyHash)) ?? null;
          expect(verifyProof(sha256, root, keyHash, proof, valueHash)).toBe(true);
          expect(verifyProof(sha256, root, keyHash, proof, valueHash === null ? ZEROS : null)).toBe(false);
          expect(verifyProof(sha256, root, keyHash, proof, sha256(valueHash ?? ZEROS))).toBe(false);
        }
      }),
    );
  });

  test('do not share memory with the pages they come from', () => {
    const { read } = build([leaf(1), leaf(2), leaf(3)]);
    const pages = new Map<string, Uint8Array>();
    const copied: PageReader = (path) => {
      const page = read(path)?.slice();
      if (page !== undefined) pages.set(pageKey(path), page);
      return page;
    };
    const proof = prove(sha256, copied, leaf(1).keyHash);
    const before = structuredClone(proof);
    for (const page of pages.values()) page.fill(0xee);
    expect(proof).toEqual(before);
  });

  test('are refused to keys of a wrong length, and tell a damaged store from a bad question', () => {
    const { read } = build(Array.from({ length: 100 }, (_, i) => leaf(i)));
    expect(() => prove(sha256, read, new Uint8Array(31))).toThrow(RangeError);
    const rootOnly: PageReader = (path) => (path.length === 0 ? read(path) : undefined);
    expect(() => prove(sha256, rootOnly, leaf(1).keyHash)).toThrow(expect.objectContaining({ code: 'missingPage' }));
  });
});

describe('a changed proof fails', () => {
  const leaves = Array.from({ length: 40 }, (_, i) => leaf(i));
  const { root, read } = build(leaves);
  const cases: [string, Uint8Array, Uint8Array | null][] = [
    ['presence', leaf(5).keyHash, leaf(5).valueHash],
    ...[...Array(200).keys()]
      .map((i) => leaf(1000 + i).keyHash)
      .filter((key, i, all) => all.findIndex((k) => formOf(k) === formOf(key)) === i)
      .map((key): [string, Uint8Array, null] => [`absence by ${formOf(key)}`, key, null]),
  ];

  function formOf(keyHash: Uint8Array): string {
    return prove(sha256, read, keyHash).leaf === null ? 'nothing there' : 'another leaf';
  }

  test('both forms of absence are covered', () => {
    expect(cases.map(([name]) => name).sort()).toEqual([
      'absence by another leaf',
      'absence by nothing there',
      'presence',
    ]);
  });

  test.each(cases)(
    '%s: in any single bit of proof, root, value, or of the bits of the key that were used',
    (_, key, value) => {
      const proof = prove(sha256, read, key);
      expect(verifyProof(sha256, root, key, proof, value)).toBe(true);
      const refused = (changed: StateProof, r = root, k = key, v = value): void =>
        expect(verifyProof(sha256, r, k, changed, v)).toBe(false);
      for (let bit = 0; bit < 256; bit++) {
        refused(proof, flipped(root, bit));
        // The later bits of an absent key decide nothing: all keys of that subtree are absent alike.
        if (value !== null || bit < proof.siblings.length) refused(proof, root, flipped(key, bit));
        if (value !== null) refused(proof, root, key, flipped(value, bit));
        for (const i of proof.siblings.keys()) {
          refused({ ...proof, siblings: proof.siblings.map((s, j) => (j === i ? flipped(s, bit) : s)) });
        }
        if (proof.leaf !== null) {
          const { keyHash, valueHash } = proof.leaf;
          refused({ ...proof, leaf: { keyHash: flipped(keyHash, bit), valueHash } });
          refused({ ...proof, leaf: { keyHash, valueHash: flipped(valueHash, bit) } });
        }
      }
    },
  );

  test.each(cases)('%s: with siblings cut, added or swapped, or hashes of other lengths', (_, key, value) => {
    const proof = prove(sha256, read, key);
    const { siblings } = proof;
    const wrong: StateProof[] = [
      ...siblings.map((_, i) => ({ ...proof, siblings: siblings.slice(0, i) })),
      ...siblings.map((_, i) => ({ ...proof, siblings: siblings.slice(i + 1) })),
      { ...proof, siblings: [...siblings, ZEROS] },
      { ...proof, siblings: [...siblings, sha256(ZEROS)] },
      { ...proof, siblings: [ZEROS, ...siblings] },
      { ...proof, siblings: [...siblings].reverse() },
      { ...proof, siblings: siblings.map((s) => s.slice(1)) },
      { ...proof, siblings: siblings.map((s) => concat(s, Uint8Array.of(0))) },
      { ...proof, leaf: proof.leaf === null ? leaf(5) : null },
    ];
    for (const [i, p] of wrong.entries()) expect(verifyProof(sha256, root, key, p, value), `change ${i}`).toBe(false);
    expect(verifyProof(sha256, root.slice(1), key, proof, value)).toBe(false);
    expect(verifyProof(sha256, root, key.slice(1), proof, value)).toBe(false);
    if (value !== null) expect(verifyProof(sha256, root, key, proof, value.slice(1))).toBe(false);
  });
});

describe('attacks', () => {
  const leaves = Array.from({ length: 40 }, (_, i) => leaf(i));
  const { root, read } = build(leaves);

  test('a presence proof does not show absence', () => {
    const { keyHash, valueHash } = leaf(3);
    const proof = prove(sha256, read, keyHash);
    expect(verifyProof(sha256, root, keyHash, proof, null)).toBe(false);
    expect(verifyProof(sha256, root, keyHash, { ...proof, leaf: null }, null)).toBe(false);
    const other = { ...proof, leaf: { keyHash: flipped(keyHash, 255), valueHash } };
    expect(verifyProof(sha256, root, keyHash, other, null)).toBe(false);
  });

  test("another key's proof does not show absence", () => {
    for (const { keyHash } of leaves) {
      for (const other of leaves) {
        expect(verifyProof(sha256, root, keyHash, prove(sha256, read, other.keyHash), null)).toBe(false);
      }
    }
  });

  test('siblings cut short do not turn an inner node into a leaf or into nothing', () => {
    const { keyHash } = leaf(3);
    const { siblings } = prove(sha256, read, keyHash);
    // The inner node at depth 1, its children offered as a leaf's two halves.
    let node = leafHash(keyHash, leaf(3).valueHash);
    let halves: [Uint8Array, Uint8Array] = [ZEROS, ZEROS];
    for (let depth = siblings.length - 1; depth >= 1; depth--) {
      const isRight = ((keyHash[depth >> 3]! >> (7 - (depth & 7))) & 1) === 1;
      halves = isRight ? [siblings[depth]!, node] : [node, siblings[depth]!];
      node = nodeHash(...halves);
    }
    const cut = siblings.slice(0, 1);
    const asLeaf = { siblings: cut, leaf: { keyHash: halves[0], valueHash: halves[1] } };
    expect(verifyProof(sha256, root, halves[0], asLeaf, halves[1])).toBe(false);
    expect(verifyProof(sha256, root, keyHash, asLeaf, null)).toBe(false);
    expect(verifyProof(sha256, root, keyHash, { siblings: cut, leaf: null }, null)).toBe(false);
    expect(verifyProof(sha256, root, keyHash, { siblings: [], leaf: null }, null)).toBe(false);
  });

  // From here on the tree itself is built wrongly, as by a dishonest majority or a faulty node. The fold fits its root.

  test('a leaf that does not share the key’s first bits shows no absence', () => {
    const key = at('0');
    const misplaced = { keyHash: at('1'), valueHash: sha256(ZEROS) };
    const sibling = leafHash(at('11'), sha256(ZEROS));
    const forged = nodeHash(leafHash(misplaced.keyHash, misplaced.valueHash), sibling);
    expect(verifyProof(sha256, forged, key, { siblings: [sibling], leaf: misplaced }, null)).toBe(false);
    // The same fold with a leaf in its place is what the rule must let through.
    const placed = { keyHash: at('01'), valueHash: sha256(ZEROS) };
    const honest = nodeHash(leafHash(placed.keyHash, placed.valueHash), sibling);
    expect(verifyProof(sha256, honest, key, { siblings: [sibling], leaf: placed }, null)).toBe(true);
  });

  test('a leaf that was not lifted past an empty sibling is refused', () => {
    const { keyHash, valueHash } = { keyHash: at('0'), valueHash: sha256(ZEROS) };
    const forged = nodeHash(leafHash(keyHash, valueHash), ZEROS);
    expect(verifyProof(sha256, forged, keyHash, { siblings: [ZEROS], leaf: { keyHash, valueHash } }, valueHash)).toBe(
      false,
    );
    expect(verifyProof(sha256, nodeHash(ZEROS, ZEROS), keyHash, { siblings: [ZEROS], leaf: null }, null)).toBe(false);
  });

  test('more than 256 siblings, or nothing at the 256th, is refused', () => {
    const key = at('0');
    const fold = (start: Uint8Array, count: number): Uint8Array => {
      let node = start;
      for (let i = 0; i < count; i++) node = nodeHash(node, sha256(ZEROS));
      return node;
    };
    const siblings = (count: number): Uint8Array[] => Array.from({ length: count }, () => sha256(ZEROS));
    const value = sha256(key);
    const own = { keyHash: key, valueHash: value };
    const start = leafHash(key, value);
    const verify = (count: number): boolean =>
      verifyProof(sha256, fold(start, count), key, { siblings: siblings(count), leaf: own }, value);
    expect([255, 256, 257].map(verify)).toEqual([true, true, false]);
    const verifyNothing = (count: number): boolean =>
      verifyProof(sha256, fold(ZEROS, count), key, { siblings: siblings(count), leaf: null }, null);
    expect([255, 256, 257].map(verifyNothing)).toEqual([true, false, false]);
  });

  test('the empty state shows every absence and no presence', () => {
    const { keyHash, valueHash } = leaf(1);
    expect(verifyProof(sha256, ZEROS, keyHash, { siblings: [], leaf: null }, null)).toBe(true);
    expect(verifyProof(sha256, ZEROS, keyHash, { siblings: [], leaf: { keyHash, valueHash } }, valueHash)).toBe(false);
  });
});
