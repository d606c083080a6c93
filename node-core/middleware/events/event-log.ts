/** The chain as one long list of events, read by position: who has fallen behind reads on, and nothing is queued for it. */
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { AbortLike, BlockFeed } from '../../ports/block-feed.ts';
import type { Position } from '../../ports/subscription-store.ts';
import { finalizedBlock } from '../finalized-block.ts';
import { type Event, eventsOf } from './event.ts';
import { type EventFilter, matches } from './filter.ts';
import { comparePositions, startOf } from './position.ts';

/** Events of blocks that are kept decoded, for all readers together: those at the head read the same few blocks. */
const MAX_EVENTS_KEPT = 20_000;
/** Events that one reading looks at, but for those of its last block: others want their turn. */
const MAX_LOOKED = 5_000;

export interface EventsRead {
  readonly events: readonly Event[];
  /** The first position that has not been looked at. */
  readonly next: Position;
}

export class EventLog {
  readonly genesisHash: Uint8Array;
  private readonly crypto: CryptoProvider;
  private readonly feed: BlockFeed;
  private readonly kept = new Map<number, Promise<readonly Event[]>>();
  private readonly sizes = new Map<number, number>();
  private keptEvents = 0;

  constructor(crypto: CryptoProvider, genesisHash: Uint8Array, feed: BlockFeed) {
    this.crypto = crypto;
    this.genesisHash = genesisHash;
    this.feed = feed;
  }

  /** The newest final height. */
  get height(): number {
    return this.feed.height;
  }

  /** The lowest height whose events can still be read. */
  get firstHeight(): number {
    return Math.max(1, this.feed.firstHeight);
  }

  waitAbove(height: number, signal: AbortLike): Promise<boolean> {
    return this.feed.waitAbove(height, signal);
  }

  /** All events of a height, none above `height`. @throws {BropError} PRUNED, STORE_CORRUPT */
  at(height: number): Promise<readonly Event[]> {
    const known = this.kept.get(height);
    if (known !== undefined) {
      this.kept.delete(height);
      this.kept.set(height, known);
      return known;
    }
    const read = this.read(height);
    if (height > this.height) return read;
    this.kept.set(height, read);
    read.then(
      (events) => this.count(height, events.length),
      () => this.kept.delete(height),
    );
    return read;
  }

  private async read(height: number): Promise<readonly Event[]> {
    const block = await this.feed.block(height);
    return block === undefined ? [] : eventsOf(this.genesisHash, finalizedBlock(this.crypto, block));
  }

  /** Forgets what was read longest ago; the newest stays, however large. */
  private count(height: number, size: number): void {
    if (!this.kept.has(height)) return;
    this.sizes.set(height, size);
    this.keptEvents += size;
    for (const oldest of this.kept.keys()) {
      if (this.keptEvents <= MAX_EVENTS_KEPT || oldest === height) return;
      this.kept.delete(oldest);
      this.keptEvents -= this.sizes.get(oldest) ?? 0;
      this.sizes.delete(oldest);
    }
  }

  /**
   * Events from a position on that are wanted, up to `maxEvents` of them, of at most `maxBlocks` blocks and none above
   * `through`.
   * @throws {BropError} PRUNED, STORE_CORRUPT
   */
  async from(
    position: Position,
    filter: EventFilter,
    { maxEvents, maxBlocks, through = this.height }: EventsWanted,
  ): Promise<EventsRead> {
    const events: Event[] = [];
    let next = position;
    let looked = 0;
    for (let blocks = 0; blocks < maxBlocks && looked < MAX_LOOKED && next[0] <= through; blocks++) {
      const all = await this.at(next[0]);
      looked += all.length;
      for (const event of all) {
        if (comparePositions(event.position, next) < 0 || !matches(filter, event)) continue;
        if (events.length === maxEvents) return { events, next: event.position };
        events.push(event);
      }
      next = startOf(next[0] + 1);
    }
    return { events, next };
  }
}

export interface EventsWanted {
  readonly maxEvents: number;
  readonly maxBlocks: number;
  /** A height. */
  readonly through?: number;
}
