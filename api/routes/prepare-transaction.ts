import { createRoute, z } from '@hono/zod-openapi';
import { base64urlnopad } from '@scure/base';
import { NONCE_BYTES } from '../../node-core/chain/identifiers.ts';
import {
  decodeTransaction,
  finishTransaction,
  MAX_LABEL_BYTES,
  MAX_OPERATIONS,
  type Operation,
  prepareTransaction as prepareBytes,
} from '../../node-core/chain/transaction.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { type DecodeLimits, decode } from '../../node-core/codec/cbor.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import { SIGNATURE_BYTES } from '../../node-core/crypto/suite.ts';
import { NO_STORE } from '../http/caching.ts';
import { JSON_TYPE, readJson } from '../http/json-body.ts';
import { MAX_JSON_BODY_BYTES } from '../limits.ts';
import type { Api, ApiParts } from '../parts.ts';
import { expiryAfter } from '../prepare/expiry.ts';
import { bodyFromJson, JSON_TYPES, type Json } from '../prepare/operation-json.ts';
import { linesOf, summaryOf } from '../prepare/summary.ts';
import { orProblem, ProblemError, problems } from '../problem.ts';
import { accountId, accountIdParameter, hash, hexParameter, uint } from '../schemas.ts';
import { quoteSchema, quoteView } from '../views/quote.ts';

const DEFAULT_EXPIRES_IN_SECONDS = 600;
const MAX_EXPIRES_IN_SECONDS = 7 * 86_400;

/** Wide enough for what is too long for a transaction, which then gets the code of that. */
const BODY_LIMITS: DecodeLimits = { maxBytes: MAX_JSON_BODY_BYTES, maxDepth: 12, maxItems: 20_000 };

const operationSchema = z
  .strictObject({
    type: z.string().min(1).max(64).openapi({ example: 'evidence.register' }),
    body: z
      .unknown()
      .optional()
      .openapi({
        type: 'object',
        description: `The body as JSON (docs/spec/operations.md): bytes in hexadecimal, accounts as brop1…, keys as {"suite", "key"}. For ${JSON_TYPES.join(', ')}.`,
        example: { digests: { 'sha-256': 'ab'.repeat(32) }, subject: 'lot 7' },
      }),
    cbor: z.string().optional().openapi({ description: 'Instead of `body`, for any type: its CBOR in base64url.' }),
  })
  .refine(({ body, cbor }) => (body === undefined) !== (cbor === undefined), 'one of body and cbor')
  .openapi('OperationJson');

const requestSchema = z
  .strictObject({
    sender: accountIdParameter,
    operations: z.array(operationSchema).min(1).max(MAX_OPERATIONS),
    label: z.string().min(1).max(MAX_LABEL_BYTES).optional().openapi({
      description: 'What it is about, for people; the type of the first operation without it.',
    }),
    nonce: hexParameter(NONCE_BYTES, 'Random; chosen by the node without it.').optional(),
    expiry: uint.optional().openapi({ description: 'Last height at which it may be packed.' }),
    expiresInSeconds: z
      .int()
      .min(1)
      .max(MAX_EXPIRES_IN_SECONDS)
      .optional()
      .openapi({
        description: `Instead of \`expiry\`; ${DEFAULT_EXPIRES_IN_SECONDS} without either.`,
      }),
  })
  .refine(({ expiry, expiresInSeconds }) => expiry === undefined || expiresInSeconds === undefined, {
    error: 'one of expiry and expiresInSeconds',
  })
  .openapi('PrepareRequest');

const base64url = z.string().openapi({ description: 'base64url without padding' });

const preparedSchema = z
  .object({
    message: base64url.openapi({
      description: 'The exact bytes to sign: the Sig_structure of RFC 9052 §4.4. The suite of the key hashes them.',
    }),
    sha256: hash.openapi({ description: 'SHA-256 of `message`: what ECDSA on P-256 signs, where a device wants it.' }),
    transaction: base64url.openapi({
      description: 'The transaction with 64 zero bytes in the place of the signature, which are its last 64.',
    }),
    sender: accountId,
    nonce: hash,
    expiry: uint,
    summary: z
      .object({
        chain: hash,
        sender: accountId,
        key: z.object({ suite: z.enum(['p256', 'ed25519', 'sm2']), id: z.string() }),
        label: z.string(),
        nonce: hash,
        expiry: uint,
        operations: z.array(z.object({ type: z.string(), body: z.looseObject({}) })),
      })
      .openapi({ description: 'What the bytes say, read back from them.' }),
    text: z.array(z.string()).openapi({ description: 'The summary in lines for people.' }),
    quote: quoteSchema,
  })
  .openapi('PreparedTransaction');

const route = createRoute({
  method: 'post',
  path: '/v1/transactions/prepare',
  operationId: 'prepareTransaction',
  tags: ['transactions'],
  summary: 'The exact bytes to sign, and what they say',
  description:
    'For those who cannot use the SDK. Nothing is submitted and nothing kept. Sign `message` with the key of the ' +
    'account and send `transaction` with the signature to POST /v1/transactions. The node need not be trusted: ' +
    'before you sign, decode `message` and compare it with what you meant (docs/submitting-without-the-sdk.md).',
  request: { body: { required: true, content: { [JSON_TYPE]: { schema: requestSchema } } } },
  responses: {
    200: { description: 'The bytes', content: { [JSON_TYPE]: { schema: preparedSchema } } },
    ...problems(403, 413, 415),
  },
});

export function prepareTransaction(app: Api, parts: ApiParts): void {
  app.openAPIRegistry.registerPath(route);
  app.post(route.getRoutingPath(), async (c) => {
    const request = await readJson(c, requestSchema, MAX_JSON_BODY_BYTES);
    return c.json(await prepared(parts, request), 200, { 'Cache-Control': NO_STORE });
  });
}

type PrepareRequest = z.infer<typeof requestSchema>;

async function prepared({ chain, crypto }: ApiParts, request: PrepareRequest) {
  const { sender, nonce = globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES)) } = request;
  const [status, view] = await Promise.all([chain.status(), chain.account(sender)]);
  if (view === undefined) throw new ProblemError('SENDER_UNKNOWN');
  const { genesisHash, protocolVersion } = status;
  const seconds = request.expiresInSeconds ?? DEFAULT_EXPIRES_IN_SECONDS;
  const expiry = request.expiry ?? (await expiryAfter(chain, status, seconds * 1_000));
  const operations = request.operations.map(operationOf);
  const label = request.label ?? operations[0]!.type;
  const draft = { chain: genesisHash, protocolVersion, sender, label, nonce, expiry, operations };
  const unsigned = orSchemaProblem('transaction', () => prepareBytes(crypto, draft, view.account.key));
  const bytes = finishTransaction(unsigned, new Uint8Array(SIGNATURE_BYTES));
  const transaction = orProblem(decodeTransaction(bytes, genesisHash, protocolVersion));
  const quote = orProblem(await chain.quote(bytes));
  const summary = summaryOf(transaction);
  return {
    message: base64urlnopad.encode(unsigned.message),
    sha256: toHex(crypto.hash('sha-256', unsigned.message)),
    transaction: base64urlnopad.encode(bytes),
    sender: summary.sender,
    nonce: summary.nonce,
    expiry,
    summary,
    text: linesOf(summary),
    quote: quoteView(quote),
  };
}

function operationOf({ type, body, cbor }: PrepareRequest['operations'][number], index: number): Operation {
  return orSchemaProblem(`operations.${index}`, () => {
    if (cbor === undefined) return { type, body: bodyFromJson(type, body as Json) };
    return { type, body: decode(base64urlOf(cbor), BODY_LIMITS) };
  });
}

function base64urlOf(text: string): Uint8Array {
  try {
    return base64urlnopad.decode(text);
  } catch (cause) {
    throw new CodecError('malformed', `not base64url without padding: ${String(cause)}`, 'cbor');
  }
}

/** @throws {ProblemError} TX_BODY, naming the place. */
function orSchemaProblem<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause;
    throw new ProblemError('TX_BODY', { detail: `${place}: ${cause.message}`, cause });
  }
}
