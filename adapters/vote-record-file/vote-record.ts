import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import type { VoteRecord, VoteRecordPosition } from '../../node-core/ports/vote-record.ts';
import { type Environment, openEnvironment } from '../store-lmdb/environment.ts';
import { toStoreError } from '../store-lmdb/errors.ts';
import { assertRoom } from '../store-lmdb/room.ts';
import { decodeRecord, encodeRecord, type Recorded } from './encoding.ts';

export const MAX_RECORD_BYTES = 4 * 1024 * 1024;

export interface VoteRecordFileOptions {
  /** A folder of its own, on a local disk, never restored from a backup and never copied. */
  readonly folder: string;
  /** True at the first start of this validator's key, and only then: allows that there is no record yet. */
  readonly create?: boolean;
}

const KEY = Buffer.from('vote record');

/** Another process may be writing while we look at the file's pages: look again before calling it damaged. */
const LOOKS = 5;
const LOOK_AGAIN_MS = 20;

/**
 * The vote record in a folder, as one entry of an LMDB environment of its own.
 *
 * Why LMDB and not a file of our own: compare-and-swap needs a lock across processes that the kernel takes back from
 * the dead, around a read and a write that is whole or absent after a crash. LMDB's write transaction is exactly that
 * (a robust mutex in shared memory; pages, fdatasync, then a head of 128 bytes through O_DSYNC). A file with two slots
 * needs one flush less, but cannot tell a write that was torn by a crash from an acknowledged one that has decayed,
 * and would answer the second with the record before: a double vote. The transaction is synchronous on purpose: the
 * comparison, the write and the flush are one step of this process, and nothing can be signed in between.
 *
 * Unlike a node's store the folder is not locked for the life of the process: a second copy of the validator can take
 * over at once, and the first then loses its next compareAndSwap.
 */
export function voteRecordFile(options: VoteRecordFileOptions): VoteRecord {
  return new VoteRecordFile(resolve(options.folder), options.create ?? false);
}

class VoteRecordFile implements VoteRecord {
  readonly #folder: string;
  readonly #create: boolean;
  #environment: Environment | undefined;

  constructor(folder: string, create: boolean) {
    this.#folder = folder;
    this.#create = create;
  }

  async open(): Promise<Recorded> {
    this.#environment ??= await this.#openEnvironment();
    return this.#transaction((environment) => {
      const before = this.#stored(environment);
      if (before === undefined && !this.#create) throw this.#missing();
      const position = { epoch: (before?.position.epoch ?? 0) + 1, version: 0 };
      const next = { position, bytes: before?.bytes ?? null };
      environment.putSync(KEY, encodeRecord(next));
      return next;
    });
  }

  async read(): Promise<Recorded> {
    const environment = this.#opened();
    try {
      // A read transaction may be kept until the end of the turn: take a new one, so that the read is consistent.
      environment.resetReadTxn();
      const recorded = this.#stored(environment);
      if (recorded === undefined) throw this.#missing();
      return recorded;
    } catch (error) {
      throw toStoreError(error, 'reading the vote record', this.#folder);
    }
  }

  async compareAndSwap(expected: VoteRecordPosition, bytes: Uint8Array): Promise<VoteRecordPosition | 'lost'> {
    if (bytes.length > MAX_RECORD_BYTES) {
      throw new RangeError(`a vote record of ${bytes.length} bytes is over the limit of ${MAX_RECORD_BYTES}`);
    }
    return this.#transaction((environment) => {
      const stored = this.#stored(environment);
      if (stored === undefined) throw this.#missing();
      const { epoch, version } = stored.position;
      if (epoch !== expected.epoch || version !== expected.version) return 'lost';
      const position = { epoch, version: version + 1 };
      environment.putSync(KEY, encodeRecord({ position, bytes }));
      return position;
    });
  }

  async close(): Promise<void> {
    const environment = this.#environment;
    this.#environment = undefined;
    await environment?.close();
  }

  /** Runs `action` as one write transaction: alone among all processes, and on disk when this returns. */
  #transaction<T>(action: (environment: Environment) => T): T {
    const environment = this.#opened();
    try {
      assertRoom(this.#folder);
      return environment.transactionSync(() => action(environment));
    } catch (error) {
      throw toStoreError(error, 'writing the vote record', this.#folder);
    }
  }

  #stored(environment: Environment): Recorded | undefined {
    const bytes = environment.getBinary(KEY);
    return bytes === undefined ? undefined : decodeRecord(bytes, this.#folder);
  }

  async #openEnvironment(): Promise<Environment> {
    // Looked at before LMDB creates anything, so that a refused start leaves no traces that look like a used folder.
    if (!this.#create && !existsSync(join(this.#folder, 'FORMAT'))) throw this.#missing();
    for (let look = 1; ; look++) {
      try {
        return openEnvironment({
          folder: this.#folder,
          format: 'brop vote record 1 (lmdb)',
          mapSizeBytes: 16 * MAX_RECORD_BYTES,
          checkUpToBytes: Number.POSITIVE_INFINITY,
        });
      } catch (error) {
        if (look === LOOKS) throw toStoreError(error, 'opening the vote record', this.#folder);
        await sleep(LOOK_AGAIN_MS);
      }
    }
  }

  #opened(): Environment {
    if (this.#environment === undefined) {
      throw new StoreError('closed', `the vote record in ${this.#folder} is not open`);
    }
    return this.#environment;
  }

  #missing(): StoreError {
    return new StoreError(
      'corrupt',
      `there is no vote record in ${this.#folder}. A validator that has lost its record must rejoin with a new key; ` +
        'if this key has never been used, allow the creation of the record (its first start)',
    );
  }
}
