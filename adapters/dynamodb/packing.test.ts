import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packed, unpacked } from './packing.ts';

it('any content comes back as it was, up to the bound', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), (content) => {
      expect(unpacked(packed(content), Math.max(1, content.length))).toEqual(content);
    }),
  );
  expect(() => unpacked(packed(new Uint8Array(1_000)), 999)).toThrow();
});

it('what is random gets hardly longer, so that an item of DynamoDB holds it', () => {
  for (const length of [0, 1, 360_000, 384 * 1_024])
    expect(packed(randomBytes(length)).length).toBeLessThan(length + length / 100 + 64);
});

it('what is damaged, or no frame, is refused', () => {
  const frame = packed(randomBytes(300));
  for (const at of [0, 50, 200, frame.length - 1]) {
    const damaged = Uint8Array.from(frame);
    damaged[at]! ^= 1;
    expect(() => unpacked(damaged, 1_000), `byte ${at}`).toThrow();
  }
  expect(() => unpacked(Uint8Array.of(1, 2, 3), 1_000)).toThrow();
});
