/**
 * A page: four levels of the state tree, stored together. It covers one nibble of the path, in 16 slots.
 *
 * Nodes are numbered like a heap: 1 is the page's top, node n has the children 2n and 2n + 1, 16 to 31 are the slots.
 *
 * Encoding: a mask of 32 bits, two for each slot, first slot highest (0 empty, 1 leaf, 2 branch); then the slots in
 * order (a leaf as keyHash ‖ valueHash, a branch as the hash of the page below it); then, in order, the hashes of those
 * of the nodes 2 to 15 that have two leaves or more. These last could be computed again, but then a change of one slot
 * would cost 15 hashes and every leaf of the page instead of four hashes.
 */
import { HASH_BYTES, type Hash } from './hash-type.ts';
import { TreeError } from './tree-error.ts';

/** What a subtree holds: nothing, exactly one leaf, or more. */
export type SubtreeKind = 0 | 1 | 2;
export const EMPTY = 0;
export const LEAF = 1;
export const BRANCH = 2;

/** `bytes`: none for `EMPTY`, keyHash ‖ valueHash for `LEAF`, the subtree's hash for `BRANCH`. */
export type Subtree = { readonly kind: SubtreeKind; readonly bytes: Uint8Array };

export const EMPTY_SUBTREE: Subtree = { kind: EMPTY, bytes: new Uint8Array(0) };

/** The node over a whole page. */
export const TOP = 1;
export const FIRST_SLOT = 16;
const SLOTS = 16;
const NODES = FIRST_SLOT + SLOTS;

const MASK_BYTES = 4;
const LEAF_BYTES = 2 * HASH_BYTES;
/** Of a slot, by its kind. */
const BYTES_OF_KIND = [0, LEAF_BYTES, HASH_BYTES] as const;
const CHUNK_BYTES = 16 * 1024;
/** The mask's bits that say «leaf» and «branch». */
const LEAF_BITS = 0x55555555;
const BRANCH_BITS = 0xaaaaaaaa;
/** The mask's bits of the slots under each node. */
const BITS_UNDER = Array.from({ length: NODES }, (_, node) => bitsUnder(node));

const EMPTY_HASH = new Uint8Array(HASH_BYTES);
const LEAF_PREFIX = 0x20;
const NODE_PREFIX = 0x21;

/** Reused between calls: a fresh 65-byte array costs as much as a native hash. `Hash` promises not to keep it. */
const input = new Uint8Array(1 + 2 * HASH_BYTES);

/** H(0x20 ‖ keyHash ‖ valueHash). @param leaf keyHash ‖ valueHash */
export function stateLeafHash(hash: Hash, leaf: Uint8Array): Uint8Array {
  input[0] = LEAF_PREFIX;
  input.set(leaf, 1);
  return hash(input);
}

/** H(0x21 ‖ left ‖ right). */
export function stateNodeHash(hash: Hash, left: Uint8Array, right: Uint8Array): Uint8Array {
  input[0] = NODE_PREFIX;
  input.set(left, 1);
  input.set(right, 1 + HASH_BYTES);
  return hash(input);
}

/** The hash of an empty subtree, and the root of an empty state: 32 zero bytes, of which nobody knows a preimage. */
export function stateEmptyHash(): Uint8Array {
  return EMPTY_HASH.slice();
}

/** Hands out memory for many pages from few allocations: thousands of small buffers would keep the collector busy. */
export class PageMemory {
  private chunk = new Uint8Array(0);
  private used = 0;

  take(length: number): Uint8Array {
    if (this.used + length > this.chunk.length) {
      this.chunk = new Uint8Array(CHUNK_BYTES);
      this.used = 0;
    }
    this.used += length;
    return this.chunk.subarray(this.used - length, this.used);
  }
}

/**
 * A page in use: its encoding, read in place, under the slots that were set since. `settle` makes a new encoding and
 * hashes within it; the old one stays as it was.
 */
export class StatePage {
  /** As it was stored or last settled; where its parts are follows from the three fields after it. */
  private bytes: Uint8Array;
  private bytesMask: number;
  private slotsEnd: number;
  /** A bit for each inner node whose hash is there. */
  private inner: number;
  private mask: number;
  /** What was set since; of those slots that are dirty. */
  private readonly fresh = new Array<Uint8Array>(SLOTS);
  /** A bit for each node whose subtree has changed since. */
  private dirty = 0;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.mask = (bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!;
    this.bytesMask = this.mask;
    this.slotsEnd = MASK_BYTES + slotBytes(this.mask);
    this.inner = this.innerBranches();
  }

  static empty(): StatePage {
    return new StatePage(new Uint8Array(MASK_BYTES));
  }

  /**
   * @param stored must not change while the page is in use.
   * @throws {TreeError} `badPage`
   */
  static decode(stored: Uint8Array): StatePage {
    if (stored.length < MASK_BYTES) throw new TreeError('badPage', `a page of ${stored.length} bytes has no mask`);
    const page = new StatePage(stored);
    if ((page.mask & LEAF_BITS & (page.mask >>> 1)) !== 0) throw new TreeError('badPage', 'a slot of no known kind');
    const length = page.slotsEnd + HASH_BYTES * bitCount(page.inner);
    if (length !== stored.length) {
      throw new TreeError('badPage', `a page of ${stored.length} bytes, by its mask ${length}`);
    }
    return page;
  }

  /** Compaction: one leaf and nothing else is that leaf. A branch is never a leaf, however empty its side is. */
  kind(node: number): SubtreeKind {
    const bits = this.mask & BITS_UNDER[node]!;
    if (bits === 0) return EMPTY;
    const isOneBit = (bits & (bits - 1)) === 0;
    return isOneBit && (bits & BRANCH_BITS) === 0 ? LEAF : BRANCH;
  }

  /** To set what is there already is no change. */
  setSlot(nibble: number, { kind, bytes }: Subtree): void {
    const node = FIRST_SLOT + nibble;
    if (this.kind(node) === kind && this.holds(node, bytes)) return;
    this.mask = (this.mask & ~BITS_UNDER[node]!) | (kind << (30 - 2 * nibble));
    this.fresh[nibble] = bytes;
    this.dirty |= 1 << node;
  }

  isChanged(): boolean {
    return this.dirty !== 0;
  }

  /** Makes the page's new encoding, hashes what lies above changed slots, and returns the page as one subtree. */
  settle(hash: Hash, memory: PageMemory): Subtree {
    this.bytes = this.mask === this.bytesMask ? this.patched(memory) : this.laidOut(memory);
    for (let node = FIRST_SLOT - 1; node > TOP; node--) {
      if (((this.dirty >>> (2 * node)) & 0b11) === 0) continue;
      this.dirty |= 1 << node;
      if (this.kind(node) === BRANCH)
        copy(this.bytes, this.offsetOf(node), this.hashChildren(hash, node), 0, HASH_BYTES);
    }
    this.dirty = 0;
    return this.subtree(hash);
  }

  /** Call `settle` first. */
  encoded(): Uint8Array {
    return this.bytes;
  }

  /** The page as one subtree: what its parent's slot holds. */
  subtree(hash: Hash): Subtree {
    const kind = this.kind(TOP);
    if (kind === EMPTY) return EMPTY_SUBTREE;
    return { kind, bytes: kind === LEAF ? this.leafUnder(TOP) : this.hashChildren(hash, TOP) };
  }

  /** The hash that stands for the subtree under a node below the top: zeros, its only leaf's hash, or its node's. */
  hashOf(hash: Hash, node: number): Uint8Array {
    const kind = this.kind(node);
    if (kind === EMPTY) return EMPTY_HASH;
    if (kind === LEAF) return stateLeafHash(hash, this.leafUnder(node));
    const offset = this.offsetOf(node);
    return this.bytes.subarray(offset, offset + HASH_BYTES);
  }

  /** keyHash ‖ valueHash of the only leaf under a node of kind `LEAF`. */
  leafUnder(node: number): Uint8Array {
    const slot = this.slotOfLeaf(node);
    if (((this.dirty >>> (FIRST_SLOT + slot)) & 1) === 1) return this.fresh[slot]!;
    const offset = this.offsetOf(FIRST_SLOT + slot);
    return this.bytes.subarray(offset, offset + LEAF_BYTES);
  }

  private slotOfLeaf(node: number): number {
    return Math.clz32(this.mask & BITS_UNDER[node]!) >> 1;
  }

  /** The common case: no slot has changed its kind, so every part keeps its place. */
  private patched(memory: PageMemory): Uint8Array {
    const out = memory.take(this.bytes.length);
    out.set(this.bytes);
    for (let slot = 0; slot < SLOTS; slot++) {
      if (((this.dirty >>> (FIRST_SLOT + slot)) & 1) === 0) continue;
      const bytes = this.fresh[slot]!;
      copy(out, this.offsetOf(FIRST_SLOT + slot), bytes, 0, bytes.length);
    }
    return out;
  }

  /** The inner hashes of nodes that have changed are left for `settle`. */
  private laidOut(memory: PageMemory): Uint8Array {
    const { mask } = this;
    const inner = this.innerBranches();
    const slotsEnd = MASK_BYTES + slotBytes(mask);
    const out = memory.take(slotsEnd + HASH_BYTES * bitCount(inner));
    for (let i = 0; i < MASK_BYTES; i++) out[i] = mask >>> (24 - 8 * i);
    let to = MASK_BYTES;
    for (let slot = 0; slot < SLOTS; slot++) {
      const node = FIRST_SLOT + slot;
      const length = BYTES_OF_KIND[this.kind(node)]!;
      if (((this.dirty >>> node) & 1) === 1) copy(out, to, this.fresh[slot]!, 0, length);
      else copy(out, to, this.bytes, this.offsetOf(node), length);
      to += length;
    }
    for (let node = TOP + 1; node < FIRST_SLOT; node++) {
      if (((inner >>> node) & 1) === 0) continue;
      if (((this.inner >>> node) & 1) === 1) copy(out, to, this.bytes, this.offsetOf(node), HASH_BYTES);
      to += HASH_BYTES;
    }
    this.bytesMask = mask;
    this.slotsEnd = slotsEnd;
    this.inner = inner;
    return out;
  }

  private hashChildren(hash: Hash, node: number): Uint8Array {
    const left = 2 * node;
    const right = left + 1;
    // A leaf is hashed through the same scratch memory, so leaves come first.
    const leftLeaf = this.kind(left) === LEAF ? this.hashLeaf(hash, left) : undefined;
    const rightLeaf = this.kind(right) === LEAF ? this.hashLeaf(hash, right) : undefined;
    this.putHash(1, left, leftLeaf);
    this.putHash(1 + HASH_BYTES, right, rightLeaf);
    input[0] = NODE_PREFIX;
    return hash(input);
  }

  private hashLeaf(hash: Hash, node: number): Uint8Array {
    input[0] = LEAF_PREFIX;
    copy(input, 1, this.bytes, this.offsetOf(FIRST_SLOT + this.slotOfLeaf(node)), LEAF_BYTES);
    return hash(input);
  }

  /** Into the scratch memory. */
  private putHash(at: number, node: number, leaf: Uint8Array | undefined): void {
    if (leaf !== undefined) copy(input, at, leaf, 0, HASH_BYTES);
    else if (this.kind(node) === EMPTY) copy(input, at, EMPTY_HASH, 0, HASH_BYTES);
    else copy(input, at, this.bytes, this.offsetOf(node), HASH_BYTES);
  }

  private holds(node: number, bytes: Uint8Array): boolean {
    const slot = node - FIRST_SLOT;
    const isFresh = ((this.dirty >>> node) & 1) === 1;
    const now = isFresh ? this.fresh[slot]! : this.bytes;
    const start = isFresh ? 0 : this.offsetOf(node);
    for (let i = 0; i < bytes.length; i++) if (now[start + i] !== bytes[i]) return false;
    return true;
  }

  /** Where a slot or an inner hash is in `bytes`. */
  private offsetOf(node: number): number {
    if (node < FIRST_SLOT) return this.slotsEnd + HASH_BYTES * bitCount(this.inner & ((1 << node) - 1));
    const slotsBefore = ~(-1 >>> (2 * (node - FIRST_SLOT)));
    return MASK_BYTES + slotBytes(this.bytesMask & slotsBefore);
  }

  /** A bit for each of the nodes 2 to 15 that is a branch. */
  private innerBranches(): number {
    let bits = 0;
    for (let node = TOP + 1; node < FIRST_SLOT; node++) if (this.kind(node) === BRANCH) bits |= 1 << node;
    return bits;
  }
}

/** Byte by byte: to make a view for `set` costs as much as a native hash. */
function copy(to: Uint8Array, at: number, from: Uint8Array, start: number, length: number): void {
  for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
}

function slotBytes(mask: number): number {
  return LEAF_BYTES * bitCount(mask & LEAF_BITS) + HASH_BYTES * bitCount(mask & BRANCH_BITS);
}

function bitsUnder(node: number): number {
  if (node === 0) return 0;
  const depth = 31 - Math.clz32(node);
  const slots = SLOTS >> depth;
  const first = (node << (4 - depth)) - FIRST_SLOT;
  let bits = 0;
  for (let slot = first; slot < first + slots; slot++) bits |= 0b11 << (30 - 2 * slot);
  return bits;
}

/** Bits that are set in a 32-bit number (Hacker's Delight, §5-1). */
function bitCount(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
