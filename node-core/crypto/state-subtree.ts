/**
 * Parts of the state tree: one subtree built from its leaves in their order, in one pass and with the memory of one
 * path; and the tree above subtrees that are known by their hashes alone. Pages come out as `updateTree` would store
 * them, byte for byte.
 *
 * Paths are texts of hexadecimal digits here, one a nibble, as in `StateChange.pages`.
 */
import { concat, equal, toHex } from '../codec/bytes.ts';
import { HASH_BYTES, type Hash } from './hash-type.ts';
import {
  BRANCH,
  EMPTY,
  EMPTY_SUBTREE,
  LEAF,
  PageMemory,
  StatePage,
  type Subtree,
  stateEmptyHash,
  stateLeafHash,
} from './state-page.ts';
import { nibbleAt } from './state-tree.ts';

/** Takes a page to store. The pages of one builder share memory: who keeps them for long keeps copies. */
export type PageSink = (path: string, page: Uint8Array) => void;

const NIBBLES = 2 * HASH_BYTES;
const HEX_DIGITS = '0123456789abcdef';

/** The hash that stands for a subtree in the nodes above it. */
export function subtreeHash(hash: Hash, { kind, bytes }: Subtree): Uint8Array {
  if (kind === EMPTY) return stateEmptyHash();
  return kind === LEAF ? stateLeafHash(hash, bytes) : bytes;
}

export function sameSubtree(a: Subtree, b: Subtree): boolean {
  return a.kind === b.kind && equal(a.bytes, b.bytes);
}

export class SubtreeBuilder {
  private readonly hash: Hash;
  private readonly path: string;
  private readonly sink: PageSink | null;
  private readonly memory = new PageMemory();
  /** The pages on the way to `last`; the first is at `path`. */
  private readonly open = [StatePage.empty()];
  /** keyHash ‖ valueHash of the newest leaf; its page is known only when the next one comes. */
  private last: Uint8Array | null = null;

  constructor(hash: Hash, path: string, sink: PageSink | null = null) {
    this.hash = hash;
    this.path = path;
    this.sink = sink;
  }

  /** False, and the builder is used up, when the leaf is not under the path or not after the one before it. */
  add(keyHash: Uint8Array, valueHash: Uint8Array): boolean {
    const leaf = concat(keyHash, valueHash);
    if (this.last === null) {
      if (!isUnder(leaf, this.path)) return false;
    } else {
      const shared = sharedNibbles(this.last, leaf);
      const ascends = shared < NIBBLES && nibbleAt(this.last, shared) < nibbleAt(leaf, shared);
      if (!ascends || shared < this.path.length) return false;
      // Two leaves meet in the page that both their paths lead through last.
      while (this.depth < shared) this.open.push(StatePage.empty());
      this.placeLast(this.last, shared);
    }
    this.last = leaf;
    return true;
  }

  /** The subtree of all leaves that were added. The builder is used up. */
  finish(): Subtree {
    if (this.last === null) return EMPTY_SUBTREE;
    this.placeLast(this.last, this.path.length);
    const page = this.open[0]!;
    const subtree = page.settle(this.hash, this.memory);
    // Only the root page is stored for a single leaf: any other lies in its parent's slot.
    if (subtree.kind === BRANCH || this.path === '') this.sink?.(this.path, page.encoded());
    return subtree;
  }

  private get depth(): number {
    return this.path.length + this.open.length - 1;
  }

  /** Puts the newest leaf into the deepest page, and closes the pages below `depth`: nothing more comes to them. */
  private placeLast(leaf: Uint8Array, depth: number): void {
    this.open.at(-1)!.setSlot(nibbleAt(leaf, this.depth), { kind: LEAF, bytes: leaf });
    while (this.depth > depth) {
      const path = pathOf(leaf, this.depth);
      const page = this.open.pop()!;
      const subtree = page.settle(this.hash, this.memory);
      this.sink?.(path, page.encoded());
      this.open.at(-1)!.setSlot(nibbleAt(leaf, this.depth), subtree);
    }
  }
}

/** A place of the tree and what lies there. */
export interface TreePart {
  readonly path: string;
  readonly subtree: Subtree;
}

/**
 * The tree over subtrees that together cover it: their paths are a complete prefix code, in order. Null when they are
 * not, when a leaf lies where it does not belong, or when parts that are one leaf or none together were split.
 */
export function foldParts(hash: Hash, parts: readonly TreePart[], sink: PageSink | null = null): Subtree | null {
  const memory = new PageMemory();
  let next = 0;
  const fold = (path: string): Subtree | null => {
    const part = parts[next];
    if (part === undefined || !part.path.startsWith(path)) return null;
    if (part.path === path) {
      next += 1;
      const { kind, bytes } = part.subtree;
      return kind !== LEAF || isUnder(bytes, path) ? part.subtree : null;
    }
    const page = StatePage.empty();
    for (let nibble = 0; nibble < HEX_DIGITS.length; nibble++) {
      const child = fold(path + HEX_DIGITS[nibble]);
      if (child === null) return null;
      page.setSlot(nibble, child);
    }
    const subtree = page.settle(hash, memory);
    if (subtree.kind !== BRANCH) return null;
    sink?.(path, page.encoded());
    return subtree;
  };
  const root = fold('');
  return next === parts.length ? root : null;
}

function isUnder(leaf: Uint8Array, path: string): boolean {
  return pathOf(leaf, path.length) === path;
}

/** The first `depth` nibbles of a leaf. */
function pathOf(leaf: Uint8Array, depth: number): string {
  return toHex(leaf.subarray(0, (depth + 1) >> 1)).slice(0, depth);
}

function sharedNibbles(a: Uint8Array, b: Uint8Array): number {
  let byte = 0;
  while (byte < HASH_BYTES && a[byte] === b[byte]) byte += 1;
  if (byte === HASH_BYTES) return NIBBLES;
  return 2 * byte + (a[byte]! >>> 4 === b[byte]! >>> 4 ? 1 : 0);
}
