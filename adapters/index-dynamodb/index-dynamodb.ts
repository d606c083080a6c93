/** The index in a DynamoDB table. Any number of processes may write it at once: every item is the same from each. */
import type { DynamoDBClient, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { compare, concat, equal, toHex, uint64 } from '../../node-core/codec/bytes.ts';
import { COLLECTIONS } from '../../node-core/middleware/index/collections.ts';
import { encodePosition, entriesOf, MAX_TEXT_BYTES, POSITION_BYTES } from '../../node-core/middleware/index/entries.ts';
import {
  type BlockRows,
  type Entry,
  type EntryRange,
  type IndexProgress,
  type IndexRow,
  type IndexStore,
  IndexStoreError,
} from '../../node-core/ports/index-store.ts';
import { type Item, inParallel, repeated, Table } from '../dynamodb/table.ts';
import {
  blockKey,
  entryAt,
  entryKey,
  entrySort,
  listName,
  PROGRESS,
  positionOf,
  rowItem,
  rowKey,
  rowOf,
} from './items.ts';

/** Of the items; with another one the index begins anew. */
const ITEMS_VERSION = 1;
/** Type, text, end and position. */
const LONGEST_ENTRY = 1 + MAX_TEXT_BYTES + 1 + POSITION_BYTES;
/** Blocks that the watermark moves over at once. */
const MOVED_AT_ONCE = 100;

interface State extends IndexProgress {
  readonly identity: string;
  readonly generation: number;
}

export class DynamoDbIndexStore implements IndexStore {
  private readonly table: Table;
  private generation: number | null = null;
  private closed = false;

  /** The client stays the caller's. */
  constructor(client: DynamoDBClient, tableName: string) {
    this.table = new Table(client, tableName);
  }

  /** Makes the table, for tests and where no stack has made it. */
  createTable(): Promise<void> {
    return this.guarded(() => this.table.create('B'));
  }

  open(identity: string, from: number): Promise<IndexProgress> {
    const wanted = `${ITEMS_VERSION}/${identity}`;
    return this.guarded(async () => {
      const state = await this.state();
      return progressOf(state?.identity === wanted ? this.taken(state) : await this.startAnew(state, wanted, from));
    });
  }

  /**
   * Reads from now on what somebody else keeps, as it is at this moment; never begins it anew.
   * @throws {IndexStoreError} unavailable, also while there is none of this identity.
   */
  attach(identity: string): Promise<IndexProgress> {
    return this.guarded(async () => {
      const state = await this.state();
      if (state?.identity !== `${ITEMS_VERSION}/${identity}`)
        throw new IndexStoreError('unavailable', 'the index of this chain has not been begun');
      return progressOf(this.taken(state));
    });
  }

  clear(from: number): Promise<IndexProgress> {
    return this.guarded(async () => {
      const state = await this.opened();
      return progressOf(await this.startAnew(state, state.identity, from));
    });
  }

  private async startAnew(before: State | undefined, identity: string, from: number): Promise<State> {
    const state = { identity, from, watermark: from - 1, generation: (before?.generation ?? 0) + 1 };
    const isFirst = await this.table.update({
      Key: PROGRESS,
      UpdateExpression: 'SET #i = :i, #f = :f, #w = :w, #g = :g',
      ConditionExpression: before === undefined ? 'attribute_not_exists(#g)' : '#g = :before',
      ExpressionAttributeNames: { '#i': 'identity', '#f': 'from', '#w': 'watermark', '#g': 'generation' },
      ExpressionAttributeValues: {
        ...{ ':i': { S: identity }, ':f': { N: String(from) }, ':w': { N: String(from - 1) } },
        ':g': { N: String(state.generation) },
        ...(before !== undefined && { ':before': { N: String(before.generation) } }),
      },
    });
    if (!isFirst) throw new IndexStoreError('unavailable', 'another process has begun the index anew');
    return this.taken(state);
  }

  private taken(state: State): State {
    this.generation = state.generation;
    return state;
  }

  private async state(): Promise<State | undefined> {
    const item = await this.table.get(PROGRESS);
    if (item === undefined) return undefined;
    const number = (name: string) => Number(item[name]!.N);
    const { from, watermark, generation } = {
      from: number('from'),
      watermark: number('watermark'),
      generation: number('generation'),
    };
    return { identity: item.identity!.S!, from, watermark, generation };
  }

  /** Another process may have begun anew meanwhile: what was opened is over then. */
  private async opened(): Promise<State> {
    const state = this.generation === null ? undefined : await this.state();
    if (state === undefined) throw new IndexStoreError('closed', 'the index is not open');
    if (state.generation !== this.generation)
      throw new IndexStoreError('unavailable', 'another process has begun the index anew');
    return state;
  }

  progress(): Promise<IndexProgress> {
    return this.guarded(async () => progressOf(await this.opened()));
  }

  apply(blocks: readonly BlockRows[]): Promise<IndexProgress> {
    return this.guarded(async () => {
      const { generation } = await this.opened();
      const rows = blocks.flatMap((block) => block.rows);
      const isOnce = (row: IndexRow) => collectionOf(row).writtenOnce;
      await this.table.putAll(distinct(rows.filter(isOnce).flatMap((row) => itemsOf(generation, row))));
      await inParallel(newestOf(rows.filter((row) => !isOnce(row))), (row) => this.supersede(generation, row));
      // After all of their rows.
      await this.table.putAll(distinct(blocks.map(({ height }) => blockKey(generation, height))));
      return progressOf(await this.moveWatermark());
    });
  }

  /** Row and entries in one transaction, unless the row there is as new or newer. */
  private async supersede(generation: number, row: IndexRow): Promise<void> {
    const own = encodePosition(row);
    await repeated(async () => {
      const found = await this.table.get(rowKey(generation, row.collection, row.key));
      if (found !== undefined && compare(positionOf(found), own) >= 0) return true;
      return this.table.transact(this.replacement(generation, found, row));
    });
  }

  private replacement(generation: number, found: Item | undefined, row: IndexRow): TransactWriteItem[] {
    const { name } = this.table;
    const put = itemsOf(generation, row);
    const isPut = new Set(put.map(keyTextOf));
    const old = found === undefined ? [] : entriesOf(rowOf(found));
    const gone = old
      .map((entry) => entryKey(generation, row.collection, entry))
      .filter((key) => !isPut.has(keyTextOf(key)));
    const condition =
      found === undefined
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : {
            ConditionExpression: '#p = :p',
            ExpressionAttributeNames: { '#p': 'position' },
            ExpressionAttributeValues: { ':p': { B: positionOf(found) } },
          };
    return [
      ...put.map((item, i) => ({ Put: { TableName: name, Item: item, ...(i === 0 && condition) } })),
      ...gone.map((key) => ({ Delete: { TableName: name, Key: key } })),
    ];
  }

  /** As far as blocks are there one after the other. Others move it too: it is only ever moved upwards. */
  private async moveWatermark(): Promise<State> {
    for (;;) {
      const state = await this.opened();
      const last = await this.lastContiguous(state);
      if (last === state.watermark) return state;
      await this.table.update({
        Key: PROGRESS,
        UpdateExpression: 'SET #w = :w',
        ConditionExpression: '#g = :g AND #w < :w',
        ExpressionAttributeNames: { '#w': 'watermark', '#g': 'generation' },
        ExpressionAttributeValues: { ':w': { N: String(last) }, ':g': { N: String(state.generation) } },
      });
    }
  }

  private async lastContiguous({ generation, watermark }: State): Promise<number> {
    const { Items = [] } = await this.table.query({
      KeyConditionExpression: 'pk = :pk AND sk > :sk',
      ExpressionAttributeValues: { ':pk': blockKey(generation, 0).pk, ':sk': { B: heightBytes(watermark) } },
      Limit: MOVED_AT_ONCE,
    });
    let last = watermark;
    for (const item of Items) {
      if (!equal(new Uint8Array(item.sk!.B!), heightBytes(last + 1))) break;
      last += 1;
    }
    return last;
  }

  rows(collection: string, keys: readonly string[]): Promise<readonly (IndexRow | undefined)[]> {
    return this.guarded(async () => {
      const byKey = await this.rowsByKey(collection, keys);
      return keys.map((key) => {
        const row = byKey.get(key);
        return row?.fields === null ? undefined : row;
      });
    });
  }

  private async rowsByKey(collection: string, keys: readonly string[]): Promise<ReadonlyMap<string, IndexRow>> {
    const { generation } = this;
    if (generation === null) throw new IndexStoreError('closed', 'the index is not open');
    const items = await this.table.getAll([...new Set(keys)].map((key) => rowKey(generation, collection, key)));
    return new Map(items.map((item) => rowOf(item)).map((row) => [row.key, row]));
  }

  scan(
    range: EntryRange,
    { limit, reverse = false }: { readonly limit: number; readonly reverse?: boolean },
  ): Promise<readonly Entry[]> {
    return this.guarded(async () => {
      const entries: Entry[] = [];
      const conditions = this.conditions(range);
      if (conditions === undefined) return entries;
      let from: Item | undefined;
      do {
        const { Items = [], LastEvaluatedKey } = await this.table.query({
          ...conditions,
          ScanIndexForward: !reverse,
          Limit: limit - entries.length,
          ExclusiveStartKey: from,
        });
        const rows = await this.rowsByKey(
          range.collection,
          Items.map((item) => item.key!.S!),
        );
        for (const item of Items) {
          const [at, row] = [entryAt(item), rows.get(item.key!.S!)];
          // Between the two reads the row may have changed: then this entry is gone.
          if (row !== undefined && equal(encodePosition(row), at.subarray(-POSITION_BYTES))) entries.push({ at, row });
        }
        from = LastEvaluatedKey;
      } while (from !== undefined && entries.length < limit);
      return entries;
    });
  }

  count(range: EntryRange, atMost: number): Promise<number> {
    return this.guarded(async () => {
      let count = 0;
      const conditions = this.conditions(range);
      if (conditions === undefined) return count;
      let from: Item | undefined;
      do {
        const { Count = 0, LastEvaluatedKey } = await this.table.query({
          ...conditions,
          Select: 'COUNT',
          Limit: atMost - count,
          ExclusiveStartKey: from,
        });
        count += Count;
        from = LastEvaluatedKey;
      } while (from !== undefined && count < atMost);
      return count;
    });
  }

  /** undefined when nothing can lie in the range. */
  private conditions({ collection, field, from, to }: EntryRange) {
    const { generation } = this;
    if (generation === null) throw new IndexStoreError('closed', 'the index is not open');
    const [first, last] = [entrySort(from), lastBefore(entrySort(to))];
    if (compare(first, last) > 0) return undefined;
    return {
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: {
        ...{ ':from': { B: first }, ':to': { B: last } },
        ':pk': { S: listName(generation, collection, field) },
      },
    };
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private async guarded<T>(work: () => Promise<T>): Promise<T> {
    if (this.closed) throw new IndexStoreError('closed', 'the index is closed');
    try {
      return await work();
    } catch (error) {
      if (error instanceof IndexStoreError || !isOfService(error)) throw error;
      throw new IndexStoreError('unavailable', `DynamoDB: ${error.name}: ${error.message}`, { cause: error });
    }
  }
}

function progressOf({ from, watermark }: State): IndexProgress {
  return { from, watermark };
}

function collectionOf({ collection }: IndexRow) {
  const found = COLLECTIONS.get(collection);
  if (found === undefined) throw new Error(`there is no collection ${collection}`);
  return found;
}

/** The row first, then its entries. */
function itemsOf(generation: number, row: IndexRow): Item[] {
  const key = { S: row.key };
  const entries = entriesOf(row).map((entry) => ({ ...entryKey(generation, row.collection, entry), key }));
  return [rowItem(generation, row), ...entries];
}

/** Of several versions of one row the newest: the others would be replaced at once. */
function newestOf(rows: readonly IndexRow[]): IndexRow[] {
  const newest = new Map<string, IndexRow>();
  for (const row of rows) {
    const name = `${row.collection}/${row.key}`;
    const other = newest.get(name);
    if (other === undefined || compare(encodePosition(other), encodePosition(row)) < 0) newest.set(name, row);
  }
  return [...newest.values()];
}

/** One request must not name an item twice; two of one key are the same. */
function distinct(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [keyTextOf(item), item])).values()];
}

function keyTextOf({ pk, sk }: Item): string {
  return `${pk!.S}/${toHex(new Uint8Array(sk!.B!))}`;
}

/** A range ends before `bound`, and BETWEEN includes its ends: the last of all entries that come before it. */
function lastBefore(bound: Uint8Array): Uint8Array {
  const shorter = bound.subarray(0, -1);
  const last = bound.at(-1)!;
  if (last === 0) return shorter;
  return concat(shorter, Uint8Array.of(last - 1), new Uint8Array(LONGEST_ENTRY).fill(0xff));
}

/** Before the first height there is none. */
function heightBytes(height: number): Uint8Array {
  return height < 0 ? Uint8Array.of(0) : uint64(height);
}

function isOfService(error: unknown): error is Error {
  return error instanceof Error && ('$metadata' in error || 'code' in error || '$fault' in error);
}
