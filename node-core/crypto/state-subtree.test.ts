import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compare, equal, fromHex, toHex } from '../codec/bytes.ts';
import { BRANCH, EMPTY_SUBTREE, LEAF } from './state-page.ts';
import { foldParts, SubtreeBuilder, sameSubtree, subtreeHash, type TreePart } from './state-subtree.ts';
import { updateTree } from './state-tree.ts';

type Leaf = { readonly keyHash: Uint8Array; readonly valueHash: Uint8Array };

/** Key hashes that crowd together, with common beginnings of any length, and others that do not. */
const keyHashes = fc.oneof(
  fc.tuple(fc.constantFrom(0x00, 0xff, 0x12), fc.nat(255), fc.nat(7)).map(([fill, bit, last]) => {
    const keyHash = new Uint8Array(32).fill(fill);
    keyHash[bit >> 3]! ^= 0x80 >> (bit & 7);
    keyHash[31]! ^= last;
    return keyHash;
  }),
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
);
const leafSets: fc.Arbitrary<Leaf[]> = fc
  .uniqueArray(keyHashes, { maxLength: 60, selector: toHex })
  .map((hashes) => hashes.sort(compare).map((keyHash) => ({ keyHash, valueHash: sha256(keyHash) })));

function build(leaves: readonly Leaf[], path = '') {
  const pages = new Map<string, string>();
  const builder = new SubtreeBuilder(sha256, path, (at, page) => pages.set(at, toHex(page)));
  for (const { keyHash, valueHash } of leaves) expect(builder.add(keyHash, valueHash)).toBe(true);
  return { subtree: builder.finish(), pages };
}

function stored(leaves: readonly Leaf[]) {
  const { root, pages } = updateTree(sha256, () => undefined, leaves);
  return { root: toHex(root), pages: new Map([...pages].map(([path, page]) => [path, toHex(page!)])) };
}

/** Splits where there are more than `most` leaves, as a snapshot splits by bytes. */
function split(leaves: readonly Leaf[], most: number, path = ''): { path: string; leaves: readonly Leaf[] }[] {
  if (leaves.length <= most) return [{ path, leaves }];
  return [...'0123456789abcdef'].flatMap((digit) => {
    const under = leaves.filter(({ keyHash }) => toHex(keyHash).startsWith(path + digit));
    return split(under, most, path + digit);
  });
}

describe('a subtree built in one pass', () => {
  test('is the tree that updates make: same root, same pages', () => {
    fc.assert(
      fc.property(leafSets, (leaves) => {
        const { subtree, pages } = build(leaves);
        expect({ root: toHex(subtreeHash(sha256, subtree)), pages }).toEqual(stored(leaves));
      }),
    );
  });

  test('refuses leaves that do not ascend, come twice, or lie elsewhere', () => {
    const leaf = (hex: string) => fromHex(hex.padEnd(64, '0'));
    const added = (path: string, ...keys: string[]) => {
      const builder = new SubtreeBuilder(sha256, path);
      return keys.map((key) => builder.add(leaf(key), leaf('aa')));
    };
    expect(added('12', '121', '122')).toEqual([true, true]);
    expect(added('12', '122', '121')).toEqual([true, false]);
    expect(added('12', '121', '121')).toEqual([true, false]);
    expect(added('12', '131')).toEqual([false]);
    expect(added('123', '123', '124')).toEqual([true, false]);
  });
});

describe('a tree over parts', () => {
  test('is the whole tree, however it was split: same root, and the parts and the top have all its pages', () => {
    fc.assert(
      fc.property(leafSets, fc.integer({ min: 1, max: 20 }), (leaves, most) => {
        const pages = new Map<string, string>();
        const parts = split(leaves, most).map((part) => {
          const built = build(part.leaves, part.path);
          for (const [path, page] of built.pages) pages.set(path, page);
          return { path: part.path, subtree: built.subtree };
        });
        const root = foldParts(sha256, parts, (path, page) => pages.set(path, toHex(page)))!;
        expect({ root: toHex(subtreeHash(sha256, root)), pages }).toEqual(stored(leaves));
      }),
    );
  });

  test('refuses parts that do not cover the tree in order, leaves in a wrong place and needless splits', () => {
    const children = (parts: Record<string, TreePart['subtree']>): TreePart[] =>
      [...'0123456789abcdef'].map((path) => ({ path, subtree: parts[path] ?? EMPTY_SUBTREE }));
    const branch = { kind: BRANCH, bytes: sha256(Uint8Array.of(1)) } as const;
    const leafAt = (digit: string) => ({ kind: LEAF, bytes: fromHex(digit.padEnd(128, '0')) }) as const;
    const whole = children({ '1': branch, '4': leafAt('4') });
    expect(foldParts(sha256, whole)).not.toBeNull();
    expect(foldParts(sha256, [])).toBeNull();
    expect(foldParts(sha256, whole.slice(0, -1))).toBeNull();
    expect(foldParts(sha256, whole.slice(1))).toBeNull();
    expect(foldParts(sha256, [...whole, whole[15]!])).toBeNull();
    expect(foldParts(sha256, [...whole].reverse())).toBeNull();
    expect(foldParts(sha256, [{ path: '', subtree: branch }, ...whole])).toBeNull();
    // Compaction would give this the same root.
    expect(foldParts(sha256, children({ '1': branch, '5': leafAt('4') }))).toBeNull();
    expect(foldParts(sha256, children({ '4': leafAt('4') }))).toBeNull();
    expect(foldParts(sha256, children({}))).toBeNull();
  });
});

test('subtrees are the same in kind and bytes', () => {
  const bytes = sha256(Uint8Array.of(1));
  expect(sameSubtree({ kind: BRANCH, bytes }, { kind: BRANCH, bytes: bytes.slice() })).toBe(true);
  expect(sameSubtree({ kind: BRANCH, bytes }, { kind: LEAF, bytes })).toBe(false);
  expect(equal(subtreeHash(sha256, EMPTY_SUBTREE), new Uint8Array(32))).toBe(true);
});
