/**
 * The SignatureVerifier port on worker threads. Checks of all callers wait in one queue until the end of the turn, and
 * each free thread takes up to 64 of them: under load, calls with one check each cost no more than one call with 64. A
 * job costs the main thread about 40 µs, nearly as much as a check itself.
 */
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import {
  type SignatureCheck,
  type SignatureVerifier,
  SignatureVerifierError,
} from '../../node-core/ports/signature-verifier.ts';
import { isPackable } from './packing.ts';
import { type Call, type Job, type QueuedCheck, WorkerThread } from './worker-thread.ts';

export interface SignatureWorkersOptions {
  /** Threads; default 1. */
  readonly workers?: number;
  /** Most checks that wait or run; a further call is refused with `overloaded`. Default 65,536. */
  readonly maxQueuedChecks?: number;
  /** For tests: another thread program. */
  readonly workerUrl?: URL;
}

const CHECKS_PER_JOB = 64;
/** Splitting a small call among threads costs more than it gains. */
const LEAST_CHECKS_PER_JOB = 8;
/** A job over which so many threads have died runs on the main thread, in pure JavaScript. */
const MAX_CRASHES = 2;

class SignatureWorkers implements SignatureVerifier {
  private readonly threads: (WorkerThread | null)[];
  /** Taken first: consensus does not wait behind the transactions of strangers. */
  private readonly urgent = new CheckQueue();
  private readonly queue = new CheckQueue();
  private readonly orphans: Job[] = [];
  private readonly options: Required<SignatureWorkersOptions>;
  private readonly calls = new Set<Call>();
  private pending = 0;
  private closed = false;
  private waiting: NodeJS.Immediate | null = null;

  constructor(options: Required<SignatureWorkersOptions>) {
    this.options = options;
    this.threads = Array.from({ length: options.workers }, (_, slot) => this.start(slot));
  }

  async verify(checks: readonly SignatureCheck[], urgent = false): Promise<readonly boolean[]> {
    if (this.closed) throw new SignatureVerifierError('closed', 'the signature workers are closed');
    // A call larger than the whole queue is let in when it comes alone: a block is never too large to be checked.
    if (!urgent && this.pending > 0 && this.pending + checks.length > this.options.maxQueuedChecks) {
      throw new SignatureVerifierError('overloaded', `${this.pending} signature checks wait already`);
    }
    return this.enqueue(checks, urgent ? this.urgent : this.queue);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.waiting !== null) clearImmediate(this.waiting);
    this.urgent.clear();
    this.queue.clear();
    for (const { reject } of this.calls)
      reject(new SignatureVerifierError('closed', 'the signature workers were closed'));
    this.calls.clear();
    await Promise.all(this.threads.map((thread) => thread?.terminate()));
  }

  private enqueue(checks: readonly SignatureCheck[], queue: CheckQueue): Promise<readonly boolean[]> {
    return new Promise((resolve, reject) => {
      const call: Call = { results: checks.map(() => false), left: 0, resolve, reject };
      for (let index = 0; index < checks.length; index++) {
        const check = checks[index]!;
        if (!isPackable(check)) continue;
        call.left++;
        queue.push({ check, call, index });
      }
      if (call.left === 0) return resolve(call.results);
      this.calls.add(call);
      this.pending += call.left;
      if (queue === this.urgent || queue.size >= CHECKS_PER_JOB) this.dispatch();
      else this.waiting ??= setImmediate(() => this.dispatch());
    });
  }

  private start(slot: number): WorkerThread {
    return new WorkerThread(
      this.options.workerUrl,
      (job, results) => {
        for (let i = 0; i < job.checks.length; i++) this.settle(job.checks[i]!, results[i] === 1);
        this.dispatch();
      },
      (orphans) => this.lost(slot, orphans),
    );
  }

  private settle({ call, index }: QueuedCheck, valid: boolean): void {
    call.results[index] = valid;
    this.pending--;
    if (--call.left > 0) return;
    this.calls.delete(call);
    call.resolve(call.results);
  }

  /** A thread has died: its jobs go first, and another takes its place when there is work, not before. */
  private lost(slot: number, orphans: Job[]): void {
    if (this.closed) return;
    this.threads[slot] = null;
    orphans.forEach((job, i) => {
      if (i === 0) job.crashes++; // Only the first was under way.
      if (job.crashes > MAX_CRASHES) this.runHere(job);
      else this.orphans.push(job);
    });
    this.dispatch();
  }

  private runHere(job: Job): void {
    for (const queued of job.checks) {
      const { key, message, signature } = queued.check;
      this.settle(queued, pureCrypto.verify(key, message, signature));
    }
  }

  /** Idle threads first, then those that have one job. */
  private dispatch(): void {
    if (this.waiting !== null) clearImmediate(this.waiting);
    this.waiting = null;
    for (const mayBeBusy of [false, true]) {
      for (let slot = 0; slot < this.threads.length; slot++) {
        const running = this.threads[slot];
        if (running && !(mayBeBusy ? running.free : running.idle)) continue;
        const job = this.nextJob();
        if (job === undefined) return;
        const thread = running ?? this.start(slot);
        this.threads[slot] = thread;
        thread.run(job);
      }
    }
  }

  private nextJob(): Job | undefined {
    const orphan = this.orphans.shift();
    if (orphan !== undefined) return orphan;
    const queue = this.urgent.size > 0 ? this.urgent : this.queue;
    const share = Math.ceil(queue.size / this.threads.length);
    const checks = queue.take(Math.min(CHECKS_PER_JOB, Math.max(LEAST_CHECKS_PER_JOB, share)));
    return checks.length === 0 ? undefined : { checks, crashes: 0 };
  }
}

/** First in, first out, without moving what remains at each take. */
class CheckQueue {
  private items: QueuedCheck[] = [];
  private head = 0;

  get size(): number {
    return this.items.length - this.head;
  }

  push(item: QueuedCheck): void {
    this.items.push(item);
  }

  take(count: number): QueuedCheck[] {
    const taken = this.items.slice(this.head, this.head + count);
    this.head += taken.length;
    if (this.head > this.items.length / 2) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return taken;
  }

  clear(): void {
    this.items = [];
    this.head = 0;
  }
}

/** Starts the threads; they stop with {@link SignatureVerifier.close}, and do not keep an idle process alive. */
export function startSignatureWorkers(options: SignatureWorkersOptions = {}): SignatureVerifier {
  const { workers = 1, maxQueuedChecks = 65_536, workerUrl = new URL('./worker.ts', import.meta.url) } = options;
  if (!Number.isInteger(workers) || workers < 1) throw new RangeError('workers: at least 1');
  return new SignatureWorkers({ workers, maxQueuedChecks, workerUrl });
}
