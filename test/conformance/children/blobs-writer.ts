/** Puts numbered objects of 300,000 bytes for ever and prints each number once its put has resolved; to be killed. */
import { writeSync } from 'node:fs';
import { openBlobsFolder } from '../../../adapters/blobs-folder/blobs-folder.ts';

const blobs = openBlobsFolder(process.argv[2]!);
function* content(): Generator<Uint8Array> {
  for (let i = 0; i < 30; i++) yield new Uint8Array(10_000).fill(i);
}
for (let n = Number(process.argv[3]); ; n++) {
  await blobs.put(`numbers/${String(n).padStart(6, '0')}`, content());
  writeSync(1, `${n}\n`);
}
