/**
 * Deterministic CBOR: the core deterministic encoding of RFC 8949 §4.2.1, without floating point and without
 * indefinite lengths. Every value has exactly one encoding and the decoder accepts no other, so that
 * `encode(decode(bytes))` equals `bytes` for all bytes it accepts (a property test holds it to that).
 */
import { ascends, compare } from './bytes.ts';
import { Writer } from './cbor-writer.ts';
import { CodecError } from './error.ts';

export type CborKey = number | string;
export type CborMap = ReadonlyMap<CborKey, CborValue>;
export type CborValue = number | bigint | Uint8Array | string | boolean | null | readonly CborValue[] | CborMap | Tag;

export class Tag {
  readonly tag: number;
  readonly value: CborValue;
  constructor(tag: number, value: CborValue) {
    this.tag = tag;
    this.value = value;
  }
}

export interface DecodeLimits {
  /** Longest input, in bytes. */
  readonly maxBytes: number;
  /** Deepest nesting of arrays, maps and tags. */
  readonly maxDepth: number;
  /** Most data items in all, so that small input cannot make a large structure. */
  readonly maxItems: number;
}

export const DEFAULT_LIMITS: DecodeLimits = { maxBytes: 65_535, maxDepth: 16, maxItems: 65_535 };

const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;
const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Matches a surrogate that is not half of a pair: such a string has no UTF-8 form. */
const LONE_SURROGATE = /\p{Surrogate}/u;

function write(writer: Writer, value: CborValue): void {
  if (typeof value === 'number') writeNumber(writer, value);
  else if (typeof value === 'string') writeText(writer, value);
  else if (value instanceof Uint8Array) {
    writer.head(2, value.length);
    writer.raw(value);
  } else if (value === null) writer.simple(0xf6);
  else if (typeof value === 'boolean') writer.simple(value ? 0xf5 : 0xf4);
  else if (typeof value === 'bigint') writeBigInt(writer, value);
  else if (value instanceof Tag) {
    if (!Number.isSafeInteger(value.tag) || value.tag < 0) throw new CodecError('schema', 'not a tag number');
    writer.head(6, value.tag);
    write(writer, value.value);
  } else if (value instanceof Map) writeMap(writer, value);
  else if (Array.isArray(value)) {
    writer.head(4, value.length);
    for (let i = 0; i < value.length; i++) write(writer, value[i]);
  } else throw new CodecError('schema', 'this value has no CBOR form');
}

function writeNumber(writer: Writer, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new CodecError('schema', 'not a safe integer');
  if (value >= 0) writer.head(0, value);
  else writer.head(1, -1 - value);
}

/** Field names and other short texts are nearly all ASCII: written directly, they cost a third of a TextEncoder call. */
const SHORT_TEXT = 64;

function isAscii(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 0x7f) return false;
  return true;
}

function writeText(writer: Writer, value: string): void {
  if (value.length <= SHORT_TEXT && isAscii(value)) {
    writer.head(3, value.length);
    writer.ascii(value);
    return;
  }
  // TextEncoder would write U+FFFD instead: two different texts with one encoding.
  if (LONE_SURROGATE.test(value)) throw new CodecError('schema', 'text with a lone surrogate');
  const bytes = textEncoder.encode(value);
  writer.head(3, bytes.length);
  writer.raw(bytes);
}

function writeBigInt(writer: Writer, value: bigint): void {
  const argument = value >= 0n ? value : -1n - value;
  if (argument > MAX_UINT64) throw new CodecError('schema', 'integer beyond 64 bits');
  writer.bigHead(value >= 0n ? 0 : 1, argument);
}

/** Entries in bytewise order of their encoded keys (RFC 8949 §4.2.1). */
function writeMap(writer: Writer, map: CborMap): void {
  const keys = [...map.keys()];
  // Schemas give their fields in order: then there is nothing to sort. Known before a value is written: none is written twice.
  let isSorted = true;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (typeof key !== 'string' && typeof key !== 'number')
      throw new CodecError('schema', 'map key is neither text nor safe integer');
    if (i > 0 && isSorted) isSorted = compareKeys(keys[i - 1]!, key) <= 0;
  }
  if (!isSorted) keys.sort(compareKeys);
  writer.head(5, keys.length);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    write(writer, key);
    write(writer, map.get(key)!);
  }
}

/** The order of the encodings, without making them: integers before texts, shorter before longer. */
export function compareKeys(a: CborKey, b: CborKey): number {
  if (typeof a === 'number') return typeof b === 'number' ? compareNumbers(a, b) : -1;
  if (typeof b === 'number') return 1;
  if (!isAscii(a) || !isAscii(b)) return compareTexts(a, b);
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Ascending from 0, then descending from −1. */
function compareNumbers(a: number, b: number): number {
  if (a >= 0 !== b >= 0) return a >= 0 ? -1 : 1;
  return a >= 0 ? a - b : b - a;
}

function compareTexts(a: string, b: string): number {
  const [left, right] = [textEncoder.encode(a), textEncoder.encode(b)];
  return left.length - right.length || compare(left, right);
}

/** The writer that the next call uses: making one costs as much as encoding a small message. */
let idle: Writer | null = null;

/** @throws {CodecError} kind `schema` for a value outside {@link CborValue} (a float, undefined, a lone surrogate …). */
export function encode(value: CborValue): Uint8Array {
  const writer = idle ?? new Writer();
  idle = null;
  write(writer, value);
  idle = writer;
  return writer.finish();
}

/**
 * Short ASCII texts that were decoded lately: field names and the like come again and again, and the same text as the
 * very same string costs neither a decoder nor a comparison when it is looked up. What is here is what decoding gives;
 * strangers can only displace it.
 */
class KnownTexts {
  private readonly texts: string[] = new Array(KNOWN_TEXTS).fill('');

  /** The text of the bytes from `start` to `end`, if it is here. */
  find(bytes: Uint8Array, start: number, end: number): string | undefined {
    const known = this.texts[this.place(bytes, start, end)]!;
    if (known.length !== end - start) return undefined;
    for (let i = 0; i < known.length; i++) if (known.charCodeAt(i) !== bytes[start + i]) return undefined;
    return known;
  }

  keep(bytes: Uint8Array, start: number, end: number, text: string): void {
    // As many characters as bytes: ASCII. Only the name of a property is the one string of its text in the engine.
    if (text.length === end - start) this.texts[this.place(bytes, start, end)] = Object.keys({ [text]: 0 })[0]!;
  }

  private place(bytes: Uint8Array, start: number, end: number): number {
    const middle = bytes[(start + end) >> 1]!;
    return (bytes[start]! * 7 + middle * 31 + bytes[end - 1]! * 3 + (end - start)) % KNOWN_TEXTS;
  }
}

const SHORT_ARRAY = 64;
const KNOWN_TEXTS = 509;
const MAX_KNOWN_TEXT = 32;
const knownTexts = new KnownTexts();

class Reader {
  private readonly bytes: Uint8Array;
  private readonly limits: DecodeLimits;
  private offset = 0;
  private items = 0;

  constructor(bytes: Uint8Array, limits: DecodeLimits) {
    this.bytes = bytes;
    this.limits = limits;
  }

  get done(): boolean {
    return this.offset === this.bytes.length;
  }

  private malformed(message: string): never {
    throw new CodecError('malformed', `${message} at byte ${this.offset}`);
  }

  private nonCanonical(message: string): never {
    throw new CodecError('nonCanonical', `${message} at byte ${this.offset}`);
  }

  private byte(): number {
    if (this.offset >= this.bytes.length) this.malformed('input ends early');
    return this.bytes[this.offset++]!;
  }

  private take(length: number): Uint8Array {
    const end = this.offset + length;
    if (end > this.bytes.length) this.malformed('input ends early');
    const part = this.bytes.subarray(this.offset, end);
    this.offset = end;
    return part;
  }

  /** The argument of an item head (RFC 8949 §3), refused unless it is in its shortest form. */
  private argument(major: number, info: number): number | bigint {
    if (info < 24) return info;
    if (info > 27) {
      const indefinite = info === 31 && major >= 2 && major <= 5;
      return indefinite ? this.nonCanonical('indefinite length') : this.malformed('reserved length');
    }
    const width = 1 << (info - 24);
    let value = 0;
    for (let i = 0; i < Math.min(width, 4); i++) value = value * 256 + this.byte();
    if (width < 8) {
      const least = width === 1 ? 24 : width === 2 ? 0x100 : 0x1_0000;
      if (value < least) this.nonCanonical('not the shortest form');
      return value;
    }
    let low = 0;
    for (let i = 4; i < 8; i++) low = low * 256 + this.byte();
    if (value === 0) this.nonCanonical('not the shortest form');
    const whole = value * 0x1_0000_0000 + low;
    return Number.isSafeInteger(whole) ? whole : (BigInt(value) << 32n) | BigInt(low);
  }

  private size(major: number, info: number): number {
    const value = this.argument(major, info);
    if (typeof value === 'bigint') return this.malformed('length or tag number beyond 2^53');
    return value;
  }

  value(depth: number): CborValue {
    if (depth > this.limits.maxDepth) throw new CodecError('limit', 'nested too deep');
    if (++this.items > this.limits.maxItems) throw new CodecError('limit', 'too many items');
    const lead = this.byte();
    const major = lead >> 5;
    const info = lead & 31;
    switch (major) {
      case 0:
        return this.argument(major, info);
      case 1: {
        const argument = this.argument(major, info);
        if (typeof argument === 'bigint') return -1n - argument;
        return argument === Number.MAX_SAFE_INTEGER ? -1n - BigInt(argument) : -1 - argument;
      }
      case 2:
        return this.take(this.size(major, info));
      case 3:
        return this.text(this.size(major, info));
      case 4:
        return this.array(this.size(major, info), depth);
      case 5:
        return this.map(this.size(major, info), depth);
      case 6: {
        const tag = this.size(major, info);
        return new Tag(tag, this.value(depth + 1));
      }
      default:
        return this.simple(info);
    }
  }

  private text(length: number): string {
    const start = this.offset;
    const end = start + length;
    if (end > this.bytes.length) this.malformed('input ends early');
    const isShort = length > 0 && length <= MAX_KNOWN_TEXT;
    const known = isShort ? knownTexts.find(this.bytes, start, end) : undefined;
    this.offset = end;
    if (known !== undefined) return known;
    try {
      const text = textDecoder.decode(this.bytes.subarray(start, end));
      if (isShort) knownTexts.keep(this.bytes, start, end, text);
      return text;
    } catch {
      return this.malformed('text is not UTF-8');
    }
  }

  private array(length: number, depth: number): CborValue[] {
    if (length > this.bytes.length - this.offset) this.malformed('array longer than the input');
    // One that grows takes room for seventeen with its first item; one that is made large is for what has come.
    const out: CborValue[] = length <= SHORT_ARRAY ? new Array(length) : [];
    for (let i = 0; i < length; i++) out[i] = this.value(depth + 1);
    return out;
  }

  private map(length: number, depth: number): CborMap {
    if (2 * length > this.bytes.length - this.offset) this.malformed('map longer than the input');
    const out = new Map<CborKey, CborValue>();
    let before = 0;
    let beforeEnd = 0;
    for (let i = 0; i < length; i++) {
      const start = this.offset;
      const key = this.value(depth + 1);
      if (typeof key !== 'string' && typeof key !== 'number')
        this.malformed('map key is neither text nor safe integer');
      const end = this.offset;
      if (i > 0 && !ascends(this.bytes, before, beforeEnd, start, end))
        this.nonCanonical('map keys not in ascending order');
      before = start;
      beforeEnd = end;
      out.set(key as CborKey, this.value(depth + 1));
    }
    return out;
  }

  private simple(info: number): CborValue {
    if (info === 20) return false;
    if (info === 21) return true;
    if (info === 22) return null;
    if (info === 31) return this.malformed('a break that ends nothing');
    return this.malformed('floating point and other simple values are not used');
  }
}

/**
 * Decodes exactly one item that spans all of `bytes`. Byte strings share memory with the input.
 * Integers are `number` when safe, else `bigint`.
 * @throws {CodecError} kind `malformed`, `nonCanonical` or `limit`.
 */
export function decode(bytes: Uint8Array, limits: DecodeLimits = DEFAULT_LIMITS): CborValue {
  if (bytes.length > limits.maxBytes)
    throw new CodecError('limit', `${bytes.length} bytes, at most ${limits.maxBytes}`);
  const reader = new Reader(plain(bytes), limits);
  const value = reader.value(0);
  if (!reader.done) throw new CodecError('malformed', 'bytes after the end of the item');
  return value;
}

/** The same memory as a plain Uint8Array: parts of a Node Buffer would be Buffers, whose `slice` does not copy. */
function plain(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
