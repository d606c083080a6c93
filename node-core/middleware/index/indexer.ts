/**
 * Keeps an index up with the chain: from its watermark on, block after block, in batches while it is behind. It runs
 * beside the node and never stops it: what fails is logged, counted and tried again.
 */

import type { Genesis } from '../../chain/genesis.ts';
import { toHex, utf8 } from '../../codec/bytes.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { BlockFeed } from '../../ports/block-feed.ts';
import type { Clock } from '../../ports/clock.ts';
import { type IndexProgress, type IndexStore, IndexStoreError } from '../../ports/index-store.ts';
import type { Log } from '../../ports/log.ts';
import { type BlockSource, blocksFrom, type MostAtOnce } from '../block-source.ts';
import { finalizedGenesis } from '../finalized-block.ts';
import { RetriedWork } from '../retried-work.ts';
import type { StopSignal } from '../stop-signal.ts';
import { COLLECTIONS } from './collections.ts';
import { rowsOf } from './rows.ts';

/** Of what rows and entries are made of; with another one every index is built anew. */
const INDEX_FORMAT = 1;
const AT_ONCE: MostAtOnce = { blocks: 64, bytes: 1 << 20 };
const FIRST_RETRY_MS = 500;
/** Behind by more, the index says now and then how far it is. */
const WORTH_SAYING_BLOCKS = 1_000;
const SAY_EVERY_MS = 10_000;

/** Where blocks become rows and stay. */
export interface IndexWriter<Block> extends Pick<IndexStore, 'open' | 'apply' | 'clear'> {
  /** Applies the rows of these blocks. */
  write(blocks: readonly Block[]): Promise<IndexProgress>;
}

export interface IndexerParts<Block> {
  readonly crypto: CryptoProvider;
  readonly genesis: Genesis;
  readonly source: BlockSource<Block>;
  readonly writer: IndexWriter<Block>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What an index belongs to: other chains, other forms of rows and other collections have indexes of their own. */
export function indexIdentity(crypto: CryptoProvider, { hash }: Genesis): string {
  const collections = crypto.hash('sha-256', utf8(JSON.stringify([...COLLECTIONS])));
  return `${INDEX_FORMAT}/${toHex(hash)}/${toHex(collections.slice(0, 8))}`;
}

/** The genesis is always there; a node that began from a snapshot or prunes has no blocks right after it. */
export function firstPossible({ firstHeight }: Pick<BlockFeed, 'firstHeight'>): number {
  return firstHeight <= 1 ? 0 : firstHeight;
}

/** Takes up the index where it is, or begins it anew where blocks that it lacks are no longer kept. @throws {IndexStoreError} */
export async function openIndex<Block>(parts: Omit<IndexerParts<Block>, 'clock'>): Promise<IndexProgress> {
  const { crypto, genesis, source, writer, log } = parts;
  let at = await writer.open(indexIdentity(crypto, genesis), firstPossible(source));
  if (at.watermark + 1 < source.firstHeight && at.watermark >= 0) {
    log.warn('blocks that the index lacks are no longer kept: it begins anew', { from: source.firstHeight });
    at = await writer.clear(firstPossible(source));
  }
  return at.watermark < at.from ? writer.apply([rowsOf(finalizedGenesis(crypto, genesis))]) : at;
}

/** What comes after the watermark, as much as goes into one write. @throws as `BlockFeed.block` does. */
export function nextBlocks<Block>(source: BlockSource<Block>, { watermark }: IndexProgress): Promise<Block[]> {
  return blocksFrom(source, Math.max(1, watermark + 1), AT_ONCE);
}

export class Indexer<Block> {
  private readonly parts: IndexerParts<Block>;
  private readonly retried: RetriedWork;
  private at: IndexProgress | null = null;
  private saidMs = 0;

  constructor(parts: IndexerParts<Block>) {
    this.parts = parts;
    this.retried = new RetriedWork({
      clock: parts.clock,
      firstRetryMs: FIRST_RETRY_MS,
      work: (signal) => this.follow(signal),
      failed: (error, waitMs) =>
        parts.log.error('the index failed and is tried again; the chain goes on', { waitMs, error: String(error) }),
      beforeRetry: (error) => this.mend(error),
    });
  }

  /** The watermark; −1 before the index is open. */
  get height(): number {
    return this.at?.watermark ?? -1;
  }

  /** Final blocks that are not in the index yet. */
  get lagBlocks(): number {
    return Math.max(0, this.parts.source.height - Math.max(0, this.height));
  }

  get failures(): number {
    return this.retried.failures;
  }

  start(): void {
    this.retried.start();
  }

  /** Resolves when nothing is written any more. */
  stop(): Promise<void> {
    return this.retried.stop();
  }

  private async mend(error: unknown): Promise<void> {
    const { log, writer } = this.parts;
    if (!(error instanceof IndexStoreError) || error.code !== 'corrupt') return;
    log.warn('the index is damaged and is built anew', { height: this.parts.source.height });
    // What fails here fails again above.
    await writer.clear(firstPossible(this.parts.source)).catch(() => {});
  }

  private async follow(signal: StopSignal): Promise<void> {
    const { source, writer } = this.parts;
    let at = await openIndex(this.parts);
    this.at = at;
    while (!signal.aborted) {
      if (!(await source.waitAbove(Math.max(0, at.watermark), signal))) return;
      at = await writer.write(await nextBlocks(source, at));
      this.at = at;
      this.retried.succeeded();
      this.say();
    }
  }

  private say(): void {
    const { clock, log, source } = this.parts;
    if (this.lagBlocks < WORTH_SAYING_BLOCKS || clock.now() < this.saidMs + SAY_EVERY_MS) return;
    this.saidMs = clock.now();
    log.info('the index is being built', { height: this.height, of: source.height });
  }
}
