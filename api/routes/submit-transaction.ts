import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Refusal } from '../../node-core/chain/codes.ts';
import { decodeReceipt } from '../../node-core/chain/receipt.ts';
import { decodeTransaction, type Transaction } from '../../node-core/chain/transaction.ts';
import { equal } from '../../node-core/codec/bytes.ts';
import type { Submitted } from '../../node-core/ports/chain-access.ts';
import { NO_STORE } from '../http/caching.ts';
import { waitSeconds } from '../http/prefer.ts';
import { type ReceiptMade, traced } from '../http/traced.ts';
import { readTransaction, transactionBody, transactionJson } from '../http/transaction-body.ts';
import type { Api, ApiParts } from '../parts.ts';
import { isRefusal, problemOf, problems, STATUS_OF_CODE } from '../problem.ts';
import { accountId, hash, link, uint } from '../schemas.ts';
import { type ReceiptForm, receiptBody, receiptContent, receiptForm } from '../views/proof.ts';
import { finalSchema, finalView, identityView, transactionPath } from '../views/transaction.ts';

const submittedSchema = z
  .object({ status: z.literal('pending'), sender: accountId, nonce: hash, expiry: uint, location: link })
  .openapi('SubmittedTransaction', {
    description: 'Identity and expiry; keep both until the transaction is final or has expired.',
  });

const JSON_TYPE = 'application/json';

const route = createRoute({
  method: 'post',
  path: '/v1/transactions',
  operationId: 'submitTransaction',
  tags: ['transactions'],
  summary: 'Submit a signed transaction',
  description:
    'Answers 202 once the transaction is accepted for packing, which is no promise. With `Prefer: wait=10` (1 to 30 ' +
    'seconds) it waits for finality and answers 200 with the receipt, in the form that Accept asks for; 202 when the ' +
    'time runs out. Submitting the same bytes again is safe: 202 while they are pending, 200 with the outcome once ' +
    'they are final. Other bytes for a used pair of sender and nonce get 1106. A refused transaction leaves no trace.',
  request: {
    headers: z.object({
      prefer: z
        .string()
        .optional()
        .openapi({ description: 'wait=1 to wait=30 (RFC 7240), in seconds.', example: 'wait=10' }),
    }),
    body: transactionBody,
  },
  responses: {
    200: {
      description: 'Final: the receipt when it was waited for, otherwise the outcome.',
      content: {
        ...receiptContent,
        [JSON_TYPE]: { schema: z.union([finalSchema, receiptContent[JSON_TYPE].schema]) },
      },
    },
    202: { description: 'Accepted for packing', content: { [JSON_TYPE]: { schema: submittedSchema } } },
    ...problems(403, 406, 409, 410, 413, 415, 422, 503),
  },
});

export function submitTransaction(app: Api, parts: ApiParts): void {
  app.openAPIRegistry.register('TransactionJson', transactionJson);
  app.openapi(route, async (c) => {
    const seconds = waitSeconds(c.req.header('Prefer'));
    // Before anything happens: a client that cannot read the answer should hear so first.
    const form = seconds === null ? null : receiptForm(c.req.header('Accept'));
    const bytes = await readTransaction(c);
    return traced(c, parts, bytes, (receiptMade) => submit(c, parts, bytes, { seconds, form, receiptMade }));
  });
}

interface Waiting {
  /** Null for a client that does not wait. */
  readonly seconds: number | null;
  readonly form: ReceiptForm | null;
  readonly receiptMade: ReceiptMade;
}

async function submit(c: Context, parts: ApiParts, bytes: Uint8Array, { seconds, form, receiptMade }: Waiting) {
  const { chain, clock, waiting } = parts;
  const outcome = await chain.submit(bytes);
  if (isRefusal(outcome)) return refusedOrFinal(c, parts, bytes, outcome, form);
  if (seconds !== null && form !== null) {
    const { sender, nonce } = outcome;
    const isFinal = await waiting.wait(() => chain.waitFinal(sender, nonce, seconds * 1_000));
    const finalMs = clock.now();
    const receipt = isFinal ? await chain.receipt(sender, nonce) : undefined;
    c.header('Preference-Applied', `wait=${seconds}`);
    if (receipt !== undefined) {
      receiptMade(finalMs);
      return receiptResponse(c, parts, outcome, receipt, form);
    }
  }
  return accepted(c, outcome);
}

function accepted(c: Context, { sender, nonce, expiry }: Submitted) {
  const location = transactionPath(sender, nonce);
  const body = { status: 'pending' as const, ...identityView(sender, nonce), expiry, location };
  return c.json(body, 202, { Location: location, 'Cache-Control': NO_STORE });
}

type Identity = Pick<Transaction, 'sender' | 'nonce'>;

function receiptResponse(
  c: Context,
  { crypto }: ApiParts,
  { sender, nonce }: Identity,
  receipt: Uint8Array,
  form: ReceiptForm,
) {
  const location = `${transactionPath(sender, nonce)}/receipt`;
  const headers = { 'Content-Type': form, 'Cache-Control': NO_STORE, 'Content-Location': location };
  return c.body(receiptBody(crypto, receipt, form), 200, headers);
}

/** Idempotency: what is refused now may be refused because the very same bytes are final already. */
async function refusedOrFinal(
  c: Context,
  parts: ApiParts,
  bytes: Uint8Array,
  refused: Refusal,
  form: ReceiptForm | null,
) {
  const { chain } = parts;
  // Who is full looks at nothing that can wait until it is not.
  if (refused.code === 'MEMPOOL_FULL') throw problemOf(refused);
  const isForm = STATUS_OF_CODE[refused.code] === 400 || STATUS_OF_CODE[refused.code] === 413;
  const { genesisHash, protocolVersion } = await chain.status();
  const transaction = isForm ? null : decodeTransaction(bytes, genesisHash, protocolVersion);
  if (transaction === null || isRefusal(transaction)) throw problemOf(refused);
  const { sender, nonce } = transaction;
  const status = await chain.transaction(sender, nonce);
  const receipt = status.status === 'final' ? await chain.receipt(sender, nonce) : undefined;
  if (status.status === 'final' && receipt !== undefined && equal(decodeReceipt(receipt).transaction, bytes)) {
    if (form !== null) return receiptResponse(c, parts, transaction, receipt, form);
    return c.json(finalView(sender, nonce, status), 200, { 'Cache-Control': NO_STORE });
  }
  throw problemOf(refused, { headers: await retryHeaders(parts, bytes, transaction, refused) });
}

const MAX_RETRY_SECONDS = 86_400;

/** When the points that are missing will have been regained; nothing where they never will be. */
async function retryHeaders(
  { chain }: ApiParts,
  bytes: Uint8Array,
  { sender }: Identity,
  { code }: Refusal,
): Promise<Record<string, string>> {
  if (code !== 'QUOTA_SHORT') return {};
  const [quote, view] = await Promise.all([chain.quote(bytes), chain.account(sender)]);
  if (isRefusal(quote) || view === undefined) return {};
  const { max, periodMs } = view.account.quota;
  if (quote.cost > max) return { 'Retry-After': String(MAX_RETRY_SECONDS) };
  const seconds = Math.ceil((Math.max(0, quote.cost - quote.available) * periodMs) / max / 1_000);
  return { 'Retry-After': String(Math.min(Math.max(1, seconds), MAX_RETRY_SECONDS)) };
}
