/** Composes a node from its config: the one place where ports meet their adapters. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nativeCrypto } from '../adapters/crypto-native/native.ts';
import { startSignatureWorkers } from '../adapters/signature-workers/signature-workers.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { createLog, type SystemLog } from '../adapters/system/log.ts';
import type { NodeIdentity } from '../adapters/transport-mtls/identity.ts';
import { type MtlsTransport, mtlsTransport } from '../adapters/transport-mtls/transport.ts';
import { voteRecordFile } from '../adapters/vote-record-file/vote-record.ts';
import { BropError } from '../node-core/chain/codes.ts';
import { decodeGenesis, type Genesis } from '../node-core/chain/genesis.ts';
import { fromHex, toHex } from '../node-core/codec/bytes.ts';
import type { CborValue } from '../node-core/codec/cbor.ts';
import { CodecError } from '../node-core/codec/error.ts';
import type { ExecutedBlock } from '../node-core/ledger/execute-block.ts';
import type { KeyValueStore } from '../node-core/ports/key-value-store.ts';
import type { Log } from '../node-core/ports/log.ts';
import type { Signer } from '../node-core/ports/signer.ts';
import type { PeerId } from '../node-core/ports/transport.ts';
import type { ChainStore } from '../node-core/runtime/chain-store.ts';
import { isUrgent, MAX_MESSAGE_BYTES } from '../node-core/runtime/messages.ts';
import { Node } from '../node-core/runtime/node.ts';
import { Publication } from '../node-core/runtime/publication.ts';
import type { SnapshotWriter } from '../node-core/runtime/snapshot-write.ts';
import { Voting } from '../node-core/runtime/voting.ts';
import type { Cloud } from './aws/cloud.ts';
import type { LedgerCopy } from './aws/ledger.ts';
import { isS3 } from './aws/references.ts';
import type { NodeConfig } from './config.ts';
import { openFileSource } from './file-sources.ts';
import { openKey, openNodeKey } from './keys.ts';
import { LastPatience } from './last-patience.ts';
import { type NodeIndex, startIndex } from './middleware/node-index.ts';
import { type Observation, observe } from './observe/observe.ts';
import { reportStanding } from './observe/standing.ts';
import { explained, openStore, VOTE_RECORD_FOLDER } from './open-store.ts';
import { startOrExplain } from './port-in-use.ts';
import type { ApiServer } from './serve-api.ts';
import { openVotingKeys, type VotingKeys } from './signing/voting-keys.ts';
import { beginFromSnapshot, snapshotWriter } from './snapshots.ts';

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
  const begun: Closing[] = [];
  try {
    return await start(config, begun);
  } catch (error) {
    // Threads and ports would keep a process alive whose node has not started.
    await Promise.allSettled(begun.map((close) => close()));
    throw error;
  }
}

type Closing = () => Promise<void>;

/** @param begun is told how to end what a node that does not start, or has stopped, would leave behind. */
async function start(config: NodeConfig, begun: Closing[]): Promise<RunningNode> {
  const identity = await namingAsync('nodeKey', () => openNodeKey(config.nodeKey));
  const name = config.name ?? `${config.role}-${identity.peerId.slice(0, 8)}`;
  const log = openLog(config, name);
  const genesis = await openGenesis(config.genesis, log);
  naming('dataFolder', () => mkdirSync(config.dataFolder, { recursive: true, mode: 0o700 }));
  const observed = await observe(config, name, log);
  begun.push(() => observed.close());
  const patience = new LastPatience();
  begun.push(async () => patience.end());
  const cloud = await openCloud(config, genesis, log, patience);
  if (cloud !== undefined) begun.push(() => cloud.close());
  const fileSources = [...(cloud?.sources ?? []), ...(await Promise.all(config.fileSources.map(openFileSource)))];
  const noteSigner = config.noteKey === undefined ? undefined : await openNoteKey(config.noteKey);
  const begin = (kv: KeyValueStore) => beginFromSnapshot(config, kv, genesis, fileSources, log);
  // The threads load their code while this one opens the store.
  const verifier = startSignatureWorkers({ workers: config.signatureWorkers });
  begun.push(() => verifier.close());
  const { store, blobs } = await openStore(config.dataFolder, genesis, begin);
  const signing = noteSigner && { noteSigner };
  const files = new Publication({ crypto: nativeCrypto, store, blobs, clock: systemClock, ...signing });
  let end: (error: unknown) => void = () => {};
  const ended = new Promise<unknown>((resolve) => {
    end = resolve;
  });
  let closeServices: () => Promise<void> = async () => {};
  const keys = await openKeys(config, log, patience, begun);
  const voting = keys && (await openVoting(config, keys, genesis, store, cloud, identity.peerId, observed, log));
  const transport = openTransport(config, identity, store, log);
  const node = new Node({
    crypto: nativeCrypto,
    store,
    transport: observed.transport(transport),
    verifier: observed.verifier(verifier),
    clock: systemClock,
    log,
    metrics: observed.metrics,
    tracing: observed.tracing,
    onEnding: () => patience.begin(),
    // What has no chain behind it any more must not answer.
    onFatal: (error) => void Promise.allSettled([closeServices(), observed.close()]).then(() => end(explained(error))),
    fileSources,
    ...(cloud !== undefined && { journal: cloud.journal, publishedHeight: cloud.publishedHeight }),
    ...(voting !== undefined && { voting }),
    ...retention(config, genesis),
  });
  const snapshots = snapshotWriter(config, store, blobs, log);
  node.onCommit((block) => afterBlock(block, config, transport, snapshots));
  const { api, index, ledger } = await startAll(config, node, files, log, observed);
  cloud?.publish(store, files, observed.metrics, ledger);
  closeServices = async () => {
    await Promise.allSettled([api?.close(), index?.close(), ledger?.close(), cloud?.stop()]);
  };
  log.info('the node runs', {
    height: store.height,
    peerId: identity.peerId,
    api: api?.url ?? null,
    metrics: observed.metricsUrl,
  });
  void ended.then(reportStanding(node, systemClock, log, ledger));
  const stop = async () => {
    patience.begin();
    await closeServices();
    await snapshots.stop();
    await node.stop();
    await Promise.allSettled(begun.map((close) => close()));
    end(null);
  };
  return { node, apiUrl: api?.url ?? null, nodePort: transport.port, ended, stop };
}

function openTransport(
  { peers, listen }: NodeConfig,
  identity: NodeIdentity,
  store: ChainStore,
  log: Log,
): MtlsTransport {
  const admits = (peer: PeerId) => store.accountOfNode(fromHex(peer)) !== undefined;
  const others = peers
    .filter(({ id }) => id !== identity.peerId)
    .map(({ id, host, port }) => (host === undefined || port === undefined ? { id } : { id, host, port }));
  const options = { identity, peers: others, admits, log, maxMessageBytes: MAX_MESSAGE_BYTES, isUrgent };
  return naming('peers', () => mtlsTransport(listen === undefined ? options : { ...options, listen }));
}

function afterBlock(
  { header, events }: ExecutedBlock,
  config: NodeConfig,
  transport: MtlsTransport,
  snapshots: SnapshotWriter,
): void {
  snapshots.afterBlock(header.height);
  for (const [, , type, data] of events) if (type === 'governance.nodeUnregistered') turnAway(config, transport, data);
}

/** A node that is no longer registered, unless it is one of our own choice. */
function turnAway({ peers }: NodeConfig, transport: MtlsTransport, data: CborValue): void {
  const nodeKey = data instanceof Map ? data.get('node') : undefined;
  const peer = nodeKey instanceof Uint8Array ? toHex(nodeKey) : '';
  if (!peers.some(({ id }) => id === peer)) transport.drop(peer, 'its key is no longer registered on the chain');
}

/** The state refers to blocks as long as it holds their nonces. @throws {BropError} CONFIG_INVALID */
function retention({ retain: { blocks } }: NodeConfig, genesis: Genesis): { readonly retainBlocks?: number } {
  if (blocks === 'all') return {};
  const { expiryWindow, nonceRetention } = genesis.document.parameters;
  const least = expiryWindow + nonceRetention;
  if (blocks < least)
    throw new BropError('CONFIG_INVALID', `retain.blocks: at least ${least} on this chain, or "all".`);
  return { retainBlocks: blocks };
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

/** The same for what takes its time. @throws {BropError} CONFIG_INVALID */
async function namingAsync<T>(field: string, open: () => Promise<T>): Promise<T> {
  const outcome = await open().then(
    (value) => () => value,
    (error: unknown) => () => {
      throw error;
    },
  );
  return naming(field, outcome);
}

/** Loaded when it is wanted: a node elsewhere is smaller without the SDK. */
async function openCloud(
  config: NodeConfig,
  genesis: Genesis,
  log: Log,
  patience: LastPatience,
): Promise<Cloud | undefined> {
  const isOnAws = config.role === 'validator' && config.voteRecord.driver === 'dynamodb';
  if (!isOnAws && config.publish === undefined) return undefined;
  return new (await import('./aws/cloud.ts')).Cloud(config, genesis, log, patience);
}

/** @throws {BropError} CONFIG_INVALID or a KeyFileError's, naming the field */
async function openNoteKey(path: string): Promise<Signer> {
  const signer = await namingAsync('noteKey', () => openKey(path));
  if (signer.publicKey.suite === 'ed25519') return signer;
  throw new BropError('CONFIG_INVALID', `noteKey: ${path} is of suite ${signer.publicKey.suite}, not ed25519.`);
}

interface Started {
  readonly api: ApiServer | null;
  readonly index: NodeIndex | undefined;
  readonly ledger: LedgerCopy | undefined;
}

/** What cannot start takes down what has started. */
async function startAll(
  config: NodeConfig,
  node: Node,
  files: Publication,
  log: Log,
  observed: Observation,
): Promise<Started> {
  let index: NodeIndex | undefined;
  let ledger: LedgerCopy | undefined;
  try {
    await startOrExplain(() => node.start(), `listen: node port ${config.listen?.port}`);
    index = config.index ? startIndex(config.dataFolder, node, log) : undefined;
    await observed.serve(node, index);
    // Loaded when it is wanted: a validator without it is smaller.
    if (config.role === 'follower' && config.ledgerTable !== undefined) {
      const { startLedger } = await import('./aws/ledger.ts');
      ledger = startLedger(config.ledgerTable, node, log, observed.metrics);
    }
    if (config.api === undefined) return { api: null, index, ledger };
    const { serveApi } = await import('./serve-api.ts');
    const { dataFolder, webhooks } = config;
    const api = await serveApi(config.api, { dataFolder, webhooks, node, index, files, log, observed });
    return { api, index, ledger };
  } catch (error) {
    await index?.close();
    await ledger?.close();
    await node.stop();
    await observed.close();
    throw error;
  }
}

/** @throws {BropError} FILE_UNREADABLE or CONFIG_INVALID */
async function openGenesis(path: string, log: Log): Promise<Genesis> {
  if (!isS3(path)) return readGenesis(path);
  return genesisIn(await (await import('./aws/files.ts')).readS3Genesis(path, log), path);
}

/** @throws {BropError} FILE_UNREADABLE or CONFIG_INVALID */
export function readGenesis(path: string): Genesis {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new BropError('FILE_UNREADABLE', `genesis: ${path}`);
  }
  return genesisIn(bytes, path);
}

function genesisIn(bytes: Uint8Array, path: string): Genesis {
  try {
    return decodeGenesis(nativeCrypto, bytes);
  } catch (error) {
    if (error instanceof CodecError) throw new BropError('CONFIG_INVALID', `genesis: ${path}: ${error.message}.`);
    throw error;
  }
}

function openLog({ role, log: { level, file } }: NodeConfig, node: string): SystemLog {
  const fields = { node, role };
  return naming('log.file', () => createLog(file === undefined ? { level, fields } : { level, file, fields }));
}

/** What signs votes; of a follower nothing does. */
async function openKeys(
  config: NodeConfig,
  log: Log,
  patience: LastPatience,
  begun: Closing[],
): Promise<VotingKeys | undefined> {
  if (config.role !== 'validator') return undefined;
  const keys = await openVotingKeys(config.consensusKey, process.env.SIGNER, log, patience.signal);
  begun.push(async () => keys.close());
  return keys;
}

async function openVoting(
  config: NodeConfig,
  { signer, standby }: VotingKeys,
  genesis: Genesis,
  store: ChainStore,
  cloud: Cloud | undefined,
  peerId: string,
  observed: Observation,
  log: Log,
): Promise<Voting> {
  const folder = join(config.dataFolder, VOTE_RECORD_FOLDER);
  // A record that is gone after the first block here must not be begun anew: what it held has been signed.
  const create = store.height === (store.origin?.header.height ?? 0);
  const scope = { crypto: nativeCrypto, chain: genesis.hash, protocolVersion: genesis.document.protocolVersion };
  try {
    const record = observed.voteRecord((await cloud?.voteRecord(create)) ?? voteRecordFile({ folder, create }));
    const voting = await Voting.open(scope, { index: 0, key: 0, signer }, record, standby);
    if (voting.isOnStandby)
      log.error('the standby key signs', {
        backToPrimary: `set consensusKey.returns to ${voting.nextReturn} and restart`,
      });
    if (!voting.follow(store.validators))
      log.warn('the consensus key is not in the validator set: the node follows until it is', { height: store.height });
    if (store.accountOfNode(fromHex(peerId)) === undefined)
      log.warn('the node key is not registered on the chain: validators that do not pin it turn it away', { peerId });
    return voting;
  } catch (error) {
    throw explained(error);
  }
}
