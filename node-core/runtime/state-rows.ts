/**
 * Rows of the state in the store: by the hash of the key, which is the order of the state tree (ADR 0014). So the
 * entries under one place of the tree lie together: a snapshot is one walk over the rows, and whoever takes one writes
 * them one after the other.
 */
import { concat, fromHex } from '../codec/bytes.ts';

const STATE = Uint8Array.of('s'.charCodeAt(0));
const KEY_LENGTH_BYTES = 2;

export interface StateRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export function stateRowKey(keyHash: Uint8Array): Uint8Array {
  return concat(STATE, keyHash);
}

export function keyHashOfRow(rowKey: Uint8Array): Uint8Array {
  return rowKey.subarray(1);
}

const STATE_END = Uint8Array.of(STATE[0]! + 1);

/** The range of rows whose key hashes begin with these hexadecimal digits; all rows for none. */
export function stateRowsUnder(path: string): readonly [from: Uint8Array, to: Uint8Array] {
  const after = path.replace(/f+$/, '');
  const last = Number.parseInt(after.slice(-1), 16);
  const to = after === '' ? STATE_END : stateRowKey(padded(after.slice(0, -1) + (last + 1).toString(16)));
  return [stateRowKey(padded(path)), to];
}

function padded(path: string): Uint8Array {
  return fromHex(path.length % 2 === 0 ? path : `${path}0`);
}

/** The key's length in two bytes, the key, the value. */
export function encodeStateRow({ key, value }: StateRow): Uint8Array {
  return concat(Uint8Array.of(key.length >> 8, key.length & 0xff), key, value);
}

/** Shares memory with `row`. */
export function decodeStateRow(row: Uint8Array): StateRow {
  const end = KEY_LENGTH_BYTES + ((row[0]! << 8) | row[1]!);
  return { key: row.subarray(KEY_LENGTH_BYTES, end), value: row.subarray(end) };
}
