/**
 * Tells subscribers: follows the chain, finds who wants each event, wakes their endpoints, and keeps how far all of them
 * are.
 *
 * What is kept is written once a second, and never before a message is sent: a dispatcher that dies between sending and
 * writing sends again, under the same ID, what it sent last. It cannot leave anything out: the watermark is written with
 * the progress of whoever it has found, or after it.
 */
import { BropError } from '../../chain/codes.ts';
import type { AuditLog } from '../../ports/audit-log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type {
  Attempt,
  DisabledReason,
  Progress,
  Subscribed,
  Subscription,
  SubscriptionChange,
  SubscriptionStore,
} from '../../ports/subscription-store.ts';
import type { Event } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { startOf } from '../events/position.ts';
import { SubscriptionIndex } from '../events/subscription-index.ts';
import { StopSignal } from '../stop-signal.ts';
import { Endpoint, type EndpointParts } from './endpoint.ts';
import { disabledEntry, disabledMessage, newNoticeId } from './owner-notice.ts';
import { Payloads, type Receipts } from './payload.ts';
import { SendSlots } from './send-slots.ts';
import { type Outcome, outcomeOf } from './tally.ts';

export interface DispatcherParts extends Pick<EndpointParts, 'transport' | 'random' | 'master' | 'sign'> {
  readonly store: SubscriptionStore;
  readonly events: EventLog;
  readonly receipts: Receipts;
  readonly clock: Clock;
  readonly log: Log;
  readonly slots?: SendSlots;
  /** Where owners read that an endpoint of theirs has been disabled. */
  readonly audit?: AuditLog;
}

const WRITE_EVERY_MS = 1_000;
/** Between two tries while nothing can be written, each wait twice the one before. */
const MAX_RETRY_MS = 60_000;
/** A block that cannot be read is asked for again: it is being repaired. */
const READ_AGAIN_MS = 5_000;

export class Dispatcher {
  private readonly parts: DispatcherParts;
  private readonly endpointParts: EndpointParts;
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly index = new SubscriptionIndex();
  /** Attempts since the start, by what came of them. */
  readonly attempted: Record<Outcome, number> = { accepted: 0, refused: 0, unanswered: 0 };
  private readonly stopping = new StopSignal();
  /** Everything up to here has been matched. */
  private height: number;
  private writtenHeight: number;
  private moved = new Set<string>();
  private attempts: SubscriptionChange[] = [];
  private cancelWrite: (() => void) | null = null;
  private writing: Promise<void> = Promise.resolve();
  /** After a write that failed: until the next one; 0 as long as all is well. */
  private retryMs = 0;
  private following: Promise<void> = Promise.resolve();

  private constructor(parts: DispatcherParts, height: number, subscribed: readonly Subscribed[]) {
    this.parts = parts;
    this.height = height;
    this.writtenHeight = height;
    const { events, transport, random, master, sign, clock, log, slots = new SendSlots() } = parts;
    const payloads = new Payloads(parts.receipts);
    this.endpointParts = {
      ...{ events, transport, random, master, sign, clock, log, slots },
      payload: (event) => payloads.of(event),
      matched: () => this.height,
      attempted: (of, attempt) => this.note({ attempt, of }),
      moved: (id) => {
        this.moved.add(id);
        this.writeSoon();
      },
      disabled: (subscription, reason) => this.tellOwner(subscription, reason),
    };
    for (const one of subscribed) this.add(one);
  }

  /** @throws {StoreError} */
  static async open(parts: DispatcherParts): Promise<Dispatcher> {
    const { store, events } = parts;
    const [subscribed, watermark] = [await store.all(), await store.watermark()];
    // Whoever subscribes first wants what comes; a chain that was made anew has less than was matched.
    const height = Math.min(watermark ?? events.height, events.height);
    // From here on nothing is passed over, whenever this process ends.
    if (watermark === undefined) await store.write([{ watermark: height }]);
    return new Dispatcher(parts, height, subscribed);
  }

  start(): void {
    for (const endpoint of this.endpoints.values()) endpoint.pump();
    this.following = this.follow();
  }

  private async follow(): Promise<void> {
    const { events, log, clock } = this.parts;
    // Who is behind is not waited for: that it stops has to be seen here.
    while (!this.stopping.aborted && (await events.waitAbove(this.height, this.stopping))) {
      try {
        await this.matchNext();
      } catch (error) {
        log.error('events cannot be read', { height: this.height + 1, error: String(error) });
        if (error instanceof BropError && error.code === 'PRUNED') this.passOver();
        else await this.stopping.pause(clock, READ_AGAIN_MS);
      }
    }
  }

  private async matchNext(): Promise<void> {
    const { events, clock } = this.parts;
    if (this.endpoints.size === 0) {
      // Nobody wants anything of what has been, and whoever comes begins where this is.
      this.height = events.height;
      return;
    }
    const height = this.height + 1;
    const isBehind = events.height > height;
    const found = await events.at(height);
    if (this.stopping.aborted) return;
    this.height = height;
    for (const [id, events] of this.wanted(found)) this.endpoints.get(id)?.wake(events);
    this.writeSoon();
    // Many blocks may be waiting, and so may others.
    if (isBehind) await this.stopping.pause(clock, 0);
  }

  /** Blocks that are no longer kept: each endpoint reads on from there, and its owner is told that it cannot. */
  private passOver(): void {
    const lost = startOf(this.height + 1);
    this.height = Math.max(this.height + 1, this.parts.events.firstHeight - 1);
    for (const endpoint of this.endpoints.values()) endpoint.fallBehind(lost);
    this.writeSoon();
  }

  /** In the audit log, which every account reads for itself, and at once by its other endpoints. */
  private tellOwner({ id, owner }: Subscription, reason: DisabledReason): void {
    const { audit, random, clock } = this.parts;
    const endpoint = { subscription: id, reason };
    audit?.append(disabledEntry(owner, endpoint, clock.now()));
    const message = disabledMessage(endpoint, newNoticeId(random), clock.now());
    for (const other of this.ofOwner(owner)) if (other.subscription.id !== id) void other.tell(message);
  }

  /** Who wants which of a block's events: only those that share a value with one of them are looked at. */
  private wanted(events: readonly Event[]): ReadonlyMap<string, readonly Event[]> {
    const wanted = new Map<string, Event[]>();
    for (const event of events) {
      for (const id of this.index.of(event)) {
        const own = wanted.get(id);
        if (own === undefined) wanted.set(id, [event]);
        else own.push(event);
      }
    }
    return wanted;
  }

  /** The height up to which everybody who wanted anything has been found. */
  get matchedHeight(): number {
    return this.height;
  }

  /** Subscriptions by how they are: each counts once, under the first that holds. */
  get standing(): Readonly<Record<'disabled' | 'failing' | 'behind' | 'idle', number>> {
    const found = { disabled: 0, failing: 0, behind: 0, idle: 0 };
    for (const { progress } of this.endpoints.values()) {
      if (progress.disabled !== null) found.disabled += 1;
      else if (progress.failing !== null) found.failing += 1;
      else if (progress.from !== null || progress.replay !== null) found.behind += 1;
      else found.idle += 1;
    }
    return found;
  }

  /** Whether nothing is sent because nothing can be recorded. */
  get isWaiting(): boolean {
    return this.retryMs > 0;
  }

  endpoint(id: string): Endpoint | undefined {
    return this.endpoints.get(id);
  }

  /** All of an owner, in the order of their IDs. */
  ofOwner(owner: string): readonly Endpoint[] {
    const found = [...this.endpoints.values()].filter(({ subscription }) => subscription.owner === owner);
    return found.sort((a, b) => (a.subscription.id < b.subscription.id ? -1 : 1));
  }

  get count(): number {
    return this.endpoints.size;
  }

  /** What it is given has been written. */
  add(subscribed: Subscribed): Endpoint {
    const { subscription } = subscribed;
    const endpoint = new Endpoint(this.endpointParts, subscribed);
    this.endpoints.set(subscription.id, endpoint);
    this.index.put(subscription);
    if (this.retryMs > 0) endpoint.drain();
    this.writeSoon();
    return endpoint;
  }

  /** One that has been removed meanwhile stays so. */
  change(subscription: Subscription): void {
    const endpoint = this.endpoints.get(subscription.id);
    if (endpoint === undefined) return;
    this.index.put(subscription);
    endpoint.change(subscription);
  }

  remove(id: string): void {
    this.endpoints.get(id)?.stop();
    this.endpoints.delete(id);
    this.index.remove(id);
    this.moved.delete(id);
  }

  private note(change: { readonly attempt: Attempt; readonly of: string }): void {
    this.attempted[outcomeOf(change.attempt)] += 1;
    this.attempts.push(change);
    this.writeSoon();
  }

  private writeSoon(delayMs = WRITE_EVERY_MS): void {
    if (this.cancelWrite !== null || this.stopping.aborted) return;
    this.cancelWrite = this.parts.clock.schedule(delayMs, () => {
      this.cancelWrite = null;
      // What has failed is in the log, and is tried again.
      this.write().catch(() => {});
    });
  }

  /** Writes what has changed; the watermark last. What cannot be written now is kept for later. @throws {StoreError} */
  write(): Promise<void> {
    const written = this.writing.then(() => this.writeChanged());
    this.writing = written.catch(() => {});
    return written;
  }

  private async writeChanged(): Promise<void> {
    const { moved, attempts, height, writtenHeight } = this;
    const progress = [...moved].flatMap((of) => {
      const found = this.endpoints.get(of)?.progress;
      return found === undefined ? [] : [{ progress: found satisfies Progress, of }];
    });
    const watermark = height === writtenHeight ? [] : [{ watermark: height }];
    const changes = [...attempts, ...progress, ...watermark];
    if (changes.length === 0) return;
    this.moved = new Set();
    this.attempts = [];
    this.writtenHeight = height;
    try {
      await this.parts.store.write(changes);
    } catch (error) {
      for (const id of moved) this.moved.add(id);
      this.attempts = [...attempts, ...this.attempts];
      this.writtenHeight = writtenHeight;
      this.broken(error);
      throw error;
    }
    if (this.retryMs > 0) this.mended();
  }

  /** What cannot be recorded is not sent: it would come again and again. The node itself goes on. */
  private broken(error: unknown): void {
    if (this.stopping.aborted) return;
    this.retryMs = Math.min(MAX_RETRY_MS, Math.max(WRITE_EVERY_MS, 2 * this.retryMs));
    const waitMs = this.retryMs;
    this.parts.log.error('deliveries wait: their progress cannot be written', { waitMs, error: String(error) });
    for (const endpoint of this.endpoints.values()) endpoint.drain();
    this.cancelWrite?.();
    this.cancelWrite = null;
    this.writeSoon(waitMs);
  }

  private mended(): void {
    this.retryMs = 0;
    this.parts.log.info('deliveries go on', { subscriptions: this.endpoints.size });
    for (const endpoint of this.endpoints.values()) endpoint.resume();
  }

  private end(): void {
    this.stopping.stop();
    this.cancelWrite?.();
    for (const endpoint of this.endpoints.values()) endpoint.stop();
  }

  /** Ends in order: what has been delivered is written. May be called again. */
  async stop(): Promise<void> {
    const isFirst = !this.stopping.aborted;
    this.end();
    await this.following;
    if (!isFirst) return;
    try {
      await this.write();
    } catch (error) {
      this.parts.log.error('the progress of deliveries is not written', { error: String(error) });
    }
  }
}
