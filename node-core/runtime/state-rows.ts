/**
 * Rows of the state in the store: by the hash of the key, which is the order of the state tree (ADR 0014). So the
 * entries under one place of the tree lie together: a snapshot is one walk over the rows, and whoever takes one writes
 * them one after the other.
 *
 * Pages of the tree lie among them, each in the middle of the entries under it: a change of an entry changes the page
 * that leads to it, and both are on one page of the disk more often than not. A page's key is its path, the nibble 8,
 * and a nibble 0 if that makes whole bytes.
 */
import { concat, fromHex } from '../codec/bytes.ts';
import type { Reads } from '../ports/key-value-store.ts';
import { packNames, unpackNames } from './packed-names.ts';

const STATE = 's'.charCodeAt(0);
const ROW_KEY_BYTES = 33;
/** A page below that would have the length of an entry's key: it takes two keys whose hashes have 248 bits in common. */
const MAX_PAGE_PATH = 61;
const AFTER_PATH = 8;
const KEY_LENGTH_BYTES = 2;
const NAMES_PACKED = 0x80;

export interface StateRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export function stateRowKey(keyHash: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(STATE), keyHash);
}

/** @param path one nibble a byte. @throws {RangeError} for one of more than 61. */
export function pageRowKey(path: Uint8Array): Uint8Array {
  if (path.length > MAX_PAGE_PATH) throw new RangeError(`a page of the state tree at depth ${path.length}`);
  const key = new Uint8Array(2 + (path.length >> 1));
  key[0] = STATE;
  for (let i = 0; i <= path.length; i++) key[1 + (i >> 1)]! |= (path[i] ?? AFTER_PATH) << (i % 2 === 0 ? 4 : 0);
  return key;
}

function pathOfPage(rowKey: Uint8Array): Uint8Array {
  const isOdd = (rowKey.at(-1)! & 0x0f) === AFTER_PATH;
  const path = new Uint8Array(2 * (rowKey.length - 2) + (isOdd ? 1 : 0));
  for (let i = 0; i < path.length; i++) path[i] = (rowKey[1 + (i >> 1)]! >> (i % 2 === 0 ? 4 : 0)) & 0x0f;
  return path;
}

/** The entries whose key hashes begin with these hexadecimal digits, in the order of the tree; all for none. */
export function* stateRowsUnder(kv: Reads, path: string): Generator<StateRow & { readonly keyHash: Uint8Array }> {
  for (const { key: rowKey, value: row } of kv.range(...rangeUnder(path)))
    if (rowKey.length === ROW_KEY_BYTES) yield { keyHash: rowKey.subarray(1), ...decodeStateRow(row) };
}

/** All pages of the tree; their paths as {@link pageRowKey} takes them. */
export function* pageRows(kv: Reads): Generator<{ readonly path: Uint8Array; readonly page: Uint8Array }> {
  for (const { key, value } of kv.range(...rangeUnder('')))
    if (key.length !== ROW_KEY_BYTES) yield { path: pathOfPage(key), page: value };
}

function rangeUnder(path: string): readonly [from: Uint8Array, to: Uint8Array] {
  const after = path.replace(/f+$/, '');
  const last = Number.parseInt(after.slice(-1), 16);
  const to =
    after === '' ? Uint8Array.of(STATE + 1) : stateRowKey(padded(after.slice(0, -1) + (last + 1).toString(16)));
  return [stateRowKey(padded(path)), to];
}

function padded(path: string): Uint8Array {
  return fromHex(path.length % 2 === 0 ? path : `${path}0`);
}

/** The key's length in two bytes, of which the first bit says that the value's names are packed; the key, the value. */
export function encodeStateRow({ key, value }: StateRow): Uint8Array {
  const packed = packNames(value);
  const flag = packed === null ? 0 : NAMES_PACKED;
  return concat(Uint8Array.of((key.length >> 8) | flag, key.length & 0xff), key, packed ?? value);
}

/** Shares memory with `row`. */
export function decodeStateRow(row: Uint8Array): StateRow {
  const end = KEY_LENGTH_BYTES + (((row[0]! & ~NAMES_PACKED) << 8) | row[1]!);
  const value = row.subarray(end);
  const isPacked = (row[0]! & NAMES_PACKED) !== 0;
  return { key: row.subarray(KEY_LENGTH_BYTES, end), value: isPacked ? unpackNames(value) : value };
}
