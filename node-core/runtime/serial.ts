/**
 * Runs asynchronous jobs one after the other. The chain changes only inside such jobs. Those of consensus go before
 * those that can wait: a vote is not kept behind blocks that somebody sends. Each kind keeps its order.
 */

/** In a row, while something else waits: so that a flood of votes cannot stop a node from catching up. */
const MAX_URGENT_IN_A_ROW = 32;

export type Job = () => Promise<void> | void;

interface Queued {
  readonly job: Job;
  readonly done: () => void;
}

export class Serial {
  private readonly onError: (error: unknown) => void;
  private readonly urgent: Queued[] = [];
  private readonly waiting: Queued[] = [];
  private inARow = 0;
  private running: Promise<void> | null = null;
  private closed = false;

  constructor(onError: (error: unknown) => void) {
    this.onError = onError;
  }

  /** Queues a job; resolves when it has ended, well or badly. After {@link close} jobs are dropped. */
  run(job: Job): Promise<void> {
    return this.queue(this.urgent, job);
  }

  /** The same for what can wait until consensus has nothing to do. */
  runLater(job: Job): Promise<void> {
    return this.queue(this.waiting, job);
  }

  private queue(lane: Queued[], job: Job): Promise<void> {
    return new Promise((done) => {
      lane.push({ job, done });
      this.running ??= this.work();
    });
  }

  private next(): Queued | undefined {
    const isOthersTurn = this.urgent.length === 0 || this.inARow >= MAX_URGENT_IN_A_ROW;
    const later = isOthersTurn ? this.waiting.shift() : undefined;
    this.inARow = later === undefined && this.waiting.length > 0 ? this.inARow + 1 : 0;
    return later ?? this.urgent.shift();
  }

  private async work(): Promise<void> {
    // The first job begins when the caller's turn is over.
    await Promise.resolve();
    for (let next = this.next(); next !== undefined; next = this.next()) {
      try {
        if (!this.closed) await next.job();
      } catch (error) {
        this.onError(error);
      }
      next.done();
    }
    this.running = null;
  }

  /** Resolves when the job under way has ended; queued ones are dropped. */
  async close(): Promise<void> {
    this.closed = true;
    await this.running;
  }
}
