import type { AuditEntry, AuditLog } from '../../node-core/ports/audit-log.ts';
import type { Log } from '../../node-core/ports/log.ts';
import type { Table } from '../dynamodb/table.ts';

const KEPT_SECONDS = 400 * 86_400;
/** Entries of one account in the same millisecond, beyond which one is given up. */
const TRIES = 100;

export interface FlushedAuditLog extends AuditLog {
  /** Resolves when what was appended is written, or logged as lost: a function that has answered may stand still. */
  flush(): Promise<void>;
}

/** The AuditLog port: one item for each entry, under its account. */
export function dynamoDbAuditLog(table: Table, log: Log): FlushedAuditLog {
  const writing = new Set<Promise<void>>();

  async function write(entry: Omit<AuditEntry, 'number'>): Promise<void> {
    const { account, timeMs } = entry;
    for (let i = 0; i < TRIES; i++) {
      const number = timeMs * 1_000 + i;
      const isFree = await table.put({
        Item: {
          ...{ pk: { S: nameOf(account) }, sk: { S: numberText(number) } },
          entry: { S: JSON.stringify({ number, ...entry } satisfies AuditEntry) },
          expires: { N: String(Math.ceil(timeMs / 1_000) + KEPT_SECONDS) },
        },
        ConditionExpression: 'attribute_not_exists(pk)',
      });
      if (isFree) return;
    }
    throw new Error(`${TRIES} entries of one account in a millisecond`);
  }

  return {
    append: (entry) => {
      const written = write(entry)
        .catch((error: unknown) => log.error('the audit log cannot be written', { error: String(error) }))
        .finally(() => writing.delete(written));
      writing.add(written);
    },
    of: async (account, before, limit) => {
      const { Items = [] } = await table.query({
        KeyConditionExpression: 'pk = :pk AND sk < :before',
        ExpressionAttributeValues: { ':pk': { S: nameOf(account) }, ':before': { S: numberText(before) } },
        ScanIndexForward: false,
        Limit: limit,
      });
      return Items.map((item) => JSON.parse(item.entry!.S!) as AuditEntry);
    },
    flush: async () => void (await Promise.all(writing)),
  };
}

function nameOf(account: string): string {
  return `audit/${account}`;
}

/** Sorts as numbers do. */
function numberText(number: number): string {
  return String(Math.min(number, Number.MAX_SAFE_INTEGER)).padStart(16, '0');
}
