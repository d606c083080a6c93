/** A whole deployment on the emulator: keys, genesis, stacks by the real CDK, nodes as processes of this machine. */
import { execFile } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { type GenesisDocument, PROTOCOL_VERSION, signGenesis } from '../../node-core/chain/genesis.ts';
import { DEFAULT_PARAMETERS, type Parameters } from '../../node-core/chain/parameters.ts';
import { fromHex } from '../../node-core/codec/bytes.ts';
import { generateKeyPair, type KeyPair } from '../../node-core/crypto/generate.ts';
import type { PublicKeys } from '../../scripts/aws-keys.ts';
import { signerFromSecretKey } from '../../sdk/signer.ts';
import type { Cdk } from './cdk.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const NAMES = ['validator-0', 'validator-1', 'validator-2', 'validator-3', 'proxy'];
const QUOTA = { max: 1_000_000_000, periodMs: 86_400_000 };

export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** BROP_EMULATOR_NODES of cdk/config/emulator.ts. Before there are keys, the fingerprints are made up. */
export function localNodes(folder: string, ports: readonly number[], keys?: readonly PublicKeys[]): string {
  return JSON.stringify(
    NAMES.map((name, i) => ({
      nodeId: keys?.[i]?.nodeId ?? String(i + 1).repeat(64),
      dataFolder: join(folder, name),
      nodePort: ports[2 * i],
      servicePort: ports[2 * i + 1],
    })),
  );
}

/** As an operator does it: `npm run aws:keys`. */
export async function makeKeys(cdk: Cdk, nodes: string): Promise<readonly PublicKeys[]> {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, ...cdk.env, BROP_EMULATOR_NODES: nodes };
  const args = [join('scripts', 'aws-keys.ts'), 'emulator'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
  return JSON.parse(stdout);
}

export interface Founded {
  readonly genesis: Uint8Array;
  readonly operator: KeyPair;
}

/** A genesis of the validators whose keys have been made. */
export async function found(keys: readonly PublicKeys[], parameters: Partial<Parameters>): Promise<Founded> {
  const operator = generateKeyPair('p256', random);
  const legal = { version: '1.0', digest: random(32) };
  const document: GenesisDocument = {
    protocolVersion: PROTOCOL_VERSION,
    name: 'BROP on an emulator',
    timeMs: Date.now(),
    stateHash: 'sha-256',
    operator: { name: 'Operator', accountKey: operator.publicKey, legal, quota: QUOTA },
    validators: keys.slice(0, -1).map(({ name, nodeId, consensusKey }) => ({
      name,
      accountKey: generateKeyPair('p256', random).publicKey,
      ...{ legal, quota: QUOTA, power: 1, nodeKey: fromHex(nodeId) },
      consensusKey: { suite: 'p256' as const, bytes: fromHex(consensusKey!) },
    })),
    parameters: { ...DEFAULT_PARAMETERS, ...parameters },
  };
  const signer = signerFromSecretKey(operator.publicKey.suite, operator.secretKey);
  return { genesis: await signGenesis(nativeCrypto, document, signer.sign), operator };
}

/** Below those that systems give to whoever connects: they are used only minutes later. */
const [LOWEST_PORT, HIGHEST_PORT] = [20_000, 32_000];

/** Ports that nobody listens on at this moment, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
