/** The events of a final block: a pure function of it, so that every node tells the same under the same IDs. */
import type { Fields, FieldValue } from '../../ledger/projection.ts';
import type { Position } from '../../ports/subscription-store.ts';
import type { FinalizedBlock, FinalizedTransaction } from '../finalized-block.ts';
import { declarationOf } from './catalogue.ts';
import { eventId } from './position.ts';

export interface Event {
  readonly id: string;
  readonly position: Position;
  readonly type: string;
  readonly height: number;
  /** Time of the block, ms. */
  readonly timeMs: number;
  /** null for what is of the block as a whole. */
  readonly transaction: EventTransaction | null;
  readonly data: Fields;
  /** Events with the same one are delivered in the order of the chain; null: no order with any. */
  readonly subject: string | null;
}

export interface EventTransaction {
  readonly sender: string;
  readonly nonce: string;
  readonly index: number;
  /** Which operation the event comes from; null for the transaction itself. */
  readonly operation: number | null;
}

/**
 * In the order of their positions: for each transaction `transaction.final`, then what its operations brought; after all
 * of them `block.final`, at the place that the next transaction would have.
 */
export function eventsOf(genesisHash: Uint8Array, block: FinalizedBlock): readonly Event[] {
  const events = block.transactions.flatMap((transaction) => ofTransaction(genesisHash, block, transaction));
  const { height, hash, proposer, transactions } = block;
  const data = { hash, transactions: transactions.length, ...(proposer !== null && { proposer }) };
  return [...events, event(genesisHash, block, [height, transactions.length, 0], 'block.final', null, data)];
}

function ofTransaction(genesisHash: Uint8Array, block: FinalizedBlock, found: FinalizedTransaction): Event[] {
  const { index, sender, nonce, label, code, logIndex, operations, events } = found;
  const about = { sender, nonce, index };
  const at = (place: number): Position => [block.height, index, place];
  const own = {
    ...{ sender, nonce, label, code, applied: code === 0 },
    operations: operations.map(({ type }) => type),
    ...(logIndex !== null && { logIndex }),
  };
  return [
    event(genesisHash, block, at(0), 'transaction.final', { ...about, operation: null }, own),
    ...events.map(({ type, data, operation }, i) =>
      event(genesisHash, block, at(i + 1), type, { ...about, operation }, data),
    ),
  ];
}

function event(
  genesisHash: Uint8Array,
  { height, timeMs }: FinalizedBlock,
  position: Position,
  type: string,
  transaction: EventTransaction | null,
  data: Fields,
): Event {
  return {
    id: eventId(genesisHash, position),
    ...{ position, type, height, timeMs, transaction, data },
    subject: subjectOf(type, data),
  };
}

function subjectOf(type: string, data: Fields): string | null {
  const names = declarationOf(type)?.subject ?? null;
  const values = names?.map((name) => data[name] as FieldValue | undefined);
  if (values === undefined || values.includes(undefined)) return null;
  return JSON.stringify([type.slice(0, type.indexOf('.')), ...values]);
}
