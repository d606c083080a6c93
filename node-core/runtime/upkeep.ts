/**
 * Work on old blocks, beside the chain's own and one after the other: has what is damaged fetched again, seals
 * segments that are complete, forgets what is not to be kept.
 */
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ChainStore } from './chain-store.ts';
import type { Pause } from './kept-blocks.ts';

export interface UpkeepParts {
  readonly store: ChainStore;
  readonly clock: Clock;
  readonly log: Log;
  /** How many heights are kept at least; null: all. */
  readonly retainBlocks: number | null;
  /** Blocks above this height are needed here still, whatever is to be kept. */
  readonly neededAbove?: (() => number) | undefined;
  /** Makes whole what the disk has damaged; has ended soon. */
  readonly repair?: (pause: Pause) => Promise<void>;
}

/** After a failure (a full disk, mostly) this long nothing is tried: the blocks are safe where they are. */
const RETRY_MS = 30_000;

export class Upkeep {
  private readonly parts: UpkeepParts;
  private underWay: Promise<void> | null = null;
  private cancelRetry: (() => void) | null = null;
  private wake: (() => void) | null = null;
  private stopped = false;

  constructor(parts: UpkeepParts) {
    this.parts = parts;
  }

  /** To be called at the start, after each block and now and then; what there is to do goes on beside other work. */
  look(): void {
    if (this.stopped || this.underWay !== null || this.cancelRetry !== null) return;
    this.underWay = this.work().then(
      () => this.ended(null),
      (error: unknown) => this.ended(error),
    );
  }

  private ended(error: unknown): void {
    this.underWay = null;
    if (error === null || this.stopped) return;
    const { log, clock } = this.parts;
    log.error('blocks are not sealed or pruned for now', { error: String(error), retryMs: RETRY_MS });
    this.cancelRetry = clock.schedule(RETRY_MS, () => {
      this.cancelRetry = null;
      this.look();
    });
  }

  private async work(): Promise<void> {
    const { store, retainBlocks, neededAbove = () => Number.POSITIVE_INFINITY, log } = this.parts;
    await this.parts.repair?.(this.pause);
    while (await store.blocks.sealNext(store.flushedHeight, this.pause)) {
      log.debug('a segment of blocks is sealed', { segment: store.blocks.sealed - 1 });
    }
    if (retainBlocks === null) return;
    // Places of what is pruned are flushed by then: nonces go before their blocks do.
    const keptFrom = () => Math.min(store.flushedHeight - retainBlocks, neededAbove()) + 1;
    while (await store.pruneNext(keptFrom(), this.pause)) {
      log.info('old blocks are pruned', { firstHeight: store.blocks.firstHeight });
    }
  }

  private readonly pause = async (): Promise<void> => {
    if (!this.stopped)
      await new Promise<void>((next) => {
        const cancel = this.parts.clock.schedule(0, next);
        this.wake = () => {
          cancel();
          next();
        };
      });
    if (this.stopped) throw new Error('the node stops');
  };

  /** What was under way is begun again at the next start. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelRetry?.();
    this.wake?.();
    await this.underWay;
  }
}
