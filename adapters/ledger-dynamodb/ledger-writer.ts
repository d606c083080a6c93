/**
 * Copies final blocks of a node into a ledger table, one after the other, from where the table ends. It runs beside the
 * node and never stops it: what fails is logged and tried again, and nothing is ever passed over.
 *
 * Everything of a block is written before the head moves over it, and a transaction's item after its block: whoever finds
 * one has all that its receipt is made of. Writing anything again changes nothing, so that a crash at any point is gone
 * on from, and several nodes may write at once.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BropError } from '../../node-core/chain/codes.ts';
import { decodeHeader } from '../../node-core/chain/header.ts';
import { equal, keyText } from '../../node-core/codec/bytes.ts';
import { type BlockSource, blockSource, blocksFrom, type MostAtOnce } from '../../node-core/middleware/block-source.ts';
import { RetriedWork } from '../../node-core/middleware/retried-work.ts';
import type { StopSignal } from '../../node-core/middleware/stop-signal.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { LedgerBlock, LedgerSource } from '../../node-core/ports/ledger-source.ts';
import type { Log } from '../../node-core/ports/log.ts';
import { type Item, Table } from '../dynamodb/table.ts';
import {
  blockItems,
  contentOf,
  GENESIS,
  HEAD_KEY,
  type Head,
  headOf,
  partItems,
  partKey,
  recordKey,
  setChangeItem,
  statusText,
  transactionItem,
} from './items.ts';

/** Is written before the head moves. */
const AT_ONCE: MostAtOnce = { blocks: 32, bytes: 2 << 20 };
const FIRST_RETRY_MS = 200;
/** Account records of senders that this process has written already. */
const MAX_KNOWN_RECORDS = 10_000;

export interface LedgerWriterParts {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly source: LedgerSource;
  readonly clock: Clock;
  readonly log: Log;
}

export class LedgerWriter {
  private readonly parts: LedgerWriterParts;
  private readonly table: Table;
  private readonly blocks: BlockSource<LedgerBlock>;
  private readonly retried: RetriedWork;
  private readonly knownRecords = new Set<string>();
  private knownChanges = 0;
  private at = -1;

  constructor(parts: LedgerWriterParts) {
    this.parts = parts;
    this.table = new Table(parts.client, parts.tableName);
    const { source, clock, log } = parts;
    this.blocks = blockSource(source, {
      read: (height) => source.ledgerBlock(height),
      sizeBytes: ({ block }) => block.transactions.reduce((sum, { length }) => sum + length, 0),
    });
    this.retried = new RetriedWork({
      clock,
      firstRetryMs: FIRST_RETRY_MS,
      work: (signal) => this.follow(signal),
      failed: (error, waitMs) => {
        const fields = { waitMs, table: this.at, chain: source.height, error: String(error) };
        log.error('the ledger table cannot be written and is tried again; the chain goes on', fields);
      },
    });
  }

  /** The newest height of the table; −1 before it is known. */
  get height(): number {
    return this.at;
  }

  /** Final blocks that are not in the table yet. */
  get lagBlocks(): number {
    return Math.max(0, this.parts.source.height - Math.max(0, this.at));
  }

  get failures(): number {
    return this.retried.failures;
  }

  start(): void {
    this.retried.start();
  }

  /** Resolves when nothing is written any more. */
  stop(): Promise<void> {
    return this.retried.stop();
  }

  private async follow(signal: StopSignal): Promise<void> {
    const { source } = this.parts;
    await this.claim();
    let head = await this.head();
    this.at = head?.height ?? 0;
    while (await source.waitAbove(this.at, signal)) {
      head = await this.append(head);
      this.at = head.height;
      this.retried.succeeded();
    }
  }

  /** @throws {BropError} STORE_OTHER_CHAIN */
  private async claim(): Promise<void> {
    const { genesis } = this.parts.source;
    const [first, ...others] = partItems(GENESIS, genesis);
    const found = await this.table.get(partKey(GENESIS, 0));
    if (found !== undefined && !equal(contentOf(found), contentOf(first!)))
      throw new BropError('STORE_OTHER_CHAIN', `table ${this.table.name}`);
    if (found !== undefined) return;
    await this.table.putAll(others);
    await this.table.putAll([first!]);
  }

  private async head(): Promise<Head | undefined> {
    const item = await this.table.get(HEAD_KEY);
    return item === undefined ? undefined : headOf(item);
  }

  /** Writes the next blocks and moves the head over them, unless somebody else has. */
  private async append(before: Head | undefined): Promise<Head> {
    const { source } = this.parts;
    const firstHeight = before?.firstHeight ?? Math.max(1, source.firstHeight);
    const next = before === undefined ? firstHeight : before.height + 1;
    if (next < source.firstHeight)
      throw new BropError(
        'PRUNED',
        `the table ends at ${next - 1}, the node keeps blocks from ${source.firstHeight} on`,
      );
    const blocks = await blocksFrom(this.blocks, next, AT_ONCE);
    await this.write(blocks);
    return this.moveHead(before, firstHeight, blocks.at(-1)!);
  }

  private async write(blocks: readonly LedgerBlock[]): Promise<void> {
    const parts = blocks.map(({ block }) => blockItems(block));
    const records = this.newRecords(blocks);
    const through = blocks.at(-1)!.block.header.height;
    const { changes, count } = this.newChanges(through);
    await this.table.putAll([...parts.flatMap(([, ...others]) => others), ...records.values(), ...changes]);
    await this.table.putAll(parts.map(([first]) => first!));
    await this.table.putAll(blocks.flatMap(transactionItems));
    // What failed before here is written again.
    this.knownChanges = count;
    if (this.knownRecords.size + records.size > MAX_KNOWN_RECORDS) this.knownRecords.clear();
    for (const name of records.keys()) this.knownRecords.add(name);
  }

  private newRecords(blocks: readonly LedgerBlock[]): ReadonlyMap<string, Item> {
    const records = new Map<string, Item>();
    for (const { block, receipts } of blocks) {
      for (const [i, { sender }] of receipts.entries()) {
        const digest = block.results[i]![4];
        const name = keyText(digest);
        if (!this.knownRecords.has(name)) records.set(name, { ...recordKey(digest), record: { B: sender } });
      }
    }
    return records;
  }

  /** Those at the end of a block up to `through`; all of them the first time. */
  private newChanges(through: number): { readonly changes: readonly Item[]; readonly count: number } {
    const all = this.parts.source.setChanges().map((change) => ({ change, height: decodeHeader(change[0]).height }));
    const reached = all.filter(({ height }) => height <= through);
    const changes = reached.slice(this.knownChanges).map(({ change, height }) => setChangeItem(height, change));
    return { changes, count: reached.length };
  }

  private async moveHead(
    before: Head | undefined,
    firstHeight: number,
    { block: { header } }: LedgerBlock,
  ): Promise<Head> {
    const { height, timeMs, logSize } = header;
    const own = { height, timeMs, logSize, firstHeight, consensus: null };
    const status = { ...(await this.parts.source.status()), ...own };
    const moved = await this.table.put({
      Item: {
        ...HEAD_KEY,
        ...{ height: { N: String(height) }, firstHeight: { N: String(firstHeight) } },
        status: { S: statusText(status) },
      },
      ExpressionAttributeNames: { '#h': 'height' },
      ...(before === undefined
        ? { ConditionExpression: 'attribute_not_exists(#h)' }
        : { ConditionExpression: '#h = :h', ExpressionAttributeValues: { ':h': { N: String(before.height) } } }),
    });
    if (moved) return { height, firstHeight, status };
    const found = await this.head();
    if (found === undefined) throw new Error('the head of the ledger table is gone');
    return found;
  }
}

/** One request must not name an item twice: a pair of sender and nonce is in a block once. */
function transactionItems({ block, receipts }: LedgerBlock): Item[] {
  return receipts.map((receipt, index) => transactionItem(receipt, block.header.height, index));
}
