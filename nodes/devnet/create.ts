/** Makes the files of a consortium on one machine: keys, genesis, a config for each node, and a client profile. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { createKeyFile, openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { createNodeIdentity } from '../../adapters/transport-mtls/identity.ts';
import { type GenesisDocument, PROTOCOL_VERSION, signGenesis } from '../../node-core/chain/genesis.ts';
import { DEFAULT_PARAMETERS, type Parameters } from '../../node-core/chain/parameters.ts';
import { fromHex, utf8 } from '../../node-core/codec/bytes.ts';
import type { PublicKey, SuiteName } from '../../node-core/crypto/provider.ts';
import type { NodeConfigInput } from '../config.ts';
import type { SignerConfigInput } from '../signing/signer-config.ts';
import { createSoftTokens, TOKENS_FOLDER } from './soft-tokens.ts';

export const DEVNET_SIGNERS = ['file', 'pkcs11', 'auto'] as const;
export type DevnetSigner = (typeof DEVNET_SIGNERS)[number];

export interface DevnetOptions {
  readonly folder: string;
  readonly validators: number;
  /** Port of the API; 0 takes a free one. */
  readonly apiPort: number;
  /** Whether a devnet that exists already gets `apiPort` too; otherwise it keeps the one it has. */
  readonly movesApi?: boolean;
  readonly suite?: SuiteName;
  /** What signs votes: a key file, a token of SoftHSM2, or two of them, primary and standby. A key file without it. */
  readonly signer?: DevnetSigner;
  readonly parameters?: Partial<Parameters>;
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
  /** Whether the follower has an index; true without it. */
  readonly index?: boolean;
}

/** Names of the nodes, in the order in which they start. */
export function nodeNames(validators: number): string[] {
  return [...Array.from({ length: validators }, (_, i) => `validator-${i}`), 'follower'];
}

const HOST = '127.0.0.1';
const QUOTA = { max: 1_000_000_000, periodMs: 86_400_000 };

/** True when the folder holds a finished devnet. */
export function exists(folder: string): boolean {
  return existsSync(join(folder, 'genesis.cbor'));
}

/**
 * Makes a devnet in an empty folder. The genesis is written last: without it nothing counts as made.
 * @throws {BropError} CONFIG_INVALID, when tokens are asked for and SoftHSM2 or the package pkcs11js is not there.
 */
export async function create(options: DevnetOptions): Promise<void> {
  const { folder, validators, suite = 'p256', signer = 'file' } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const names = nodeNames(validators);
  const peerIds = names.map((name) => createNodeIdentity(fresh(join(folder, name, 'node-key.pem'))).peerId);
  const ports = await freePorts(2 * names.length);
  mkdirSync(join(folder, 'operator'), { recursive: true, mode: 0o700 });
  const operatorKey = createKeyFile(fresh(join(folder, 'operator', 'account-key.json')), suite);
  const votes: VotingKey[] = [];
  for (const name of names.slice(0, validators)) votes.push(await votingKey(join(folder, name), signer, suite));
  const document: GenesisDocument = {
    protocolVersion: PROTOCOL_VERSION,
    name: 'BROP devnet',
    timeMs: Date.now(),
    stateHash: 'sha-256',
    operator: {
      name: 'Devnet operator',
      accountKey: operatorKey,
      legal: legalDocument(folder, 'operator'),
      quota: QUOTA,
    },
    validators: names.slice(0, validators).map((name, i) => ({
      name: `Devnet ${name}`,
      accountKey: createKeyFile(fresh(join(folder, name, 'account-key.json')), suite),
      legal: legalDocument(folder, name),
      quota: QUOTA,
      power: 1,
      ...votes[i]!.entry,
      nodeKey: fromHex(peerIds[i]!),
    })),
    parameters: { ...DEFAULT_PARAMETERS, ...options.parameters },
  };
  const genesis = await signGenesis(
    nativeCrypto,
    document,
    openKeyFile(join(folder, 'operator', 'account-key.json')).sign,
  );
  // The follower publishes the chain: it signs the checkpoints.
  createKeyFile(fresh(join(folder, 'follower', NOTE_KEY)), 'ed25519');
  const peers = names.map((_, i) => ({ id: peerIds[i]!, host: HOST, port: ports[i]! }));
  for (const [i, name] of names.entries())
    writeConfig(options, name, i, peers, ports[names.length + i]!, votes[i]?.config);
  writeFileSync(join(folder, 'genesis.tmp'), genesis, { flush: true });
  renameSync(join(folder, 'genesis.tmp'), join(folder, 'genesis.cbor'));
}

const NOTE_KEY = 'note-key.json';

/** A key file that an interrupted start has left is put aside, never used half-known. */
function fresh(path: string): string {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  if (existsSync(path)) renameSync(path, `${path}.${Date.now()}.unused`);
  return path;
}

interface VotingKey {
  readonly entry: { readonly consensusKey: PublicKey; readonly standbyKey?: PublicKey };
  readonly config: SignerConfigInput;
}

/** The key of a validator in `folder`, for the genesis and for its config. */
async function votingKey(folder: string, signer: DevnetSigner, suite: SuiteName): Promise<VotingKey> {
  if (signer === 'file') {
    const consensusKey = createKeyFile(fresh(join(folder, 'consensus-key.json')), suite);
    return { entry: { consensusKey }, config: 'consensus-key.json' };
  }
  fresh(join(folder, TOKENS_FOLDER));
  if (signer === 'pkcs11') {
    const [token] = await createSoftTokens(folder, ['primary']);
    return { entry: { consensusKey: token!.publicKey }, config: token!.config };
  }
  const [primary, standby] = await createSoftTokens(folder, ['primary', 'standby']);
  return {
    entry: { consensusKey: primary!.publicKey, standbyKey: standby!.publicKey },
    config: { driver: 'auto', primary: primary!.config, standby: standby!.config },
  };
}

/** Every participant has a published legal document before it may act; the devnet writes a plain one. */
function legalDocument(folder: string, name: string): { readonly version: string; readonly digest: Uint8Array } {
  const text = `Legal document of ${name} in a BROP devnet, version 1.0.\nFor trials on one machine; no rights follow from it.\n`;
  mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, name, 'legal-1.0.txt'), text);
  return { version: '1.0', digest: nativeCrypto.hash('sha-256', utf8(text)) };
}

function writeConfig(
  { folder, apiPort, logLevel = 'info', index: hasIndex }: DevnetOptions,
  name: string,
  index: number,
  peers: readonly { readonly id: string; readonly host: string; readonly port: number }[],
  metricsPort: number,
  consensusKey: SignerConfigInput | undefined,
): void {
  const own = peers[index]!;
  const common = {
    name,
    genesis: '../genesis.cbor',
    dataFolder: 'data',
    nodeKey: 'node-key.pem',
    listen: { host: own.host, port: own.port },
    peers: peers.filter((peer) => peer !== own),
    log: { level: logLevel, file: 'node.log' },
    metrics: { host: HOST, port: metricsPort },
  };
  const config: NodeConfigInput =
    consensusKey !== undefined
      ? { role: 'validator', consensusKey, ...common }
      : {
          ...{ role: 'follower', noteKey: NOTE_KEY, api: { host: HOST, port: apiPort, requestsPerSecond: 0 } },
          webhooks: { loopback: true },
          ...(hasIndex !== undefined && { index: hasIndex }),
          ...common,
        };
  writeFileSync(join(folder, name, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

/** Gives the nodes other ports, when somebody else has taken theirs; 'api', or those between the nodes and of metrics. */
export async function movePorts(
  folder: string,
  validators: number,
  which: 'api' | 'nodes',
  apiPort?: number,
): Promise<void> {
  const names = nodeNames(validators);
  const ports = await freePorts(2 * names.length);
  const configs = names.map(
    (name) => JSON.parse(readFileSync(join(folder, name, 'config.json'), 'utf8')) as NodeConfigInput,
  );
  const portOf = new Map(configs.map((config, i) => [config.listen!.port, ports[i]!]));
  for (const [i, config] of configs.entries()) {
    if (which === 'api' && config.api !== undefined) config.api.port = apiPort ?? ports[i]!;
    if (which === 'nodes') {
      config.listen!.port = ports[i]!;
      if (config.metrics !== undefined) config.metrics.port = ports[names.length + i]!;
      for (const peer of config.peers ?? []) peer.port = portOf.get(peer.port!) ?? peer.port;
    }
    writeFileSync(join(folder, names[i]!, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  }
}

/** Ports that nobody uses at this moment, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, HOST, resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Whether somebody listens on, or may not listen on, this port of the loopback address. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}
