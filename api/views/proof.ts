/** Proofs in the forms that a client may ask for: the file itself, JSON without loss, for receipts COSE for SCITT. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { proofToJson } from '../../node-core/chain/receipt-json.ts';
import { transparentStatement } from '../../node-core/chain/scitt.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import { cacheable } from '../http/caching.ts';
import { negotiate } from '../http/negotiate.ts';
import { COSE_TYPE } from '../http/transaction-body.ts';
import { binary } from '../schemas.ts';

export const RECEIPT_TYPE = 'application/vnd.brop.receipt+cbor';
export const STATE_PROOF_TYPE = 'application/vnd.brop.state-proof+cbor';
export const EXPIRY_CERTIFICATE_TYPE = 'application/vnd.brop.expiry-certificate+cbor';
export const SUBJECT_PROOF_TYPE = 'application/vnd.brop.subject-proof+cbor';
export const EQUIVOCATION_TYPE = 'application/vnd.brop.equivocation+cbor';
const JSON_TYPE = 'application/json';

const RECEIPT_FORMS = [RECEIPT_TYPE, JSON_TYPE, COSE_TYPE] as const;
export type ReceiptForm = (typeof RECEIPT_FORMS)[number];

const proofJson = z
  .looseObject({
    proof: z
      .looseObject({ type: z.string() })
      .openapi({ description: 'Every field of the file, bytes in hexadecimal.' }),
    readable: z
      .looseObject({})
      .openapi({ description: 'The same for people; bound to the proof when it is read back.' }),
  })
  .openapi('ProofJson', { description: 'JSON form of a proof (docs/spec); the CBOR file can be made from it again.' });

/** OpenAPI content of a proof that is also given as JSON. */
export function proofContent<const T extends string>(type: T) {
  return { [type]: { schema: binary }, [JSON_TYPE]: { schema: proofJson } };
}

/** OpenAPI content of a receipt. */
export const receiptContent = { ...proofContent(RECEIPT_TYPE), [COSE_TYPE]: { schema: binary } };

/** @throws {ProblemError} 406 */
export function receiptForm(accept: string | undefined): ReceiptForm {
  return negotiate(accept, RECEIPT_FORMS);
}

/** @throws {BropError} PROOF_REJECTED for a SCITT statement of a transaction that was rejected: it is in no log. */
export function receiptBody(
  crypto: CryptoProvider,
  receipt: Uint8Array,
  form: ReceiptForm,
): Uint8Array<ArrayBuffer> | string {
  if (form === RECEIPT_TYPE) return asBody(receipt);
  return form === JSON_TYPE ? proofToJson(receipt) : asBody(transparentStatement(crypto, receipt));
}

/** A proof as its file or as JSON, by the Accept header. @throws {ProblemError} 406 */
export function proofResponse(
  c: Context,
  crypto: CryptoProvider,
  proof: Uint8Array,
  type: string,
  cacheControl: string,
): Response {
  const form = negotiate(c.req.header('Accept'), [type, JSON_TYPE]);
  const body = form === JSON_TYPE ? proofToJson(proof) : asBody(proof);
  return cacheable(c, crypto, { body, type: form, cacheControl, vary: 'Accept' });
}

/** Bodies may not be backed by shared memory; what the codec makes never is. */
export function asBody(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
