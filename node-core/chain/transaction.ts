/**
 * The transaction: a COSE_Sign1 (RFC 9052) that is also a SCITT Signed Statement (RFC 9943). Its identity is
 * (sender, nonce), never a hash of signed bytes, since ECDSA signatures can be re-randomised.
 */
import { accountIdFromText, accountIdToText } from '../codec/account-id.ts';
import { equal, keyText } from '../codec/bytes.ts';
import { type CborMap, type CborValue, type DecodeLimits, decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { any, array, fixedBytes, text, tuple, uint } from '../codec/schema.ts';
import { decodeProtected, decodeSign1, encodeSign1, signatureStructure, splitSign1 } from '../crypto/cose.ts';
import { coseAlgorithm, KEY_ID_BYTES, keyId, suiteOfAlgorithm } from '../crypto/keys.ts';
import type { CryptoProvider, PublicKey, SuiteName } from '../crypto/provider.ts';
import { type CodeName, type Refusal, refusal } from './codes.ts';
import { type AccountId, hash32, nonce as nonceSchema } from './identifiers.ts';
import { CONTENT_FORMAT_CBOR, encodeProtectedHeader, MESSAGE_TYPE, readProtectedHeader } from './protected-header.ts';

export const MAX_TRANSACTION_BYTES = 65_535;
export const MAX_OPERATIONS = 64;
export const MAX_LABEL_BYTES = 256;
const TRANSACTION_LIMITS: DecodeLimits = { maxBytes: MAX_TRANSACTION_BYTES, maxDepth: 12, maxItems: 20_000 };

const operationSchema = tuple(text({ max: 64 }), any);
const payloadSchema = tuple(nonceSchema, uint(), array(operationSchema, { min: 1, max: MAX_OPERATIONS }));
const labelSchema = text({ max: MAX_LABEL_BYTES });
const issuerSchema = text({ max: 64 });
const keyIdSchema = fixedBytes(KEY_ID_BYTES);

/** Type name and body; the body's schema belongs to the type (chain/operations). */
export interface Operation {
  readonly type: string;
  readonly body: CborValue;
}

export interface TransactionDraft {
  readonly chain: Uint8Array;
  readonly protocolVersion: number;
  readonly sender: AccountId;
  /** CWT subject: what the statement is about, for people and other SCITT tools; the ledger does not interpret it. */
  readonly label: string;
  readonly nonce: Uint8Array;
  /** Last height at which the transaction may be packed. */
  readonly expiry: number;
  readonly operations: readonly Operation[];
}

type TransactionHeader = Pick<Transaction, 'suite' | 'keyId' | 'sender' | 'label' | 'chain' | 'protocolVersion'>;

export interface Transaction extends TransactionDraft {
  /** As received; passed on and logged, never re-encoded. */
  readonly bytes: Uint8Array;
  readonly suite: SuiteName;
  readonly keyId: Uint8Array;
  /** Over {@link signedMessage}. */
  readonly signature: Uint8Array;
}

export interface UnsignedTransaction {
  readonly protectedBytes: Uint8Array;
  readonly payload: Uint8Array;
  /** The bytes to sign. */
  readonly message: Uint8Array;
}

/**
 * The exact bytes for a signer, be it in an HSM or somebody else's hands.
 * @throws {CodecError} kind `schema` when a field is out of its bounds; operation bodies are not looked at.
 */
export function prepareTransaction(
  crypto: CryptoProvider,
  draft: TransactionDraft,
  key: PublicKey,
): UnsignedTransaction {
  const protectedBytes = encodeProtectedHeader({
    algorithm: coseAlgorithm(key.suite),
    keyId: keyId(crypto, key),
    issuer: accountIdToText(draft.sender),
    subject: labelSchema.encode(draft.label) as string,
    type: MESSAGE_TYPE.transaction,
    contentFormat: CONTENT_FORMAT_CBOR,
    chain: draft.chain,
    protocolVersion: draft.protocolVersion,
  });
  const rows = draft.operations.map(({ type, body }) => [type, body] as const);
  const payload = encode(payloadSchema.encode([draft.nonce, draft.expiry, rows]));
  return { protectedBytes, payload, message: signatureStructure(protectedBytes, payload) };
}

export function finishTransaction(unsigned: UnsignedTransaction, signature: Uint8Array): Uint8Array {
  return encodeSign1({ protectedBytes: unsigned.protectedBytes, payload: unsigned.payload, signature });
}

/**
 * Decodes and checks the form: codes 1001 to 1006. Signature, state and operation bodies are not looked at. The parts
 * are read from outside inwards (COSE_Sign1, protected header, payload), each for 1002 to 1004; then 1005, then 1006.
 */
export function decodeTransaction(
  bytes: Uint8Array,
  chain: Uint8Array,
  protocolVersion: number,
): Transaction | Refusal {
  if (bytes.length > MAX_TRANSACTION_BYTES) return refusal('TX_TOO_LARGE', `${bytes.length} bytes`);
  try {
    return decodeParts(bytes, chain, protocolVersion);
  } catch (error) {
    return codecRefusal(error);
  }
}

/**
 * What the signature of a decoded transaction covers (Sig_structure of RFC 9052 §4.4). Made when it is asked for: it is as
 * long as the transaction, and of those that wait to be packed nobody asks again.
 */
export function signedMessage({ bytes }: Pick<Transaction, 'bytes'>): Uint8Array {
  const { protectedBytes, payload } = splitSign1(bytes, TRANSACTION_LIMITS);
  return signatureStructure(protectedBytes, payload!);
}

const CODEC_CODES = {
  malformed: 'TX_MALFORMED',
  limit: 'TX_MALFORMED',
  nonCanonical: 'TX_NON_CANONICAL',
  schema: 'TX_SCHEMA',
} as const satisfies Record<CodecError['kind'], CodeName>;

/** @throws whatever is not a CodecError: that is a bug, not bad input. */
function codecRefusal(error: unknown): Refusal {
  if (error instanceof CodecError) return refusal(CODEC_CODES[error.kind], error.message);
  throw error;
}

/**
 * Protected headers that have decoded once, by their exact bytes: whoever sends again sends the same one, and it is half
 * of the work. Bounded in number and length; what is here is what decoding gives.
 */
class KnownHeaders {
  private readonly byBytes = new Map<string, TransactionHeader>();

  find(bytes: Uint8Array): TransactionHeader | undefined {
    return bytes.length > MAX_KNOWN_BYTES ? undefined : this.byBytes.get(keyText(bytes));
  }

  keep(bytes: Uint8Array, header: TransactionHeader): TransactionHeader {
    if (bytes.length > MAX_KNOWN_BYTES) return header;
    if (this.byBytes.size >= MAX_KNOWN_HEADERS) this.byBytes.clear();
    // Parts of the transaction that they came in would keep all of it.
    const own = { ...header, keyId: header.keyId.slice(), chain: header.chain.slice() };
    this.byBytes.set(keyText(bytes), own);
    return own;
  }
}

const MAX_KNOWN_HEADERS = 1_000;
const MAX_KNOWN_BYTES = 512;
const knownHeaders = new KnownHeaders();

const HEADER_FIELDS = 7;

/** The protected header's fields, of the right types; chain and version are not compared yet. @throws {CodecError} */
function decodeHeaderFields(protectedHeader: CborMap): TransactionHeader {
  const { size, ...header } = readProtectedHeader(protectedHeader);
  const suite = typeof header.algorithm === 'number' ? suiteOfAlgorithm(header.algorithm) : undefined;
  if (suite === undefined) throw new CodecError('schema', 'unknown signature algorithm', 'alg');
  const isOurs = header.type === MESSAGE_TYPE.transaction && header.contentFormat === CONTENT_FORMAT_CBOR;
  if (!isOurs) throw new CodecError('schema', 'typ or content type is not that of a transaction');
  const fields = {
    suite,
    keyId: keyIdSchema.decode(header.keyId ?? null, 'kid'),
    sender: accountIdFromText(issuerSchema.decode(header.issuer ?? null, 'iss')),
    label: labelSchema.decode(header.subject ?? null, 'sub'),
    chain: hash32.decode(header.chain ?? null, 'chain'),
    protocolVersion: uint().decode(header.protocolVersion ?? null, 'protocolVersion'),
  };
  // Each field is there: one more and there is an unknown one.
  if (size !== HEADER_FIELDS) throw new CodecError('schema', 'unknown protected header');
  return fields;
}

function decodeParts(bytes: Uint8Array, chain: Uint8Array, protocolVersion: number): Transaction | Refusal {
  const sign1 = splitSign1(bytes, TRANSACTION_LIMITS);
  const { protectedBytes } = sign1;
  const known = knownHeaders.find(protectedBytes);
  const decoded = known === undefined ? decodeProtected(protectedBytes, TRANSACTION_LIMITS) : null;
  if (sign1.unprotected.size !== 0) {
    // A label that stands in both is the graver fault: this throws for it.
    decodeSign1(bytes, TRANSACTION_LIMITS);
    return refusal('TX_SCHEMA', 'the unprotected header must be empty');
  }
  if (sign1.payload === null) return refusal('TX_SCHEMA', 'the payload is detached');
  const header = known ?? knownHeaders.keep(protectedBytes, decodeHeaderFields(decoded!));
  const [nonce, expiry, rows] = payloadSchema.decode(decode(sign1.payload, TRANSACTION_LIMITS), 'transaction');
  if (!equal(header.chain, chain)) return refusal('TX_WRONG_CHAIN');
  if (header.protocolVersion !== protocolVersion) return refusal('TX_WRONG_VERSION', `${protocolVersion} is in force`);
  return {
    ...header,
    nonce,
    expiry,
    operations: rows.map(([type, body]) => ({ type, body })),
    bytes,
    signature: sign1.signature,
  };
}
