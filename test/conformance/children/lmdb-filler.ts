/** Fills the store until it is refused, then prints what happened, as JSON; run with a limit on the size of files. */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openLmdbStore } from '../../../adapters/store-lmdb/store.ts';
import { StoreError } from '../../../node-core/ports/key-value-store.ts';

const folder = process.argv[2]!;
const codeOf = (error: unknown): string => (error instanceof StoreError ? error.code : String(error));
const store = await openLmdbStore({ folder });
let written = 0;
let refusal = '';
while (refusal === '') {
  const batch = Array.from({ length: 100 }, () => ({ key: randomBytes(32), value: randomBytes(200) }));
  await store.write(batch).then(
    () => written++,
    (error: unknown) => {
      refusal = codeOf(error);
    },
  );
}
const count = (range: Iterable<unknown>): number => [...range].length;
const all = () => store.range(new Uint8Array(0), new Uint8Array(512).fill(0xff));
const readable = count(all());
const next = await store.write([{ key: randomBytes(32), value: null }]).then(() => 'written', codeOf);
await store.close();
const reopened = await openLmdbStore({ folder });
const kept = count(reopened.range(new Uint8Array(0), new Uint8Array(512).fill(0xff)));
await reopened.close();
writeSync(1, `${JSON.stringify({ refusal, next, written, readable, kept })}\n`);
