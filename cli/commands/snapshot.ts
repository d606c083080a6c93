import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openFolderFiles } from '../../adapters/blobs-folder/blobs-folder.ts';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { BropError, CODES } from '../../node-core/chain/codes.ts';
import type { Genesis } from '../../node-core/chain/genesis.ts';
import { manifestPath, SNAPSHOT_INDEX } from '../../node-core/chain/snapshot.ts';
import { checkSnapshot, readIndex, type WrongFile } from '../../node-core/runtime/snapshot-read.ts';
import { writeSnapshot } from '../../node-core/runtime/snapshot-write.ts';
import { CHAIN_FOLDER, FILES_FOLDER, openStore } from '../../nodes/open-store.ts';
import { readGenesis } from '../../nodes/run-node.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit, exitCodeOf } from '../exit-codes.ts';

export const snapshot: Command = {
  name: 'snapshot',
  usage: '<data folder> --genesis <file> [--keep <n>]   |   <files> --verify [--height <n>] --genesis <file>',
  summary: 'Makes a snapshot of the state from the data folder of a stopped node, or verifies one.',
  help: `
A snapshot is the whole state of the newest height as files that anybody verifies from the genesis:
a node that starts from it executes nothing before that height. A running node writes them by
itself ("snapshots" in its config). They go where the node publishes its files from: the folder
"files" in its data folder. With --verify every file of one is read and checked, in a data folder's
"files" or any copy of it; what is wrong is named, and the exit code is 25.

  brop snapshot data --genesis genesis.cbor
  brop snapshot data/files --verify --genesis genesis.cbor`,
  options: {
    genesis: { type: 'string', value: 'file', help: 'genesis file of the chain' },
    keep: { type: 'string', value: 'n', help: 'snapshots that stay, the newest (2)' },
    verify: { type: 'boolean', help: 'verify the newest snapshot there instead' },
    height: { type: 'string', value: 'n', help: 'with --verify: the snapshot of this height' },
  },
  positionals: [1, 1],
  run: async (args, out) => {
    const folder = args.positionals[0]!;
    const genesis = readGenesis(args.required('genesis'));
    return args.flag('verify') ? verify(folder, genesis, args, out) : make(folder, genesis, args, out);
  },
};

async function make(folder: string, genesis: Genesis, args: Arguments, out: Output): Promise<number> {
  if (!existsSync(join(folder, CHAIN_FOLDER)))
    throw new BropError('FILE_UNREADABLE', `${folder} is not the data folder of a node`);
  const keep = countOf(args, 'keep') ?? 2;
  const { store, blobs } = await openStore(folder, genesis);
  try {
    out.progress(`writing the snapshot of height ${store.height} …`);
    const written = await writeSnapshot({ crypto: nativeCrypto, store, blobs, clock: systemClock }, keep);
    const { height, entries, chunks, newChunks, newBytes } = written;
    out.line(`snapshot of height ${height}: ${entries} entries in ${chunks} chunks`);
    out.line(`  new     ${newChunks} chunks, ${newBytes} bytes, in ${join(folder, FILES_FOLDER)}`);
    out.result({ ok: true, ...written, file: join(folder, FILES_FOLDER, manifestPath(height)) });
    return exit.ok;
  } finally {
    await store.close();
  }
}

async function verify(folder: string, genesis: Genesis, args: Arguments, out: Output): Promise<number> {
  const files = openFolderFiles(folder);
  const index = await readIndex(files);
  if ('code' in index) return wrongFiles([{ path: SNAPSHOT_INDEX, refusal: index }], out);
  const height = countOf(args, 'height') ?? index.at(-1);
  if (height === undefined) throw new BropError('SNAPSHOT_UNAVAILABLE', `there is none in ${folder}`);
  const { entries, chunks, wrong } = await checkSnapshot(nativeCrypto, files, height, genesis.hash);
  if (wrong.length > 0) return wrongFiles(wrong, out);
  out.line(`VALID  the snapshot of height ${height}: ${entries} entries in ${chunks} chunks`);
  out.result({ ok: true, height, entries, chunks });
  return exit.ok;
}

function wrongFiles(wrong: readonly WrongFile[], out: Output): number {
  const rows = wrong.map(({ path, refusal: { code, detail = '' } }) => ({
    path,
    ...{ code: CODES[code].number, name: code, error: CODES[code].text, detail },
  }));
  for (const { path, code, name, error, detail } of rows)
    out.line(`NOT VALID  ${path}: ${error} ${detail === '' ? '' : `(${detail}) `} [${code} ${name}]`);
  const exitCode = exitCodeOf(wrong[0]!.refusal.code);
  out.result({ ok: false, exitCode, wrong: rows });
  return exitCode;
}

function countOf(args: Arguments, name: string): number | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,15}$/.test(text)) throw new ExitError(exit.usage, `--${name} is a whole number from 1 on`);
  return Number(text);
}
