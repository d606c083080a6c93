/**
 * Keeps the index up with the ledger table, and whoever has subscribed with the index. What wakes it says only that there
 * is something to do: it goes from where the index is complete to where the table ends. A wake-up that is lost, doubled or
 * out of order changes nothing but when that happens.
 */
import type { LedgerFeed } from '../../adapters/ledger-dynamodb/ledger-feed.ts';
import type { Genesis } from '../../node-core/chain/genesis.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import { type BlockSource, blockSource } from '../../node-core/middleware/block-source.ts';
import { finalizedBlock } from '../../node-core/middleware/finalized-block.ts';
import { firstPossible, type IndexWriter, nextBlocks, openIndex } from '../../node-core/middleware/index/indexer.ts';
import { rowsOf } from '../../node-core/middleware/index/rows.ts';
import type { AbortLike, FinalBlock } from '../../node-core/ports/block-feed.ts';
import type { IndexProgress, IndexStore } from '../../node-core/ports/index-store.ts';
import { IndexStoreError } from '../../node-core/ports/index-store.ts';
import type { Log } from '../../node-core/ports/log.ts';

export interface ChainIndexParts {
  readonly crypto: CryptoProvider;
  readonly genesis: Genesis;
  readonly feed: LedgerFeed;
  readonly store: IndexStore;
  /** Matches events with subscriptions and wakes those that want them. @returns up to which height that has been done. */
  readonly notify: (signal: AbortLike) => Promise<number>;
  readonly log: Log;
}

export interface Reached {
  /** All rows up to this height are in the index. */
  readonly indexed: number;
  /** All events up to this height have found their subscriptions. */
  readonly matched: number;
  /** The newest height of the table. */
  readonly height: number;
}

export class ChainIndex {
  private readonly parts: ChainIndexParts;
  private readonly source: BlockSource<FinalBlock>;
  private readonly writer: IndexWriter<FinalBlock>;
  private opened = false;

  constructor(parts: ChainIndexParts) {
    this.parts = parts;
    const { crypto, feed, store } = parts;
    this.source = sourceOf(feed);
    this.writer = {
      open: (identity, from) => store.open(identity, from),
      apply: (blocks) => store.apply(blocks),
      clear: (from) => store.clear(from),
      write: (blocks) => store.apply(blocks.map((block) => rowsOf(finalizedBlock(crypto, block)))),
    };
  }

  /** @param signal ends it between two writes: what is left is for the next time. @throws {IndexStoreError | BropError} */
  async catchUp(signal: AbortLike): Promise<Reached> {
    const { feed, notify } = this.parts;
    await feed.refresh();
    let at = await this.progress();
    while (at.watermark < feed.height && !signal.aborted)
      at = await this.kept(async () => this.writer.write(await nextBlocks(this.source, at)));
    const matched = signal.aborted ? -1 : await notify(signal);
    return { indexed: at.watermark, matched, height: feed.height };
  }

  /** Others write it too, and may have begun it anew. */
  private async progress(): Promise<IndexProgress> {
    const { crypto, genesis, store, log } = this.parts;
    if (this.opened) return this.kept(() => store.progress());
    const at = await openIndex({ crypto, genesis, source: this.source, writer: this.writer, log });
    this.opened = true;
    return at;
  }

  /** After an error the index is opened again; one that is damaged is made again. */
  private async kept<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.opened = false;
      if (error instanceof IndexStoreError && error.code === 'corrupt') {
        this.parts.log.warn('the index is damaged and is built anew', { height: this.source.height });
        await this.writer.clear(firstPossible(this.source));
      }
      throw error;
    }
  }
}

function sourceOf(feed: LedgerFeed): BlockSource<FinalBlock> {
  return blockSource(feed, {
    read: async (height) => {
      const block = await feed.block(height);
      if (block === undefined) throw new Error(`the ledger table has no block ${height} and ends at ${feed.height}`);
      return block;
    },
    sizeBytes: ({ transactions }) => transactions.reduce((sum, { length }) => sum + length, 0),
  });
}
