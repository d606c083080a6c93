/** The tables of the file, and how it is opened. */
import { DatabaseSync } from 'node:sqlite';

/** Of the tables here; with another one the file is made anew. */
export const TABLES_VERSION = 1;

const TABLES = `
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS list (id INTEGER PRIMARY KEY, collection TEXT NOT NULL, field TEXT NOT NULL,
    UNIQUE (collection, field));
  CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY, content TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS entry (list INTEGER NOT NULL, at BLOB NOT NULL, PRIMARY KEY (list, at)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ahead (height INTEGER PRIMARY KEY);
`;

const PRAGMAS = `
  PRAGMA page_size = 4096;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -65536;
  PRAGMA temp_store = MEMORY;
  PRAGMA wal_autocheckpoint = 32768;
`;

/** @param path of the file, or `:memory:`. @throws what SQLite says. */
export function openTables(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec(PRAGMAS);
    database.exec(TABLES);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
