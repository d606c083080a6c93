/**
 * Proofs that a key has a value in the state, or that it is not there. `verifyProof` runs on untrusted input, needs
 * the root alone, and never throws.
 */
import { concat, equal } from '../codec/bytes.ts';
import { HASH_BYTES, type Hash } from './hash-type.ts';
import {
  BRANCH,
  FIRST_SLOT,
  LEAF,
  StatePage,
  stateEmptyHash,
  stateLeafHash,
  stateNodeHash,
  TOP,
} from './state-page.ts';
import { nibbleAt, type PageReader, readBranchPage } from './state-tree.ts';

export type StateProof = {
  /** The other child at each level, from the root down, 32 bytes each (zeros for an empty subtree); at most 256. */
  readonly siblings: readonly Uint8Array[];
  /** The one leaf of the subtree that the siblings lead to, or null when that subtree is empty. */
  readonly leaf: { readonly keyHash: Uint8Array; readonly valueHash: Uint8Array } | null;
};

const MAX_SIBLINGS = 8 * HASH_BYTES;

/**
 * Shows where the way to `keyHash` ends: at its leaf, at another leaf, or at nothing.
 *
 * @throws {RangeError} when `keyHash` is not 32 bytes long.
 * @throws {TreeError} `missingPage`, `badPage`
 */
export function prove(hash: Hash, readPage: PageReader, keyHash: Uint8Array): StateProof {
  if (keyHash.length !== HASH_BYTES) throw new RangeError(`a key hash of ${keyHash.length} bytes`);
  const siblings: Uint8Array[] = [];
  const stored = readPage(new Uint8Array(0));
  if (stored === undefined) return { siblings, leaf: null };
  let page = StatePage.decode(stored);
  for (let depth = 0; ; depth++) {
    const node = descend(hash, page, nibbleAt(keyHash, depth), siblings);
    if (page.kind(node) === LEAF) {
      const leaf = page.leafUnder(node);
      return { siblings, leaf: { keyHash: leaf.slice(0, HASH_BYTES), valueHash: leaf.slice(HASH_BYTES) } };
    }
    if (page.kind(node) !== BRANCH) return { siblings, leaf: null };
    page = readBranchPage(readPage, keyHash, depth + 1);
  }
}

/** Follows the nibble's bits down to a leaf, to nothing, or through the page. */
function descend(hash: Hash, page: StatePage, nibble: number, siblings: Uint8Array[]): number {
  const slot = FIRST_SLOT + nibble;
  let node = TOP;
  for (let below = 3; below >= 0 && page.kind(node) === BRANCH; below--) {
    node = slot >>> below;
    siblings.push(page.hashOf(hash, node ^ 1).slice());
  }
  return node;
}

/**
 * True when `proof` shows that `keyHash` has `expected` as its value's hash, or for null that it is absent, in the
 * state with this root.
 *
 * Presence is sound because the fold from leaf to root fixes key, value and place, and leaves, nodes and the empty
 * hash cannot be taken for each other (first bytes 0x20 and 0x21; nobody finds a preimage of zeros).
 *
 * Absence has two forms.
 * - Nothing: the subtree at the first `siblings.length` bits of `keyHash` is empty. Were the key there, it would be in
 *   that subtree, whose hash would then be a leaf's or a node's.
 * - Another leaf: that same subtree has the hash of one leaf, so it holds exactly that leaf, and it is another key's.
 *   The leaf must share the first `siblings.length` bits. Without that rule a leaf could be shown where it is not, in
 *   a tree that was built wrongly: the verifier would take for canonical what no honest node stores.
 *
 * The siblings cannot be cut short: what they lead to must be a leaf's hash or zeros, and an inner node has neither.
 */
export function verifyProof(
  hash: Hash,
  root: Uint8Array,
  keyHash: Uint8Array,
  proof: StateProof,
  expected: Uint8Array | null,
): boolean {
  if (!isHash(root) || !isHash(keyHash) || !isWellFormed(proof)) return false;
  const { siblings, leaf } = proof;
  if (expected === null) {
    if (leaf !== null && (equal(leaf.keyHash, keyHash) || !sharesBits(leaf.keyHash, keyHash, siblings.length))) {
      return false;
    }
  } else if (leaf === null || !equal(leaf.keyHash, keyHash) || !equal(leaf.valueHash, expected)) {
    return false;
  }
  return equal(foldToRoot(hash, keyHash, proof), root);
}

/** The rules that leave each proof one form. */
function isWellFormed({ siblings, leaf }: StateProof): boolean {
  if (siblings.length > MAX_SIBLINGS || !siblings.every(isHash)) return false;
  if (leaf !== null && !(isHash(leaf.keyHash) && isHash(leaf.valueHash))) return false;
  // Nothing at the last bit would stand beside exactly one leaf, which compaction lifts.
  if (leaf === null && siblings.length === MAX_SIBLINGS) return false;
  // A leaf beside nothing is lifted, and nothing beside nothing is nothing: the way would have ended further up.
  const last = siblings.at(-1);
  return last === undefined || !equal(last, stateEmptyHash());
}

function foldToRoot(hash: Hash, keyHash: Uint8Array, { siblings, leaf }: StateProof): Uint8Array {
  let node = leaf === null ? stateEmptyHash() : stateLeafHash(hash, concat(leaf.keyHash, leaf.valueHash));
  for (let depth = siblings.length - 1; depth >= 0; depth--) {
    const sibling = siblings[depth]!;
    node = bitAt(keyHash, depth) === 0 ? stateNodeHash(hash, node, sibling) : stateNodeHash(hash, sibling, node);
  }
  return node;
}

const isHash = (bytes: Uint8Array): boolean => bytes.length === HASH_BYTES;

/** Most significant bit first: 0 goes left. */
function bitAt(keyHash: Uint8Array, depth: number): number {
  return (keyHash[depth >> 3]! >>> (7 - (depth & 7))) & 1;
}

function sharesBits(a: Uint8Array, b: Uint8Array, count: number): boolean {
  for (let depth = 0; depth < count; depth++) if (bitAt(a, depth) !== bitAt(b, depth)) return false;
  return true;
}
