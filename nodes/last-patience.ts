/**
 * How long a node waits for what is out of reach on AWS: for ever while it runs, since it waits rather than skips, and a
 * little longer once it ends, for whatever reason, so that a vote under way is recorded if that can be.
 */
const LAST_PATIENCE_MS = 10_000;

export class LastPatience {
  private readonly over = new AbortController();

  /** Aborted when nothing is to be waited for any more. */
  get signal(): AbortSignal {
    return this.over.signal;
  }

  /** The node begins to end. */
  begin(): void {
    setTimeout(() => this.over.abort(), LAST_PATIENCE_MS).unref();
  }

  /** The node has ended. */
  end(): void {
    this.over.abort();
  }
}
