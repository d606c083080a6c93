/**
 * The state: an authenticated map, as a sparse binary Merkle tree over the hashes of its keys, with leaf compaction (a
 * subtree that holds exactly one leaf is that leaf, as in Diem's Jellyfish Merkle tree). Defined in
 * docs/spec/proofs.md; the root depends on the keys and values alone, never on the order they came in.
 *
 * Stored as pages of four levels. Storage is canonical too: the same map gives the same pages, byte for byte.
 */
import { compare, concat, equal } from '../codec/bytes.ts';
import { HASH_BYTES, type Hash } from './hash-type.ts';
import {
  BRANCH,
  EMPTY,
  EMPTY_SUBTREE,
  FIRST_SLOT,
  LEAF,
  PageMemory,
  StatePage,
  type Subtree,
  stateEmptyHash,
  stateLeafHash,
  TOP,
} from './state-page.ts';
import { TreeError } from './tree-error.ts';

/**
 * The stored page at a path, one nibble a byte; the root page is at the empty path. The bytes stay unchanged until the
 * call that asked for them returns.
 */
export type PageReader = (path: Uint8Array) => Uint8Array | undefined;

/** `valueHash` null deletes; to delete what is not there changes nothing. */
export type StateUpdate = { readonly keyHash: Uint8Array; readonly valueHash: Uint8Array | null };

export type StateChange = {
  readonly root: Uint8Array;
  /**
   * What to store, by path in hexadecimal digits; null deletes the page. Pages that stay as they are do not appear.
   * The pages of one batch share memory: who keeps a few of them for long keeps copies.
   */
  readonly pages: ReadonlyMap<string, Uint8Array | null>;
};

const KEY_PREFIX = Uint8Array.of(0x23);
const VALUE_PREFIX = Uint8Array.of(0x22);
const HEX_DIGITS = '0123456789abcdef';

/** H(0x23 ‖ key): where the key lives. Keys that differ live apart, and nobody can choose to crowd one place. */
export function stateKeyHash(hash: Hash, key: Uint8Array): Uint8Array {
  return hash(concat(KEY_PREFIX, key));
}

/** H(0x22 ‖ value). */
export function stateValueHash(hash: Hash, value: Uint8Array): Uint8Array {
  return hash(concat(VALUE_PREFIX, value));
}

/** The path as `StateChange.pages` names it. */
export function pageKey(path: Uint8Array): string {
  let key = '';
  for (let i = 0; i < path.length; i++) key += HEX_DIGITS[path[i]!];
  return key;
}

/** The root of what is stored. @throws {TreeError} `badPage` */
export function stateRoot(hash: Hash, readPage: PageReader): Uint8Array {
  const stored = readPage(new Uint8Array(0));
  return stored === undefined ? stateEmptyHash() : rootHash(hash, StatePage.decode(stored).subtree(hash));
}

/**
 * Applies a batch. Each page on the way to a change is read and hashed once, so one large batch costs much less than
 * many small ones. Of several updates to one key the last counts.
 *
 * @throws {RangeError} when a hash is not 32 bytes long.
 * @throws {TreeError} `missingPage`, `badPage`
 */
export function updateTree(hash: Hash, readPage: PageReader, updates: Iterable<StateUpdate>): StateChange {
  const batch = new Batch(hash, readPage, sortedUpdates(updates));
  const root = batch.run();
  return { root, pages: batch.pages };
}

/** The page at the first `depth` nibbles of `keyHash`, which its parent says is there. */
export function readBranchPage(readPage: PageReader, keyHash: Uint8Array, depth: number): StatePage {
  const path = pathOf(keyHash, depth);
  const stored = readPage(path);
  if (stored === undefined) throw new TreeError('missingPage', `state page ${pageKey(path)} is not stored`);
  const page = StatePage.decode(stored);
  if (page.kind(TOP) !== BRANCH)
    throw new TreeError('badPage', `state page ${pageKey(path)} holds less than two leaves`);
  return page;
}

export function nibbleAt(keyHash: Uint8Array, depth: number): number {
  const byte = keyHash[depth >> 1]!;
  return depth % 2 === 0 ? byte >>> 4 : byte & 0x0f;
}

/** One run of `updateTree`, over updates sorted by key hash, each key once. */
class Batch {
  readonly pages = new Map<string, Uint8Array | null>();
  private readonly hash: Hash;
  private readonly readPage: PageReader;
  private readonly updates: readonly StateUpdate[];
  private readonly memory = new PageMemory();

  constructor(hash: Hash, readPage: PageReader, updates: readonly StateUpdate[]) {
    this.hash = hash;
    this.readPage = readPage;
    this.updates = updates;
  }

  run(): Uint8Array {
    const stored = this.readPage(new Uint8Array(0));
    const page = stored === undefined ? StatePage.empty() : StatePage.decode(stored);
    this.applyRange(page, '', 0, this.updates.length);
    if (!page.isChanged()) return rootHash(this.hash, page.subtree(this.hash));
    const top = page.settle(this.hash, this.memory);
    // The root page has no parent to lift a last leaf into: it is stored as long as it holds anything.
    if (top.kind !== EMPTY) this.pages.set('', page.encoded());
    else if (stored !== undefined) this.pages.set('', null);
    return rootHash(this.hash, top);
  }

  /** Applies the updates [start, end), all of which lie under `page`, which is at `path`. */
  private applyRange(page: StatePage, path: string, start: number, end: number): void {
    let from = start;
    while (from < end) {
      const nibble = nibbleAt(this.updates[from]!.keyHash, path.length);
      let to = from + 1;
      while (to < end && nibbleAt(this.updates[to]!.keyHash, path.length) === nibble) to += 1;
      const now = this.updateSlot(page, FIRST_SLOT + nibble, path + HEX_DIGITS[nibble], from, to);
      if (now !== null) page.setSlot(nibble, now);
      from = to;
    }
  }

  /** What the slot holds after the updates [start, end), all of which lie under it; null when nothing changed. */
  private updateSlot(page: StatePage, slot: number, path: string, start: number, end: number): Subtree | null {
    const { keyHash, valueHash } = this.updates[start]!;
    const kind = page.kind(slot);
    if (kind === BRANCH) {
      const child = readBranchPage(this.readPage, keyHash, path.length);
      this.applyRange(child, path, start, end);
      return child.isChanged() ? this.finishPage(child, path, true) : null;
    }
    const leaf = kind === LEAF ? page.leafUnder(slot) : null;
    if (end - start === 1) {
      const replaces = leaf === null || startsWith(leaf, keyHash);
      if (replaces) return valueHash === null ? EMPTY_SUBTREE : { kind: LEAF, bytes: concat(keyHash, valueHash) };
      if (valueHash === null) return null;
    }
    // Several keys meet here: a page of their own takes them, if two or more of them stay.
    const child = StatePage.empty();
    if (leaf !== null) child.setSlot(nibbleAt(leaf, path.length), { kind: LEAF, bytes: leaf });
    this.applyRange(child, path, start, end);
    return this.finishPage(child, path, false);
  }

  private finishPage(page: StatePage, path: string, isStored: boolean): Subtree {
    const subtree = page.settle(this.hash, this.memory);
    // A page left with one leaf or none goes: its parent's slot says it all.
    if (subtree.kind === BRANCH) this.pages.set(path, page.encoded());
    else if (isStored) this.pages.set(path, null);
    return subtree;
  }
}

function sortedUpdates(updates: Iterable<StateUpdate>): StateUpdate[] {
  const all = [...updates];
  for (const { keyHash, valueHash } of all) {
    if (keyHash.length !== HASH_BYTES) throw new RangeError(`a key hash of ${keyHash.length} bytes`);
    if (valueHash !== null && valueHash.length !== HASH_BYTES) {
      throw new RangeError(`a value hash of ${valueHash.length} bytes`);
    }
  }
  // The sort is stable: of several updates to one key, the last stays last.
  all.sort((a, b) => compare(a.keyHash, b.keyHash));
  return all.filter((update, i) => i + 1 === all.length || !equal(update.keyHash, all[i + 1]!.keyHash));
}

function startsWith(leaf: Uint8Array, keyHash: Uint8Array): boolean {
  for (let i = 0; i < HASH_BYTES; i++) if (leaf[i] !== keyHash[i]) return false;
  return true;
}

function rootHash(hash: Hash, top: Subtree): Uint8Array {
  if (top.kind === EMPTY) return stateEmptyHash();
  return top.kind === LEAF ? stateLeafHash(hash, top.bytes) : top.bytes;
}

function pathOf(keyHash: Uint8Array, depth: number): Uint8Array {
  const path = new Uint8Array(depth);
  for (let i = 0; i < depth; i++) path[i] = nibbleAt(keyHash, i);
  return path;
}
