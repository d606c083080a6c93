/**
 * What the state keeps of an evidence record, and of the subject that it belongs to. The body itself stays in the log;
 * a record is part of the entry of its transaction, so that one leads to the other.
 */
import { decode, encode } from '../../codec/cbor.ts';
import { type Infer, record, text, tuple, uint } from '../../codec/schema.ts';
import { type AccountId, accountId, hash32, originOfRecord } from '../identifiers.ts';
import { decodeTransactionEntry, type Responsibility, recordLeftBy } from '../transaction-entry.ts';
import { MAX_BATCH } from './evidence.ts';

/** What is the record's own; sender, nonce, height, time and who answers are those of its transaction. */
export const evidenceRecord = record(
  {
    /** SHA-256 of the operation's body, in its deterministic encoding. */
    body: hash32,
  },
  {
    /** A batch: root and count of its digests. */
    root: hash32,
    count: uint({ min: 1, max: MAX_BATCH }),
    /** The account for which a partner registers under its own responsibility. */
    onBehalfOf: accountId,
    /** Place in the chain of the subject, counted from 1, and the record before it. */
    subject: text({ max: 256 }),
    sequence: uint({ min: 1 }),
    previous: hash32,
    previousHeight: uint({ min: 1 }),
  },
);
export type OwnEvidenceRecord = Infer<typeof evidenceRecord>;

export interface EvidenceRecord extends OwnEvidenceRecord, Responsibility {
  readonly registrant: AccountId;
  readonly nonce: Uint8Array;
  readonly operation: number;
  readonly height: number;
  readonly timeMs: number;
}

/**
 * The record with this ID in the entry of its transaction (`stateKey.transaction` of its stem).
 * @returns undefined when that operation has left none. @throws {CodecError}
 */
export function evidenceRecordIn(entry: Uint8Array, id: Uint8Array): EvidenceRecord | undefined {
  const { operation } = originOfRecord(id);
  const decoded = decodeTransactionEntry(entry);
  const own = recordLeftBy(decoded, operation);
  if (own === undefined || decoded.left === null) return undefined;
  const { sender: registrant, records: _, ...rest } = decoded.left;
  return { registrant, operation, height: decoded.height, ...rest, ...evidenceRecord.decode(own, 'record') };
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
