/** What the client throws. Each has a `code` from the one list of codes, so that callers switch on names. */
import { BropError, type CodeName } from '../node-core/chain/codes.ts';
import type { ExpiringTransaction } from '../node-core/chain/state-proof.ts';
import type { ReceiptSummary } from './verdict.ts';

/** A node said no, in the form of RFC 9457, or something between us and it did. */
export class ApiError extends BropError {
  readonly status: number;
  /** When the answer said so: how long to wait before asking again. */
  readonly retryAfterMs: number | undefined;

  constructor(code: CodeName, detail: string | undefined, status: number, retryAfterMs?: number) {
    super(code, detail);
    this.name = 'ApiError';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A signed transaction. Keep it until its outcome is proven: the very same bytes can be sent again at any time. */
export interface SignedTransaction extends ExpiringTransaction {
  readonly bytes: Uint8Array;
}

/**
 * The outcome is not proven. With `mayBePacked` the transaction may still take effect until its expiry height: go on
 * with `client.settle(error.transaction)`, and sign nothing in its place before that.
 */
export class UnsettledError extends BropError {
  readonly transaction: SignedTransaction;
  readonly mayBePacked: boolean;

  constructor(
    code: CodeName,
    transaction: SignedTransaction,
    mayBePacked: boolean,
    options?: ErrorOptions & { readonly detail?: string },
  ) {
    super(code, options?.detail, options);
    this.name = 'UnsettledError';
    this.transaction = transaction;
    this.mayBePacked = mayBePacked;
  }
}

/** It was packed and rejected, and that is final: nothing was registered. The receipt proves it. */
export class RejectedError extends BropError {
  readonly receipt: Uint8Array;
  readonly summary: ReceiptSummary;

  constructor(receipt: Uint8Array, summary: ReceiptSummary) {
    super(summary.codeName ?? 'PROOF_REJECTED', summary.codeName === null ? `code ${summary.code}` : undefined);
    this.name = 'RejectedError';
    this.receipt = receipt;
    this.summary = summary;
  }
}
