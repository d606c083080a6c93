/** Composes a node from its config: the one place where ports meet their adapters. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nativeCrypto } from '../adapters/crypto-native/native.ts';
import { startSignatureWorkers } from '../adapters/signature-workers/signature-workers.ts';
import { openKeyFile } from '../adapters/signer-file/signer-file.ts';
import { openLmdbStore } from '../adapters/store-lmdb/store.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { createLog } from '../adapters/system/log.ts';
import { loadNodeIdentity, type NodeIdentity } from '../adapters/transport-mtls/identity.ts';
import { type MtlsTransport, mtlsTransport } from '../adapters/transport-mtls/transport.ts';
import { voteRecordFile } from '../adapters/vote-record-file/vote-record.ts';
import { BropError } from '../node-core/chain/codes.ts';
import { decodeGenesis, type Genesis } from '../node-core/chain/genesis.ts';
import { equal, toHex } from '../node-core/codec/bytes.ts';
import { CodecError } from '../node-core/codec/error.ts';
import { StoreError } from '../node-core/ports/key-value-store.ts';
import type { Log } from '../node-core/ports/log.ts';
import { ChainStore, checkHead } from '../node-core/runtime/chain-store.ts';
import { MAX_MESSAGE_BYTES } from '../node-core/runtime/messages.ts';
import { Node } from '../node-core/runtime/node.ts';
import { Voting, type VotingIdentity } from '../node-core/runtime/voting.ts';
import type { NodeConfig } from './config.ts';
import { startOrExplain } from './port-in-use.ts';
import type { ApiServer } from './serve-api.ts';

export interface RunningNode {
  readonly node: Node;
  /** Base URL of the API, when it has one. */
  readonly apiUrl: string | null;
  readonly nodePort: number | undefined;
  /** Resolves when the node has stopped: with null after `stop`, or with the error that made it stop. */
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
}

/** @throws {BropError} when a file, a key, a port or the store is not as it must be; one line for people. */
export async function runNode(config: NodeConfig): Promise<RunningNode> {
  const { level, file } = config.log;
  const log = naming('log.file', () => createLog(file === undefined ? { level } : { level, file }));
  const genesis = readGenesis(config.genesis);
  const identity = naming('nodeKey', () => loadNodeIdentity(config.nodeKey));
  naming('dataFolder', () => mkdirSync(config.dataFolder, { recursive: true, mode: 0o700 }));
  const store = await openStore(join(config.dataFolder, 'chain'), genesis);
  let end: (error: unknown) => void = () => {};
  let closeApi: () => Promise<void> = async () => {};
  const ended = new Promise<unknown>((resolve) => {
    end = resolve;
  });
  const voting = config.role === 'validator' ? await openVoting(config, genesis, store, identity.peerId) : undefined;
  const transport = openTransport(config, identity, log);
  const verifier = startSignatureWorkers({ workers: config.signatureWorkers });
  const node = new Node({
    crypto: nativeCrypto,
    store,
    transport,
    verifier,
    clock: systemClock,
    log,
    // What has no chain behind it any more must not answer.
    onFatal: (error) => void Promise.resolve(closeApi()).finally(() => end(error)),
    ...(voting !== undefined && { voting }),
  });
  const api = await startAll(config, node, log);
  closeApi = async () => api?.close();
  log.info('the node runs', {
    role: config.role,
    height: store.height,
    peerId: identity.peerId,
    api: api?.url ?? null,
  });
  const stop = async () => {
    await api?.close();
    await node.stop();
    end(null);
  };
  return { node, apiUrl: api?.url ?? null, nodePort: transport.port, ended, stop };
}

function openTransport({ peers, listen }: NodeConfig, identity: NodeIdentity, log: Log): MtlsTransport {
  const others = peers
    .filter(({ id }) => id !== identity.peerId)
    .map(({ id, host, port }) => (host === undefined || port === undefined ? { id } : { id, host, port }));
  const options = { identity, peers: others, log, maxMessageBytes: MAX_MESSAGE_BYTES };
  return naming('peers', () => mtlsTransport(listen === undefined ? options : { ...options, listen }));
}

/** What is wrong with the config has one line that names the field. @throws {BropError} CONFIG_INVALID */
function naming<T>(field: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof BropError) throw error;
    throw new BropError('CONFIG_INVALID', `${field}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** What cannot start takes down what has started. */
async function startAll(config: NodeConfig, node: Node, log: Log): Promise<ApiServer | null> {
  try {
    await startOrExplain(() => node.start(), `listen: node port ${config.listen?.port}`);
    // Loaded when it is wanted: a validator without it is smaller.
    return config.api === undefined ? null : await (await import('./serve-api.ts')).serveApi(config.api, node, log);
  } catch (error) {
    await node.stop();
    throw error;
  }
}

/** @throws {BropError} FILE_UNREADABLE or CONFIG_INVALID */
export function readGenesis(path: string): Genesis {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new BropError('FILE_UNREADABLE', `genesis: ${path}`);
  }
  try {
    return decodeGenesis(nativeCrypto, bytes);
  } catch (error) {
    if (error instanceof CodecError) throw new BropError('CONFIG_INVALID', `genesis: ${path}: ${error.message}.`);
    throw error;
  }
}

const STORE_CODES = {
  locked: 'STORE_LOCKED',
  corrupt: 'STORE_CORRUPT',
  full: 'INTERNAL',
  closed: 'INTERNAL',
  io: 'INTERNAL',
} as const;

async function openStore(folder: string, genesis: Genesis): Promise<ChainStore> {
  try {
    const kv = await openLmdbStore({ folder });
    try {
      const store = await ChainStore.open(nativeCrypto, kv, genesis.bytes);
      checkHead(store);
      return store;
    } catch (error) {
      await kv.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof StoreError) throw new BropError(STORE_CODES[error.code], error.message, { cause: error });
    if (error instanceof BropError) throw new BropError(error.code, folder, { cause: error });
    throw error;
  }
}

async function openVoting(
  config: Extract<NodeConfig, { role: 'validator' }>,
  genesis: Genesis,
  store: ChainStore,
  peerId: string,
): Promise<Voting> {
  const identity = votingIdentity(config, genesis);
  if (toHex(genesis.document.validators[identity.index]!.nodeKey) !== peerId) {
    throw new BropError(
      'CONFIG_INVALID',
      `nodeKey: ${config.nodeKey} is not the one that the genesis has for this validator.`,
    );
  }
  const folder = join(config.dataFolder, 'vote-record');
  // A record that is gone after the first block must not be begun anew: what it held has been signed.
  const create = store.height === 0;
  const scope = { crypto: nativeCrypto, chain: genesis.hash, protocolVersion: genesis.document.protocolVersion };
  return Voting.open(scope, identity, voteRecordFile({ folder, create }));
}

function votingIdentity(config: Extract<NodeConfig, { role: 'validator' }>, genesis: Genesis): VotingIdentity {
  const signer = naming('consensusKey', () => openKeyFile(config.consensusKey));
  for (const [index, { keys }] of genesis.validators.validators.entries()) {
    for (const [key, publicKey] of keys.entries()) {
      if (publicKey.suite === signer.publicKey.suite && equal(publicKey.bytes, signer.publicKey.bytes))
        return { index, key: key as 0 | 1, signer };
    }
  }
  throw new BropError(
    'CONFIG_INVALID',
    `consensusKey: ${config.consensusKey} is not the key of a validator of this chain.`,
  );
}
