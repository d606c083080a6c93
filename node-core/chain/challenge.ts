/**
 * What an account signs to show a node who asks: a COSE Sig_structure of a message type of its own, so that the
 * signature is worth nothing as a transaction, on another chain, for another account, or at another origin. Whoever
 * signs reads it first: a node that passes on another node's challenge is found out by the origin.
 */
import { accountIdFromText, accountIdToText } from '../codec/account-id.ts';
import { type CborMap, type DecodeLimits, decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { array, bytes as byteString, fixedBytes, text, tuple, uint } from '../codec/schema.ts';
import { decodeProtected, signatureStructure } from '../crypto/cose.ts';
import { coseAlgorithm, KEY_ID_BYTES, keyId, suiteOfAlgorithm } from '../crypto/keys.ts';
import type { CryptoProvider, PublicKey, SuiteName } from '../crypto/provider.ts';
import { type AccountId, hash32 } from './identifiers.ts';
import { CONTENT_FORMAT_CBOR, encodeProtectedHeader, MESSAGE_TYPE, readProtectedHeader } from './protected-header.ts';
import { SCOPE_NAMES } from './scopes.ts';

export const CHALLENGE_ID_BYTES = 32;
export const MAX_CHALLENGE_BYTES = 2_048;
/** CWT subject of every challenge. */
const PURPOSE = 'authentication';
const LIMITS: DecodeLimits = { maxBytes: MAX_CHALLENGE_BYTES, maxDepth: 6, maxItems: 64 };

export interface ChallengeDraft {
  readonly chain: Uint8Array;
  readonly protocolVersion: number;
  readonly account: AccountId;
  /** Scheme, host and port by which the client reaches the node (RFC 6454), such as `https://node.example`. */
  readonly origin: string;
  /** What the token is to be good for. */
  readonly scopes: readonly string[];
  /** 32 random bytes. */
  readonly id: Uint8Array;
  /** From then on it is worth nothing, ms since 1970 UTC. */
  readonly expiresMs: number;
}

export interface Challenge extends ChallengeDraft {
  readonly suite: SuiteName;
  readonly keyId: Uint8Array;
  /** The bytes to sign. */
  readonly message: Uint8Array;
  /** The node's own mark; for anybody else 32 bytes without a meaning. */
  readonly mark: Uint8Array;
}

const outerSchema = tuple(byteString({ max: 512 }), byteString({ max: 1_024 }), hash32);
const scopeSchema = array(text({ max: 64 }), { max: SCOPE_NAMES.length });
const payloadSchema = tuple(text({ max: 256 }), scopeSchema, fixedBytes(CHALLENGE_ID_BYTES), uint());
const HEADER_FIELDS = 7;

/** @param mark makes the node's mark of the bytes to sign, by which it knows its own challenges again: 32 bytes. */
export function makeChallenge(
  crypto: CryptoProvider,
  draft: ChallengeDraft,
  key: PublicKey,
  mark: (message: Uint8Array) => Uint8Array,
): Uint8Array {
  const protectedBytes = encodeProtectedHeader({
    algorithm: coseAlgorithm(key.suite),
    keyId: keyId(crypto, key),
    issuer: accountIdToText(draft.account),
    subject: PURPOSE,
    type: MESSAGE_TYPE.challenge,
    contentFormat: CONTENT_FORMAT_CBOR,
    chain: draft.chain,
    protocolVersion: draft.protocolVersion,
  });
  const payload = encode(payloadSchema.encode([draft.origin, draft.scopes, draft.id, draft.expiresMs]));
  return encode(outerSchema.encode([protectedBytes, payload, mark(signatureStructure(protectedBytes, payload))]));
}

/**
 * Reads a challenge, by its form alone: whose it is and whether it still holds are for the caller.
 * @throws {CodecError}
 */
export function readChallenge(bytes: Uint8Array): Challenge {
  const [protectedBytes, payload, mark] = outerSchema.decode(decode(bytes, LIMITS), 'challenge');
  const header = headerOf(decodeProtected(protectedBytes, LIMITS));
  const [origin, scopes, id, expiresMs] = payloadSchema.decode(decode(payload, LIMITS), 'challenge');
  return { ...header, origin, scopes, id, expiresMs, mark, message: signatureStructure(protectedBytes, payload) };
}

type ChallengeHeader = Pick<Challenge, 'suite' | 'keyId' | 'account' | 'chain' | 'protocolVersion'>;

function headerOf(map: CborMap): ChallengeHeader {
  const { size, ...header } = readProtectedHeader(map);
  const suite = typeof header.algorithm === 'number' ? suiteOfAlgorithm(header.algorithm) : undefined;
  if (suite === undefined) throw new CodecError('schema', 'unknown signature algorithm', 'alg');
  const isOurs = header.type === MESSAGE_TYPE.challenge && header.contentFormat === CONTENT_FORMAT_CBOR;
  if (!isOurs || header.subject !== PURPOSE) throw new CodecError('schema', 'not the header of a challenge');
  if (size !== HEADER_FIELDS) throw new CodecError('schema', 'unknown protected header');
  return {
    suite,
    keyId: fixedBytes(KEY_ID_BYTES).decode(header.keyId ?? null, 'kid'),
    account: accountIdFromText(text({ max: 64 }).decode(header.issuer ?? null, 'iss')),
    chain: hash32.decode(header.chain ?? null, 'chain'),
    protocolVersion: uint().decode(header.protocolVersion ?? null, 'protocolVersion'),
  };
}
