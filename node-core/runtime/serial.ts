/** Runs asynchronous jobs one after the other. The chain changes only inside such jobs. */
export class Serial {
  private tail: Promise<void> = Promise.resolve();
  private readonly onError: (error: unknown) => void;
  private closed = false;

  constructor(onError: (error: unknown) => void) {
    this.onError = onError;
  }

  /** Queues a job; resolves when it has ended, well or badly. After {@link close} jobs are dropped. */
  run(job: () => Promise<void> | void): Promise<void> {
    this.tail = this.tail.then(async () => {
      if (this.closed) return;
      try {
        await job();
      } catch (error) {
        this.onError(error);
      }
    });
    return this.tail;
  }

  /** Resolves when the job under way has ended; queued ones are dropped. */
  async close(): Promise<void> {
    this.closed = true;
    await this.tail;
  }
}
