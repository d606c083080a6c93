/**
 * What the state keeps of a packed transaction, one entry for each: that the pair (sender, nonce) is used, and the
 * records that its operations have left. An entry with records stays; one without goes some time after the expiry.
 */
import { type CborValue, type DecodeLimits, decode, encode } from '../codec/cbor.ts';
import { any, array, type Infer, oneOf, record, tuple, uint } from '../codec/schema.ts';
import { LEVELS, legalDocument } from './account.ts';
import { accountId, hash32, nonce } from './identifiers.ts';
import { MAX_OPERATIONS } from './transaction.ts';

/** [number of the operation, what it has left]; which form that has, its type says. */
const leftRecord = tuple(uint({ max: MAX_OPERATIONS - 1 }), any);

const left = record(
  {
    sender: accountId,
    nonce,
    timeMs: uint(),
    /** The legal document in force of the one who answers for it: the partner that sent it, or the user's certifier. */
    legal: legalDocument,
    /** Ascending by operation. */
    records: array(leftRecord, { min: 1, max: MAX_OPERATIONS }),
  },
  {
    /** A user that sends for itself: who certified it, at which level, and the terms that it accepted. */
    certifier: accountId,
    level: oneOf(...LEVELS),
    terms: hash32,
  },
);
export type Left = Infer<typeof left>;
/** Who answers for what a transaction leaves, and under which document. */
export type Responsibility = Pick<Left, 'legal' | 'certifier' | 'level' | 'terms'>;

const used = [uint(), uint({ min: 1 }), uint({ max: 9_999 })] as const;
const bareEntry = tuple(...used);
const fullEntry = tuple(...used, left);
/** 64 records of the longest subjects, with room to spare. */
const ENTRY_LIMITS: DecodeLimits = { maxBytes: 65_535, maxDepth: 6, maxItems: 4_000 };

export interface TransactionEntry {
  readonly expiry: number;
  /** Of the block that packed it. */
  readonly height: number;
  /** 0: applied; otherwise the number of the rejection. */
  readonly code: number;
  /** null: no records, and so the entry goes some time after the expiry. */
  readonly left: Left | null;
}

export function encodeTransactionEntry(entry: TransactionEntry): Uint8Array {
  const { expiry, height, code } = entry;
  const fields = [expiry, height, code] as const;
  return encode(entry.left === null ? bareEntry.encode([...fields]) : fullEntry.encode([...fields, entry.left]));
}

/** @throws {CodecError} */
export function decodeTransactionEntry(bytes: Uint8Array): TransactionEntry {
  const value = decode(bytes, ENTRY_LIMITS);
  if (Array.isArray(value) && value.length === used.length + 1) {
    const [expiry, height, code, records] = fullEntry.decode(value, 'transaction entry');
    return { expiry, height, code, left: records };
  }
  const [expiry, height, code] = bareEntry.decode(value, 'transaction entry');
  return { expiry, height, code, left: null };
}

/** What operation number `operation` has left; undefined when it has left nothing. */
export function recordLeftBy({ left: all }: TransactionEntry, operation: number): CborValue | undefined {
  return all?.records.find(([number]) => number === operation)?.[1];
}
