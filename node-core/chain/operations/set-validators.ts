/**
 * governance.setValidators: who signs blocks from a height on. Whoever sends it only carries it; what counts is the
 * approvals of more than two thirds of the set in force (chain/set-approval.ts).
 */
import { array, fixedBytes, type Infer, record, tuple, uint } from '../../codec/schema.ts';
import { publicKey } from '../../crypto/keys.ts';
import { SIGNATURE_BYTES } from '../certificate.ts';
import { accountId } from '../identifiers.ts';
import { MAX_POWER, MAX_VALIDATORS, type Validator } from '../validator-set.ts';

export const SET_VALIDATORS = 'governance.setValidators';
/** Furthest that a change may lie ahead, in heights. */
export const MAX_HEIGHTS_AHEAD = 100_000;

const entry = record(
  { account: accountId, power: uint({ min: 1, max: MAX_POWER }), consensusKey: publicKey },
  { standbyKey: publicKey },
);
export type ValidatorEntry = Infer<typeof entry>;

/** [validator index in the set in force, 0 primary | 1 standby key, signature]. */
export const setApproval = tuple(uint({ max: MAX_VALIDATORS - 1 }), uint({ max: 1 }), fixedBytes(SIGNATURE_BYTES));
export type SetApproval = Infer<typeof setApproval>;

export const setValidatorsBody = record({
  /** All of them, in the order of their new indexes. */
  validators: array(entry, { min: 1, max: MAX_VALIDATORS }),
  /** The first height that they sign. */
  effectiveHeight: uint({ min: 1 }),
  /** Ascending by validator index, each once. */
  approvals: array(setApproval, { min: 1, max: MAX_VALIDATORS }),
});
export type SetValidators = Infer<typeof setValidatorsBody>;

export function validatorOf({ account, power, consensusKey, standbyKey }: ValidatorEntry): Validator {
  return { id: account, power, keys: standbyKey === undefined ? [consensusKey] : [consensusKey, standbyKey] };
}

export function entryOf({ id, power, keys: [consensusKey, standbyKey] }: Validator): ValidatorEntry {
  return { account: id, power, consensusKey, ...(standbyKey !== undefined && { standbyKey }) };
}
