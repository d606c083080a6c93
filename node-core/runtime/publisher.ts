/** Publishes the chain's plain files while the node runs: now and then, one pass at a time, again after a failure. */

import { lastHeightOf, SEGMENT_HEIGHTS } from '../chain/segment.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { type Published, type PublishPorts, partialPaths, publishedIn, publishFiles } from './publish-files.ts';

export interface PublisherParts extends Omit<PublishPorts, 'goesOn'> {
  readonly clock: Clock;
  readonly log: Log;
  /** From the end of a pass to the next one. */
  readonly everyMs: number;
  /** All blocks up to this height are in the target in whole segments, with their certificates. */
  readonly sealed?: ((height: number) => Promise<void>) | undefined;
}

/** After a failure: from this to 60 times as long. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

export class Publisher {
  private readonly parts: PublisherParts;
  private readonly ports: PublishPorts;
  private published: Published | null = null;
  /** What the anchor before the newest named: who has just read that one may still want it. */
  private stale: readonly string[] = [];
  private failures = 0;
  private cancel: (() => void) | null = null;
  private underWay: Promise<void> | null = null;
  private stopped = false;

  constructor(parts: PublisherParts) {
    this.parts = parts;
    this.ports = { ...parts, goesOn: () => !this.stopped };
  }

  /** Height up to which all is published; 0 before the first look at the target. */
  get height(): number {
    return this.published?.height ?? 0;
  }

  start(): void {
    this.next(0);
  }

  private next(delayMs: number): void {
    if (this.stopped) return;
    this.cancel = this.parts.clock.schedule(delayMs, () => {
      this.underWay = this.pass().then((waitMs) => this.next(waitMs));
    });
  }

  /** Never rejects; resolves with the wait until the next one. */
  private async pass(): Promise<number> {
    const { log, everyMs } = this.parts;
    try {
      await this.publish();
      if (this.failures > 0) log.info('publishing goes on', { height: this.height });
      this.failures = 0;
      return everyMs;
    } catch (error) {
      const retryMs = Math.min(RETRY_MS * 2 ** this.failures, MAX_RETRY_MS);
      this.failures += 1;
      if (!this.stopped) log.warn('files could not be published', { error: String(error), retryMs });
      return retryMs;
    }
  }

  private async publish(): Promise<void> {
    const { log, target, sealed } = this.parts;
    const from = this.published ?? (await publishedIn(this.ports));
    const to = await publishFiles(this.ports, from);
    const isFirst = this.published === null;
    this.published = to;
    if (to.height > from.height) {
      log.debug('files are published', { ...to });
      const named = new Set([...partialPaths(from), ...partialPaths(to)]);
      for (const path of this.stale) if (!named.has(path)) await target.remove(path);
      this.stale = partialPaths(from);
    }
    if (to.height === from.height && !isFirst) return;
    const whole = Math.floor(to.height / SEGMENT_HEIGHTS);
    if (whole > 0) await sealed?.(lastHeightOf(whole - 1));
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel?.();
    await this.underWay;
  }
}
