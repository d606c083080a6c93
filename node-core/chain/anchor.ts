/**
 * The part that every proof shares: from the genesis hash, over the validator-set changes, to one certified header.
 * A verifier that holds nothing but the genesis hash ends up with a header it can trust.
 */
import { equal } from '../codec/bytes.ts';
import { CodecError } from '../codec/error.ts';
import { array, bytes, type Infer, nullable, tuple } from '../codec/schema.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { certificateSchema, verifyCertificate } from './certificate.ts';
import { type Refusal, refusal } from './codes.ts';
import { decodeGenesis, type Genesis } from './genesis.ts';
import { decodeHeader, type Header } from './header.ts';
import { decodeValidatorSet, type ValidatorSet } from './validator-set.ts';

const headerBytes = bytes({ max: 1_024 });
const setBytes = bytes({ max: 32_768 });

/** [header at which the set changes, its certificate by the set before, the validators of the next height]. */
export const setChange = tuple(headerBytes, certificateSchema, setBytes);
export type SetChange = Infer<typeof setChange>;

export const anchorFields = {
  /** Exact bytes of the genesis. */
  genesis: bytes({ max: 1_000_000 }),
  setChanges: array(setChange, { max: 10_000 }),
  header: headerBytes,
  certificate: certificateSchema,
} as const;

export interface Anchor {
  readonly genesis: Uint8Array;
  readonly setChanges: readonly SetChange[];
  readonly header: Uint8Array;
  readonly certificate: SetChange[1];
}

export interface TrustedHeader {
  readonly genesis: Genesis;
  readonly header: Header;
  readonly validators: ValidatorSet;
}

/** Verifies from `genesisHash` to the header, or says at which step the trust ends. */
export function verifyAnchor(crypto: CryptoProvider, anchor: Anchor, genesisHash: Uint8Array): TrustedHeader | Refusal {
  if (!equal(crypto.hash('sha-256', anchor.genesis), genesisHash)) return refusal('PROOF_GENESIS');
  try {
    const genesis = decodeGenesis(crypto, anchor.genesis);
    const validators = followSetChanges(crypto, genesis, anchor.setChanges);
    if ('code' in validators) return validators;
    const header = decodeHeader(anchor.header);
    const bad = headerRefusal(genesis, header, validators.set, validators.height);
    if (bad !== null) return bad;
    const uncertified = verifyCertificate(crypto, validators.set, header, anchor.header, anchor.certificate);
    return uncertified ?? { genesis, header, validators: validators.set };
  } catch (error) {
    return formRefusal(error);
  }
}

/**
 * [header, certificate] of the block before a height; null when the last set change, or the genesis, is that block.
 * With the set changes it shows which set decides the height, also while nothing of the height is final yet.
 */
export const setParent = nullable(tuple(headerBytes, certificateSchema));

/** Verifies from `genesisHash` to the set that decides `height`, or says at which step the trust ends. */
export function verifySetOf(
  crypto: CryptoProvider,
  proof: Pick<Anchor, 'genesis' | 'setChanges'> & { readonly parent: Infer<typeof setParent> },
  height: number,
  genesisHash: Uint8Array,
): { readonly genesis: Genesis; readonly validators: ValidatorSet } | Refusal {
  const { genesis: bytes, setChanges, parent } = proof;
  if (parent !== null) {
    const anchor = { genesis: bytes, setChanges, header: parent[0], certificate: parent[1] };
    const trusted = verifyAnchor(crypto, anchor, genesisHash);
    if ('code' in trusted) return trusted;
    const { header, validators, genesis } = trusted;
    const isNext = header.height === height - 1 && equal(header.nextValidatorsHash, validators.hash);
    return isNext ? { genesis, validators } : refusal('PROOF_VALIDATORS', 'not the set of that height');
  }
  if (!equal(crypto.hash('sha-256', bytes), genesisHash)) return refusal('PROOF_GENESIS');
  try {
    const genesis = decodeGenesis(crypto, bytes);
    const reached = followSetChanges(crypto, genesis, setChanges);
    if ('code' in reached) return reached;
    return reached.height === height - 1
      ? { genesis, validators: reached.set }
      : refusal('PROOF_VALIDATORS', 'not the set of that height');
  } catch (error) {
    return formRefusal(error);
  }
}

/** @throws whatever is not a CodecError: that is a bug, not bad input. */
export function formRefusal(error: unknown): Refusal {
  if (error instanceof CodecError) return refusal('PROOF_FORM', error.message);
  throw error;
}

function followSetChanges(
  crypto: CryptoProvider,
  genesis: Genesis,
  changes: readonly SetChange[],
): { readonly set: ValidatorSet; readonly height: number } | Refusal {
  let set = genesis.validators;
  let height = 0;
  for (const [bytes, certificate, next] of changes) {
    const header = decodeHeader(bytes);
    const bad =
      headerRefusal(genesis, header, set, height) ?? verifyCertificate(crypto, set, header, bytes, certificate);
    if (bad !== null) return refusal('PROOF_VALIDATORS', bad.detail);
    const nextSet = decodeValidatorSet(crypto, next);
    if (!equal(nextSet.hash, header.nextValidatorsHash))
      return refusal('PROOF_VALIDATORS', 'not the set that the header names');
    if (equal(nextSet.hash, set.hash)) return refusal('PROOF_VALIDATORS', 'a change that changes nothing');
    set = nextSet;
    height = header.height;
  }
  return { set, height };
}

/** A header belongs to this chain, comes after the last change, and names the set that the verifier has reached. */
function headerRefusal(genesis: Genesis, header: Header, set: ValidatorSet, after: number): Refusal | null {
  if (!equal(header.chain, genesis.hash)) return refusal('PROOF_GENESIS', 'the header is of another chain');
  if (header.protocolVersion !== genesis.document.protocolVersion)
    return refusal('PROOF_FORM', 'unknown protocol version');
  if (header.height <= after) return refusal('PROOF_VALIDATORS', 'heights do not ascend');
  if (!equal(header.validatorsHash, set.hash))
    return refusal('PROOF_VALIDATORS', 'the header was signed by another set');
  return null;
}
