/**
 * The bytes by which the index is ordered, the same in every store: an entry is a value and the position of its row.
 * Booleans come before integers, integers before text; text is ordered by its UTF-8 bytes, of which the first 256 count.
 */
import { concat, utf8 } from '../../codec/bytes.ts';
import type { Fields, FieldValue } from '../../ledger/projection.ts';
import type { IndexRow, RowPosition } from '../../ports/index-store.ts';
import { COLLECTIONS, fieldOf } from './collections.ts';

export const POSITION_BYTES = 8;
/** Bytes of a text that take part in its order. */
export const MAX_TEXT_BYTES = 256;
/** Most transactions of a block are 10,000 (chain/block.ts). */
const TRANSACTION_BITS = 14;
const ROW_BITS = 11;
export const MAX_HEIGHT = 2 ** (63 - TRANSACTION_BITS - ROW_BITS) - 1;

const [BOOLEAN, INTEGER, TEXT] = [1, 2, 3];
/** Below every value, and above. No text holds a zero byte: control characters are refused on chain. */
export const LOWEST = Uint8Array.of();
export const HIGHEST = Uint8Array.of(0xff);

/** The list of all rows of a collection, by position. */
export const ALL = '';

/** @throws {RangeError} beyond the bounds of a block; none that the protocol allows is. */
export function encodePosition({ height, transaction, row }: RowPosition): Uint8Array {
  if (height > MAX_HEIGHT || transaction >= 1 << TRANSACTION_BITS || row >= 1 << ROW_BITS)
    throw new RangeError(`row ${row} of transaction ${transaction} at height ${height}`);
  const bytes = new Uint8Array(POSITION_BYTES);
  // 38 bits of height over 25 bits within the block: the upper 31 and 7 bits of the height go to either half.
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(height / 128));
  view.setUint32(4, (((height % 128) << (TRANSACTION_BITS + ROW_BITS)) | (transaction << ROW_BITS) | row) >>> 0);
  return bytes;
}

/** Of the end of an entry. */
export function decodePosition(entry: Uint8Array): RowPosition {
  const view = new DataView(entry.buffer, entry.byteOffset + entry.length - POSITION_BYTES, POSITION_BYTES);
  const low = view.getUint32(4);
  return {
    height: view.getUint32(0) * 128 + (low >>> (TRANSACTION_BITS + ROW_BITS)),
    transaction: (low >>> ROW_BITS) & ((1 << TRANSACTION_BITS) - 1),
    row: low & ((1 << ROW_BITS) - 1),
  };
}

/** What is whole: no other value has these bytes, nor begins with them. */
export function encodeValue(value: FieldValue): Uint8Array {
  if (typeof value === 'string') return concat(Uint8Array.of(TEXT), textBytes(value), Uint8Array.of(0));
  if (typeof value === 'boolean') return Uint8Array.of(BOOLEAN, value ? 1 : 0);
  return integerBytes(value);
}

/** All texts that begin so, and no other: entries from these bytes on, up to {@link after} them. */
export function encodePrefix(prefix: string): Uint8Array {
  return concat(Uint8Array.of(TEXT), textBytes(prefix));
}

/** The first bytes after all that begin with these. Bytes of values never end in 0xff. */
export function after(bytes: Uint8Array): Uint8Array {
  const next = bytes.slice();
  let last = next.length - 1;
  while (last >= 0 && next[last] === 0xff) last -= 1;
  if (last < 0) return HIGHEST;
  next[last]! += 1;
  return next.subarray(0, last + 1);
}

function textBytes(text: string): Uint8Array {
  const bytes = utf8(text);
  return bytes.length > MAX_TEXT_BYTES ? bytes.subarray(0, MAX_TEXT_BYTES) : bytes;
}

/** As IEEE 754 doubles order when the sign is turned; safe integers are exact in them. */
function integerBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = INTEGER;
  new DataView(bytes.buffer).setFloat64(1, value);
  const flip = bytes[1]! >= 0x80;
  if (flip) for (let i = 1; i < 9; i++) bytes[i]! ^= 0xff;
  else bytes[1]! ^= 0x80;
  return bytes;
}

export interface FieldEntry {
  readonly field: string;
  /** Value and position. */
  readonly at: Uint8Array;
}

/** The entries that lead to a row; none for a tombstone. */
export function entriesOf(row: IndexRow): FieldEntry[] {
  if (row.fields === null) return [];
  const position = encodePosition(row);
  const out: FieldEntry[] = [{ field: ALL, at: position }];
  for (const [field, value] of Object.entries(row.fields)) {
    if (!isIndexed(row.collection, field)) continue;
    for (const one of valuesOf(value)) out.push({ field, at: concat(encodeValue(one), position) });
  }
  return out;
}

function isIndexed(collection: string, field: string): boolean {
  const declared = fieldOf(COLLECTIONS.get(collection)!, field);
  return declared === 'open' || declared?.indexed === true;
}

/** The values of a field, each once. */
export function valuesOf(value: Fields[string] | undefined): readonly FieldValue[] {
  if (value === undefined) return [];
  if (typeof value !== 'object') return [value];
  return value.length > 1 ? [...new Set(value)] : value;
}
