/**
 * COSE_Sign1 (RFC 9052 §4.2), always tagged 18, in the one form that this protocol uses. Stricter than the RFC where
 * the RFC leaves a choice, so that one content has one encoding: everything is deterministic CBOR, an empty protected
 * header is the empty byte string (never h'a0'), no label stands in both headers, a signature has 64 bytes.
 */
import { type CborKey, type CborMap, type CborValue, type DecodeLimits, decode, encode, Tag } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { label } from './cose-labels.ts';
import { coseAlgorithm } from './keys.ts';
import type { CryptoProvider, PublicKey } from './provider.ts';
import { SIGNATURE_BYTES } from './suite.ts';

export const COSE_SIGN1_TAG = 18;

export interface Sign1 extends Sign1Parts {
  readonly protectedHeader: CborMap;
}

/** The four parts, the protected header not decoded yet. */
export interface Sign1Parts {
  /** The whole message as it came; passed on, never re-encoded. */
  readonly bytes: Uint8Array;
  readonly protectedBytes: Uint8Array;
  readonly unprotected: CborMap;
  /** Null: the content is detached. */
  readonly payload: Uint8Array | null;
  readonly signature: Uint8Array;
}

const EMPTY = new Uint8Array(0);
const EMPTY_MAP: CborMap = new Map();

/** Sig_structure with context "Signature1" (RFC 9052 §4.4): the bytes that are signed. */
export function signatureStructure(
  protectedBytes: Uint8Array,
  payload: Uint8Array,
  externalAad: Uint8Array = EMPTY,
): Uint8Array {
  return encode(['Signature1', protectedBytes, externalAad, payload]);
}

export function encodeSign1(parts: {
  readonly protectedBytes: Uint8Array;
  readonly unprotected?: CborMap;
  readonly payload: Uint8Array | null;
  readonly signature: Uint8Array;
}): Uint8Array {
  const { protectedBytes, unprotected = EMPTY_MAP, payload, signature } = parts;
  if (signature.length !== SIGNATURE_BYTES) throw new CodecError('schema', 'a signature has 64 bytes', 'signature');
  return encode(new Tag(COSE_SIGN1_TAG, [protectedBytes, unprotected, payload, signature]));
}

/** The protected header as it is signed: nothing at all when it is empty (RFC 9052 §3). */
export function encodeProtected(header: CborMap): Uint8Array {
  return header.size === 0 ? EMPTY : encode(header);
}

/**
 * Decodes the form and only the form: whose signature it is, and what the header must hold, is for the caller
 * ({@link verifySign1}, and the schema of the message type). All byte strings share memory with `bytes`.
 * @throws {CodecError} kind `malformed`, `nonCanonical`, `limit` or `schema`; `path` names the part.
 */
export function decodeSign1(bytes: Uint8Array, limits?: DecodeLimits): Sign1 {
  const parts = splitSign1(bytes, limits);
  const protectedHeader = decodeProtected(parts.protectedBytes, limits);
  for (const key of parts.unprotected.keys()) {
    // RFC 9052 §3: a label that occurs in both headers makes the message malformed.
    if (protectedHeader.has(key)) throw new CodecError('malformed', 'a label is also protected', 'unprotected');
  }
  return { ...parts, protectedHeader };
}

/** {@link decodeSign1} for who decodes the protected header itself, and wants nothing in the other one. */
export function splitSign1(bytes: Uint8Array, limits?: DecodeLimits): Sign1Parts {
  const value = decode(bytes, limits);
  if (!(value instanceof Tag) || value.tag !== COSE_SIGN1_TAG)
    throw new CodecError('schema', 'not a COSE_Sign1 (tag 18)');
  if (!Array.isArray(value.value) || value.value.length !== 4) throw new CodecError('schema', 'not four items');
  const items = value.value as readonly CborValue[];
  const protectedBytes = items[0];
  const unprotected = items[1];
  const payload = items[2];
  const signature = items[3];
  if (!(protectedBytes instanceof Uint8Array)) throw new CodecError('schema', 'not a byte string', 'protected');
  if (!(unprotected instanceof Map)) throw new CodecError('schema', 'not a map', 'unprotected');
  if (payload !== null && !(payload instanceof Uint8Array))
    throw new CodecError('schema', 'not a byte string', 'payload');
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_BYTES) {
    throw new CodecError('schema', 'not 64 bytes', 'signature');
  }
  return { bytes, protectedBytes, unprotected, payload, signature };
}

/** @throws {CodecError} */
export function decodeProtected(bytes: Uint8Array, limits?: DecodeLimits): CborMap {
  if (bytes.length === 0) return EMPTY_MAP;
  const header = decode(bytes, limits);
  if (!(header instanceof Map)) throw new CodecError('schema', 'not a map', 'protected');
  if (header.size === 0) throw new CodecError('nonCanonical', 'an empty header is the empty byte string', 'protected');
  return header;
}

export interface Sign1VerifyOptions {
  readonly externalAad?: Uint8Array;
  /** The content, when it does not travel inside. */
  readonly detachedPayload?: Uint8Array;
  /** Labels that the caller processes; one listed in `crit` and not here makes the message invalid. */
  readonly understood?: readonly CborKey[];
}

/**
 * Whether `key` signed this message: protected `alg` is the key's, every critical label is understood, there is exactly
 * one content, and the signature verifies. Never throws.
 */
export function verifySign1(
  crypto: CryptoProvider,
  key: PublicKey,
  sign1: Sign1,
  options: Sign1VerifyOptions = {},
): boolean {
  if (sign1.protectedHeader.get(label.alg) !== coseAlgorithm(key.suite)) return false;
  if (!criticalUnderstood(sign1, options.understood ?? [])) return false;
  const { payload } = sign1;
  const content = payload ?? options.detachedPayload;
  if (content === undefined || (payload !== null && options.detachedPayload !== undefined)) return false;
  return crypto.verify(key, signatureStructure(sign1.protectedBytes, content, options.externalAad), sign1.signature);
}

/** RFC 9052 §3.1 `crit`: protected, at least one label, each present in the protected header and understood. */
function criticalUnderstood({ protectedHeader, unprotected }: Sign1, understood: readonly CborKey[]): boolean {
  if (unprotected.has(label.crit)) return false;
  if (!protectedHeader.has(label.crit)) return true;
  const critical = protectedHeader.get(label.crit);
  if (!Array.isArray(critical) || critical.length === 0) return false;
  return critical.every((key: CborKey) => protectedHeader.has(key) && understood.includes(key));
}
