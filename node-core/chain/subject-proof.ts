/**
 * All records of a subject between two heights, with the proof that there are no others: the state has count and head of
 * the subject, and each record names its place and the one before it, so whoever walks back from the head meets them all.
 */
import { equal, utf8 } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { array, bytes, type Infer, literal, nullable, record, tuple, uint } from '../codec/schema.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { anchorFields, formRefusal, type TrustedHeader, verifyAnchor } from './anchor.ts';
import { type Refusal, refusal } from './codes.ts';
import { type AccountId, accountId, originOfRecord } from './identifiers.ts';
import {
  decodeSubjectHead,
  type EvidenceRecord,
  evidenceRecordIn,
  type SubjectHead,
} from './operations/evidence-record.ts';
import { PROOF_LIMITS } from './receipt.ts';
import { stateKey } from './state-keys.ts';
import { holdsInState, statePathSchema } from './state-proof.ts';

/** Records that one file walks over, those above the range among them. */
export const MAX_WALKED_RECORDS = 1_000;

const MAX_ENTRY_BYTES = 65_535;

export const subjectProofSchema = record({
  type: literal('brop.subject.v1'),
  ...anchorFields,
  registrant: accountId,
  /** UTF-8. */
  subject: bytes({ min: 1, max: 256 }),
  from: uint(),
  to: uint(),
  /** Count and head: [value, path]; null is a subject without records. */
  head: tuple(nullable(bytes({ max: 511 })), statePathSchema),
  /** Entries of the transactions that have left the records, from the head backwards: [value, path] each. */
  records: array(tuple(bytes({ max: MAX_ENTRY_BYTES }), statePathSchema), { max: MAX_WALKED_RECORDS }),
});
export type SubjectProof = Infer<typeof subjectProofSchema>;

export function encodeSubjectProof(file: SubjectProof): Uint8Array {
  return encode(subjectProofSchema.encode(file));
}

export interface ProvenRecord {
  readonly id: Uint8Array;
  readonly record: EvidenceRecord;
}

export interface SubjectFacts {
  readonly trusted: TrustedHeader;
  readonly registrant: AccountId;
  readonly subject: string;
  /** The records from `from` to `to` are these, in their order, and no others. */
  readonly from: number;
  readonly to: number;
  readonly records: readonly ProvenRecord[];
  /** Of all records of the subject up to the header. */
  readonly count: number;
}

/**
 * Form, genesis, validator sets and certificate as of every proof; then PROOF_INCLUSION when an entry is not in the state,
 * a record is not the one that was to come, or the walk ends too early or goes on too long.
 */
export function verifySubjectProof(
  crypto: CryptoProvider,
  input: Uint8Array,
  genesisHash: Uint8Array,
): SubjectFacts | Refusal {
  try {
    const file = subjectProofSchema.decode(decode(input, PROOF_LIMITS), '');
    const trusted = verifyAnchor(crypto, file, genesisHash);
    return 'code' in trusted ? trusted : verifyWalk(crypto, file, trusted);
  } catch (error) {
    return formRefusal(error);
  }
}

/** @throws {CodecError} */
function verifyWalk(crypto: CryptoProvider, file: SubjectProof, trusted: TrustedHeader): SubjectFacts | Refusal {
  const { registrant, from, to } = file;
  const subject = subjectText(file.subject);
  if (from > to) return refusal('PROOF_FORM', 'the range ends before it begins');
  if (trusted.header.height < to) return refusal('PROOF_INCLUSION', 'the header is below the end of the range');
  const [headValue, headPath] = file.head;
  if (!holdsInState(crypto, trusted, stateKey.subject(registrant, subject), headValue, headPath))
    return refusal('PROOF_INCLUSION', 'count and head are not as stated');
  const head = headValue === null ? null : decodeSubjectHead(headValue);
  const walk = new SubjectWalk(head, from);
  for (const [value, path] of file.records) {
    const id = walk.next;
    if (id === null) return refusal('PROOF_INCLUSION', 'more records than the range needs');
    if (!holdsInState(crypto, trusted, stateKey.transaction(originOfRecord(id).stem), value, path))
      return refusal('PROOF_INCLUSION', 'a record is not in the state');
    const found = evidenceRecordIn(value, id);
    const isRight = found !== undefined && equal(found.registrant, registrant) && found.subject === subject;
    if (!isRight || !walk.take(found)) return refusal('PROOF_INCLUSION', 'a record is not the one before the next');
  }
  if (walk.next !== null) return refusal('PROOF_INCLUSION', 'records are missing');
  const records = walk.taken.filter(({ record: { height } }) => height >= from && height <= to).reverse();
  return { trusted, registrant, subject, from, to, records, count: head?.count ?? 0 };
}

/** @throws {CodecError} */
function subjectText(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8').decode(bytes);
  if (!equal(utf8(text), bytes)) throw new CodecError('schema', 'not UTF-8', 'subject');
  return text;
}

/** From the head backwards, as far as records of a range may lie; the node walks as the verifier does. */
export class SubjectWalk {
  readonly taken: ProvenRecord[] = [];
  /** The record that comes next; null at the end. */
  next: Uint8Array | null;
  private sequence: number;
  private readonly from: number;

  /** @param head null: there are no records. @param from the lowest height of the range. */
  constructor(head: SubjectHead | null, from: number) {
    this.next = head === null || head.height < from ? null : head.head;
    this.sequence = head?.count ?? 0;
    this.from = from;
  }

  /** false when it is not the record that {@link next} must be. */
  take(found: EvidenceRecord): boolean {
    const { sequence, previous, previousHeight } = found;
    const isFirst = previous === undefined || previousHeight === undefined;
    if (this.next === null || sequence !== this.sequence || isFirst !== (sequence === 1)) return false;
    this.taken.push({ id: this.next, record: found });
    this.sequence -= 1;
    this.next = isFirst || previousHeight < this.from ? null : previous;
    return true;
  }
}
