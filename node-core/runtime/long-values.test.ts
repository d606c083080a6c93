import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryStore } from '../../test/simulation/memory-store.ts';
import { utf8 } from '../codec/bytes.ts';
import { longValue, longValueRemoval, longValuesIn, longValueWrites } from './long-values.ts';

const length = fc.constantFrom(0, 1, 4_071, 4_072, 4_073, 8_144, 600_001);

test('values of any length come back, apart from each other, and go without a trace', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(length, { minLength: 1, maxLength: 4 }), async (lengths) => {
      const kv = new MemoryStore();
      const rows = lengths.map((size, i) => ({ key: utf8(`k${i}`), value: new Uint8Array(size).fill(i + 1) }));
      for (const { key, value } of rows) {
        const writes = longValueWrites(key, value);
        expect(Math.max(...writes.map((write) => write.value!.length))).toBeLessThanOrEqual(4_072);
        await kv.write(writes);
      }
      expect([...longValuesIn(kv, utf8('k'), utf8('l'))]).toEqual(rows);
      for (const { key, value } of rows) expect(longValue(kv, key)).toEqual(value);
      for (const { key } of rows) await kv.write(longValueRemoval(kv, key));
      expect([...kv.range(utf8('a'), utf8('z'))]).toEqual([]);
      expect(longValue(kv, utf8('k0'))).toBeUndefined();
    }),
    { numRuns: 30 },
  );
});
