/** Checks the state in a store against its tree, the tree against itself and the certified root. */
import { stateKey } from '../chain/state-keys.ts';
import { equal, toHex } from '../codec/bytes.ts';
import type { Hash } from '../crypto/hash-type.ts';
import { BRANCH, EMPTY, FIRST_SLOT, LEAF, PageMemory, StatePage, stateEmptyHash } from '../crypto/state-page.ts';
import { subtreeHash } from '../crypto/state-subtree.ts';
import { nibbleAt, stateKeyHash, stateValueHash } from '../crypto/state-tree.ts';
import { expiringNonceOf, usedNonceOf } from '../ledger/nonces.ts';
import type { Reads } from '../ports/key-value-store.ts';
import { pageKey, stateReader } from './chain-rows.ts';
import type { Findings } from './fsck.ts';
import { EXPIRING_ROWS, expiringOf, expiringRowKey } from './nonce-rows.ts';
import { decodeStateRow, keyHashOfRow, stateRowsUnder } from './state-rows.ts';

const SLOTS = 16;

/** Pages on the way to where the walk is: rows come in the order of the tree. */
class Path {
  private readonly kv: Reads;
  private readonly open: { readonly path: string; readonly page: StatePage | null }[] = [];

  constructor(kv: Reads) {
    this.kv = kv;
  }

  /** null for a page that is missing or does not decode: the walk over the pages says so. */
  page(nibbles: readonly number[]): StatePage | null {
    const path = nibbles.map((nibble) => nibble.toString(16)).join('');
    const known = this.open[path.length];
    if (known?.path === path) return known.page;
    const page = decoded(this.kv.get(pageKey(Uint8Array.from(nibbles))));
    this.open[path.length] = { path, page };
    return page;
  }
}

function decoded(stored: Uint8Array | undefined): StatePage | null {
  try {
    return stored === undefined ? null : StatePage.decode(stored);
  } catch {
    return null;
  }
}

/** Every stored page is what its slots make it, and what its parent says. Gives the number of leaves. */
export function checkPages(hash: Hash, kv: Reads, root: Uint8Array, found: Findings): number {
  const path = new Path(kv);
  const [first, after] = [pageKey(new Uint8Array(0)), Uint8Array.of(pageKey(new Uint8Array(0))[0]! + 1)];
  let leaves = 0;
  let branches = 0;
  let pages = 0;
  for (const { key, value } of kv.range(first, after)) {
    const nibbles = [...key.subarray(1)];
    const named = `page ${nibbles.map((n) => n.toString(16)).join('') || '(root)'} of the state tree`;
    found.step(`state tree: ${++pages} pages`);
    const page = decoded(value);
    if (page === null) {
      found.add(`${named}: does not decode`);
      continue;
    }
    const again = StatePage.empty();
    for (let slot = 0; slot < SLOTS; slot++) {
      const kind = page.kind(FIRST_SLOT + slot);
      if (kind === EMPTY) continue;
      const bytes = kind === LEAF ? page.leafUnder(FIRST_SLOT + slot) : page.hashOf(hash, FIRST_SLOT + slot);
      again.setSlot(slot, { kind, bytes });
      if (kind === LEAF) leaves += 1;
      else branches += 1;
    }
    const subtree = again.settle(hash, new PageMemory());
    if (!equal(again.encoded(), value)) found.add(`${named}: its hashes do not follow from its slots`);
    const expected = nibbles.length === 0 ? root : slotHash(hash, path.page(nibbles.slice(0, -1)), nibbles.at(-1)!);
    if (expected === null) found.add(`${named}: no page above it leads to it`);
    else if (!equal(subtreeHash(hash, subtree), expected))
      found.add(`${named}: does not have the hash that ${nibbles.length === 0 ? 'the header' : 'the page above'} says`);
  }
  const isEmpty = pages === 0 && equal(root, stateEmptyHash());
  if (!isEmpty && pages !== branches + 1) found.add(`state tree: ${pages} pages, and ${branches + 1} are referred to`);
  return leaves;
}

function slotHash(hash: Hash, page: StatePage | null, nibble: number): Uint8Array | null {
  if (page === null || page.kind(FIRST_SLOT + nibble) !== BRANCH) return null;
  return page.hashOf(hash, FIRST_SLOT + nibble);
}

/** Every entry is a leaf of the tree, and every nonce in the order of removal. Gives the number of entries. */
export function checkEntries(hash: Hash, kv: Reads, leaves: number, found: Findings): number {
  const path = new Path(kv);
  let entries = 0;
  let nonces = 0;
  for (const { key: rowKey, value: row } of kv.range(...stateRowsUnder(''))) {
    found.step(`state: ${++entries} entries`);
    const keyHash = keyHashOfRow(rowKey);
    const { key, value } = decodeStateRow(row);
    const named = `state entry ${toHex(keyHash)}`;
    if (!equal(stateKeyHash(hash, key), keyHash)) {
      found.add(`${named}: holds another key`);
      continue;
    }
    const leaf = leafOf(path, keyHash);
    if (leaf === null || !equal(leaf.subarray(0, keyHash.length), keyHash)) found.add(`${named}: is not in the tree`);
    else if (!equal(leaf.subarray(keyHash.length), stateValueHash(hash, value)))
      found.add(`${named}: has another value than the tree says`);
    else if (expiringNonceOf(key, value) !== null) nonces += 1;
  }
  if (entries !== leaves) found.add(`state: ${entries} entries, and the tree has ${leaves} leaves`);
  checkOrder(hash, kv, nonces, found);
  return entries;
}

function leafOf(path: Path, keyHash: Uint8Array): Uint8Array | null {
  const nibbles: number[] = [];
  for (;;) {
    const page = path.page(nibbles);
    const nibble = nibbleAt(keyHash, nibbles.length);
    const kind = page?.kind(FIRST_SLOT + nibble) ?? EMPTY;
    if (page === null || kind === EMPTY) return null;
    if (kind === LEAF) return page.leafUnder(FIRST_SLOT + nibble);
    nibbles.push(nibble);
  }
}

/** The order of removal holds exactly the nonces of the state. */
function checkOrder(hash: Hash, kv: Reads, nonces: number, found: Findings): void {
  const state = stateReader(hash, kv);
  let listed = 0;
  for (const { key, value } of kv.range(...EXPIRING_ROWS)) {
    const entries = expiringOf(key, value);
    const named = `order of nonces, row ${toHex(key.subarray(1))}`;
    const hashes = entries.map(({ stem }) => toHex(stateKeyHash(hash, stateKey.transaction(stem))));
    const isSorted = hashes.every((text, i) => i === 0 || hashes[i - 1]! < text);
    if (!isSorted || entries.length === 0 || !equal(expiringRowKey(hash, entries[0]!), key))
      found.add(`${named}: is not in order`);
    for (const { stem, expiry, height } of entries) {
      listed += 1;
      const used = usedIn(state, stem);
      if (used?.expiry !== expiry || used.height !== height || used.left !== null)
        found.add(`${named}: transaction ${toHex(stem)} is not in the state like that`);
    }
  }
  if (listed !== nonces) found.add(`order of nonces: ${listed} in it, and ${nonces} in the state`);
}

function usedIn(state: Parameters<typeof usedNonceOf>[0], stem: Uint8Array) {
  try {
    return usedNonceOf(state, stem);
  } catch {
    return undefined;
  }
}
