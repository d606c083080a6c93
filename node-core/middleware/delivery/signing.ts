/**
 * Signatures of Standard Webhooks 1.0.0 (https://github.com/standard-webhooks/standard-webhooks, spec/): the text
 * `id.timestamp.payload`, signed with Ed25519 (`v1a`) or HMAC-SHA256 (`v1`).
 *
 * Keys are not kept but derived, from one secret of the node, the subscription and a generation that rotation counts
 * up: a store of subscriptions that leaks signs nothing.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { base64 } from '@scure/base';
import { concat, utf8 } from '../../codec/bytes.ts';
import * as ed25519 from '../../crypto/suite-ed25519.ts';
import type { SignatureScheme } from '../../ports/subscription-store.ts';

export interface SigningKey {
  readonly scheme: SignatureScheme;
  /** 32 bytes: the seed of an Ed25519 key, or the key of the HMAC (the specification asks for 24 to 64). */
  readonly secret: Uint8Array;
}

/** Signs with an Ed25519 seed; natively where that is at hand. */
export type Ed25519Sign = (secret: Uint8Array, message: Uint8Array) => Uint8Array;

export const MASTER_SECRET_BYTES = 32;
const KEY_BYTES = 32;
const SALT = utf8('brop/webhook-key/v1');

/** HKDF-SHA256 (RFC 5869). @param generation counts the keys of one subscription, from 1. */
export function derivedKey(
  master: Uint8Array,
  subscription: string,
  scheme: SignatureScheme,
  generation: number,
): SigningKey {
  const info = utf8(`${subscription}/${scheme}/${generation}`);
  return { scheme, secret: hkdf(sha256, master, SALT, info, KEY_BYTES) };
}

/**
 * What the owner needs to verify, as the specification writes it: `whpk_` and the public key, or `whsec_` and the secret
 * that both sides share.
 */
export function verificationKey({ scheme, secret }: SigningKey): string {
  if (scheme === 'v1') return `whsec_${base64.encode(secret)}`;
  return `whpk_${base64.encode(ed25519.publicKeyOf(secret))}`;
}

/** One entry of the header `webhook-signature`. @param timestamp of the attempt, in seconds since 1970 UTC. */
export function signatureOf(
  { scheme, secret }: SigningKey,
  id: string,
  timestamp: number,
  body: Uint8Array,
  sign: Ed25519Sign = ed25519.sign,
): string {
  const message = concat(utf8(`${id}.${timestamp}.`), body);
  const signature = scheme === 'v1' ? hmac(sha256, secret, message) : sign(secret, message);
  return `${scheme},${base64.encode(signature)}`;
}

/** The three headers of the specification; with several keys, during a rotation, each signs. */
export function signedHeaders(
  keys: readonly SigningKey[],
  id: string,
  nowMs: number,
  body: Uint8Array,
  sign?: Ed25519Sign,
): Readonly<Record<string, string>> {
  const timestamp = Math.floor(nowMs / 1_000);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': keys.map((key) => signatureOf(key, id, timestamp, body, sign)).join(' '),
  };
}
