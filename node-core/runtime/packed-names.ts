/**
 * The names of fields that each transaction's entry of the state says again, in a byte each. As in draft-ietf-cbor-packed
 * the simple values 0 to 15, which are nothing else in our CBOR, stand for the items of a table: here a fixed one. It may
 * grow at its end; what stands in it keeps its place as long as there are stores that were written with it.
 */
import { concat } from '../codec/bytes.ts';
import { encode } from '../codec/cbor.ts';

const NAMES = 'body digest legal nonce records sender timeMs version certifier level terms'.split(' ').map(encode);
const SIMPLE = 0xe0;
const SIMPLE_VALUES = 16;
const REFERENCES = NAMES.map((_, i) => Uint8Array.of(SIMPLE + i));
const [BYTES, TEXT] = [2, 3];

/** Null when it is not shorter, or is no CBOR that {@link unpackNames} would give back. */
export function packNames(cbor: Uint8Array): Uint8Array | null {
  let isPlain = true;
  const packed = replaced(cbor, (at) => {
    if (isReference(cbor[at]!)) isPlain = false;
    if (cbor[at]! >> 5 !== TEXT) return undefined;
    for (let i = 0; i < NAMES.length; i++) if (isAt(cbor, at, NAMES[i]!)) return REFERENCES[i];
    return undefined;
  });
  return isPlain && packed !== null && packed.length < cbor.length ? packed : null;
}

/** The inverse of {@link packNames}; what is damaged comes back as it is, or as something else. */
export function unpackNames(packed: Uint8Array): Uint8Array {
  return replaced(packed, (at) => (isReference(packed[at]!) ? NAMES[packed[at]! - SIMPLE] : undefined)) ?? packed;
}

/** A name begins with its length: no longer text begins with one. */
function isAt(cbor: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (cbor[at + i] !== name[i]) return false;
  return true;
}

function isReference(head: number): boolean {
  return head >= SIMPLE && head < SIMPLE + SIMPLE_VALUES;
}

/**
 * CBOR (RFC 8949 section 3) with some of its items replaced: those for which `other` has something. Arrays, maps and tags
 * are items of their heads alone. Null when it is malformed.
 */
function replaced(cbor: Uint8Array, other: (at: number) => Uint8Array | undefined): Uint8Array | null {
  const parts: Uint8Array[] = [];
  let copied = 0;
  for (let at = 0; at < cbor.length; ) {
    const [major, info] = [cbor[at]! >> 5, cbor[at]! & 0x1f];
    if (info > 27) return null;
    const argumentBytes = info < 24 ? 0 : 1 << (info - 24);
    let end = at + 1 + argumentBytes;
    if (major === BYTES || major === TEXT) end += info < 24 ? info : argumentAt(cbor, at + 1, end);
    if (!(end <= cbor.length)) return null;
    const replacement = other(at);
    if (replacement !== undefined) {
      parts.push(cbor.subarray(copied, at), replacement);
      copied = end;
    }
    at = end;
  }
  return concat(...parts, cbor.subarray(copied));
}

/** NaN when it is cut off. */
function argumentAt(cbor: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = value * 256 + (cbor[i] ?? Number.NaN);
  return value;
}
