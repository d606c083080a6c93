import type { Context } from 'hono';
import type { Refusal } from '../../node-core/chain/codes.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { Submitted } from '../../node-core/ports/chain-access.ts';
import type { ApiEnv, ApiParts } from '../parts.ts';
import { isRefusal, ProblemError, STATUS_OF_CODE } from '../problem.ts';

/** Reports that the receipt was made from `startMs` until now. */
export type ReceiptMade = (startMs: number) => void;

type TracingParts = Pick<ApiParts, 'tracing' | 'clock' | 'crypto'>;

/**
 * Answers a submission, and reports it as the root of the transaction's trace, linked to the client's own when it names
 * one (`traceparent`, W3C Trace Context). Without tracing the transaction is not even hashed.
 */
export async function traced<T>(
  c: Context<ApiEnv>,
  { tracing, clock, crypto }: TracingParts,
  transaction: Uint8Array,
  answer: (receiptMade: ReceiptMade) => Promise<T>,
): Promise<T> {
  if (tracing === undefined) return answer(() => {});
  const digest = toHex(crypto.hash('sha-256', transaction));
  const start = clock.now();
  const traceparent = c.req.header('traceparent');
  const report = (status: number, failed?: string) =>
    tracing.span(digest, 'submit', start, clock.now(), {
      attributes: { 'http.response.status_code': status, 'brop.bytes': transaction.length },
      traceparent,
      ...(failed !== undefined && { failed }),
    });
  try {
    const answered = await answer((startMs) => tracing.span(digest, 'receipt', startMs, clock.now()));
    report(answered instanceof Response ? answered.status : 200);
    return answered;
  } catch (error) {
    if (error instanceof ProblemError) report(error.options.status ?? STATUS_OF_CODE[error.code], error.code);
    else report(500, 'INTERNAL');
    throw error;
  }
}

/** The same for transactions that were submitted together, each under its own root. */
export async function tracedTogether(
  c: Context<ApiEnv>,
  { tracing, clock, crypto }: TracingParts,
  transactions: readonly Uint8Array[],
  submit: () => Promise<readonly (Submitted | Refusal)[]>,
): Promise<readonly (Submitted | Refusal)[]> {
  if (tracing === undefined) return submit();
  const startMs = clock.now();
  const outcomes = await submit();
  const endMs = clock.now();
  const traceparent = c.req.header('traceparent');
  for (const [i, bytes] of transactions.entries()) {
    const outcome = outcomes[i]!;
    const refused = isRefusal(outcome) ? outcome.code : undefined;
    const status = refused === undefined ? 202 : STATUS_OF_CODE[refused];
    tracing.span(toHex(crypto.hash('sha-256', bytes)), 'submit', startMs, endMs, {
      attributes: { 'http.response.status_code': status, 'brop.bytes': bytes.length },
      traceparent,
      ...(refused !== undefined && { failed: refused }),
    });
  }
  return outcomes;
}
