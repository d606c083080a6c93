/** Opens the store in the folder given, prints "open" or the code of its refusal, and holds it until it is killed. */
import { writeSync } from 'node:fs';
import { openLmdbStore } from '../../../adapters/store-lmdb/store.ts';
import { StoreError } from '../../../node-core/ports/key-value-store.ts';

try {
  await openLmdbStore({ folder: process.argv[2]! });
  writeSync(1, 'open\n');
  setInterval(() => {}, 1_000_000);
} catch (error) {
  writeSync(1, `${error instanceof StoreError ? error.code : error}\n`);
}
