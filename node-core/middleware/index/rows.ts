/** What one final block writes into the index: a pure function, so that any index of a chain is the same. */
import type { RowChange } from '../../ledger/projection.ts';
import { present } from '../../ledger/projection.ts';
import type { BlockRows, IndexRow } from '../../ports/index-store.ts';
import type { FinalizedBlock, FinalizedTransaction } from '../finalized-block.ts';
import { BLOCKS, TRANSACTIONS } from './collections.ts';

export function rowsOf(block: FinalizedBlock): BlockRows {
  const { height, timeMs, transactions } = block;
  const ofTransactions = transactions.flatMap((transaction) => rowsOfTransaction(block, transaction));
  const count = 1 + block.rows.length + ofTransactions.length;
  const own = [blockRow(block, count), ...block.rows].map((change, row) => ({
    ...change,
    ...{ height, transaction: 0, row, timeMs, sender: null, nonce: null },
  }));
  return { height, rows: [...own, ...ofTransactions] satisfies IndexRow[] };
}

export function rowsOfTransaction(
  { height, timeMs }: Pick<FinalizedBlock, 'height' | 'timeMs'>,
  transaction: FinalizedTransaction,
): IndexRow[] {
  const { sender, nonce, index } = transaction;
  const changes = [transactionRow(transaction), ...transaction.events.flatMap(({ rows }) => rows)];
  return changes.map((change, row) => ({ ...change, height, transaction: index + 1, row, timeMs, sender, nonce }));
}

function blockRow({ height, hash, timeMs, proposer, transactions }: FinalizedBlock, rows: number): RowChange {
  const events = transactions.reduce((sum, transaction) => sum + transaction.events.length, 0);
  const counts = { transactions: transactions.length, events, rows };
  const fields = present({ hash, blockTimeMs: timeMs, proposer: proposer ?? undefined, ...counts });
  return { collection: BLOCKS.name, key: String(height), fields };
}

function transactionRow({ id, sender, code, label, expiry, logIndex, operations }: FinalizedTransaction): RowChange {
  const type = [...new Set(operations.map((operation) => operation.type))];
  const own = { sender, code, type, label, operations: operations.length, expiry };
  return {
    collection: TRANSACTIONS.name,
    key: id,
    fields: present({ ...own, logIndex: logIndex ?? undefined }),
  };
}
