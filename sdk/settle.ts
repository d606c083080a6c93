/**
 * From a signed transaction to its proven outcome: a receipt, or an expiry certificate. The very same bytes are sent
 * again and again; that is safe, since (sender, nonce) is packed at most once.
 */
import { BropError, type CodeName } from '../node-core/chain/codes.ts';
import { verifyReceipt as verifyReceiptBytes } from '../node-core/chain/receipt.ts';
import { accountIdToText } from '../node-core/codec/account-id.ts';
import { equal, toHex } from '../node-core/codec/bytes.ts';
import type { CryptoProvider } from '../node-core/crypto/provider.ts';
import { ApiError, type SignedTransaction, UnsettledError } from './errors.ts';
import { COSE_TYPE, EXPIRY_CERTIFICATE_TYPE, type Http, RECEIPT_TYPE } from './http.ts';
import { type ReceiptSummary, summaryOf } from './verdict.ts';
import { verifyExpiryCertificate } from './verify.ts';

export type Outcome =
  | { readonly status: 'final'; readonly receipt: Uint8Array; readonly summary: ReceiptSummary }
  | { readonly status: 'expired'; readonly certificate: Uint8Array };

export interface SettleParts {
  readonly http: Http;
  readonly crypto: CryptoProvider;
  readonly genesisHash: Uint8Array;
  /** Ends early, without an error, when the signal says so. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const WAIT_SECONDS = 10;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Not the transaction's fault: the same bytes may do later. */
export const PASSING: ReadonlySet<CodeName> = new Set([
  'NODE_UNREACHABLE',
  'MEMPOOL_FULL',
  'TOO_MANY_REQUESTS',
  'OVERLOADED',
  'INTERNAL',
  'NOT_SYNCED',
  'STORE_LOCKED',
]);

/**
 * @param sentBefore whether the bytes may have reached a node already; then no refusal ends it.
 * @throws {UnsettledError} when the node refuses the transaction, or when `signal` ends it.
 */
export async function settle(
  parts: SettleParts,
  transaction: SignedTransaction,
  signal: AbortSignal,
  sentBefore: boolean,
): Promise<Outcome> {
  let mayBePacked = sentBefore;
  let last: BropError | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const answer = await post(parts, transaction, signal);
    if (answer instanceof Uint8Array) return final(parts, transaction, answer);
    if (answer === 'pending') pauseMs = FIRST_PAUSE_MS;
    else last = answer;
    const isRefusal = answer !== 'pending' && !PASSING.has(answer.code) && answer.code !== 'EXPIRED';
    if (isRefusal && !mayBePacked) throw unsettled(transaction, false, answer);
    // Whoever does not answer may have taken it.
    mayBePacked ||= answer === 'pending' || !(answer instanceof ApiError) || answer.status >= 500;
    const certificate = await expiryCertificate(parts, transaction, signal);
    if (certificate !== null) return { status: 'expired', certificate };
    const askedMs = answer instanceof ApiError ? (answer.retryAfterMs ?? 0) : 0;
    await parts.sleep(Math.max(pauseMs, Math.min(askedMs, LONGEST_PAUSE_MS)), signal);
  }
  throw unsettled(transaction, true, last);
}

function unsettled(transaction: SignedTransaction, mayBePacked: boolean, cause: unknown): UnsettledError {
  const code = cause instanceof BropError ? cause.code : 'NODE_UNREACHABLE';
  const detail = mayBePacked ? 'the outcome is not proven yet' : undefined;
  return new UnsettledError(code, transaction, mayBePacked, { cause, ...(detail !== undefined && { detail }) });
}

async function post(
  { http }: SettleParts,
  { bytes }: SignedTransaction,
  signal: AbortSignal,
): Promise<Uint8Array | 'pending' | BropError> {
  const headers = { 'Content-Type': COSE_TYPE, Accept: RECEIPT_TYPE, Prefer: `wait=${WAIT_SECONDS}` };
  const timeoutMs = 2_000 * WAIT_SECONDS;
  try {
    const { status, body } = await http.request('/v1/transactions', {
      method: 'POST',
      headers,
      body: bytes,
      signal,
      timeoutMs,
    });
    return status === 200 ? body : 'pending';
  } catch (error) {
    return asBropError(error, signal);
  }
}

/** The caller's abort counts as a node that does not answer: the loop looks at the signal itself. */
function asBropError(error: unknown, signal: AbortSignal): BropError {
  if (error instanceof BropError) return error;
  if (signal.aborted) return new BropError('NODE_UNREACHABLE', 'stopped by the caller', { cause: error });
  throw error;
}

/** @throws {UnsettledError} with the code of the step that fails, for a receipt that does not prove this transaction. */
function final({ crypto, genesisHash }: SettleParts, transaction: SignedTransaction, receipt: Uint8Array): Outcome {
  const facts = verifyReceiptBytes(crypto, receipt, genesisHash);
  if ('code' in facts) {
    const detail = `the node gave a receipt that does not verify${facts.detail === undefined ? '' : `: ${facts.detail}`}`;
    throw new UnsettledError(facts.code, transaction, true, { detail });
  }
  if (!equal(facts.transaction.bytes, transaction.bytes)) {
    throw new UnsettledError('PROOF_SIGNATURE', transaction, true, {
      detail: 'the receipt is for another transaction',
    });
  }
  return { status: 'final', receipt, summary: summaryOf(crypto, facts) };
}

/**
 * A certificate that was verified and is about this very transaction, or null when there is none (yet).
 * @throws {UnsettledError} STATE_NOT_KEPT: the proof was to be had for a time, and that has passed.
 */
async function expiryCertificate(
  parts: SettleParts,
  transaction: SignedTransaction,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  const { sender, nonce, expiry } = transaction;
  const path = `/v1/transactions/${accountIdToText(sender)}/${toHex(nonce)}/expiry-certificate?expiry=${expiry}`;
  try {
    const certificate = await parts.http.proof(path, EXPIRY_CERTIFICATE_TYPE, signal);
    return verifyExpiryCertificate(certificate, { ...parts, transaction }).ok ? certificate : null;
  } catch (error) {
    const known = asBropError(error, signal);
    if (known.code === 'STATE_NOT_KEPT') throw unsettled(transaction, true, known);
    return null;
  }
}
