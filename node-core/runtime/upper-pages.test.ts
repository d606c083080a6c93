import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toHex } from '../codec/bytes.ts';
import { MAX_PAGE_BYTES } from '../crypto/state-page.ts';
import { UpperPages } from './upper-pages.ts';

const paths = fc.array(fc.nat(15), { maxLength: 5 }).map((nibbles) => Uint8Array.from(nibbles));
const pages = fc.option(fc.uint8Array({ minLength: 4, maxLength: MAX_PAGE_BYTES }));
const digits = (path: Uint8Array) => [...path].map((nibble) => nibble.toString(16)).join('');

test('what is read is what was written last, whether it was read before or not', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(paths, pages), { maxLength: 60 }), (writes) => {
      const upper = new UpperPages();
      const stored = new Map<string, Uint8Array>();
      const read = (path: Uint8Array) => upper.get(path, (p) => stored.get(digits(p)));
      for (const [path, page] of writes) {
        read(path);
        if (page === null) stored.delete(digits(path));
        else stored.set(digits(path), page);
        upper.set(digits(path), page);
        for (const [written] of writes) expect(read(written)).toEqual(stored.get(digits(written)));
      }
    }),
    { numRuns: 50 },
  );
});

test('every path to the third level has a place of its own, and is read once', () => {
  const upper = new UpperPages();
  const all = [
    '',
    ...[1, 2, 3].flatMap((depth) => Array.from({ length: 16 ** depth }, (_, i) => i.toString(16).padStart(depth, '0'))),
  ];
  const seen: string[] = [];
  const read = (path: Uint8Array) => {
    seen.push(digits(path));
    return new Uint8Array(MAX_PAGE_BYTES)
      .fill(digits(path).length, 0, 1)
      .fill(Number.parseInt(`0${digits(path)}`, 16) & 0xff, 1);
  };
  for (let round = 0; round < 2; round++) {
    for (const text of all) {
      const path = Uint8Array.from([...text].map((digit) => Number.parseInt(digit, 16)));
      expect(toHex(upper.get(path, read)!)).toBe(toHex(read(path)));
      seen.pop();
    }
  }
  expect(seen).toEqual(all);
  const deep = Uint8Array.of(1, 2, 3, 4);
  expect([upper.get(deep, read), upper.get(deep, read)].length).toBe(2);
  expect(seen.slice(all.length)).toEqual(['1234', '1234']);
});
