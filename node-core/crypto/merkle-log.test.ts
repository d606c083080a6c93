import { sha256 } from '@noble/hashes/sha2.js';
import { sha3_256 } from '@noble/hashes/sha3.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import consistencyVectors from '../../test/vectors/rfc6962/consistency.json' with { type: 'json' };
import inclusionVectors from '../../test/vectors/rfc6962/inclusion.json' with { type: 'json' };
import treeVectors from '../../test/vectors/rfc6962/tree.json' with { type: 'json' };
import { fromHex, toHex, utf8 } from '../codec/bytes.ts';
import type { Hash } from './hash-type.ts';
import { emptyRoot, inclusionPath, LogFrontier, leafHash, MerkleTree, nodeHash, rootOf } from './merkle-log.ts';
import { rootFromInclusion, verifyConsistency, verifyInclusion } from './merkle-log-proofs.ts';

// RFC 9162 §2.1.1, §2.1.3.1 and §2.1.4.1 as they are written: recursive and slow, to compare with.

function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

function mth(hash: Hash, d: readonly Uint8Array[]): Uint8Array {
  if (d.length === 0) return hash(new Uint8Array(0));
  if (d.length === 1) return d[0]!;
  const k = split(d.length);
  return hash(Uint8Array.of(1, ...mth(hash, d.slice(0, k)), ...mth(hash, d.slice(k))));
}

function path(m: number, d: readonly Uint8Array[]): Uint8Array[] {
  if (d.length === 1) return [];
  const k = split(d.length);
  return m < k
    ? [...path(m, d.slice(0, k)), mth(sha256, d.slice(k))]
    : [...path(m - k, d.slice(k)), mth(sha256, d.slice(0, k))];
}

function subproof(m: number, d: readonly Uint8Array[], b: boolean): Uint8Array[] {
  if (m === d.length) return b ? [] : [mth(sha256, d)];
  const k = split(d.length);
  return m <= k
    ? [...subproof(m, d.slice(0, k), b), mth(sha256, d.slice(k))]
    : [...subproof(m - k, d.slice(k), false), mth(sha256, d.slice(0, k))];
}

/** Which side each sibling is on: all that a size means to a verifier of inclusion. */
function sides(index: number, size: number): string {
  if (index >= size) return 'none';
  if (size === 1) return '';
  const k = split(size);
  return index < k ? `${sides(index, k)}R` : `${sides(index - k, size - k)}L`;
}

const leaves = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => leafHash(sha256, utf8(`entry ${i}`)));

const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

const fromBase64 = (text: string | null): Uint8Array =>
  text === null ? new Uint8Array(0) : Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

const sizes = fc.integer({ min: 1, max: 200 });

describe('published vectors', () => {
  const inputs = treeVectors.leafInputs.map(fromHex);
  const hashes = inputs.map((entry) => leafHash(sha256, entry));

  test('roots of sizes 0 to 8, and every full subtree', () => {
    treeVectors.roots.forEach((root, size) => {
      expect(toHex(rootOf(sha256, hashes.slice(0, size))), `size ${size}`).toBe(root);
      expect(toHex(new MerkleTree(sha256, hashes.slice(0, size)).root()), `size ${size}`).toBe(root);
    });
    treeVectors.nodeHashes.forEach((level, height) => {
      level.forEach((node, i) => {
        const below = hashes.slice(i * 2 ** height, (i + 1) * 2 ** height);
        expect(toHex(rootOf(sha256, below)), `level ${height} node ${i}`).toBe(node);
      });
    });
    expect(toHex(emptyRoot(sha256))).toBe(treeVectors.roots[0]);
  });

  test.each(inclusionVectors)('$file', (vector) => {
    const result = verifyInclusion(sha256, {
      leafHash: fromBase64(vector.leafHash),
      index: vector.leafIdx,
      size: vector.treeSize,
      path: (vector.proof ?? []).map(fromBase64),
      root: fromBase64(vector.root),
    });
    expect(result).toBe(!vector.wantErr);
  });

  /** Some vectors have a few words in place of a root. Ours must be hashes, so their hash takes their place. */
  const rootFrom = (text: string): Uint8Array => {
    const bytes = fromBase64(text);
    return utf8("don't care").every((byte, i) => byte === bytes[i]) ? sha256(bytes) : bytes;
  };

  test.each(consistencyVectors)('$file', (vector) => {
    const result = verifyConsistency(sha256, {
      oldSize: vector.size1,
      oldRoot: rootFrom(vector.root1),
      newSize: vector.size2,
      newRoot: rootFrom(vector.root2),
      path: (vector.proof ?? []).map(fromBase64),
    });
    expect(result).toBe(!vector.wantErr);
  });
});

describe('tree in memory', () => {
  test('roots and paths are those of the definition, for every size to 70', () => {
    const all = leaves(70);
    for (let size = 1; size <= all.length; size++) {
      const part = all.slice(0, size);
      const tree = new MerkleTree(sha256, part);
      expect(tree.root()).toEqual(mth(sha256, part));
      for (let index = 0; index < size; index++) {
        expect(tree.path(index), `path of ${index} in ${size}`).toEqual(path(index, part));
      }
    }
  });

  test('the hash is a parameter', () => {
    const part = leaves(11);
    expect(rootOf(sha3_256, part)).toEqual(mth(sha3_256, part));
    expect(new MerkleTree(sha3_256, part).root()).toEqual(mth(sha3_256, part));
  });

  test('refuses a leaf that is not there, and hashes of another length', () => {
    const tree = new MerkleTree(sha256, leaves(5));
    for (const index of [-1, 5, 1.5, Number.NaN]) expect(() => tree.path(index)).toThrow(RangeError);
    expect(() => inclusionPath(sha256, [], 0)).toThrow(RangeError);
    expect(() => new MerkleTree(sha256, [new Uint8Array(31)])).toThrow(RangeError);
    expect(() => LogFrontier.empty(sha256).append([new Uint8Array(33)])).toThrow(RangeError);
  });
});

describe('frontier', () => {
  test('any way of cutting the log into blocks gives the same root, and survives encoding', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 8 }), (blocks) => {
        const all = leaves(blocks.reduce((sum, count) => sum + count, 0));
        let frontier = LogFrontier.empty(sha256);
        for (const count of blocks) {
          const before = frontier.root();
          const next = frontier.append(all.slice(frontier.size, frontier.size + count));
          expect(frontier.root()).toEqual(before);
          frontier = LogFrontier.decode(sha256, next.size, next.encode());
          expect(frontier.root()).toEqual(mth(sha256, all.slice(0, frontier.size)));
        }
      }),
    );
  });

  test('refuses hashes that cannot be the frontier of that size', () => {
    const hashes = LogFrontier.empty(sha256).append(leaves(7)).encode();
    expect(() => LogFrontier.decode(sha256, 8, hashes)).toThrow(RangeError);
    expect(() => LogFrontier.decode(sha256, -1, hashes)).toThrow(RangeError);
    expect(() => LogFrontier.decode(sha256, 4, [new Uint8Array(20)])).toThrow(RangeError);
  });

  test('sizes near 2^53 keep their bits', () => {
    const size = 2 ** 52 - 1;
    const hashes = leaves(52);
    const next = LogFrontier.decode(sha256, size, hashes).append(leaves(1));
    expect(next.size).toBe(2 ** 52);
    expect(next.encode()).toEqual([[...hashes, leaves(1)[0]!].reduceRight((r, l) => nodeHash(sha256, l, r))]);
  });
});

describe('inclusion', () => {
  const cases = sizes.chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1)));

  test('what is in verifies, and what is changed in one bit does not', () => {
    fc.assert(
      fc.property(cases, fc.nat(255), fc.nat(), ([size, index], bit, which) => {
        const all = leaves(size);
        const root = rootOf(sha256, all);
        const proof = { leafHash: all[index]!, index, size, path: inclusionPath(sha256, all, index), root };
        expect(verifyInclusion(sha256, proof)).toBe(true);
        expect(rootFromInclusion(sha256, proof)).toEqual(root);
        expect(verifyInclusion(sha256, { ...proof, root: flipped(root, bit) })).toBe(false);
        expect(verifyInclusion(sha256, { ...proof, leafHash: flipped(proof.leafHash, bit) })).toBe(false);
        if (size > 1) {
          const step = which % proof.path.length;
          const path = proof.path.map((p, i) => (i === step ? flipped(p, bit) : p));
          expect(verifyInclusion(sha256, { ...proof, path })).toBe(false);
        }
        for (let k = 0; k < 53; k++) {
          const other = index + (Math.floor(index / 2 ** k) % 2 === 0 ? 2 ** k : -(2 ** k));
          expect(verifyInclusion(sha256, { ...proof, index: other }), `index ${other}`).toBe(false);
        }
      }),
    );
  });

  test('another size fails whenever it gives the path another shape; the root is what fixes the rest', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 0, max: 420 }), ([size, index], claimed) => {
        const all = leaves(size);
        const proof = { leafHash: all[index]!, index, path: inclusionPath(sha256, all, index) };
        const accepted = verifyInclusion(sha256, { ...proof, size: claimed, root: rootOf(sha256, all) });
        expect(accepted).toBe(sides(index, claimed) === sides(index, size));
      }),
    );
  });

  test('paths of a wrong length, or with a hash of a wrong length, fail', () => {
    fc.assert(
      fc.property(cases, fc.uint8Array({ minLength: 32, maxLength: 32 }), ([size, index], extra) => {
        const all = leaves(size);
        const path = inclusionPath(sha256, all, index);
        const proof = { leafHash: all[index]!, index, size, root: rootOf(sha256, all) };
        const wrong = [
          [...path, extra],
          [extra, ...path],
          [...path, proof.root],
        ];
        if (path.length > 0)
          wrong.push(path.slice(1), path.slice(0, -1), [...path.slice(0, -1), path.at(-1)!.slice(1)]);
        for (const p of wrong) expect(verifyInclusion(sha256, { ...proof, path: p })).toBe(false);
      }),
    );
  });

  test('a path that goes on above the root of the claimed size is refused, even when it leads to a true root', () => {
    const [first, second] = leaves(2) as [Uint8Array, Uint8Array];
    const moved = { leafHash: second, index: 0, size: 1, path: [first] };
    expect(rootFromInclusion(sha256, moved)).toBeNull();
    expect(verifyInclusion(sha256, { ...moved, root: rootOf(sha256, [first, second]) })).toBe(false);
  });

  test('an inner node is not a leaf', () => {
    const all = leaves(4);
    const inner = nodeHash(sha256, all[0]!, all[1]!);
    const asEntry = leafHash(sha256, Uint8Array.of(...all[0]!, ...all[1]!));
    const path = [nodeHash(sha256, all[2]!, all[3]!)];
    const root = rootOf(sha256, all);
    expect(verifyInclusion(sha256, { leafHash: asEntry, index: 0, size: 2, path, root })).toBe(false);
    // The same hash given as a leaf hash does fit: verifiers compute it from the entry, they never take it from others.
    expect(verifyInclusion(sha256, { leafHash: inner, index: 0, size: 2, path, root })).toBe(true);
    expect(verifyInclusion(sha256, { leafHash: inner, index: 0, size: 4, path, root })).toBe(false);
  });

  test('nonsense numbers are refused, not computed with', () => {
    const proof = { leafHash: leaves(1)[0]!, index: 0, size: 1, path: [], root: leaves(1)[0]! };
    expect(verifyInclusion(sha256, proof)).toBe(true);
    for (const n of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(verifyInclusion(sha256, { ...proof, index: n })).toBe(false);
      expect(verifyInclusion(sha256, { ...proof, size: n })).toBe(false);
    }
  });
});

describe('consistency', () => {
  const all = leaves(66);
  const roots = all.map((_, i) => mth(sha256, all.slice(0, i + 1)));
  const proofFor = (oldSize: number, newSize: number) => ({
    oldSize,
    oldRoot: roots[oldSize - 1]!,
    newSize,
    newRoot: roots[newSize - 1]!,
    path: subproof(oldSize, all.slice(0, newSize), true),
  });

  test('every pair of sizes verifies', () => {
    for (let newSize = 1; newSize <= all.length; newSize++) {
      for (let oldSize = 1; oldSize <= newSize; oldSize++) {
        expect(verifyConsistency(sha256, proofFor(oldSize, newSize)), `${oldSize} to ${newSize}`).toBe(true);
      }
    }
  });

  const pairs = fc
    .integer({ min: 2, max: all.length })
    .chain((newSize) => fc.tuple(fc.integer({ min: 1, max: newSize - 1 }), fc.constant(newSize)));

  test('one changed bit, one step more or less, or sizes swapped: refused', () => {
    fc.assert(
      fc.property(pairs, fc.nat(255), fc.nat(), ([oldSize, newSize], bit, which) => {
        const proof = proofFor(oldSize, newSize);
        const step = which % proof.path.length;
        const wrong = [
          { ...proof, oldRoot: flipped(proof.oldRoot, bit) },
          { ...proof, newRoot: flipped(proof.newRoot, bit) },
          { ...proof, path: proof.path.map((p, i) => (i === step ? flipped(p, bit) : p)) },
          { ...proof, path: proof.path.slice(1) },
          { ...proof, path: proof.path.slice(0, -1) },
          { ...proof, path: [] },
          { ...proof, path: [proof.oldRoot, ...proof.path] },
          { ...proof, path: [...proof.path, proof.newRoot] },
          { ...proof, oldSize: newSize, newSize: oldSize },
          { ...proof, oldSize: 0 },
          { ...proof, newSize: oldSize },
        ];
        for (const [i, p] of wrong.entries()) expect(verifyConsistency(sha256, p), `change ${i}`).toBe(false);
      }),
    );
  });

  test('a log that rewrote one entry is caught', () => {
    fc.assert(
      fc.property(pairs, fc.nat(), ([oldSize, newSize], which) => {
        const forged = all.slice(0, newSize);
        forged[which % oldSize] = leafHash(sha256, utf8('rewritten'));
        const path = subproof(oldSize, forged, true);
        const proof = { ...proofFor(oldSize, newSize), newRoot: mth(sha256, forged), path };
        expect(verifyConsistency(sha256, proof)).toBe(false);
      }),
    );
  });
});
