/** Final data never changes: strong entity tags, caches keep it for ever, and a known tag is answered 304. */
import { base64urlnopad } from '@scure/base';
import type { Context } from 'hono';
import { utf8 } from '../../node-core/codec/bytes.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';

export const IMMUTABLE = 'public, max-age=31536000, immutable';
/** For what changes with each block. */
export const NO_STORE = 'no-store';

/**
 * The digest of the exact bytes. Two nodes may hold a block with different signatures in its certificate: their
 * receipts differ, and so must their tags (RFC 9110 §8.8.1).
 */
export function entityTag(crypto: CryptoProvider, bytes: Uint8Array): string {
  return `"${base64urlnopad.encode(crypto.hash('sha-256', bytes))}"`;
}

/** Whether `If-None-Match` names the tag, by weak comparison (RFC 9110 §13.1.2). */
export function isKnown(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((known) => known.trim().replace(/^W\//, '') === tag);
}

export interface Representation {
  readonly body: Uint8Array<ArrayBuffer> | string;
  readonly type: string;
  /** IMMUTABLE without one. */
  readonly cacheControl?: string;
  /** Names the request fields that chose this representation. */
  readonly vary?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers with the representation, or 304 when the client has it. */
export function cacheable(c: Context, crypto: CryptoProvider, representation: Representation): Response {
  const { body, type, cacheControl = IMMUTABLE, vary, headers } = representation;
  const tag = entityTag(crypto, typeof body === 'string' ? utf8(body) : body);
  const fields = { ETag: tag, 'Cache-Control': cacheControl, ...(vary !== undefined && { Vary: vary }), ...headers };
  if (isKnown(c.req.header('If-None-Match'), tag)) return c.body(null, 304, fields);
  return c.body(body, 200, { 'Content-Type': type, ...fields });
}

/** JSON that never changes. */
export function cacheableJson(c: Context, crypto: CryptoProvider, value: unknown, cacheControl?: string): Response {
  const body = JSON.stringify(value);
  return cacheable(c, crypto, { body, type: 'application/json', ...(cacheControl !== undefined && { cacheControl }) });
}
