import { expect, test } from 'vitest';
import { concat, equal } from '../codec/bytes.ts';
import { prefixedHash } from './prefixed-hash.ts';

test('what is hashed is the prefix and the bytes, of every length and after every other', () => {
  const prefix = Uint8Array.of(1, 2, 3);
  const inputs: Uint8Array[] = [];
  const seen = (input: Uint8Array) => {
    inputs.push(input.slice());
    return input;
  };
  const lengths = Array.from({ length: 1_100 }, (_, i) => (i * 37) % 1_100);
  const parts = lengths.map((length, i) => new Uint8Array(length).fill(i));
  for (const bytes of parts) prefixedHash(seen, prefix, bytes);
  const wrong = lengths.filter((_, i) => !equal(inputs[i]!, concat(prefix, parts[i]!)));
  expect(wrong).toEqual([]);
});
