import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFolderFiles } from '../../adapters/blobs-folder/blobs-folder.ts';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { startSignatureWorkers } from '../../adapters/signature-workers/signature-workers.ts';
import { createLog } from '../../adapters/system/log.ts';
import { CODES } from '../../node-core/chain/codes.ts';
import { GENESIS_PATH } from '../../node-core/chain/file-paths.ts';
import { decodeNoteKey, encodeNoteKey, type NoteKey } from '../../node-core/chain/signed-note.ts';
import type { StoredBlock } from '../../node-core/chain/stored-block.ts';
import { equal, toHex } from '../../node-core/codec/bytes.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import { operationsOf } from '../../node-core/protocol/table.ts';
import { Executor } from '../../node-core/runtime/executor.ts';
import { type CheckedFiles, checkFiles, type FilesCheckParts } from '../../node-core/runtime/files-check.ts';
import { Mempool } from '../../node-core/runtime/mempool.ts';
import { openStore } from '../../nodes/open-store.ts';
import { readGenesis } from '../../nodes/run-node.ts';
import { pathsBelow } from '../chain-folder.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { progress } from '../progress.ts';
import { genesisHashOf } from './verify.ts';

export const verifyExport: Command = {
  name: 'verify-export',
  usage: '<folder> --genesis <hash> [--light] [--note-key <key>]',
  summary: 'Verifies a chain in plain files, to the last byte, with no node and no network.',
  help: `
All that is trusted is the genesis hash. Every certificate is checked by the validators in force,
every block is executed again from the genesis in a temporary folder, and every other file is
compared with what the blocks give; a file that is wrong, missing or too much is named. --light
checks all but what the blocks do to the state, in a fraction of the time. The checkpoint is checked
with the key beside it, or with --note-key by a key that you know: its text, or a file with it.

  brop verify-export chain-2027 --genesis 3f0a…

Exit codes: 0 all holds; 24 a file is wrong.`,
  options: {
    genesis: { type: 'string', value: 'hash', help: 'genesis hash of the chain, 64 hexadecimal digits' },
    light: { type: 'boolean', help: 'do not execute the blocks' },
    'note-key': { type: 'string', value: 'key', help: 'who must have signed the checkpoint' },
  },
  positionals: [1, 1],
  run,
};

async function run(args: Arguments, out: Output): Promise<number> {
  const folder = args.positionals[0]!;
  const genesisHash = genesisHashOf(args);
  const noteKey = noteKeyOf(args);
  const paths = await pathsBelow(folder);
  const shown = progress('height', 0);
  const parts: FilesCheckParts = {
    ...{ crypto: nativeCrypto, files: openFolderFiles(folder), paths, genesisHash, noteKey },
    progress: (height, target) => shown.step(height, target),
  };
  const checked = args.flag('light') ? await checkFiles(parts) : await checkByExecution(parts, folder);
  shown.end();
  return checked.wrong.length === 0 ? holds(checked, paths.length, args, out) : fails(checked, out);
}

/** In a store of its own, which is gone afterwards. */
async function checkByExecution(parts: FilesCheckParts, folder: string): Promise<CheckedFiles> {
  const path = join(folder, GENESIS_PATH);
  // What is wrong with the genesis is told by the check; there is nothing to execute then.
  if (!existsSync(path) || !equal(nativeCrypto.hash('sha-256', readFileSync(path)), parts.genesisHash)) {
    return checkFiles(parts);
  }
  const genesis = readGenesis(path);
  const temporary = mkdtempSync(join(tmpdir(), 'brop-verify-'));
  const verifier = startSignatureWorkers({ workers: 1 });
  try {
    const { store } = await openStore(temporary, genesis);
    const log = createLog({ level: 'silent' });
    const table = operationsOf(genesis.document.protocolVersion);
    const executor = new Executor({ crypto: nativeCrypto, store, mempool: new Mempool(), verifier, table, log });
    const execute = async (block: StoredBlock) => {
      const executed = await executor.judge(block);
      if ('code' in executed) return `does not execute: ${executed.code} ${executed.detail ?? ''}`.trim();
      await store.commit(executed, block.certificate);
      return null;
    };
    try {
      return await checkFiles({ ...parts, execute });
    } finally {
      await store.close();
    }
  } finally {
    await verifier.close();
    rmSync(temporary, { recursive: true, force: true });
  }
}

function noteKeyOf(args: Arguments): NoteKey | undefined {
  const given = args.text('note-key');
  if (given === undefined) return undefined;
  try {
    return decodeNoteKey(nativeCrypto, (existsSync(given) ? readFileSync(given, 'utf8') : given).trim());
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new ExitError(exit.usage, `--note-key: ${error.message} (it looks like brop.chain/3f0a…+1a2b3c4d+AdL…)`);
  }
}

function holds(checked: CheckedFiles, files: number, args: Arguments, out: Output): number {
  const { height, logSize, transactions, snapshots, checkpointKey } = checked;
  const key = checkpointKey === null ? null : encodeNoteKey(nativeCrypto, checkpointKey);
  const executed = !args.flag('light');
  const byWhom = args.text('note-key') === undefined ? 'the key beside it' : 'the key given';
  out.line(`VALID  ${files} files: ${height} blocks with ${transactions} transactions, ${logSize} entries of the log`);
  out.line(`  blocks      certified${executed ? ' and executed' : '; not executed (--light)'}`);
  out.line(`  checkpoint  ${key === null ? 'there is none' : `signed by ${byWhom}: ${key}`}`);
  out.line(`  snapshots   ${snapshots.length === 0 ? 'there are none' : `of heights ${snapshots.join(', ')}`}`);
  const facts = { height, logSize, transactions, snapshots, checkpointKey: key, executed, files };
  out.result({ ok: true, genesis: toHex(genesisHashOf(args)), ...facts });
  return exit.ok;
}

const SHOWN = 20;

function fails({ wrong }: CheckedFiles, out: Output): number {
  const { number, text } = CODES.CHAIN_FILE;
  for (const { path, what } of wrong.slice(0, SHOWN)) out.line(`NOT VALID  ${path} ${what}  [${number} CHAIN_FILE]`);
  if (wrong.length > SHOWN) out.line(`… and ${wrong.length - SHOWN} more`);
  const error = `${text} ${wrong[0]!.path} ${wrong[0]!.what}`;
  out.result({ ok: false, exitCode: exit.chainFile, code: number, name: 'CHAIN_FILE', error, wrong });
  return exit.chainFile;
}
