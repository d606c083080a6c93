import fc from 'fast-check';
import { expect, it } from 'vitest';
import { concat } from '../codec/bytes.ts';
import { CodecError } from '../codec/error.ts';
import { BUNDLE_WIDTH, bundlePath, decodeBundle, encodeBundle, MAX_BUNDLE_BYTES, MAX_ENTRY_BYTES } from './entries.ts';

it('paths are those of tlog-tiles', () => {
  expect(bundlePath(0, 1)).toBe('tile/entries/000.p/1');
  expect(bundlePath(1_234_067)).toBe('tile/entries/x001/x234/067');
});

it('each entry stands behind its length in two bytes, big-endian', () => {
  const long = new Uint8Array(0x0102).fill(7);
  expect(encodeBundle([Uint8Array.of(5), new Uint8Array(0), long])).toEqual(
    concat(Uint8Array.of(0, 1, 5, 0, 0, 1, 2), long),
  );
  const largest = Array.from({ length: BUNDLE_WIDTH }, () => new Uint8Array(MAX_ENTRY_BYTES));
  expect(encodeBundle(largest)).toHaveLength(MAX_BUNDLE_BYTES);
});

it('nothing, too many and too long entries are refused', () => {
  expect(() => encodeBundle([])).toThrow(RangeError);
  expect(() => encodeBundle(Array(257).fill(new Uint8Array(1)))).toThrow(RangeError);
  expect(() => encodeBundle([new Uint8Array(MAX_ENTRY_BYTES + 1)])).toThrow(RangeError);
});

const entries = fc.array(fc.uint8Array({ maxLength: 600 }), { minLength: 1, maxLength: 40 });

it('what is encoded is decoded, at exactly the width that is asked for', () => {
  fc.assert(
    fc.property(entries, (list) => {
      const bytes = encodeBundle(list);
      expect(decodeBundle(bytes, list.length)).toEqual(list);
      expect(() => decodeBundle(bytes, list.length + 1)).toThrow(CodecError);
      if (list.length > 1) expect(() => decodeBundle(bytes, list.length - 1)).toThrow(CodecError);
      expect(() => decodeBundle(bytes.subarray(0, -1), list.length)).toThrow(CodecError);
    }),
  );
});

it('any bytes are decoded to what encodes to them, or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), fc.integer({ min: 1, max: 8 }), (bytes, width) => {
      try {
        expect(encodeBundle(decodeBundle(bytes, width))).toEqual(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
    }),
  );
});
