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

/** A page in use: stored bytes, read in place, under the changes made since. */
export class StatePage {
  private readonly stored: Uint8Array;
  private readonly storedMask: number;
  private readonly storedSlotsEnd: number;
  /** A bit for each inner node whose hash is stored. */
  private readonly storedInner: number;
  private mask: number;
  private readonly changed = new Array<Uint8Array | undefined>(NODES);
  /** A bit for each node whose subtree has changed. */
  private dirty = 0;

  private constructor(stored: Uint8Array) {
    this.stored = stored;
    this.mask = (stored[0]! << 24) | (stored[1]! << 16) | (stored[2]! << 8) | stored[3]!;
    this.storedMask = this.mask;
    this.storedSlotsEnd = MASK_BYTES + slotBytes(this.mask);
    this.storedInner = this.innerBranches();
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
    const length = page.storedSlotsEnd + HASH_BYTES * bitCount(page.storedInner);
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
    this.changed[node] = bytes;
    this.dirty |= 1 << node;
  }

  isChanged(): boolean {
    return this.dirty !== 0;
  }

  /** Hashes what lies above changed slots, and returns the page as one subtree. */
  settle(hash: Hash): Subtree {
    for (let node = FIRST_SLOT - 1; node >= TOP; node--) {
      if (((this.dirty >>> (2 * node)) & 0b11) === 0) continue;
      this.dirty |= 1 << node;
      this.changed[node] = this.kind(node) === BRANCH ? this.hashChildren(hash, node) : undefined;
    }
    return this.subtree(hash);
  }

  /** The page as one subtree: what its parent's slot holds. */
  subtree(hash: Hash): Subtree {
    const kind = this.kind(TOP);
    if (kind === EMPTY) return EMPTY_SUBTREE;
    return { kind, bytes: kind === LEAF ? this.leafUnder(TOP) : this.hashOf(hash, TOP) };
  }

  /** The hash that stands for a subtree: zeros, its only leaf's hash, or its node's. */
  hashOf(hash: Hash, node: number): Uint8Array {
    const kind = this.kind(node);
    if (kind === EMPTY) return EMPTY_HASH;
    if (kind === LEAF) return stateLeafHash(hash, this.leafUnder(node));
    // The top's hash is stored in the parent, so a page that was just read does not have it.
    if (node === TOP) return this.changed[TOP] ?? this.hashChildren(hash, TOP);
    return this.bytesOf(node);
  }

  /** keyHash ‖ valueHash of the only leaf under a node of kind `LEAF`. */
  leafUnder(node: number): Uint8Array {
    return this.bytesOf(FIRST_SLOT + (Math.clz32(this.mask & BITS_UNDER[node]!) >> 1));
  }

  /** Call `settle` first. */
  encode(memory: PageMemory): Uint8Array {
    if (this.mask === this.storedMask) return this.patchStored(memory);
    const inner = this.innerBranches();
    const out = memory.take(MASK_BYTES + slotBytes(this.mask) + HASH_BYTES * bitCount(inner));
    for (let i = 0; i < MASK_BYTES; i++) out[i] = this.mask >>> (24 - 8 * i);
    let offset = MASK_BYTES;
    const put = (node: number): void => {
      const bytes = this.bytesOf(node);
      out.set(bytes, offset);
      offset += bytes.length;
    };
    for (let node = FIRST_SLOT; node < NODES; node++) if (this.kind(node) !== EMPTY) put(node);
    for (let node = TOP + 1; node < FIRST_SLOT; node++) if (((inner >>> node) & 1) === 1) put(node);
    return out;
  }

  /** The common case: no slot changed its kind, so every part keeps its place. */
  private patchStored(memory: PageMemory): Uint8Array {
    const out = memory.take(this.stored.length);
    out.set(this.stored);
    for (let node = TOP + 1; node < NODES; node++) {
      const bytes = this.changed[node];
      if (bytes !== undefined) out.set(bytes, this.storedOffset(node));
    }
    return out;
  }

  private hashChildren(hash: Hash, node: number): Uint8Array {
    const left = 2 * node;
    const right = left + 1;
    // A leaf is hashed through the same scratch memory, so leaves come first.
    const leftLeaf = this.kind(left) === LEAF ? this.hashOf(hash, left) : undefined;
    const rightLeaf = this.kind(right) === LEAF ? this.hashOf(hash, right) : undefined;
    this.copyHash(left, leftLeaf, 1);
    this.copyHash(right, rightLeaf, 1 + HASH_BYTES);
    input[0] = NODE_PREFIX;
    return hash(input);
  }

  /** Into the scratch memory, byte by byte: to make a view for `set` costs as much as a native hash. */
  private copyHash(node: number, leaf: Uint8Array | undefined, at: number): void {
    const fresh = leaf ?? (this.kind(node) === EMPTY ? EMPTY_HASH : this.changed[node]);
    const from = fresh ?? this.stored;
    const start = fresh === undefined ? this.storedOffset(node) : 0;
    for (let i = 0; i < HASH_BYTES; i++) input[at + i] = from[start + i]!;
  }

  private bytesOf(node: number): Uint8Array {
    const fresh = this.changed[node];
    if (fresh !== undefined) return fresh;
    const offset = this.storedOffset(node);
    return this.stored.subarray(offset, offset + (this.kind(node) === LEAF ? LEAF_BYTES : HASH_BYTES));
  }

  private holds(node: number, bytes: Uint8Array): boolean {
    const fresh = this.changed[node];
    const now = fresh ?? this.stored;
    const start = fresh === undefined ? this.storedOffset(node) : 0;
    for (let i = 0; i < bytes.length; i++) if (now[start + i] !== bytes[i]) return false;
    return true;
  }

  private storedOffset(node: number): number {
    if (node < FIRST_SLOT) return this.storedSlotsEnd + HASH_BYTES * bitCount(this.storedInner & ((1 << node) - 1));
    const slotsBefore = ~(-1 >>> (2 * (node - FIRST_SLOT)));
    return MASK_BYTES + slotBytes(this.storedMask & slotsBefore);
  }

  /** A bit for each of the nodes 2 to 15 that is a branch. */
  private innerBranches(): number {
    let bits = 0;
    for (let node = TOP + 1; node < FIRST_SLOT; node++) if (this.kind(node) === BRANCH) bits |= 1 << node;
    return bits;
  }
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
