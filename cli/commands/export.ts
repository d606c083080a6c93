import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openBlobsFolder } from '../../adapters/blobs-folder/blobs-folder.ts';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import type { Blobs } from '../../node-core/ports/blobs.ts';
import type { ChainFiles } from '../../node-core/ports/chain-files.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { storedGenesis } from '../../node-core/runtime/chain-rows.ts';
import { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { checkFiles } from '../../node-core/runtime/files-check.ts';
import { type CopiedFiles, copyFiles } from '../../node-core/runtime/files-copy.ts';
import { Publication } from '../../node-core/runtime/publication.ts';
import { openFileSource } from '../../nodes/file-sources.ts';
import { explained, openDataFolder } from '../../nodes/open-store.ts';
import { pathsBelow } from '../chain-folder.ts';
import type { Arguments, Command, Output } from '../command.ts';
import { ExitError, exit } from '../exit-codes.ts';
import { home } from '../home.ts';
import { progress } from '../progress.ts';

export const exportChain: Command = {
  name: 'export',
  usage: '--out <folder> [--data <data folder> | --url <url>]',
  summary: 'Copies the whole chain into a folder of plain files that anybody verifies without a node.',
  help: `
Blocks, log, checkpoint and snapshots as docs/spec/files.md lays them out. They come from the data
folder of a stopped node (without --data: the devnet's), or with --url from where a running node, a
bucket or another server publishes them. What is in the folder already stays, so that a copy that
was broken off goes on; in the end all of it is checked, and what is wrong is copied anew.

  brop export --out chain-2027
  brop export --out chain-2027 --url https://node.example/files/
  brop verify-export chain-2027 --genesis 3f0a…`,
  options: {
    out: { type: 'string', value: 'folder', help: 'where the files go' },
    data: { type: 'string', value: 'folder', help: 'data folder of a stopped node' },
    url: { type: 'string', value: 'url', help: 'URL under which the files are published' },
    'note-key': { type: 'string', value: 'file', help: 'with a data folder: key that signs the checkpoint' },
  },
  positionals: [0, 0],
  run,
};

async function run(args: Arguments, out: Output): Promise<number> {
  const target = args.required('out');
  const [data, url] = [args.text('data'), args.text('url')];
  if (data !== undefined && url !== undefined) throw new ExitError(exit.usage, 'either --data or --url');
  if (url !== undefined && args.text('note-key') !== undefined) {
    throw new ExitError(exit.usage, '--note-key signs what comes out of a data folder; at a URL the node has signed');
  }
  mustBeForFiles(target);
  const copied = await explaining(async () =>
    url === undefined
      ? fromDataFolder(data ?? devnetData(), args.text('note-key'), target, out)
      : copyAndCheck((await openFileSource(url)).files, target, out),
  );
  const genesis = toHex(copied.genesisHash);
  out.line(
    `the chain up to height ${copied.height} is in ${target}: ${copied.files} files, ${copied.copied} of them new`,
  );
  out.line(`  verify  brop verify-export ${target} --genesis ${genesis}`);
  out.result({ ok: true, folder: target, genesis, height: copied.height, files: copied.files, copied: copied.copied });
  return exit.ok;
}

/** A folder in which other things are is left alone. */
function mustBeForFiles(folder: string): void {
  if (!existsSync(folder)) return;
  const known = ['genesis.cbor', 'blocks', 'tile', 'snapshots', 'state', '.unfinished', 'anchor.cbor'];
  const names = readdirSync(folder);
  if (names.length > 0 && !names.some((name) => known.includes(name))) {
    throw new ExitError(exit.usage, `${folder} holds something else than files of a chain`);
  }
}

async function fromDataFolder(
  folder: string,
  noteKey: string | undefined,
  target: string,
  out: Output,
): Promise<CopiedFiles> {
  if (!existsSync(join(folder, 'chain'))) {
    throw new BropError('FILE_UNREADABLE', `${folder} is not the data folder of a node`);
  }
  const { store, blobs } = await openChain(folder);
  try {
    const keyFile = noteKey ?? noteKeyBeside(folder);
    const noteSigner = keyFile === undefined ? undefined : openKeyFile(keyFile);
    const parts = { crypto: nativeCrypto, store, blobs, clock: systemClock };
    return await copyAndCheck(
      new Publication(noteSigner === undefined ? parts : { ...parts, noteSigner }),
      target,
      out,
    );
  } finally {
    await store.close();
  }
}

/** The chain in a data folder, whichever it is. */
async function openChain(folder: string): Promise<{ readonly store: ChainStore; readonly blobs: Blobs }> {
  const { kv, blobs } = await openDataFolder(folder);
  try {
    const genesis = storedGenesis(kv);
    if (genesis === undefined) throw new BropError('FILE_UNREADABLE', `${folder} holds no chain`);
    return { store: await ChainStore.open(nativeCrypto, kv, blobs, genesis), blobs };
  } catch (error) {
    await kv.close();
    throw explained(error);
  }
}

/** Copies, checks the copy, and copies anew what is wrong in it: damaged on the way, or left from an earlier time. */
async function copyAndCheck(source: ChainFiles, folder: string, out: Output): Promise<CopiedFiles> {
  const target = openBlobsFolder(folder);
  let again: ReadonlySet<string> = new Set();
  for (;;) {
    const shown = progress('files', 0);
    const copied = await copyFiles({
      ...{ crypto: nativeCrypto, source, target, again },
      progress: (done, total) => shown.step(done, total),
    });
    shown.end();
    const { genesisHash } = copied;
    const paths = await pathsBelow(folder);
    const { wrong } = await checkFiles({ crypto: nativeCrypto, files: target, paths, genesisHash });
    if (wrong.length === 0) return copied;
    for (const { path, what } of wrong) out.progress(`${path} ${what}`);
    const first = wrong[0]!;
    // Copied twice and wrong twice: it is so where it comes from.
    if (again.size > 0) throw new BropError('CHAIN_FILE', `${first.path} ${first.what}`);
    again = new Set(wrong.map(({ path }) => path));
  }
}

function devnetData(): string {
  const nodes = ['follower', 'validator-0'].map((name) => join(home(), 'devnet', name, 'data'));
  const found = nodes.find((folder) => existsSync(join(folder, 'chain')));
  if (found === undefined) throw new ExitError(exit.usage, `there is no devnet in ${home()}: give --data or --url`);
  return found;
}

/** Where the devnet has the note key of its follower. */
function noteKeyBeside(dataFolder: string): string | undefined {
  const path = join(dataFolder, '..', 'note-key.json');
  return existsSync(path) ? path : undefined;
}

async function explaining<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CodecError) throw new ExitError(exit.config, `--note-key: ${error.message}`);
    if (!(error instanceof StoreError)) throw error;
    throw new BropError(error.code === 'full' ? 'STORE_FULL' : 'FILE_UNREADABLE', error.message, { cause: error });
  }
}
