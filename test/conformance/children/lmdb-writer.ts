/**
 * Writes numbered batches for ever, three under way at a time, and prints each number once its write has resolved; to
 * be killed. Arguments: folder. Batch n has its parts `b/<n>/<part>` and moves `head` to n.
 */
import { writeSync } from 'node:fs';
import { openLmdbStore } from '../../../adapters/store-lmdb/store.ts';
import { batch, headOf } from './numbered-batches.ts';

const store = await openLmdbStore({ folder: process.argv[2]! });
let next = headOf(store) + 1;
writeSync(1, 'open\n');
for (;;) {
  const numbers = [next++, next++, next++];
  await Promise.all(numbers.map((n) => store.write(batch(n)).then(() => writeSync(1, `${n}\n`))));
}
