/** Small helpers on byte strings. Everything on chain is compared and sorted bytewise. */

/** Engines keep up to 64 bytes within the object itself; memory of its own for more costs as much as a native hash. */
export const INLINE_BYTES = 64;
/** Longer ones would use up a chunk. */
export const LARGEST_SHARED = 1_024;
export const CHUNK_BYTES = 8 * 1_024;
let chunk = new Uint8Array(0);
let used = 0;

/**
 * Zeroed bytes. Short ones are cut from a chunk that others share, as Node's Buffers are: who keeps one keeps 8 KiB.
 */
export function allocate(length: number): Uint8Array {
  if (length <= INLINE_BYTES || length > LARGEST_SHARED) return new Uint8Array(length);
  if (used + length > chunk.length) {
    chunk = new Uint8Array(CHUNK_BYTES);
    used = 0;
  }
  used += length;
  return chunk.subarray(used - length, used);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = allocate(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Bytewise lexicographic order, a proper prefix first (RFC 8949 §4.2.1). */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const d = a[i]! - b[i]!;
    if (d !== 0) return d;
  }
  return a.length - b.length;
}

/** Whether one part of `bytes` stands before another in bytewise order. */
export function ascends(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  for (let i = 0; a + i < aEnd && b + i < bEnd; i++) {
    const difference = bytes[a + i]! - bytes[b + i]!;
    if (difference !== 0) return difference < 0;
  }
  return aEnd - a < bEnd - b;
}

/** The characters of one key, by its length: a call with plain numbers makes no list of them first. */
const characters: (number[] | undefined)[] = new Array(513);

/**
 * Byte strings as map keys: one character a byte, so that they order like the bytes. From bytes themselves the same call
 * takes twice the time and six times the memory, adding up characters four times the time.
 */
export function keyText(key: Uint8Array): string {
  const { length } = key;
  let codes = characters[length];
  if (codes === undefined) {
    codes = new Array<number>(length).fill(0);
    if (length < characters.length) characters[length] = codes;
  }
  for (let i = 0; i < length; i++) codes[i] = key[i]!;
  return String.fromCharCode.apply(null, codes);
}

/** Shares memory with `bytes`; the exact bytes that were signed are passed on, never copied or re-encoded. */
export function slice(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return bytes.subarray(start, end);
}

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** For people and names. As a key of a map, {@link keyText} is half as long and costs a quarter. */
export function toHex(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; i++) out += HEX[bytes[i]!];
  return out;
}

/** @throws {RangeError} when `text` is not an even number of hexadecimal digits. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new RangeError('not hexadecimal');
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/**
 * Unsigned big-endian, eight bytes: orders like the number does.
 * @throws {RangeError} when `value` is no safe integer ≥ 0.
 */
export function uint64(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not an unsigned safe integer');
  const out = new Uint8Array(8);
  let rest = value;
  for (let i = 7; i >= 0; i--) {
    out[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return out;
}

const encoder = new TextEncoder();

/** @throws {RangeError} for a lone surrogate, which TextEncoder would turn into U+FFFD: two texts, one encoding. */
export function utf8(text: string): Uint8Array {
  if (/\p{Surrogate}/u.test(text)) throw new RangeError('text with a lone surrogate');
  return encoder.encode(text);
}
