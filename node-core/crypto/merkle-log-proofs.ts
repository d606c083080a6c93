/** Verification of log proofs, step by step as RFC 9162 writes it. It runs on untrusted input and never throws. */
import { equal } from '../codec/bytes.ts';
import { HASH_BYTES, type Hash } from './hash-type.ts';
import { nodeHash } from './merkle-log.ts';

export type Inclusion = {
  readonly leafHash: Uint8Array;
  readonly index: number;
  readonly size: number;
  /** From the leaf's sibling to the root's child. */
  readonly path: readonly Uint8Array[];
};

export type Consistency = {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly newSize: number;
  readonly newRoot: Uint8Array;
  readonly path: readonly Uint8Array[];
};

/**
 * The root that an inclusion path leads to, or null when the path cannot be one for this index and size. A COSE
 * receipt (RFC 9942) carries no root: its signature is checked over the one computed here.
 */
export function rootFromInclusion(hash: Hash, inclusion: Inclusion): Uint8Array | null {
  const { leafHash, index, size, path } = inclusion;
  if (!isCount(index) || !isCount(size) || !isHash(leafHash) || !path.every(isHash)) return null;
  // RFC 9162 §2.1.3.2, steps 1 to 3.
  if (index >= size) return null;
  let fn = index;
  let sn = size - 1;
  let r = leafHash;
  for (const p of path) {
    // Step 4a: the root is reached and the path goes on.
    if (sn === 0) return null;
    if (isOdd(fn) || fn === sn) {
      r = nodeHash(hash, p, r);
      // Levels at which this subtree has no sibling are skipped: the path has no step for them.
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      r = nodeHash(hash, r, p);
    }
    fn = half(fn);
    sn = half(sn);
  }
  // Step 5: the path ends before the root.
  return sn === 0 ? r : null;
}

/** RFC 9162 §2.1.3.2: the leaf is at `index` in the tree of `size` leaves that has this root. */
export function verifyInclusion(hash: Hash, inclusion: Inclusion & { readonly root: Uint8Array }): boolean {
  const computed = rootFromInclusion(hash, inclusion);
  return computed !== null && equal(computed, inclusion.root);
}

/**
 * RFC 9162 §2.1.4.2: the tree with `newRoot` begins with the very leaves of the tree with `oldRoot`.
 *
 * Equal sizes need equal roots and an empty path. A proof from an empty tree says nothing and is refused.
 */
export function verifyConsistency(hash: Hash, consistency: Consistency): boolean {
  const { oldSize, oldRoot, newSize, newRoot, path } = consistency;
  if (!isCount(oldSize) || !isCount(newSize) || !isHash(oldRoot) || !isHash(newRoot) || !path.every(isHash)) {
    return false;
  }
  if (oldSize === 0 || oldSize > newSize) return false;
  if (oldSize === newSize) return path.length === 0 && equal(oldRoot, newRoot);
  // Steps 1 and 2: an old tree that is a full subtree of the new one is where the path starts.
  if (path.length === 0) return false;
  const steps = isPowerOfTwo(oldSize) ? [oldRoot, ...path] : path;
  // Steps 3 and 4.
  let fn = oldSize - 1;
  let sn = newSize - 1;
  while (isOdd(fn)) {
    fn = half(fn);
    sn = half(sn);
  }
  // Steps 5 and 6: one walk computes both roots.
  let fr = steps[0]!;
  let sr = fr;
  for (const c of steps.slice(1)) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(hash, c, fr);
      sr = nodeHash(hash, c, sr);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      sr = nodeHash(hash, sr, c);
    }
    fn = half(fn);
    sn = half(sn);
  }
  // Step 7.
  return sn === 0 && equal(fr, oldRoot) && equal(sr, newRoot);
}

// Sizes go up to 2^53 − 1, beyond what JavaScript's 32-bit shifts can hold.
const isOdd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);
const isCount = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;
const isHash = (bytes: Uint8Array): boolean => bytes.length === HASH_BYTES;

function isPowerOfTwo(n: number): boolean {
  let rest = n;
  while (!isOdd(rest)) rest = half(rest);
  return rest === 1;
}
