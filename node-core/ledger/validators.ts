/**
 * The validator set in the state: the one in force since the last change, and the one that an approved change will put in
 * its place, each with its first height. A chain that has never changed its set has neither entry, and the genesis' set.
 */
import type { Genesis } from '../chain/genesis.ts';
import { stateKey } from '../chain/state-keys.ts';
import { decodeValidatorSet, type ValidatorSet } from '../chain/validator-set.ts';
import { decode, encode } from '../codec/cbor.ts';
import { bytes, type Infer, tuple, uint } from '../codec/schema.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { StateLayer, StateReader } from './state.ts';

const MAX_SET_BYTES = 32_768;
/** [first height that it signs, set]. What is pending goes into force as it stands. */
const entrySchema = tuple(uint({ min: 1 }), bytes({ max: MAX_SET_BYTES }));
/** The genesis is before every block. */
const GENESIS_SET_SINCE = 1;

export interface PendingSet {
  /** First height that it signs. */
  readonly effectiveHeight: number;
  readonly bytes: Uint8Array;
}

export interface SetInForce {
  readonly set: ValidatorSet;
  /** First height that it signs, without another set since. */
  readonly since: number;
}

/** The set that signs the block after this state; in a state within a block, the set that signs that block. */
export function setInForce(crypto: CryptoProvider, state: StateReader, genesis: Genesis): SetInForce {
  const stored = entryIn(state, stateKey.validators());
  if (stored === null) return { set: genesis.validators, since: GENESIS_SET_SINCE };
  const [since, set] = stored;
  return { set: decodeValidatorSet(crypto, set), since };
}

/** {@link SetInForce}'s `since` alone. */
export function inForceSince(state: StateReader): number {
  return entryIn(state, stateKey.validators())?.[0] ?? GENESIS_SET_SINCE;
}

export function pendingSetIn(state: StateReader): PendingSet | null {
  const stored = entryIn(state, stateKey.nextValidators());
  return stored && { effectiveHeight: stored[0], bytes: stored[1] };
}

function entryIn(state: StateReader, key: Uint8Array): Infer<typeof entrySchema> | null {
  const stored = state.get(key);
  return stored === undefined ? null : entrySchema.decode(decode(stored), 'validators');
}

export function encodePendingSet({ effectiveHeight, bytes: set }: PendingSet): Uint8Array {
  return encode(entrySchema.encode([effectiveHeight, set]));
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
  layer.set(stateKey.validators(), encodePendingSet(pending));
  return decodeValidatorSet(crypto, pending.bytes);
}
