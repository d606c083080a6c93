/** The finality of a block: precommits of more than two thirds of the power over one (height, round, header hash). */
import { array, fixedBytes, type Infer, tuple, uint } from '../codec/schema.ts';
import type { CryptoProvider, PublicKey } from '../crypto/provider.ts';
import { type Refusal, refusal } from './codes.ts';
import type { Header } from './header.ts';
import { headerHash } from './identifiers.ts';
import { isQuorum, MAX_VALIDATORS, type ValidatorSet } from './validator-set.ts';
import { voteMessage } from './votes.ts';

export const SIGNATURE_BYTES = 64;
export const MAX_ROUND = 1_000_000;

/** [round, [[validator index, key index, signature], …]], ascending by validator index, each once. */
export const certificateSchema = tuple(
  uint({ max: MAX_ROUND }),
  array(tuple(uint({ max: MAX_VALIDATORS - 1 }), uint({ max: 1 }), fixedBytes(SIGNATURE_BYTES)), {
    min: 1,
    max: MAX_VALIDATORS,
  }),
);

export type Certificate = Infer<typeof certificateSchema>;

export interface SignedMessage {
  readonly key: PublicKey;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * The signatures that must verify for `certificate` to make `headerBytes` final under `set`, or why it never can.
 * All of them must: a certificate with one bad signature is refused even when the rest would do, so that every byte
 * of it counts.
 */
export function certificateChecks(
  crypto: CryptoProvider,
  set: ValidatorSet,
  header: Header,
  headerBytes: Uint8Array,
  certificate: Certificate,
): readonly SignedMessage[] | Refusal {
  const [round, signatures] = certificate;
  const block = { headerHash: headerHash(crypto, headerBytes), logRoot: header.logRoot };
  const checks: SignedMessage[] = [];
  let power = 0;
  let previous = -1;
  for (const [index, keyIndex, signature] of signatures) {
    const validator = set.validators[index];
    const key = validator?.keys[keyIndex];
    if (validator === undefined || key === undefined)
      return refusal('PROOF_CERTIFICATE', `no validator ${index} with key ${keyIndex}`);
    if (index <= previous) return refusal('PROOF_CERTIFICATE', 'validators not in ascending order');
    previous = index;
    power += validator.power;
    const { chain, protocolVersion, height } = header;
    const scope = { chain, protocolVersion, height, round, validator: validator.id, key };
    checks.push({ key, message: voteMessage(crypto, 'precommit', scope, block), signature });
  }
  if (!isQuorum(set, power)) return refusal('PROOF_CERTIFICATE', `power ${power} of ${set.totalPower}`);
  if (round < header.round) return refusal('PROOF_CERTIFICATE', 'certified in a round before it was proposed');
  return checks;
}

/** Verifies a certificate with signatures checked in place; nodes with workers use {@link certificateChecks}. */
export function verifyCertificate(
  crypto: CryptoProvider,
  set: ValidatorSet,
  header: Header,
  headerBytes: Uint8Array,
  certificate: Certificate,
): Refusal | null {
  const checks = certificateChecks(crypto, set, header, headerBytes, certificate);
  if (!Array.isArray(checks)) return checks as Refusal;
  for (const { key, message, signature } of checks as readonly SignedMessage[]) {
    if (!crypto.verify(key, message, signature)) return refusal('PROOF_CERTIFICATE', 'a signature does not verify');
  }
  return null;
}
