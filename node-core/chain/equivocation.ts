/**
 * Evidence of equivocation: two messages that one validator has signed for one height and round, and that contradict
 * each other. Whoever holds the genesis hash can check it with no network; the accused cannot have been framed, since
 * nobody else can make either signature. Form and reasons: docs/spec/proofs.md §3, docs/adr/0016.
 */
import { compare } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import {
  array,
  bytes,
  fixedBytes,
  type Infer,
  literal,
  nullable,
  record,
  type Schema,
  tuple,
  uint,
} from '../codec/schema.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { formRefusal, setChange, setParent, verifySetOf } from './anchor.ts';
import { MAX_ROUND, SIGNATURE_BYTES } from './certificate.ts';
import { type Refusal, refusal } from './codes.ts';
import type { Genesis } from './genesis.ts';
import { type AccountId, accountId, hash32 } from './identifiers.ts';
import { PROOF_LIMITS } from './receipt.ts';
import type { Validator, ValidatorSet } from './validator-set.ts';
import { proposalMessage, voteMessage } from './votes.ts';

/** What was signed twice; in the file its place in this list. */
export const EQUIVOCATION_KINDS = ['prevote', 'precommit', 'proposal'] as const;
export type EquivocationKind = (typeof EQUIVOCATION_KINDS)[number];

const round = uint({ max: MAX_ROUND });

/** −1 for a fresh proposal, or the round of the polka for its value. */
export const validRound: Schema<number> = {
  decode: (value, path) => (value === -1 ? -1 : round.decode(value, path)),
  encode: (value) => (value === -1 ? -1 : round.encode(value)),
};

/** [key index, [header hash, log root] or nil, valid round (null in votes), signature]. */
const signedSchema = tuple(
  uint({ max: 1 }),
  nullable(tuple(hash32, hash32)),
  nullable(validRound),
  fixedBytes(SIGNATURE_BYTES),
);
export type SignedContent = Infer<typeof signedSchema>;

const equivocationSchema = record({
  type: literal('brop.equivocation.v1'),
  genesis: bytes({ max: 1_000_000 }),
  setChanges: array(setChange, { max: 10_000 }),
  parent: setParent,
  height: uint({ min: 1 }),
  round,
  validator: accountId,
  kind: uint({ max: EQUIVOCATION_KINDS.length - 1 }),
  first: signedSchema,
  second: signedSchema,
});
export type EquivocationFile = Infer<typeof equivocationSchema>;

/** Names a piece of evidence; of each name one piece is worth keeping. */
export interface EquivocationName {
  readonly validator: AccountId;
  readonly height: number;
  readonly kind: EquivocationKind;
}

export interface EquivocationFacts extends EquivocationName {
  readonly genesis: Genesis;
  /** The set that decided the height. */
  readonly validators: ValidatorSet;
  readonly round: number;
}

/** Evidence has one form: the two messages in the order of their bytes, whichever was heard first. */
export function encodeEquivocation(file: EquivocationFile): Uint8Array {
  const { first, second } = file;
  const isOrdered = order(first, second) <= 0;
  return encode(equivocationSchema.encode(isOrdered ? file : { ...file, first: second, second: first }));
}

/** What evidence claims to be about; nothing of it is verified. */
export function decodeEquivocation(
  input: Uint8Array,
): (EquivocationFile & { readonly name: EquivocationName }) | Refusal {
  try {
    const file = equivocationSchema.decode(decode(input, PROOF_LIMITS), '');
    const { validator, height } = file;
    return { ...file, name: { validator, height, kind: EQUIVOCATION_KINDS[file.kind]! } };
  } catch (error) {
    return formRefusal(error);
  }
}

/** Verifies evidence from the genesis hash alone. Pure. */
export function verifyEquivocation(
  crypto: CryptoProvider,
  input: Uint8Array,
  genesisHash: Uint8Array,
): EquivocationFacts | Refusal {
  const file = decodeEquivocation(input);
  if ('code' in file) return file;
  const { name, first, second } = file;
  if (!hasFormOf(name.kind, first) || !hasFormOf(name.kind, second))
    return refusal('PROOF_FORM', `not the form of a ${name.kind}`);
  if (order(first, second) >= 0) return refusal('PROOF_FORM', 'the two messages are not in order');
  const trusted = verifySetOf(crypto, file, file.height, genesisHash);
  if ('code' in trusted) return trusted;
  const { genesis, validators } = trusted;
  const validator = validators.validators.find(({ id }) => compare(id, name.validator) === 0);
  if (validator === undefined) return refusal('PROOF_EQUIVOCATION', 'it was no validator of that height');
  if (!contradict(first, second)) return refusal('PROOF_EQUIVOCATION', 'the messages say the same');
  for (const signed of [first, second]) {
    if (!isSigned(crypto, genesis, file, validator, signed))
      return refusal('PROOF_EQUIVOCATION', 'a signature does not verify');
  }
  return { ...name, genesis, validators, round: file.round };
}

function order(first: SignedContent, second: SignedContent): number {
  return compare(encode(signedSchema.encode(first)), encode(signedSchema.encode(second)));
}

/** Votes have no valid round; proposals have one, and a value. */
function hasFormOf(kind: EquivocationKind, [, value, valid]: SignedContent): boolean {
  return kind === 'proposal' ? value !== null && valid !== null : valid === null;
}

/**
 * Two messages contradict each other when they differ in what they say. Another signature over the same (ECDSA and SM2
 * draw nonces), or the same said with the other key, is no contradiction.
 */
function contradict(first: SignedContent, second: SignedContent): boolean {
  const said = ([, value, valid]: SignedContent) => encode([value === null ? null : [...value], valid]);
  return compare(said(first), said(second)) !== 0;
}

function isSigned(
  crypto: CryptoProvider,
  { hash, document }: Genesis,
  { height, round: of, kind }: EquivocationFile,
  validator: Validator,
  [keyIndex, value, valid, signature]: SignedContent,
): boolean {
  const key = validator.keys[keyIndex];
  if (key === undefined) return false;
  const { protocolVersion } = document;
  const scope = { chain: hash, protocolVersion, height, round: of, validator: validator.id, key };
  const block = value === null ? null : { headerHash: value[0], logRoot: value[1] };
  const type = EQUIVOCATION_KINDS[kind]!;
  const message =
    type === 'proposal' ? proposalMessage(crypto, scope, block!, valid!) : voteMessage(crypto, type, scope, block);
  return crypto.verify(key, message, signature);
}
