/**
 * What the state keeps of an evidence record, and of the subject that it belongs to. The body itself stays in the log;
 * a record names the transaction, so that one leads to the other.
 */
import { decode, encode } from '../../codec/cbor.ts';
import { type Infer, oneOf, record, text, tuple, uint } from '../../codec/schema.ts';
import { LEVELS, legalDocument } from '../account.ts';
import { accountId, hash32, nonce } from '../identifiers.ts';
import { MAX_OPERATIONS } from '../transaction.ts';
import { MAX_BATCH } from './evidence.ts';

export const evidenceRecord = record(
  {
    registrant: accountId,
    nonce,
    operation: uint({ max: MAX_OPERATIONS - 1 }),
    height: uint({ min: 1 }),
    timeMs: uint(),
    /** SHA-256 of the operation's body, in its deterministic encoding. */
    body: hash32,
    /** The legal document in force of the one who answers for it: the partner that sent it, or the user's certifier. */
    legal: legalDocument,
  },
  {
    /** A batch: root and count of its digests. */
    root: hash32,
    count: uint({ min: 1, max: MAX_BATCH }),
    /** A user that sends for itself: who certified it, at which level, and the terms that it accepted. */
    certifier: accountId,
    level: oneOf(...LEVELS),
    terms: hash32,
    /** The account for which a partner registers under its own responsibility. */
    onBehalfOf: accountId,
    /** Place in the chain of the subject, counted from 1, and the record before it. */
    subject: text({ max: 256 }),
    sequence: uint({ min: 1 }),
    previous: hash32,
    previousHeight: uint({ min: 1 }),
  },
);
export type EvidenceRecord = Infer<typeof evidenceRecord>;

export function encodeEvidenceRecord(value: EvidenceRecord): Uint8Array {
  return encode(evidenceRecord.encode(value));
}

/** @throws {CodecError} */
export function decodeEvidenceRecord(bytes: Uint8Array): EvidenceRecord {
  return evidenceRecord.decode(decode(bytes), 'record');
}

/** [number of records, ID of the newest, its height]. */
const subjectHead = tuple(uint({ min: 1 }), hash32, uint({ min: 1 }));

export interface SubjectHead {
  readonly count: number;
  readonly head: Uint8Array;
  readonly height: number;
}

export function encodeSubjectHead({ count, head, height }: SubjectHead): Uint8Array {
  return encode(subjectHead.encode([count, head, height]));
}

/** @throws {CodecError} */
export function decodeSubjectHead(bytes: Uint8Array): SubjectHead {
  const [count, head, height] = subjectHead.decode(decode(bytes), 'subject');
  return { count, head, height };
}
