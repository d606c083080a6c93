import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { type CborValue, decode, encode, Tag } from '../../node-core/codec/cbor.ts';
import { CodecError, type CodecErrorKind } from '../../node-core/codec/error.ts';
import { loadVectors } from './load.ts';

interface Example {
  readonly hex: string;
  readonly diagnostic: string;
  readonly roundtrip: boolean;
}

const EXAMPLES = loadVectors<readonly Example[]>('rfc8949/appendix-a.json');

/** What the profile leaves out, told by the bytes alone (not by our decoder). */
function refusedAs(hex: string): CodecErrorKind | null {
  if (/^(c1)?f[9ab]/.test(hex)) return 'malformed'; // floating point
  if (/^f[078]/.test(hex)) return 'malformed'; // undefined and unassigned simple values
  if (/ff(820405)?$/.test(hex) && !/^[13]b/.test(hex)) return 'nonCanonical'; // indefinite lengths end with a break
  return null;
}

/** RFC 8949 §8, as far as the examples need it. */
function diagnostic(value: CborValue): string {
  if (value instanceof Tag) {
    const { tag, value: content } = value;
    if (content instanceof Uint8Array && tag === 2) return String(BigInt(`0x${toHex(content)}`));
    if (content instanceof Uint8Array && tag === 3) return String(-1n - BigInt(`0x${toHex(content)}`));
    return `${tag}(${diagnostic(content)})`;
  }
  if (value instanceof Uint8Array) return `h'${toHex(value)}'`;
  if (value instanceof Map) return `{${[...value].map(([k, v]) => `${diagnostic(k)}: ${diagnostic(v)}`).join(', ')}}`;
  if (Array.isArray(value)) return `[${value.map(diagnostic).join(', ')}]`;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

const refused = EXAMPLES.filter(({ hex }) => refusedAs(hex) !== null);
const accepted = EXAMPLES.filter(({ hex }) => refusedAs(hex) === null);

test('all 82 examples are there, 44 inside the profile', () => {
  expect([EXAMPLES.length, accepted.length]).toEqual([82, 44]);
});

test.each(accepted)('$hex decodes to $diagnostic and encodes back', ({ hex, diagnostic: expected }) => {
  const value = decode(fromHex(hex));
  expect(diagnostic(value)).toBe(expected);
  expect(toHex(encode(value))).toBe(hex);
});

test.each(refused)('$hex ($diagnostic) is outside the profile and refused', ({ hex }) => {
  expect(() => decode(fromHex(hex))).toThrow(expect.objectContaining({ kind: refusedAs(hex) }));
  expect(() => decode(fromHex(hex))).toThrow(CodecError);
});
