/** A small consortium for tests: keys from a seed, a signed genesis, and helpers that act for its members. */
import { nativePublicKey, nativeSigner } from '../../adapters/crypto-native/native.ts';
import {
  decodeGenesis,
  type Genesis,
  type GenesisDocument,
  PROTOCOL_VERSION,
  signGenesis,
} from '../../node-core/chain/genesis.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { DEFAULT_PARAMETERS, type Parameters } from '../../node-core/chain/parameters.ts';
import { finishTransaction, type Operation, prepareTransaction } from '../../node-core/chain/transaction.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { KeyPair } from '../../node-core/crypto/generate.ts';
import type { CryptoProvider, SuiteName } from '../../node-core/crypto/provider.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';
import type { Signer } from '../../node-core/ports/signer.ts';

export type RandomBytes = (length: number) => Uint8Array;

export interface Consortium {
  readonly genesis: Genesis;
  readonly operator: KeyPair;
  /** Consensus keys, by validator index. */
  readonly validators: readonly KeyPair[];
  /** Account keys, by validator index. */
  readonly accounts: readonly KeyPair[];
  /** Standby keys, by validator index; of those that have one. */
  readonly standbys: ReadonlyMap<number, KeyPair>;
  /** Peer IDs, by validator index. */
  readonly peerIds: readonly string[];
}

const signers = new WeakMap<KeyPair, (message: Uint8Array) => Uint8Array>();

/**
 * Signs: Ed25519 at native speed, since the pure curve would take most of a simulation's time; the others by the pure
 * suites, whose nonces follow RFC 6979 (OpenSSL draws its own, and no seed would have one history).
 */
export function signWith(key: KeyPair, message: Uint8Array): Uint8Array {
  const { suite } = key.publicKey;
  const pure = (data: Uint8Array) => SUITES[suite].sign(key.secretKey, data);
  const sign = signers.get(key) ?? (suite === 'ed25519' ? nativeSigner(suite, key.secretKey) : pure);
  signers.set(key, sign);
  return sign(message);
}

export function signerOf(key: KeyPair): Signer {
  return { publicKey: key.publicKey, sign: async (message) => signWith(key, message) };
}

/** As generateKeyPair makes it, a hundred times as fast. @throws {RangeError} for a draw that is out of range: 1 in 2^32. */
export function keyPairOf(suite: SuiteName, random: RandomBytes): KeyPair {
  const secretKey = Uint8Array.from(random(32));
  return { publicKey: { suite, bytes: nativePublicKey(suite, secretKey) }, secretKey };
}

export async function consortium(
  crypto: CryptoProvider,
  random: RandomBytes,
  options: {
    readonly validators: number;
    readonly suite?: SuiteName;
    readonly timeMs: number;
    readonly powers?: readonly number[];
    /** Indices of validators that have a standby key. */
    readonly standbys?: readonly number[];
    readonly parameters?: Partial<Parameters>;
  },
): Promise<Consortium> {
  const suite = options.suite ?? 'p256';
  const pair = () => keyPairOf(suite, random);
  const legal = (name: string) => ({
    version: '1.0',
    digest: crypto.hash('sha-256', new TextEncoder().encode(`legal document of ${name}`)),
  });
  const quota = { max: 1_000_000_000, periodMs: 86_400_000 };
  const operator = pair();
  const validators = Array.from({ length: options.validators }, pair);
  const nodeKeys = validators.map(() => random(32));
  const accounts = validators.map(pair);
  const standbys = new Map((options.standbys ?? []).map((index) => [index, pair()]));
  const document: GenesisDocument = {
    protocolVersion: PROTOCOL_VERSION,
    name: 'test consortium',
    timeMs: options.timeMs,
    stateHash: 'sha-256',
    operator: { name: 'operator', accountKey: operator.publicKey, legal: legal('operator'), quota },
    validators: validators.map(({ publicKey }, i) => ({
      name: `validator ${i}`,
      accountKey: accounts[i]!.publicKey,
      legal: legal(`validator ${i}`),
      quota,
      power: options.powers?.[i] ?? 1,
      consensusKey: publicKey,
      ...standbyOf(standbys.get(i)),
      nodeKey: nodeKeys[i]!,
    })),
    parameters: { ...DEFAULT_PARAMETERS, ...options.parameters },
  };
  const bytes = await signGenesis(crypto, document, signerOf(operator).sign);
  return {
    genesis: decodeGenesis(crypto, bytes),
    operator,
    validators,
    accounts,
    standbys,
    peerIds: nodeKeys.map(toHex),
  };
}

function standbyOf(key: KeyPair | undefined) {
  return key === undefined ? {} : { standbyKey: key.publicKey };
}

/** A signed transaction. */
export function signedTransaction(
  crypto: CryptoProvider,
  genesis: Genesis,
  key: KeyPair,
  fields: {
    readonly sender?: Uint8Array;
    readonly nonce: Uint8Array;
    readonly expiry: number;
    readonly operations: readonly Operation[];
  },
): Uint8Array {
  const sender = fields.sender ?? genesisAccountId(crypto, key.publicKey);
  const draft = { chain: genesis.hash, protocolVersion: PROTOCOL_VERSION, label: 'test', ...fields, sender };
  const unsigned = prepareTransaction(crypto, draft, key.publicKey);
  return finishTransaction(unsigned, signWith(key, unsigned.message));
}
