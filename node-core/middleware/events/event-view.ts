/** An event as JSON: the same in a webhook, in a stream and in a page of events. */
import type { Fields } from '../../ledger/projection.ts';
import type { Event, EventTransaction } from './event.ts';

export interface EventView {
  readonly id: string;
  readonly type: string;
  /** Time of the block, RFC 3339 in UTC. */
  readonly timestamp: string;
  readonly height: number;
  readonly transaction?: EventTransaction;
  readonly data: Fields;
  /** Paths in the API of any node of the chain. */
  readonly links: { readonly block: string; readonly transaction?: string; readonly receipt?: string };
}

export function eventView({ id, type, timeMs, height, transaction, data }: Event): EventView {
  const block = `/v1/blocks/${height}`;
  const common = { id, type, timestamp: new Date(timeMs).toISOString(), height };
  if (transaction === null) return { ...common, data, links: { block } };
  const path = `/v1/transactions/${transaction.sender}/${transaction.nonce}`;
  return { ...common, transaction, data, links: { block, transaction: path, receipt: `${path}/receipt` } };
}
