import fc from 'fast-check';
import { expect, it } from 'vitest';
import { concat } from '../../node-core/codec/bytes.ts';
import { inPieces } from './pieces.ts';

it('gives the same bytes in pieces of one size, the last one shorter and never empty', async () => {
  const contents = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(contents, fc.integer({ min: 1, max: 64 }), async (parts, size) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of inPieces(parts, size)) pieces.push(piece);
      expect(concat(...pieces)).toEqual(concat(...parts));
      expect(pieces.slice(0, -1).every(({ length }) => length === size)).toBe(true);
      expect(pieces.every(({ length }) => length > 0 && length <= size)).toBe(true);
    }),
  );
});

it('keeps no reference to a buffer that its maker uses again', async () => {
  const reused = new Uint8Array(2);
  const maker = function* () {
    for (let n = 1; n <= 3; n++) yield reused.fill(n);
  };
  const pieces: number[][] = [];
  for await (const piece of inPieces(maker(), 4)) pieces.push([...piece]);
  expect(pieces).toEqual([
    [1, 1, 2, 2],
    [3, 3],
  ]);
});
