/** The genesis of a synthetic chain: four validators of power 1, every key from the seed. */
import { decodeGenesis, type Genesis, PROTOCOL_VERSION, signGenesis } from '../../node-core/chain/genesis.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { DEFAULT_PARAMETERS } from '../../node-core/chain/parameters.ts';
import { utf8 } from '../../node-core/codec/bytes.ts';
import type { KeyPair } from '../../node-core/crypto/generate.ts';
import type { CryptoProvider, SuiteName } from '../../node-core/crypto/provider.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';
import { keyPairOf } from '../simulation/fixture.ts';

export interface Member {
  readonly id: Uint8Array;
  readonly power: number;
  readonly keys: readonly [KeyPair] | readonly [KeyPair, KeyPair];
}

export interface SyntheticOptions {
  readonly suite?: SuiteName;
  readonly stateHash?: 'sha-256' | 'sm3';
  /** Each validator gets a standby key too. */
  readonly standby?: boolean;
  readonly name?: string;
}

export const START_MS = Date.UTC(2026, 10, 1);
export const QUOTA = { max: 1_000_000, periodMs: 86_400_000 };

/** SHA-256 in counter mode: the same bytes for the same seed on every machine. */
export function seededBytes(seed: string): (length: number) => Uint8Array {
  let counter = 0;
  return (length) => {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const block = pureCrypto.hash('sha-256', utf8(`${seed}/${counter++}`));
      out.set(block.subarray(0, Math.min(32, length - at)), at);
    }
    return out;
  };
}

export interface SyntheticGenesis {
  readonly random: (length: number) => Uint8Array;
  readonly genesis: Genesis;
  readonly members: readonly Member[];
  readonly operator: KeyPair;
}

export async function syntheticGenesis(
  crypto: CryptoProvider,
  seed: string,
  options: SyntheticOptions,
): Promise<SyntheticGenesis> {
  const random = seededBytes(seed);
  const pair = () => keyPairOf(options.suite ?? 'p256', random);
  const legal = { version: '1.0', digest: crypto.hash('sha-256', utf8('legal')) };
  const operator = pair();
  const validators = Array.from({ length: 4 }, () => ({
    account: pair(),
    keys: options.standby === true ? ([pair(), pair()] as const) : ([pair()] as const),
  }));
  const document = {
    protocolVersion: PROTOCOL_VERSION,
    name: options.name ?? 'synthetic consortium',
    timeMs: START_MS,
    stateHash: options.stateHash ?? 'sha-256',
    operator: { name: 'operator', accountKey: operator.publicKey, legal, quota: QUOTA },
    validators: validators.map(({ account, keys }, i) => ({
      name: `validator ${i}`,
      accountKey: account.publicKey,
      legal,
      quota: QUOTA,
      power: 1,
      consensusKey: keys[0].publicKey,
      nodeKey: random(32),
      ...(keys[1] !== undefined && { standbyKey: keys[1].publicKey }),
    })),
    parameters: DEFAULT_PARAMETERS,
  } as const;
  const bytes = await signGenesis(crypto, document, async (message) => sign(operator, message));
  const members = validators.map(({ account, keys }) => ({
    id: genesisAccountId(crypto, account.publicKey),
    power: 1,
    keys,
  }));
  return { random, genesis: decodeGenesis(crypto, bytes), members, operator };
}

export function sign({ publicKey, secretKey }: KeyPair, message: Uint8Array): Uint8Array {
  return SUITES[publicKey.suite].sign(secretKey, message);
}
