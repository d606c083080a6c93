/**
 * The validator set in the state: the one in force since the last change, and the one that an approved change will put in
 * its place. A chain that has never changed its set has neither entry, and the genesis' set.
 */
import type { Genesis } from '../chain/genesis.ts';
import { stateKey } from '../chain/state-keys.ts';
import { decodeValidatorSet, type ValidatorSet } from '../chain/validator-set.ts';
import { decode, encode } from '../codec/cbor.ts';
import { bytes, tuple, uint } from '../codec/schema.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { StateLayer, StateReader } from './state.ts';

const MAX_SET_BYTES = 32_768;
const pendingSchema = tuple(uint({ min: 1 }), bytes({ max: MAX_SET_BYTES }));

export interface PendingSet {
  /** First height that it signs. */
  readonly effectiveHeight: number;
  readonly bytes: Uint8Array;
}

/** The set that signs the block after this state. */
export function validatorsIn(crypto: CryptoProvider, state: StateReader, genesis: Genesis): ValidatorSet {
  const stored = state.get(stateKey.validators());
  return stored === undefined ? genesis.validators : decodeValidatorSet(crypto, stored);
}

export function pendingSetIn(state: StateReader): PendingSet | null {
  const stored = state.get(stateKey.nextValidators());
  if (stored === undefined) return null;
  const [effectiveHeight, set] = pendingSchema.decode(decode(stored), 'nextValidators');
  return { effectiveHeight, bytes: set };
}

export function encodePendingSet({ effectiveHeight, bytes: set }: PendingSet): Uint8Array {
  return encode(pendingSchema.encode([effectiveHeight, set]));
}

/** At the end of the block before `nextHeight`: puts a change that is due in force, and says who signs that height. */
export function validatorsOf(
  crypto: CryptoProvider,
  layer: StateLayer,
  current: ValidatorSet,
  nextHeight: number,
): ValidatorSet {
  const pending = pendingSetIn(layer);
  if (pending?.effectiveHeight !== nextHeight) return current;
  layer.remove(stateKey.nextValidators());
  layer.set(stateKey.validators(), pending.bytes);
  return decodeValidatorSet(crypto, pending.bytes);
}
