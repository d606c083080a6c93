/** The index in a SQLite file. Its work is synchronous: a node keeps it in a thread of its own. */
import { rmSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { concat, utf8 } from '../../node-core/codec/bytes.ts';
import { COLLECTIONS } from '../../node-core/middleware/index/collections.ts';
import { after, encodePosition, entriesOf, POSITION_BYTES } from '../../node-core/middleware/index/entries.ts';
import {
  type BlockRows,
  type Entry,
  type EntryRange,
  type IndexProgress,
  type IndexRow,
  type IndexStore,
  IndexStoreError,
} from '../../node-core/ports/index-store.ts';
import { readContent, rowContent } from './content.ts';
import { openTables, TABLES_VERSION } from './tables.ts';

/** Of every collection: its keys, each with the position of its newest row. No field has this name. */
const KEYS = '*key';

export class SqliteIndexStore implements IndexStore {
  private readonly path: string;
  private database: DatabaseSync | null = null;
  private statements = new Map<string, StatementSync>();
  /** Numbers of lists, by collection and field. */
  private lists = new Map<string, Map<string, number>>();
  private at: IndexProgress = { from: 0, watermark: -1 };
  private closed = false;

  /** @param path of the file, or `:memory:`; nothing is opened yet. */
  constructor(path: string) {
    this.path = path;
  }

  async open(identity: string, from: number): Promise<IndexProgress> {
    if (this.closed) throw closedError();
    const wanted = `${TABLES_VERSION}/${identity}`;
    try {
      this.database ??= openTables(this.path);
      if (this.meta('identity') === wanted) return this.loadProgress();
    } catch (error) {
      if (!isDamage(error)) throw explained(error);
    }
    return guarded(() => this.startAnew(wanted, from));
  }

  async clear(from: number): Promise<IndexProgress> {
    return guarded(() => this.startAnew(this.meta('identity') ?? '', from));
  }

  /** A new file rather than emptied tables: it is quick, and serves a damaged one too. */
  private startAnew(identity: string, from: number): IndexProgress {
    this.shut();
    if (this.path !== ':memory:')
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.path}${suffix}`, { force: true });
    this.database = openTables(this.path);
    this.at = { from, watermark: from - 1 };
    this.transaction(() => {
      this.setMeta('identity', identity);
      this.setMeta('from', String(from));
      this.setMeta('watermark', String(from - 1));
    });
    return this.at;
  }

  private shut(): void {
    this.database?.close();
    this.database = null;
    this.statements.clear();
    this.lists.clear();
  }

  private loadProgress(): IndexProgress {
    this.at = { from: Number(this.meta('from')), watermark: Number(this.meta('watermark')) };
    return this.at;
  }

  async apply(blocks: readonly BlockRows[]): Promise<IndexProgress> {
    return guarded(() => {
      let { watermark } = this.at;
      try {
        this.transaction(() => {
          for (const block of blocks) {
            for (const row of block.rows) this.put(row);
            if (block.height > watermark) this.run('INSERT OR IGNORE INTO ahead (height) VALUES (?)', block.height);
          }
          const isNext = 'DELETE FROM ahead WHERE height = ?';
          while (this.run(isNext, watermark + 1) > 0) watermark += 1;
          if (watermark !== this.at.watermark) this.setMeta('watermark', String(watermark));
        });
      } catch (error) {
        // Numbers of lists that were rolled back.
        this.lists.clear();
        throw error;
      }
      this.at = { from: this.at.from, watermark };
      return this.at;
    });
  }

  async progress(): Promise<IndexProgress> {
    if (this.database === null) throw closedError();
    return this.at;
  }

  private put(row: IndexRow): void {
    const collection = COLLECTIONS.get(row.collection);
    if (collection === undefined) throw new Error(`there is no collection ${row.collection}`);
    const position = encodePosition(row);
    const key = keyBytes(row.key);
    const keys = this.list(row.collection, KEYS);
    if (!collection.writtenOnce && !this.supersede(keys, key, position)) return;
    this.run('INSERT OR REPLACE INTO row (id, content) VALUES (?, ?)', rowId(position), rowContent(row));
    const entries: (number | Uint8Array)[] = [keys, concat(key, position)];
    for (const { field, at } of entriesOf(row)) entries.push(this.list(row.collection, field), at);
    // One statement for each number of entries: rows of one kind have much the same.
    const places = '(?, ?)'.concat(', (?, ?)'.repeat(entries.length / 2 - 1));
    this.run(`INSERT OR IGNORE INTO entry (list, at) VALUES ${places}`, ...entries);
  }

  /** Makes way for a newer version of the row; false when the one there is as new or newer. */
  private supersede(keys: number, key: Uint8Array, position: Uint8Array): boolean {
    const older = this.newestOf(keys, key);
    if (older === undefined) return true;
    const id = rowId(older);
    if (id >= rowId(position)) return false;
    const row = this.readRow(older);
    const remove = 'DELETE FROM entry WHERE list = ? AND at = ?';
    for (const { field, at } of entriesOf(row)) this.run(remove, this.list(row.collection, field), at);
    this.run(remove, keys, concat(key, older));
    this.run('DELETE FROM row WHERE id = ?', id);
    return true;
  }

  private newestOf(keys: number, key: Uint8Array): Uint8Array | undefined {
    const [found] = this.entries(keys, key, after(key), 1, false);
    return found?.subarray(-POSITION_BYTES);
  }

  async rows(collection: string, keys: readonly string[]): Promise<readonly (IndexRow | undefined)[]> {
    return guarded(() => {
      const list = this.knownList(collection, KEYS);
      return keys.map((key) => {
        const position = list === undefined ? undefined : this.newestOf(list, keyBytes(key));
        const row = position && this.readRow(position);
        return row?.fields === null ? undefined : row;
      });
    });
  }

  async scan(
    { collection, field, from, to }: EntryRange,
    { limit, reverse = false }: { readonly limit: number; readonly reverse?: boolean },
  ): Promise<readonly Entry[]> {
    return guarded(() => {
      const list = this.knownList(collection, field);
      if (list === undefined) return [];
      return this.entries(list, from, to, limit, reverse).map((at) => ({ at, row: this.readRow(at) }));
    });
  }

  async count({ collection, field, from, to }: EntryRange, atMost: number): Promise<number> {
    return guarded(() => {
      const list = this.knownList(collection, field);
      if (list === undefined) return 0;
      const sql = 'SELECT count(*) AS n FROM (SELECT 1 FROM entry WHERE list = ? AND at >= ? AND at < ? LIMIT ?)';
      return (this.statement(sql).get(list, from, to, atMost) as { n: number }).n;
    });
  }

  private entries(list: number, from: Uint8Array, to: Uint8Array, limit: number, reverse: boolean): Uint8Array[] {
    const sql = `SELECT at FROM entry WHERE list = ? AND at >= ? AND at < ? ORDER BY at ${reverse ? 'DESC' : 'ASC'} LIMIT ?`;
    return (this.statement(sql).all(list, from, to, limit) as { at: Uint8Array }[]).map(({ at }) => at);
  }

  /** @param entry that ends in its position. */
  private readRow(entry: Uint8Array): IndexRow {
    const found = this.statement('SELECT content FROM row WHERE id = ?').get(rowId(entry));
    if (found === undefined) throw new IndexStoreError('corrupt', 'an entry leads to no row');
    return readContent(entry, (found as { content: string }).content);
  }

  private list(collection: string, field: string): number {
    const known = this.knownList(collection, field);
    if (known !== undefined) return known;
    const { lastInsertRowid } = this.statement('INSERT INTO list (collection, field) VALUES (?, ?)').run(
      collection,
      field,
    );
    this.rememberList(collection, field, Number(lastInsertRowid));
    return Number(lastInsertRowid);
  }

  private knownList(collection: string, field: string): number | undefined {
    const known = this.lists.get(collection)?.get(field);
    if (known !== undefined) return known;
    const found = this.statement('SELECT id FROM list WHERE collection = ? AND field = ?').get(collection, field);
    if (found === undefined) return undefined;
    this.rememberList(collection, field, (found as { id: number }).id);
    return (found as { id: number }).id;
  }

  private rememberList(collection: string, field: string, id: number): void {
    const fields = this.lists.get(collection) ?? new Map<string, number>();
    this.lists.set(collection, fields.set(field, id));
  }

  private meta(name: string): string | undefined {
    return (this.statement('SELECT value FROM meta WHERE name = ?').get(name) as { value: string } | undefined)?.value;
  }

  private setMeta(name: string, value: string): void {
    this.run('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)', name, value);
  }

  private transaction(work: () => void): void {
    const database = this.opened();
    database.exec('BEGIN IMMEDIATE');
    try {
      work();
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }

  private run(sql: string, ...values: (string | number | bigint | Uint8Array)[]): number {
    return Number(this.statement(sql).run(...values).changes);
  }

  private statement(sql: string): StatementSync {
    const known = this.statements.get(sql);
    if (known !== undefined) return known;
    const made = this.opened().prepare(sql);
    this.statements.set(sql, made);
    return made;
  }

  private opened(): DatabaseSync {
    if (this.database === null) throw closedError();
    return this.database;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.shut();
  }
}

/** Keys are text without zero bytes. */
function keyBytes(key: string): Uint8Array {
  return concat(utf8(key), Uint8Array.of(0));
}

/** The position at the end of an entry as SQLite's own row number. */
function rowId(entry: Uint8Array): bigint {
  return new DataView(entry.buffer, entry.byteOffset + entry.length - POSITION_BYTES, POSITION_BYTES).getBigInt64(0);
}

function closedError(): IndexStoreError {
  return new IndexStoreError('closed', 'the index is not open');
}

async function guarded<T>(work: () => T): Promise<T> {
  try {
    return work();
  } catch (error) {
    throw explained(error);
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const DAMAGE: readonly number[] = [11, 26];

function isDamage(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return DAMAGE.includes(code) || (error instanceof IndexStoreError && error.code === 'corrupt');
}

function explained(error: unknown): unknown {
  if (error instanceof IndexStoreError || !(error instanceof Error) || !('errcode' in error)) return error;
  return new IndexStoreError(isDamage(error) ? 'corrupt' : 'unavailable', `SQLite: ${error.message}`, { cause: error });
}
