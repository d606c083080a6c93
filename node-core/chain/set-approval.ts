/** Approval of a change of the validator set: each validator in force signs the same facts with its consensus key. */

import { accountIdToText } from '../codec/account-id.ts';
import { encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { signatureStructure } from '../crypto/cose.ts';
import { coseAlgorithm, keyId } from '../crypto/keys.ts';
import type { CryptoProvider, PublicKey } from '../crypto/provider.ts';
import { type Refusal, refusal } from './codes.ts';
import { type SetValidators, validatorOf } from './operations/set-validators.ts';
import { encodeProtectedHeader, MESSAGE_TYPE } from './protected-header.ts';
import { isQuorum, type Validator, type ValidatorSet, validatorSet } from './validator-set.ts';
import { logName } from './votes.ts';

/** What an approval holds for: this chain, this change at this height, while the set in force is this one without a break. */
export interface ProposedSet {
  readonly chain: Uint8Array;
  readonly protocolVersion: number;
  /** Hash of the set in force, which the approvers are of. */
  readonly current: Uint8Array;
  /**
   * The first height that the set in force signs, without another set since; 1 for the genesis' set. Without it an
   * approval that nobody has carried would count again once another set has come and gone.
   */
  readonly since: number;
  /** Hash of the set to come. */
  readonly next: Uint8Array;
  readonly effectiveHeight: number;
}

/** The bytes that `validator` signs with `key`. */
export function approvalMessage(
  crypto: CryptoProvider,
  proposed: ProposedSet,
  validator: Validator,
  key: PublicKey,
): Uint8Array {
  const { chain, protocolVersion, current, since, next, effectiveHeight } = proposed;
  const header = encodeProtectedHeader({
    algorithm: coseAlgorithm(key.suite),
    keyId: keyId(crypto, key),
    issuer: accountIdToText(validator.id),
    subject: logName(chain),
    type: MESSAGE_TYPE.setApproval,
    chain,
    protocolVersion,
    height: effectiveHeight,
  });
  return signatureStructure(header, encode([current, since, next]));
}

/** The set that a body names. @throws {CodecError} when a validator or a key is in it twice. */
export function proposedSet(crypto: CryptoProvider, { validators }: Pick<SetValidators, 'validators'>): ValidatorSet {
  return validatorSet(crypto, validators.map(validatorOf));
}

/** Like {@link proposedSet}, for what comes from others. */
export function proposedSetOrRefusal(crypto: CryptoProvider, body: SetValidators): ValidatorSet | Refusal {
  try {
    return proposedSet(crypto, body);
  } catch (error) {
    if (error instanceof CodecError) return refusal('SET_INVALID', error.message);
    throw error;
  }
}

/** Whether more than two thirds of the power in force have approved; every approval given must hold. */
export function approvalRefusal(
  crypto: CryptoProvider,
  current: ValidatorSet,
  proposed: ProposedSet,
  approvals: SetValidators['approvals'],
): Refusal | null {
  let power = 0;
  let previous = -1;
  for (const [index, keyIndex, signature] of approvals) {
    const validator = current.validators[index];
    const key = validator?.keys[keyIndex];
    if (validator === undefined || key === undefined)
      return refusal('SET_NOT_APPROVED', `no validator ${index} with key ${keyIndex} in the set in force`);
    if (index <= previous) return refusal('SET_NOT_APPROVED', 'approvals not in ascending order');
    previous = index;
    power += validator.power;
    if (!crypto.verify(key, approvalMessage(crypto, proposed, validator, key), signature))
      return refusal('SET_NOT_APPROVED', `the approval of validator ${index} does not verify`);
  }
  return isQuorum(current, power)
    ? null
    : refusal('SET_NOT_APPROVED', `power ${power} of ${current.totalPower}, more than two thirds are needed`);
}
