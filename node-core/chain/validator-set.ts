/** Who signs blocks: validators in the order of their index, each with its power and one or two keys. */
import { toHex } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { array, nullable, tuple, uint } from '../codec/schema.ts';
import { publicKey } from '../crypto/keys.ts';
import type { CryptoProvider, PublicKey } from '../crypto/provider.ts';
import { type AccountId, accountId, validatorSetHash } from './identifiers.ts';

export const MAX_VALIDATORS = 100;
export const MAX_POWER = 1_000_000;

export interface Validator {
  readonly id: AccountId;
  readonly power: number;
  /** Index 0 is the primary key, 1 the standby key; power counts once whichever signs. */
  readonly keys: readonly [PublicKey] | readonly [PublicKey, PublicKey];
}

export interface ValidatorSet {
  readonly validators: readonly Validator[];
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
  readonly totalPower: number;
}

const setSchema = array(tuple(accountId, uint({ min: 1, max: MAX_POWER }), publicKey, nullable(publicKey)), {
  min: 1,
  max: MAX_VALIDATORS,
});

/** @throws {CodecError} when a validator or a key is in it twice, or a power is out of bounds. */
export function validatorSet(crypto: CryptoProvider, validators: readonly Validator[]): ValidatorSet {
  const bytes = encode(setSchema.encode(validators.map((v) => [v.id, v.power, v.keys[0], v.keys[1] ?? null] as const)));
  return fromParts(crypto, validators, bytes);
}

/** @throws {CodecError} */
export function decodeValidatorSet(crypto: CryptoProvider, bytes: Uint8Array): ValidatorSet {
  const rows = setSchema.decode(decode(bytes), 'validators');
  const validators = rows.map(
    ([id, power, primary, standby]): Validator => ({
      id,
      power,
      keys: standby === null ? [primary] : [primary, standby],
    }),
  );
  return fromParts(crypto, validators, bytes);
}

function fromParts(crypto: CryptoProvider, validators: readonly Validator[], bytes: Uint8Array): ValidatorSet {
  // Power counts once per validator and once per key, or a quorum could be had twice from the same hands.
  const ids = validators.map(({ id }) => toHex(id));
  const keys = validators.flatMap((v) => v.keys.map(({ suite, bytes: key }) => `${suite}:${toHex(key)}`));
  if (hasTwice(ids) || hasTwice(keys))
    throw new CodecError('schema', 'a validator or a key is there twice', 'validators');
  const totalPower = validators.reduce((sum, v) => sum + v.power, 0);
  return { validators, bytes, hash: validatorSetHash(crypto, bytes), totalPower };
}

function hasTwice(texts: readonly string[]): boolean {
  return new Set(texts).size !== texts.length;
}

/** Finality: strictly more than two thirds of all power. */
export function isQuorum(set: ValidatorSet, power: number): boolean {
  return 3 * power > 2 * set.totalPower;
}
