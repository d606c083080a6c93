/** Final blocks out of a ledger table, for indexes, events and deliveries. */
import type { AbortLike, BlockFeed, FinalBlock } from '../../node-core/ports/block-feed.ts';
import type { Head } from './items.ts';
import type { LedgerReader } from './ledger-reader.ts';

/** Between two looks at the head while somebody waits for a block. */
const POLL_MS = 200;

export class LedgerFeed implements BlockFeed {
  private readonly reader: LedgerReader;
  private head: Head;

  private constructor(reader: LedgerReader, head: Head) {
    this.reader = reader;
    this.head = head;
  }

  /** @throws {BropError} NOT_SYNCED */
  static async open(reader: LedgerReader): Promise<LedgerFeed> {
    return new LedgerFeed(reader, await reader.head());
  }

  /** As far as it was known at the last `refresh`: a function that has slept has not looked. */
  get height(): number {
    return this.head.height;
  }

  get firstHeight(): number {
    return this.head.firstHeight;
  }

  /** Looks where the table ends now. */
  async refresh(): Promise<void> {
    const head = await this.reader.head();
    if (head.height > this.head.height) this.head = head;
  }

  async block(height: number): Promise<FinalBlock | undefined> {
    if (height > this.height) return undefined;
    const block = await this.reader.storedBlock(height);
    if (block === undefined) await this.reader.assertKept(height);
    return block;
  }

  async waitAbove(above: number, signal: AbortLike): Promise<boolean> {
    while (this.height <= above) {
      if (signal.aborted) return false;
      await this.refresh();
      if (this.height <= above) await pause(signal);
    }
    return true;
  }
}

function pause(signal: AbortLike): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, POLL_MS);
    signal.addEventListener('abort', end);
  });
}
