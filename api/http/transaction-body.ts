/** A transaction in a request: its exact bytes as application/cose, or base64url in JSON. */
import { z } from '@hono/zod-openapi';
import { base64urlnopad } from '@scure/base';
import type { Context } from 'hono';
import { MAX_COSE_BODY_BYTES, MAX_JSON_BODY_BYTES } from '../limits.ts';
import { ProblemError } from '../problem.ts';
import { readBody } from './body.ts';

export const COSE_TYPE = 'application/cose';
const JSON_TYPE = 'application/json';

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/, 'not base64url without padding');

export const transactionJson = z
  .strictObject({
    transaction: base64url.openapi({ description: 'Exact bytes of the COSE_Sign1, base64url without padding.' }),
  })
  .openapi('TransactionJson');

/** OpenAPI description of the request body. The schemas are checked here, not by the router, after the size. */
export const transactionBody = {
  required: true,
  description: 'The exact bytes that were signed, at most 65,535.',
  content: {
    [COSE_TYPE]: { schema: { type: 'string', format: 'binary' } },
    'application/json': { schema: { $ref: '#/components/schemas/TransactionJson' } },
  },
} as const;

/** @throws {ProblemError} 415, 413 (TX_TOO_LARGE, BODY_TOO_LARGE), 400 */
export async function readTransaction(c: Context): Promise<Uint8Array> {
  return requireType(c, [COSE_TYPE, JSON_TYPE]) === COSE_TYPE
    ? readBody(c.req.raw, MAX_COSE_BODY_BYTES, 'TX_TOO_LARGE')
    : fromJson(await readBody(c.req.raw, MAX_JSON_BODY_BYTES, 'BODY_TOO_LARGE'));
}

/**
 * The media type of the body, which has no content coding.
 * @throws {ProblemError} 415; the answer names what would be taken (RFC 9110 §15.5.16).
 */
export function requireType<T extends string>(c: Context, wanted: readonly T[]): T {
  const coding = c.req.header('Content-Encoding');
  const type = mediaType(c.req.header('Content-Type'));
  const isPlain = coding === undefined || coding.toLowerCase() === 'identity';
  const found = wanted.find((one) => one === type);
  if (isPlain && found !== undefined) return found;
  const headers = { Accept: wanted.join(', '), 'Accept-Encoding': 'identity' };
  const detail = `send ${isPlain ? wanted.join(' or ') : 'no content coding'}`;
  throw new ProblemError('BAD_REQUEST', { status: 415, detail, headers });
}

/** `cose-type` may be given (RFC 9052 §11.3.1), but only as what a transaction is. */
function mediaType(header: string | undefined): string | null {
  const [type = '', ...parameters] = (header ?? '').split(';').map((part) => part.trim().toLowerCase());
  const coseType = parameters.find((parameter) => parameter.startsWith('cose-type='))?.slice('cose-type='.length);
  return coseType === undefined || coseType.replaceAll('"', '') === 'cose-sign1' ? type : null;
}

function fromJson(bytes: Uint8Array): Uint8Array {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ProblemError('BAD_REQUEST', { detail: 'the body is not JSON in UTF-8', cause });
  }
  const parsed = transactionJson.safeParse(value);
  if (!parsed.success) throw new ProblemError('BAD_REQUEST', { detail: `body: ${parsed.error.issues[0]?.message}` });
  try {
    return base64urlnopad.decode(parsed.data.transaction);
  } catch (cause) {
    throw new ProblemError('BAD_REQUEST', { detail: 'transaction: not base64url in its one form', cause });
  }
}
