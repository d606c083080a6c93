import { Worker } from 'node:worker_threads';
import type { SignatureCheck } from '../../node-core/ports/signature-verifier.ts';
import { pack } from './packing.ts';

/** A call with many checks, which it gets back all at once. */
export interface Call {
  readonly results: boolean[];
  /** Checks that are not answered yet. */
  left: number;
  readonly resolve: (results: readonly boolean[]) => void;
  readonly reject: (error: Error) => void;
}

/** A check, and which it is of its call. */
export interface QueuedCheck {
  readonly check: SignatureCheck;
  readonly call: Call;
  readonly index: number;
}

export interface Job {
  readonly checks: readonly QueuedCheck[];
  /** How many workers have died over it. */
  crashes: number;
}

/** Jobs at a thread at once: one that it works on, and the next, so that it need not wait for the main thread. */
const JOBS_PER_THREAD = 2;

/** A thread has little alive, and needs no more for what it makes and forgets. */
const YOUNG_MB = 3;

/** One worker thread with the jobs that it has. When it dies, `onExit` gets them back, in order. */
export class WorkerThread {
  private readonly worker: Worker;
  private readonly jobs: Job[] = [];

  /** @param onDone is given a job with one byte for each of its checks: 1 where the signature is valid. */
  constructor(url: URL, onDone: (job: Job, results: Uint8Array) => void, onExit: (orphans: Job[]) => void) {
    this.worker = new Worker(url, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    this.worker.unref(); // Only work keeps the process alive.
    this.worker.on('message', (results: Uint8Array) => {
      const job = this.jobs.shift()!;
      if (this.jobs.length === 0) this.worker.unref();
      onDone(job, results);
    });
    this.worker.on('error', () => {}); // `exit` follows; without a listener the process would die.
    this.worker.on('exit', () => onExit(this.jobs.splice(0)));
  }

  get free(): boolean {
    return this.jobs.length < JOBS_PER_THREAD;
  }

  get idle(): boolean {
    return this.jobs.length === 0;
  }

  run(job: Job): void {
    this.worker.ref();
    this.jobs.push(job);
    const packed = pack(job.checks.map(({ check }) => check));
    this.worker.postMessage(packed, [packed.buffer]);
  }

  async terminate(): Promise<void> {
    // What is on its way from the thread arrives during `terminate` and has nobody to go to.
    this.worker.removeAllListeners('exit');
    this.worker.removeAllListeners('message');
    this.jobs.length = 0;
    await this.worker.terminate();
  }
}
