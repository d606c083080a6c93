/**
 * A transaction in a request: its exact bytes as application/cose, or base64url in JSON, where the signature may come
 * beside it.
 */
import { z } from '@hono/zod-openapi';
import { base64urlnopad } from '@scure/base';
import type { Context } from 'hono';
import { concat } from '../../node-core/codec/bytes.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import { decodeProtected, splitSign1 } from '../../node-core/crypto/cose.ts';
import { label } from '../../node-core/crypto/cose-labels.ts';
import { suiteOfAlgorithm } from '../../node-core/crypto/keys.ts';
import type { SuiteName } from '../../node-core/crypto/provider.ts';
import { SIGNATURE_BYTES } from '../../node-core/crypto/suite.ts';
import { MAX_COSE_BODY_BYTES, MAX_JSON_BODY_BYTES } from '../limits.ts';
import { ProblemError } from '../problem.ts';
import { readBody } from './body.ts';
import { JSON_TYPE, parseJson } from './json-body.ts';
import { requireType } from './media-type.ts';
import { inOneForm, MAX_SIGNATURE_BYTES } from './signature.ts';

export const COSE_TYPE = 'application/cose';

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/, 'not base64url without padding');

export const transactionJson = z
  .strictObject({
    transaction: base64url.openapi({ description: 'Exact bytes of the COSE_Sign1, base64url without padding.' }),
    signature: base64url
      .max(Math.ceil((MAX_SIGNATURE_BYTES * 4) / 3))
      .optional()
      .openapi({
        description:
          'With a transaction as POST /v1/transactions/prepare gives it: what goes into the place of its 64 zero ' +
          'bytes. 64 bytes, or ECDSA on P-256 in DER; of its two forms of S either will do.',
      }),
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
  const { transaction, signature } = parseJson(bytes, transactionJson);
  const decoded = bytesOf('transaction', transaction);
  return signature === undefined ? decoded : signed(decoded, bytesOf('signature', signature));
}

function bytesOf(name: string, text: string): Uint8Array {
  try {
    return base64urlnopad.decode(text);
  } catch (cause) {
    throw new ProblemError('BAD_REQUEST', { detail: `${name}: not base64url in its one form`, cause });
  }
}

/** The signature is the end of a COSE_Sign1: its last item, and of one length. */
function signed(transaction: Uint8Array, signature: Uint8Array): Uint8Array {
  const start = transaction.length - SIGNATURE_BYTES;
  if (start < 0 || transaction.subarray(start).some((byte) => byte !== 0)) {
    throw new ProblemError('BAD_REQUEST', { detail: 'transaction: it is signed already' });
  }
  return concat(transaction.subarray(0, start), inOneForm(signature, suiteOf(transaction)));
}

/** undefined for what is no transaction: that is for others to say. */
function suiteOf(transaction: Uint8Array): SuiteName | undefined {
  try {
    const algorithm = decodeProtected(splitSign1(transaction).protectedBytes).get(label.alg);
    return typeof algorithm === 'number' ? suiteOfAlgorithm(algorithm) : undefined;
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
