/**
 * Receipts, state proofs and expiry certificates as JSON, without loss: `proof` holds every field of the file, and
 * `readable` says for people what is inside. A reader trusts what it reads only if it is bound: on the way back the
 * whole text is made again from the bytes, and must be the same but for white space between its parts. So nobody can
 * change what people see, not even by writing a key twice.
 *
 * Byte strings are lower-case hexadecimal, all of them: one rule, the form in which hashes are shown and compared
 * everywhere else, and each byte string has exactly one (base64url has unused bits at its end, and letters of either
 * case). It is half as long again as base64url; who wants it short keeps the CBOR.
 */
import { accountIdToText } from '../codec/account-id.ts';
import { fromHex, toHex } from '../codec/bytes.ts';
import { type CborKey, type CborMap, type CborValue, decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import type { Schema } from '../codec/schema.ts';
import { decodeSign1 } from '../crypto/cose.ts';
import { pureCrypto } from '../crypto/pure.ts';
import { decodeAccount } from './account.ts';
import type { Anchor } from './anchor.ts';
import { BropError, codeName, type Refusal, refusal } from './codes.ts';
import { genesisSchema } from './genesis.ts';
import { decodeHeader } from './header.ts';
import { headerHash } from './identifiers.ts';
import { PROOF_LIMITS, type Receipt, receiptSchema } from './receipt.ts';
import { type ExpiryCertificate, expirySchema, type StateProofFile, stateProofSchema } from './state-proof.ts';
import { type SubjectProof, subjectProofSchema } from './subject-proof.ts';
import { decodeTransaction } from './transaction.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type Fields = { readonly [key: string]: Json };
type Proof = Receipt | StateProofFile | ExpiryCertificate | SubjectProof;

const SCHEMAS: ReadonlyMap<CborValue | undefined, Schema<Proof>> = new Map<CborValue, Schema<Proof>>([
  ['brop.receipt.v1', receiptSchema as Schema<Proof>],
  ['brop.state-proof.v1', stateProofSchema as Schema<Proof>],
  ['brop.expiry.v1', expirySchema as Schema<Proof>],
  ['brop.subject.v1', subjectProofSchema as Schema<Proof>],
]);
/** ECMA-262 §21.4.1.1. */
const LAST_DATE_MS = 8_640_000_000_000_000;
const GENESIS_LIMITS = { maxBytes: 1_000_000, maxDepth: 12, maxItems: 50_000 };

/** JSON with indentation of two. @throws {BropError} PROOF_FORM when the bytes are none of the files. */
export function proofToJson(bytes: Uint8Array): string {
  const outcome = asForm(() => `${JSON.stringify(document(bytes), null, 2)}\n`);
  if (typeof outcome !== 'string') throw new BropError(outcome.code, outcome.detail);
  return outcome;
}

/**
 * The inverse of {@link proofToJson}; PROOF_FORM when the text is not what that makes of any bytes, white space apart.
 * It does not verify the proof: the bytes are for `verifyReceipt` and the like.
 */
export function proofFromJson(text: string): Uint8Array | Refusal {
  return asForm(() => {
    const parsed = JSON.parse(text) as { readonly proof?: Json } | null;
    const proof = parsed?.proof;
    if (typeof proof !== 'object' || proof === null || Array.isArray(proof)) throw new CodecError('schema', 'no proof');
    const bytes = encode(toCbor(proof, true));
    if (compact(text) !== JSON.stringify(document(bytes))) {
      throw new CodecError('schema', 'the text does not say what the proof says');
    }
    return bytes;
  });
}

function asForm<T>(work: () => T): T | Refusal {
  try {
    return work();
  } catch (error) {
    // JSON.parse and fromHex throw the latter two, on text alone.
    const bad = error instanceof CodecError || error instanceof SyntaxError || error instanceof RangeError;
    if (bad) return refusal('PROOF_FORM', error.message);
    throw error;
  }
}

/** Valid JSON without the white space that it allows between its parts; inside strings everything stays. */
function compact(text: string): string {
  return text.replace(/("(?:[^"\\]+|\\.)*")|[ \t\n\r]+/g, '$1');
}

function document(bytes: Uint8Array): Json {
  const value = decode(bytes, PROOF_LIMITS);
  const type = value instanceof Map ? (value as CborMap).get('type') : undefined;
  const schema = SCHEMAS.get(type);
  if (schema === undefined)
    throw new CodecError('schema', 'not a receipt, a state proof, an expiry certificate or a proof of a subject');
  return { proof: toJson(value), readable: readable(schema.decode(value, '')) };
}

/** The files hold maps with text keys, arrays, unsigned integers, null, byte strings, and no text but `type`. */
function toJson(value: CborValue): Json {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) return Object.fromEntries([...(value as CborMap)].map(([k, v]) => [String(k), toJson(v)]));
  if (typeof value === 'bigint') return String(value);
  return value as Json;
}

function toCbor(value: Json, isTop = false): CborValue {
  if (typeof value === 'string') return fromHex(value);
  if (Array.isArray(value)) return value.map((item: Json) => toCbor(item));
  if (typeof value !== 'object' || value === null) return value as CborValue;
  const entries = Object.entries(value as Fields);
  return new Map<CborKey, CborValue>(
    entries.map(([key, item]) => [key, isTop && key === 'type' && typeof item === 'string' ? item : toCbor(item)]),
  );
}

function readable(proof: Proof): Json {
  const anchored = readableAnchor(proof);
  if (proof.type === 'brop.receipt.v1') return { ...anchored, ...readableReceipt(proof) };
  if (proof.type === 'brop.state-proof.v1') {
    const { key, value } = proof.entry;
    return { ...anchored, key: decodedOrHex(key), value: value === null ? 'absent' : decodedOrHex(value) };
  }
  if (proof.type === 'brop.subject.v1') {
    const { registrant, subject, from, to, records } = proof;
    const named = { registrant: accountIdToText(registrant), subject: new TextDecoder('utf-8').decode(subject) };
    return { ...anchored, ...named, from, to, recordsWalked: records.length };
  }
  const { sender, nonce, expiry } = proof;
  return { ...anchored, neverPacked: { sender: accountIdToText(sender), nonce: toHex(nonce), expiry } };
}

function readableAnchor(anchor: Anchor): Fields {
  const { payload } = decodeSign1(anchor.genesis, GENESIS_LIMITS);
  const genesis = genesisSchema.decode(decode(payload ?? new Uint8Array(0), GENESIS_LIMITS), 'genesis');
  const header = decodeHeader(anchor.header);
  return {
    chain: { name: genesis.name, genesisHash: toHex(pureCrypto.hash('sha-256', anchor.genesis)) },
    block: {
      height: header.height,
      time: timeText(header.timeMs),
      headerHash: toHex(headerHash(pureCrypto, anchor.header)),
      transactions: header.transactionCount,
    },
    certificate: {
      round: anchor.certificate[0],
      validatorsThatSigned: anchor.certificate[1].map(([index]) => index),
      setChangesBefore: anchor.setChanges.length,
    },
  };
}

function readableReceipt(receipt: Receipt): Fields {
  const { protocolVersion } = decodeHeader(receipt.header);
  const chain = pureCrypto.hash('sha-256', receipt.genesis);
  const transaction = decodeTransaction(receipt.transaction, chain, protocolVersion);
  if ('code' in transaction) throw new CodecError('schema', transaction.detail ?? transaction.code, 'transaction');
  const { kind, name } = decodeAccount(receipt.sender);
  const [code, operation, charged, logIndex] = receipt.result;
  return {
    sender: { account: accountIdToText(transaction.sender), kind, name: name ?? null },
    label: transaction.label,
    nonce: toHex(transaction.nonce),
    expiry: transaction.expiry,
    operations: transaction.operations.map(({ type, body }) => ({ type, body: toJson(body) })),
    result: { code, meaning: code === 0 ? 'applied' : (codeName(code) ?? 'rejected'), operation, charged, logIndex },
    ...(receipt.inBatch !== undefined && {
      file: {
        operation: receipt.inBatch.operation,
        index: receipt.inBatch.index,
        digests: Object.fromEntries([...receipt.inBatch.digests].map(([name, digest]) => [name, toHex(digest)])),
      },
    }),
  };
}

/** ISO 8601 in UTC; null beyond the calendar of JavaScript. */
function timeText(timeMs: number): string | null {
  return timeMs <= LAST_DATE_MS ? new Date(timeMs).toISOString() : null;
}

/** State keys and values are CBOR, but a proof of absence may be about any bytes. */
function decodedOrHex(bytes: Uint8Array): Json {
  try {
    return toJson(decode(bytes));
  } catch {
    return toHex(bytes);
  }
}
