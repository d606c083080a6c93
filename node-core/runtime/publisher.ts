/** Publishes the chain's plain files while the node runs: now and then, one pass at a time, again after a failure. */

import { lastHeightOf, SEGMENT_HEIGHTS, segmentPath } from '../chain/segment.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { type Published, type PublishPorts, partialPaths, publishedIn, publishFiles } from './publish-files.ts';
import { publishedSnapshots } from './publish-snapshots.ts';

export interface PublisherParts extends Omit<PublishPorts, 'goesOn'> {
  readonly clock: Clock;
  readonly log: Log;
  /** From the end of a pass to the next one. */
  readonly everyMs: number;
  /**
   * Nobody who begins with what is in the target wants a block up to this height from elsewhere: each is there in a whole
   * segment, with its certificate, or below a snapshot there.
   */
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
  /** Segments below this number have been told of as sealed. */
  private sealed = 0;
  /** The segment of which the log has said that it is left out. */
  private leftOut: number | null = null;
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
    const { log, target } = this.parts;
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
    if (to.height > from.height || isFirst) await this.seal(Math.floor(to.height / SEGMENT_HEIGHTS));
  }

  /** Not over a segment that was left out, as long as somebody may begin before it. */
  private async seal(end: number): Promise<void> {
    const { log, target, sealed } = this.parts;
    if (sealed === undefined || this.sealed === end) return;
    const newest = (await publishedSnapshots(target)).at(-1) ?? 0;
    let next = Math.min(end, Math.max(this.sealed, Math.floor(newest / SEGMENT_HEIGHTS)));
    while (next < end && (await target.size(segmentPath(next))) !== undefined) next += 1;
    if (next < end && this.leftOut !== next) {
      this.leftOut = next;
      log.warn('a segment is not published: its beginning was never here', { path: segmentPath(next) });
    }
    if (next === this.sealed) return;
    await sealed(lastHeightOf(next - 1));
    this.sealed = next;
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel?.();
    await this.underWay;
  }
}
