import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RangeOptions, Transaction } from 'lmdb';
import { compare } from '../../node-core/codec/bytes.ts';
import { type KeyValueStore, type ReadView, StoreError, type Write } from '../../node-core/ports/key-value-store.ts';
import { type Environment, openEnvironment } from './environment.ts';
import { commitFailure, toStoreError } from './errors.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { MAX_VALUE_BYTES, zstdPacking } from './packing.ts';
import { assertRoom } from './room.ts';

export const MAX_KEY_BYTES = 511;

export interface LmdbStoreOptions {
  /** Created when it does not exist. One process at a time may have it open. */
  readonly folder: string;
  /** What the rows are, for who changes that; a folder that was made for something else is refused. */
  readonly format?: string;
  /** Address space, not memory and not disk: LMDB keeps old maps when it outgrows one, so that one large map is best. */
  readonly mapSizeBytes?: number;
  /** Up to this file size every tree page is checked at opening; 1 GB takes about 0.4 s. */
  readonly checkUpToBytes?: number;
}

/** Entries that a range reads ahead: few at first, as many callers want only one. */
const FIRST_PAGE = 16;
const LARGEST_PAGE = 1024;
const LARGEST_PAGE_BYTES = 1024 * 1024;

interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

interface ReadOptions {
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** Reads of a view name its transaction; others see the newest. */
interface Within {
  readonly transaction?: Transaction;
}

/**
 * Opens the embedded store of a node.
 *
 * @throws {StoreError} 'locked' when another process has the folder open, 'corrupt' when its data are damaged, 'full'
 *   or 'io' when the operating system refuses.
 * @example
 * const store = await openLmdbStore({ folder: '/var/lib/brop/chain' });
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<KeyValueStore> {
  const folder = resolve(options.folder);
  let lock: FolderLock | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    lock = lockFolder(folder);
    const environment = openEnvironment({
      folder,
      format: options.format ?? 'brop key-value store 2 (lmdb)',
      mapSizeBytes: options.mapSizeBytes ?? 16 * 1024 ** 3,
      checkUpToBytes: options.checkUpToBytes ?? 1024 ** 3,
    });
    return new LmdbStore(folder, environment, lock);
  } catch (error) {
    lock?.release();
    throw toStoreError(error, 'opening the store', folder);
  }
}

class LmdbStore implements KeyValueStore {
  readonly packing = zstdPacking;
  readonly #folder: string;
  readonly #environment: Environment;
  readonly #lock: FolderLock;
  /** Settles when the last write called so far has; never rejects. */
  #tail: Promise<unknown> = Promise.resolve();
  #failure: StoreError | undefined;
  #closing: Promise<void> | undefined;
  readonly #views = new Set<ReadView>();

  constructor(folder: string, environment: Environment, lock: FolderLock) {
    this.#folder = folder;
    this.#environment = environment;
    this.#lock = lock;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    return this.#get(key, {});
  }

  range(from: Uint8Array, to: Uint8Array, options: ReadOptions = {}): Iterable<Entry> {
    this.#assertOpen();
    return this.#range(from, to, options, () => this.#assertOpen(), {});
  }

  /** One of LMDB's read transactions, kept until the view is closed. */
  snapshot(): ReadView {
    this.#assertOpen();
    const transaction = this.#environment.useReadTransaction();
    const inView = { transaction };
    let isOpen = true;
    const assertOpen = () => {
      if (!isOpen) throw new StoreError('closed', `the view of the store in ${this.#folder} is closed`);
    };
    const view: ReadView = {
      packing: this.packing,
      get: (key) => {
        assertOpen();
        return this.#get(key, inView);
      },
      range: (from, to, options = {}) => {
        assertOpen();
        return this.#range(from, to, options, assertOpen, inView);
      },
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#views.delete(view);
        transaction.done();
      },
    };
    this.#views.add(view);
    return view;
  }

  #get(key: Uint8Array, within: Within): Uint8Array | undefined {
    assertKey(key);
    try {
      const value = this.#environment.get(key, within);
      return value === undefined ? undefined : plain(value);
    } catch (error) {
      throw toStoreError(error, 'reading', this.#folder);
    }
  }

  #range(from: Uint8Array, to: Uint8Array, options: ReadOptions, assertOpen: () => void, within: Within) {
    const { limit = Number.POSITIVE_INFINITY, reverse = false } = options;
    // The least key is one zero byte, so that an empty lower bound is the same as that one.
    const low = from.length === 0 ? new Uint8Array(1) : from;
    if (compare(low, to) >= 0 || limit <= 0) return [];
    return this.#entries(low, to, limit, reverse, assertOpen, within);
  }

  /**
   * Takes a page of entries at a time and ends LMDB's cursor before it yields them: a cursor that a caller left open
   * would pin old pages for good, and the process dies of a SIGSEGV if the environment is closed under it.
   */
  *#entries(
    from: Uint8Array,
    to: Uint8Array,
    limit: number,
    reverse: boolean,
    assertOpen: () => void,
    within: Within,
  ): Generator<Entry> {
    let rest = limit;
    let [low, high, afterLow] = [from, to, false];
    for (let size = FIRST_PAGE; ; size = Math.min(2 * size, LARGEST_PAGE)) {
      const bounds = reverse
        ? { start: high, exclusiveStart: true, end: low, inclusiveEnd: true, reverse }
        : { start: low, exclusiveStart: afterLow, end: high };
      assertOpen();
      const { entries, more } = this.#page({ ...bounds, ...within, limit: Math.min(rest, size) });
      yield* entries;
      rest -= entries.length;
      const last = entries.at(-1);
      if (last === undefined || rest <= 0 || !more) return;
      if (reverse) high = last.key;
      else [low, afterLow] = [last.key, true];
    }
  }

  #page(bounds: RangeOptions & { limit: number }): { entries: Entry[]; more: boolean } {
    try {
      const entries: Entry[] = [];
      let bytes = 0;
      for (const { key, value } of this.#environment.getRange(bounds)) {
        entries.push({ key: plain(key), value: plain(value) });
        bytes += value.length;
        if (bytes > LARGEST_PAGE_BYTES) break;
      }
      return { entries, more: entries.length === bounds.limit || bytes > LARGEST_PAGE_BYTES };
    } catch (error) {
      throw toStoreError(error, 'reading a range', this.#folder);
    }
  }

  async write(batch: readonly Write[]): Promise<void> {
    this.#assertOpen();
    for (const { key, value } of batch) {
      assertKey(key);
      if (value !== null && value.length > MAX_VALUE_BYTES) {
        throw new RangeError(`a value of ${value.length} bytes is over the limit of ${MAX_VALUE_BYTES}`);
      }
    }
    const copied = copy(batch);
    const committed = this.#tail.then(() => this.#commit(copied));
    this.#tail = committed.catch(() => {});
    return committed;
  }

  /**
   * One transaction for the batch. After a failure nothing is written until the store is opened anew: what a disk does
   * after a failed flush is not known, batches that wait were made on top of the one that is missing, and lmdb-js
   * never answers once LMDB has given up its environment (WriteWorker::Write returns with its lock held).
   */
  async #commit(batch: readonly Write[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (batch.length === 0) return;
    try {
      assertRoom(this.#folder);
      await this.#environment.batch(() => {
        for (const { key, value } of batch) {
          // Rejected together with the batch; a second handler would only repeat it.
          if (value === null) void this.#environment.remove(key);
          else void this.#environment.put(key, value);
        }
      });
    } catch (error) {
      this.#failure = toStoreError(await commitFailure(error), `writing ${batch.length} entries`, this.#folder);
      throw this.#failure;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#tail.then(async () => {
      // LMDB must not be closed under a transaction that is in use.
      for (const view of [...this.#views]) view.close();
      try {
        await this.#environment.close();
      } finally {
        this.#lock.release();
      }
    });
    return this.#closing;
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new StoreError('closed', `the store in ${this.#folder} is closed`);
  }
}

/** A caller's mistake, not the store's: it throws RangeError, before anything is changed. */
function assertKey(key: Uint8Array): void {
  if (key.length < 1 || key.length > MAX_KEY_BYTES) {
    throw new RangeError(`a key of ${key.length} bytes: keys have 1 to ${MAX_KEY_BYTES}`);
  }
}

/**
 * lmdb-js reads the values on another thread until the commit, so that a caller who reuses a buffer would change what
 * is stored. One block of memory for all of them is also quicker for it than many small ones.
 */
function copy(batch: readonly Write[]): Write[] {
  let size = 0;
  for (const { key, value } of batch) size += key.length + (value?.length ?? 0);
  const block = new Uint8Array(size);
  let position = 0;
  const take = (bytes: Uint8Array): Uint8Array => {
    block.set(bytes, position);
    position += bytes.length;
    return block.subarray(position - bytes.length, position);
  };
  return batch.map(({ key, value }) => ({ key: take(key), value: value === null ? null : take(value) }));
}

/** lmdb-js copies out of its map, into a Buffer; `slice` of a Buffer shares memory where `slice` of bytes copies. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
