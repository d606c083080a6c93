/** What a node keeps in its data folder: `chain` is the embedded store, `files` the blobs that it publishes. */
import { join } from 'node:path';
import { openBlobsFolder } from '../adapters/blobs-folder/blobs-folder.ts';
import { nativeCrypto } from '../adapters/crypto-native/native.ts';
import { openLmdbStore } from '../adapters/store-lmdb/store.ts';
import { BropError, CODES } from '../node-core/chain/codes.ts';
import type { Genesis } from '../node-core/chain/genesis.ts';
import type { Blobs } from '../node-core/ports/blobs.ts';
import { type KeyValueStore, StoreError } from '../node-core/ports/key-value-store.ts';
import { ChainStore } from '../node-core/runtime/chain-store.ts';

export const CHAIN_FOLDER = 'chain';
export const FILES_FOLDER = 'files';
export const VOTE_RECORD_FOLDER = 'vote-record';
/**
 * 3: pages of the state tree among the entries, tiles as long values, names in entries and blocks in segments packed. What
 * an earlier release has written is not read: the node takes the chain again, from files or from peers.
 */
export const CHAIN_FORMAT = 'brop chain 3 (lmdb)';

const STORE_CODES = {
  locked: 'STORE_LOCKED',
  corrupt: 'STORE_CORRUPT',
  full: 'STORE_FULL',
  closed: 'INTERNAL',
  io: 'INTERNAL',
} as const;

/** What a store says, itself or as the cause of what failed, with the code that people look up. */
export function explained(error: unknown): unknown {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof StoreError) return new BropError(STORE_CODES[cause.code], cause.message, { cause: error });
  }
  return error;
}

export interface OpenedFolder {
  readonly kv: KeyValueStore;
  readonly blobs: Blobs;
}

/** Takes the folder for this process alone. @throws {BropError} STORE_* or INTERNAL */
export async function openDataFolder(dataFolder: string): Promise<OpenedFolder> {
  try {
    const kv = await openLmdbStore({ folder: join(dataFolder, CHAIN_FOLDER), format: CHAIN_FORMAT });
    try {
      // Only the holder of the store's lock may clear away what was left unfinished.
      return { kv, blobs: openBlobsFolder(join(dataFolder, FILES_FOLDER)) };
    } catch (error) {
      await kv.close();
      throw error;
    }
  } catch (error) {
    throw explained(error);
  }
}

/**
 * @param prepare what is done with the store before there is a chain in it.
 * @throws {BropError} STORE_* or INTERNAL
 */
export async function openStore(
  dataFolder: string,
  genesis: Genesis,
  prepare: (kv: KeyValueStore) => Promise<void> = async () => {},
): Promise<{ readonly store: ChainStore; readonly blobs: Blobs }> {
  const { kv, blobs } = await openDataFolder(dataFolder);
  try {
    await prepare(kv);
    return { store: await ChainStore.open(nativeCrypto, kv, blobs, genesis.bytes), blobs };
  } catch (error) {
    await kv.close();
    if (!(error instanceof BropError)) throw explained(error);
    const detail = error.message.slice(CODES[error.code].text.length);
    throw new BropError(error.code, detail === '' ? dataFolder : `${dataFolder}:${detail}`, { cause: error });
  }
}
