/**
 * The index in a thread of its own, so that what it writes and searches holds up no vote. A thread that dies is started
 * again by the next call; those that it owed an answer fail, and whoever made them tries again.
 */
import { Worker } from 'node:worker_threads';
import type { Refusal } from '../../node-core/chain/codes.ts';
import type { Row } from '../../node-core/chain/segment.ts';
import type { IndexWriter } from '../../node-core/middleware/index/indexer.ts';
import type { RecordPage, RecordQuery, RecordSearch } from '../../node-core/middleware/query/query.ts';
import {
  type BlockRows,
  type IndexProgress,
  IndexStoreError,
  type IndexStoreErrorCode,
} from '../../node-core/ports/index-store.ts';

export interface IndexCalls extends IndexWriter<Row>, RecordSearch {
  close(): Promise<void>;
}

export interface Call {
  readonly id: number;
  readonly method: keyof IndexCalls;
  readonly args: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | {
      readonly id: number;
      readonly error: { readonly code: IndexStoreErrorCode | undefined; readonly message: string };
    };

/** Searches that wait for the thread, which writes the index as well. */
const MAX_SEARCHES = 32;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export class IndexThread implements IndexCalls {
  private readonly path: string;
  private worker: Worker | null = null;
  private opened: readonly [identity: string, from: number] | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private calls = 0;
  private searches = 0;
  private closed = false;

  /** @param path of the SQLite file; its folder is there. */
  constructor(path: string) {
    this.path = path;
  }

  async open(identity: string, from: number): Promise<IndexProgress> {
    this.opened = [identity, from];
    return this.call('open', identity, from);
  }
  apply(blocks: readonly BlockRows[]): Promise<IndexProgress> {
    return this.call('apply', blocks);
  }
  write(rows: readonly Row[]): Promise<IndexProgress> {
    return this.call(
      'write',
      rows.map(([block, commit]) => [own(block), own(commit)]),
    );
  }
  clear(from: number): Promise<IndexProgress> {
    return this.call('clear', from);
  }

  /** As `runQuery`, in the thread. @throws {IndexStoreError} */
  async search(query: RecordQuery): Promise<RecordPage | Refusal> {
    if (this.searches >= MAX_SEARCHES)
      throw new IndexStoreError('unavailable', `${MAX_SEARCHES} searches wait already`);
    this.searches += 1;
    try {
      return await this.call('search', query);
    } finally {
      this.searches -= 1;
    }
  }

  async close(): Promise<void> {
    const { worker } = this;
    if (worker !== null) await this.call('close').catch(() => {});
    this.closed = true;
    await worker?.terminate();
  }

  private call<T>(method: keyof IndexCalls, ...args: readonly unknown[]): Promise<T> {
    if (this.closed) return Promise.reject(new IndexStoreError('closed', 'the index is closed'));
    const worker = this.worker ?? this.startWorker(method);
    const id = this.calls++;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      worker.postMessage({ id, method, args } satisfies Call);
    });
  }

  private startWorker(method: keyof IndexCalls): Worker {
    const worker = new Worker(new URL('./index-worker.ts', import.meta.url), { workerData: { path: this.path } });
    this.worker = worker;
    worker.unref(); // Only the node keeps the process alive.
    worker.on('message', (answer: Answer) => this.settle(answer));
    worker.on('error', () => {}); // `exit` follows; without a listener the process would die.
    worker.on('exit', () => this.forget(worker));
    // One that takes the place of another knows nothing of its index yet.
    if (this.opened !== null && method !== 'open') void this.call('open', ...this.opened).catch(() => {});
    return worker;
  }

  private settle(answer: Answer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ('value' in answer) waiting?.resolve(answer.value as never);
    else {
      const { code, message } = answer.error;
      waiting?.reject(code === undefined ? new Error(message) : new IndexStoreError(code, message));
    }
  }

  private forget(worker: Worker): void {
    if (this.worker !== worker) return;
    this.worker = null;
    const lost = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of lost) reject(new IndexStoreError('unavailable', 'the thread of the index has ended'));
  }
}

/** What goes to another thread is copied with all of the memory that it is a part of. */
function own(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
}
