/** The chain as one long list of events, read by position: who has fallen behind reads on, and nothing is queued for it. */
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { AbortLike, BlockFeed, FinalBlock } from '../../ports/block-feed.ts';
import type { Position } from '../../ports/subscription-store.ts';
import { finalizedBlock } from '../finalized-block.ts';
import { type Event, eventsOf } from './event.ts';
import { type EventFilter, matches } from './filter.ts';
import { comparePositions, startOf } from './position.ts';

/**
 * Events of blocks that are kept decoded, for all readers together: those at the head read the same few blocks. Their
 * number alone bounds nothing: one may hold nearly all of the longest transaction.
 */
const MAX_EVENTS_KEPT = 20_000;
/** Bytes of their transactions; what is decoded takes a few times as much. */
const MAX_BYTES_KEPT = 33_554_432;
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
  private readonly maxBytes: number;
  private readonly kept = new Map<number, Promise<readonly Event[]>>();
  private readonly sizes = new Map<number, Size>();
  private readonly total = { events: 0, bytes: 0 };

  /** @param maxBytes of the transactions of blocks that are kept decoded. */
  constructor(crypto: CryptoProvider, genesisHash: Uint8Array, feed: BlockFeed, maxBytes = MAX_BYTES_KEPT) {
    this.crypto = crypto;
    this.genesisHash = genesisHash;
    this.feed = feed;
    this.maxBytes = maxBytes;
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
    const block = this.feed.block(height);
    const read = block.then((block) => this.eventsOf(block));
    if (height > this.height) return read;
    this.kept.set(height, read);
    Promise.all([read, block]).then(
      ([{ length: events }, block]) => this.count(height, { events, bytes: bytesOf(block) }),
      () => this.kept.delete(height),
    );
    return read;
  }

  private eventsOf(block: FinalBlock | undefined): readonly Event[] {
    return block === undefined ? [] : eventsOf(this.genesisHash, finalizedBlock(this.crypto, block));
  }

  /** Forgets what was read longest ago; the newest stays, however large. */
  private count(height: number, size: Size): void {
    const { kept, sizes, total } = this;
    if (!kept.has(height)) return;
    sizes.set(height, size);
    total.events += size.events;
    total.bytes += size.bytes;
    for (const oldest of kept.keys()) {
      if ((total.events <= MAX_EVENTS_KEPT && total.bytes <= this.maxBytes) || oldest === height) return;
      kept.delete(oldest);
      total.events -= sizes.get(oldest)?.events ?? 0;
      total.bytes -= sizes.get(oldest)?.bytes ?? 0;
      sizes.delete(oldest);
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

interface Size {
  readonly events: number;
  readonly bytes: number;
}

function bytesOf(block: FinalBlock | undefined): number {
  return (block?.transactions ?? []).reduce((sum, { length }) => sum + length, 0);
}

export interface EventsWanted {
  readonly maxEvents: number;
  readonly maxBlocks: number;
  /** A height. */
  readonly through?: number;
}
