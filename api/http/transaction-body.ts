/** A transaction in a request: its exact bytes as application/cose, or base64url in JSON. */
import { z } from '@hono/zod-openapi';
import { base64urlnopad } from '@scure/base';
import type { Context } from 'hono';
import { MAX_COSE_BODY_BYTES, MAX_JSON_BODY_BYTES } from '../limits.ts';
import { ProblemError } from '../problem.ts';
import { readBody } from './body.ts';
import { JSON_TYPE, parseJson } from './json-body.ts';
import { requireType } from './media-type.ts';

export const COSE_TYPE = 'application/cose';

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

function fromJson(bytes: Uint8Array): Uint8Array {
  const { transaction } = parseJson(bytes, transactionJson);
  try {
    return base64urlnopad.decode(transaction);
  } catch (cause) {
    throw new ProblemError('BAD_REQUEST', { detail: 'transaction: not base64url in its one form', cause });
  }
}
