/**
 * The Merkle tree of RFC 9162 §2.1, in memory. It carries the log, the block root, the events root and batches.
 *
 * Leaves and nodes are hashed with different first bytes, so that no node can be shown as a leaf (§2.1.1).
 */
import { HASH_BYTES, type Hash } from './hash-type.ts';
import { prefixedHash } from './prefixed-hash.ts';

const LEAF_PREFIX = Uint8Array.of(0x00);
const NODE_PREFIX = 0x01;

/** Reused between calls: a fresh 65-byte array costs as much as a native hash. `Hash` promises not to keep it. */
const nodeInput = new Uint8Array(1 + 2 * HASH_BYTES);

/** H(0x00 ‖ entry). */
export function leafHash(hash: Hash, entry: Uint8Array): Uint8Array {
  return prefixedHash(hash, LEAF_PREFIX, entry);
}

/** H(0x01 ‖ left ‖ right). */
export function nodeHash(hash: Hash, left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeInput[0] = NODE_PREFIX;
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return hash(nodeInput);
}

/** The root of a tree without leaves: the hash of no bytes. */
export function emptyRoot(hash: Hash): Uint8Array {
  return hash(new Uint8Array(0));
}

/**
 * The level above `level`: pairs hashed, a last odd hash carried up as it is, which gives the tree of RFC 9162.
 *
 * @param level hashes of 32 bytes, one after the other.
 */
export function levelAbove(hash: Hash, level: Uint8Array): Uint8Array {
  const width = level.length / HASH_BYTES;
  const above = new Uint8Array(Math.ceil(width / 2) * HASH_BYTES);
  for (let i = 0; i + 1 < width; i += 2) {
    nodeInput[0] = NODE_PREFIX;
    nodeInput.set(level.subarray(i * HASH_BYTES, (i + 2) * HASH_BYTES), 1);
    above.set(hash(nodeInput), (i / 2) * HASH_BYTES);
  }
  if (width % 2 === 1) above.set(level.subarray((width - 1) * HASH_BYTES), above.length - HASH_BYTES);
  return above;
}

/** @throws {RangeError} when a hash is not 32 bytes long. */
export function assertHashes(hashes: readonly Uint8Array[]): void {
  for (let i = 0; i < hashes.length; i++) {
    const { length } = hashes[i]!;
    if (length !== HASH_BYTES) throw new RangeError(`hash ${i} has ${length} bytes, not ${HASH_BYTES}`);
  }
}

/**
 * A whole tree with all its levels: n − 1 hashes to build, then any path costs O(log n) and no hashing at all.
 * Takes 64 bytes of memory a leaf: 64 MiB for a batch of 2^20 digests.
 *
 * @example
 * const tree = new MerkleTree(sha256, digests.map((digest) => leafHash(sha256, digest)));
 * const receipt = { root: tree.root(), index: 7, size: tree.size, path: tree.path(7) };
 */
export class MerkleTree {
  readonly size: number;
  private readonly hash: Hash;
  private readonly levels: readonly Uint8Array[];

  /** @throws {RangeError} when a leaf hash is not 32 bytes long. */
  constructor(hash: Hash, leafHashes: readonly Uint8Array[]) {
    assertHashes(leafHashes);
    this.hash = hash;
    this.size = leafHashes.length;
    let level = concatHashes(leafHashes);
    const levels = [level];
    while (level.length > HASH_BYTES) {
      level = levelAbove(hash, level);
      levels.push(level);
    }
    this.levels = levels;
  }

  root(): Uint8Array {
    return this.size === 0 ? emptyRoot(this.hash) : this.levels.at(-1)!.slice();
  }

  /**
   * The inclusion path of the leaf at `index`, from the leaf's sibling to the root's child (RFC 9162 §2.1.3.1).
   *
   * @throws {RangeError} when there is no such leaf.
   */
  path(index: number): Uint8Array[] {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.size) {
      throw new RangeError(`no leaf ${index} in a tree of ${this.size}`);
    }
    const path: Uint8Array[] = [];
    let position = index;
    for (const level of this.levels) {
      const sibling = position % 2 === 0 ? position + 1 : position - 1;
      const start = sibling * HASH_BYTES;
      // A hash without a sibling was carried up unchanged: it has no step in the path.
      if (start < level.length) path.push(level.slice(start, start + HASH_BYTES));
      position = Math.floor(position / 2);
    }
    return path;
  }
}

/** The root over all leaves. For the log, which grows, use `LogFrontier`. */
export function rootOf(hash: Hash, leafHashes: readonly Uint8Array[]): Uint8Array {
  return LogFrontier.empty(hash).append(leafHashes).root();
}

/** One path of an in-memory tree. For several paths build one `MerkleTree`. */
export function inclusionPath(hash: Hash, leafHashes: readonly Uint8Array[], index: number): Uint8Array[] {
  return new MerkleTree(hash, leafHashes).path(index);
}

/**
 * The right edge of a log: the roots of the full subtrees that cover its leaves, largest first (a "compact range").
 * It is all a node needs to append k leaves and know the new root, in O(k + log n). Immutable: a block that is
 * executed and then not decided leaves nothing behind.
 */
export class LogFrontier {
  readonly size: number;
  private readonly hash: Hash;
  private readonly hashes: readonly Uint8Array[];

  private constructor(hash: Hash, size: number, hashes: readonly Uint8Array[]) {
    this.hash = hash;
    this.size = size;
    this.hashes = hashes;
  }

  static empty(hash: Hash): LogFrontier {
    return new LogFrontier(hash, 0, []);
  }

  /**
   * The inverse of `encode`.
   *
   * @param size leaves in the log; it has one full subtree for each bit that is set in it.
   * @throws {RangeError} when `hashes` cannot be the frontier of a log of that size.
   */
  static decode(hash: Hash, size: number, hashes: readonly Uint8Array[]): LogFrontier {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is not a log size`);
    const count = fullSubtrees(0, size).length;
    if (hashes.length !== count) {
      throw new RangeError(`a log of ${size} has ${count} full subtrees, not ${hashes.length}`);
    }
    assertHashes(hashes);
    return new LogFrontier(hash, size, [...hashes]);
  }

  encode(): Uint8Array[] {
    return [...this.hashes];
  }

  /** @throws {RangeError} when a leaf hash is not 32 bytes long. */
  append(leafHashes: readonly Uint8Array[]): LogFrontier {
    assertHashes(leafHashes);
    const hashes = [...this.hashes];
    let size = this.size;
    for (const leaf of leafHashes) {
      let merged = leaf;
      // Adding one to the size carries through its low set bits: each is a full subtree that finds its right half.
      for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
        merged = nodeHash(this.hash, hashes.pop()!, merged);
      }
      hashes.push(merged);
      size += 1;
    }
    return new LogFrontier(this.hash, size, hashes);
  }

  root(): Uint8Array {
    return this.size === 0 ? emptyRoot(this.hash) : foldRight(this.hash, this.hashes);
  }
}

/** A full subtree: 2^level leaves, the index-th of its level. */
export type FullSubtree = { readonly level: number; readonly index: number };

/**
 * The full subtrees that cover the leaves [start, end), largest first. `start` is a multiple of the smallest power of
 * two that is at least `end − start`: every range in the proofs of RFC 9162 is of that kind.
 */
export function fullSubtrees(start: number, end: number): FullSubtree[] {
  const subtrees: FullSubtree[] = [];
  let at = start;
  for (let level = Math.floor(Math.log2(Number.MAX_SAFE_INTEGER)); level >= 0; level--) {
    const width = 2 ** level;
    if (end - at < width) continue;
    subtrees.push({ level, index: at / width });
    at += width;
  }
  return subtrees;
}

/** The root over neighbouring full subtrees, largest first; at least one. */
export function foldRight(hash: Hash, hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.reduceRight((right, left) => nodeHash(hash, left, right));
}

export function concatHashes(hashes: readonly Uint8Array[]): Uint8Array {
  const flat = new Uint8Array(hashes.length * HASH_BYTES);
  for (let i = 0; i < hashes.length; i++) flat.set(hashes[i]!, i * HASH_BYTES);
  return flat;
}
