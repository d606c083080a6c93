/** A devnet of real processes for the bench, and a partner on it that may register evidence. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { decodeGenesis, type Genesis, PROTOCOL_VERSION } from '../../node-core/chain/genesis.ts';
import { createdAccountId, genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { ADMIT_PARTNER, admitPartnerBody } from '../../node-core/chain/operations/admit-partner.ts';
import type { Parameters } from '../../node-core/chain/parameters.ts';
import { finishTransaction, prepareTransaction } from '../../node-core/chain/transaction.ts';
import { generateKeyPair } from '../../node-core/crypto/generate.ts';
import { type Devnet, startDevnet } from '../../nodes/devnet/supervise.ts';
import { HttpClient, type Sender } from './client.ts';

const VALIDATORS = 4;
const CONNECTIONS = 72;

export interface BenchChain {
  readonly devnet: Devnet;
  readonly http: HttpClient;
  readonly genesis: Genesis;
  readonly sender: Sender;
  /** Expiry for everything that the bench sends. */
  readonly expiry: number;
  validatorPids(): number[];
  stop(): Promise<void>;
}

export function random(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

/** Four validators and a follower in `folder`, as a rule without an index. `say` is told what is being done. */
export async function startChain(
  folder: string,
  parameters: Partial<Parameters>,
  say: (line: string) => void,
  { logLevel = 'warn', index = false }: { readonly logLevel?: 'debug' | 'warn'; readonly index?: boolean } = {},
): Promise<BenchChain> {
  const options = { folder, validators: VALIDATORS, apiPort: 0, parameters, logLevel, index };
  const devnet = await startDevnet(options, say);
  const http = new HttpClient(devnet.apiUrl, CONNECTIONS);
  const stop = async () => {
    http.close();
    await devnet.stop();
  };
  try {
    const genesis = decodeGenesis(nativeCrypto, readFileSync(join(folder, 'genesis.cbor')));
    const sender = await admitSender(folder, genesis, http);
    const expiry = Number((await http.json('/v1/status')).height) + 14_000;
    const validatorPids = () => devnet.processes.slice(0, VALIDATORS).map(({ process }) => process.pid!);
    return { devnet, http, genesis, sender, expiry, validatorPids, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function admitSender(folder: string, genesis: Genesis, http: HttpClient): Promise<Sender> {
  const operator = openKeyFile(join(folder, 'operator', 'account-key.json'));
  const key = generateKeyPair('ed25519', random);
  const body = admitPartnerBody.encode({
    name: 'Bench partner',
    key: key.publicKey,
    legal: { version: '1.0', digest: random(32) },
    permissions: ['evidence'],
    quota: { max: 1_000_000_000_000, periodMs: 86_400_000 },
  });
  const draft = {
    chain: genesis.hash,
    protocolVersion: PROTOCOL_VERSION,
    sender: genesisAccountId(nativeCrypto, operator.publicKey),
    label: 'bench',
    nonce: random(32),
    expiry: 1_000,
    operations: [{ type: ADMIT_PARTNER, body }],
  };
  const unsigned = prepareTransaction(nativeCrypto, draft, operator.publicKey);
  const bytes = finishTransaction(unsigned, await operator.sign(unsigned.message));
  const answer = await http.send('POST', '/v1/transactions', bytes, { prefer: 'wait=20' });
  if (answer.status !== 200) throw new Error(`the partner was not admitted: ${answer.status} ${answer.body}`);
  return { chain: genesis.hash, account: createdAccountId(nativeCrypto, draft, 0), key };
}
