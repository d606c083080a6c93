/** Many signed transactions in few requests. What becomes of each is for `settle` to prove. */
import { BropError, type CodeName, codeName } from '../node-core/chain/codes.ts';
import { encodeTogether } from '../node-core/chain/transaction-batch.ts';
import type { SignedTransaction } from './errors.ts';
import { type Http, parsed } from './http.ts';
import { PASSING } from './settle.ts';

/** Of one request: a node checks them in one go, and a lost answer concerns no more than these. */
export const SENT_TOGETHER = 100;
const SENT_TOGETHER_BYTES = 1 << 20;

/** The transactions in their order, as many in each part as go into one request. */
export function* partsOf(transactions: readonly SignedTransaction[]): Iterable<readonly SignedTransaction[]> {
  let part: SignedTransaction[] = [];
  let size = 0;
  for (const transaction of transactions) {
    if (part.length === SENT_TOGETHER || (part.length > 0 && size + transaction.bytes.length > SENT_TOGETHER_BYTES)) {
      yield part;
      [part, size] = [[], 0];
    }
    part.push(transaction);
    size += transaction.bytes.length;
  }
  if (part.length > 0) yield part;
}

/**
 * Sends what goes into one request. For each transaction the refusal that ends it, or null where it was taken or may
 * yet be, which is so for all when there was no answer that says otherwise.
 */
export async function sendTogether(
  http: Http,
  transactions: readonly SignedTransaction[],
  signal: AbortSignal,
): Promise<readonly (BropError | null)[]> {
  const body = encodeTogether(transactions.map(({ bytes }) => bytes));
  const headers = { 'Content-Type': 'application/cbor', Accept: 'application/json' };
  try {
    const answer = await http.request('/v1/transactions/batch', { method: 'POST', headers, body, signal });
    const { outcomes } = parsed(answer.body) as { readonly outcomes?: readonly unknown[] };
    return transactions.map((_, i) => refusalIn(outcomes?.[i]));
  } catch (error) {
    if (error instanceof BropError || signal.aborted) return transactions.map(() => null);
    throw error;
  }
}

function refusalIn(outcome: unknown): BropError | null {
  const { code, detail } = (outcome ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  const name: CodeName | undefined = typeof code === 'number' ? codeName(code) : undefined;
  if (name === undefined || PASSING.has(name)) return null;
  return new BropError(name, typeof detail === 'string' ? detail : undefined);
}
