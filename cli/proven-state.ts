/** The state of the chain as it is proven from the genesis hash: whichever node answers, nothing is taken on its word. */
import { nativeCrypto } from '../adapters/crypto-native/native.ts';
import { BropError } from '../node-core/chain/codes.ts';
import type { Genesis } from '../node-core/chain/genesis.ts';
import type { AccountId } from '../node-core/chain/identifiers.ts';
import { stateKey } from '../node-core/chain/state-keys.ts';
import { verifyStateProof } from '../node-core/chain/state-proof.ts';
import { decodeValidatorSet, type ValidatorSet } from '../node-core/chain/validator-set.ts';
import { toHex } from '../node-core/codec/bytes.ts';
import { decode } from '../node-core/codec/cbor.ts';
import { keyId } from '../node-core/crypto/keys.ts';
import type { PublicKey } from '../node-core/crypto/provider.ts';
import { pendingSetIn, setInForce } from '../node-core/ledger/validators.ts';
import type { Chain } from './home.ts';
import { get } from './http.ts';

const STATE_PROOF_TYPE = 'application/vnd.brop.state-proof+cbor';

/** @throws {BropError} also with the code of the step at which the proof fails */
async function proven({ url, genesisHash }: Chain, key: Uint8Array) {
  const proof = await get(url, `/v1/state-proof?key=${toHex(key)}`, STATE_PROOF_TYPE);
  const facts = verifyStateProof(nativeCrypto, proof, genesisHash, key);
  if ('code' in facts) throw new BropError(facts.code, facts.detail);
  const { trusted, value } = facts;
  return { genesis: trusted.genesis, height: trusted.header.height, state: { get: () => value ?? undefined } };
}

export interface SetState {
  readonly genesis: Genesis;
  /** Newest height of the node. */
  readonly height: number;
  /** The set that signs the next height. */
  readonly current: ValidatorSet;
  /** The first height that it signs, without another set since. */
  readonly since: number;
  readonly pending: { readonly effectiveHeight: number; readonly set: ValidatorSet } | null;
}

/** The validator set in force, and the approved change that waits for its height. */
export async function setState(chain: Chain): Promise<SetState> {
  const waiting = pendingSetIn((await proven(chain, stateKey.nextValidators())).state);
  const { genesis, height, state } = await proven(chain, stateKey.validators());
  const { set: current, since } = setInForce(nativeCrypto, state, genesis);
  // It may have come into force between the two answers.
  const known = { genesis, height, current, since };
  if (waiting === null || waiting.effectiveHeight <= height + 1) return { ...known, pending: null };
  const set = decodeValidatorSet(nativeCrypto, waiting.bytes);
  return { ...known, pending: { effectiveHeight: waiting.effectiveHeight, set } };
}

/** The account that has the key, or null. */
export async function accountWithKey(chain: Chain, key: PublicKey): Promise<AccountId | null> {
  const value = (await proven(chain, stateKey.accountByKey(keyId(nativeCrypto, key)))).state.get();
  return value === undefined ? null : (decode(value) as AccountId);
}
