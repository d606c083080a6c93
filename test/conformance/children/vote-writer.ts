/**
 * Opens the vote record in the folder given and replaces it for ever, printing `open <epoch>`, `<epoch> <version>`
 * after each swap, `lost` when it loses. Arguments: folder, then "stop" to end when it loses or "again" to reopen.
 */
import { writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { voteRecordFile } from '../../../adapters/vote-record-file/vote-record.ts';
import { recordBytes } from './vote-bytes.ts';

const record = voteRecordFile({ folder: process.argv[2]!, create: true });
for (;;) {
  let { position } = await record.open();
  writeSync(1, `open ${position.epoch}\n`);
  for (;;) {
    const next = await record.compareAndSwap(position, recordBytes(position.epoch, position.version + 1));
    if (next === 'lost') break;
    position = next;
    writeSync(1, `${position.epoch} ${position.version}\n`);
    await turn();
  }
  writeSync(1, 'lost\n');
  if (process.argv[3] === 'stop') break;
}
await record.close();
