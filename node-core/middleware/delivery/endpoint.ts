/**
 * Deliveries to one endpoint: what is sent next, when, and what an answer means. It has at most {@link CONCURRENCY}
 * requests under way, reads from the chain what it needs next, and knows nothing of other endpoints.
 *
 * After a failure nothing new is sent; the oldest undelivered event is tried again by the schedule, and the first
 * success sets the rest free. So an endpoint that is away costs one request now and then, nothing is ever left out, and
 * what is about one subject arrives in order.
 */
import { BropError } from '../../chain/codes.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type {
  Attempt,
  DisabledReason,
  Position,
  Progress,
  Subscribed,
  Subscription,
} from '../../ports/subscription-store.ts';
import type { PostOutcome } from '../../ports/webhook-transport.ts';
import type { Event } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { comparePositions, endOf } from '../events/position.ts';
import { Courier, type CourierParts, type Message, type Sent } from './courier.ts';
import { type Entry, Lane } from './lane.ts';
import { newPingId, pingMessage } from './payload.ts';
import { retryDelayMs } from './retry-schedule.ts';

/** Requests under way to one endpoint, once it has shown that it takes them: begins at one, doubles with each success. */
export const CONCURRENCY = 8;
/** Blocks that are looked through before others get their turn. */
const BLOCKS_AT_ONCE = 32;
/** What could not be read is tried again: a damaged block is being repaired meanwhile. */
const READ_AGAIN_MS = 5_000;
const LONGEST_WAIT_MS = 3_600_000;

export interface EndpointParts extends CourierParts {
  readonly events: EventLog;
  readonly random: Random;
  readonly log: Log;
  payload(event: Event): Promise<Uint8Array>;
  /** The height up to which events have been matched; whoever is not behind it is told of those above. */
  matched(): number;
  /** Its progress has changed. */
  moved(subscription: string): void;
  /** It has been disabled, and not by its owner, who is to hear of it. */
  disabled?(subscription: Subscription, reason: DisabledReason): void;
  /** Nothing is under way, and nothing is to be done before {@link Endpoint.dueMs}. Told once after each change. */
  rested?(subscription: string): void;
}

export class Endpoint {
  subscription: Subscription;
  private readonly parts: EndpointParts;
  private readonly main: Lane;
  private replay: { readonly lane: Lane; readonly through: Position } | null;
  private cursor: Position | null;
  private failing: Progress['failing'];
  private disabled: Progress['disabled'];
  private proven: boolean;
  private readonly courier: Courier;
  private inFlight = 0;
  private concurrency = 1;
  private cancelTimer: () => void = () => {};
  private pinging: Promise<Attempt | null> | null = null;
  private stopped = false;
  private draining = false;
  /** Until when nothing is tried, because something of this node's own has failed. */
  private pausedUntilMs = 0;

  constructor(parts: EndpointParts, { subscription, progress, attempts }: Subscribed) {
    this.parts = parts;
    this.subscription = subscription;
    const { cursor, from, replay, failing, disabled, proven } = progress;
    this.main = new Lane(from);
    this.replay = replay === null ? null : { lane: new Lane(replay.from), through: replay.through };
    this.cursor = cursor;
    this.failing = failing;
    this.disabled = disabled;
    this.proven = proven;
    this.courier = new Courier(parts, attempts);
  }

  get progress(): Progress {
    const { replay, cursor, failing, disabled, proven } = this;
    const again = replay === null || replay.lane.undelivered === null ? null : replay;
    return {
      ...{ cursor, failing, disabled, proven },
      from: this.main.undelivered,
      replay: again && { from: again.lane.undelivered!, through: again.through },
    };
  }

  /** These events of one new block are wanted. Who is behind reads them from the chain when it gets there. */
  wake(events: readonly Event[]): void {
    const { main, cursor } = this;
    const fresh = cursor === null ? events : events.filter(({ position }) => comparePositions(position, cursor) > 0);
    if (main.from !== null || fresh.length === 0) return;
    const room = this.disabled === null ? main.room : 0;
    main.take(main.token, fresh.slice(0, room), fresh[room]?.position ?? null);
    this.parts.moved(this.subscription.id);
    this.pump();
  }

  /** Events from there on are matched for nobody: it reads them from the chain. */
  fallBehind(from: Position): void {
    if (this.main.from !== null) return;
    this.main.from = from;
    this.pump();
  }

  /** Sends what may be sent now, and reads what may be sent next. */
  pump(): void {
    if (this.stopped) return;
    const { dueMs } = this;
    if (this.disabled === null && !this.draining) {
      if (this.parts.clock.now() < dueMs) this.wait(dueMs);
      else this.begin();
    }
    const isReading = this.lanes().some((lane) => lane.isReading);
    if (this.inFlight === 0 && !isReading) this.parts.rested?.(this.subscription.id);
  }

  /** Before then nothing is tried; 0: whatever there is may be sent now. */
  get dueMs(): number {
    return Math.max(this.failing?.nextMs ?? 0, this.pausedUntilMs);
  }

  private begin(): void {
    const { failing } = this;
    const most = failing === null ? this.concurrency : 1;
    for (const lane of this.lanes()) {
      for (let entry = this.inFlight < most ? lane.next() : undefined; entry !== undefined; ) {
        void this.deliver(lane, entry, failing !== null);
        entry = this.inFlight < most ? lane.next() : undefined;
      }
    }
    for (const lane of this.lanes()) if (lane.from !== null && lane.room > 0 && !lane.isReading) void this.read(lane);
  }

  private lanes(): readonly Lane[] {
    return this.replay === null ? [this.main] : [this.main, this.replay.lane];
  }

  private wait(untilMs: number): void {
    this.cancelTimer();
    const { clock } = this.parts;
    // Looked at again meanwhile: a clock that was set back would make it wait for longer than timers can.
    const delayMs = Math.min(LONGEST_WAIT_MS, Math.max(0, untilMs - clock.now()));
    this.cancelTimer = clock.schedule(delayMs, () => this.pump());
  }

  private async read(lane: Lane): Promise<void> {
    const { events: chain, matched, clock } = this.parts;
    const through = this.replay?.lane === lane ? this.replay.through : null;
    const { token } = lane;
    lane.isReading = true;
    try {
      const wanted = { maxEvents: lane.room, maxBlocks: BLOCKS_AT_ONCE, through: through?.[0] ?? matched() };
      const { events, next } = await chain.from(lane.from!, this.subscription, wanted);
      const isAtEnd = next[0] > (through?.[0] ?? matched());
      lane.take(token, events, isAtEnd ? null : next);
      // Many blocks without anything wanted need not be looked through again after a restart.
      this.parts.moved(this.subscription.id);
      if (this.replay?.lane.undelivered === null) this.endReplay();
    } catch (error) {
      this.cannotRead(lane, error);
    } finally {
      lane.isReading = false;
    }
    // Others first: many blocks may have been looked through, and many are left.
    if (!this.stopped) clock.schedule(0, () => this.pump());
  }

  /** What the node no longer keeps its owner must hear of; anything else is being repaired, or passes. */
  private cannotRead(lane: Lane, error: unknown): void {
    const { log, clock } = this.parts;
    const isPruned = error instanceof BropError && error.code === 'PRUNED';
    log.error('events cannot be read', { subscription: this.subscription.id, error: String(error) });
    if (!isPruned) this.pausedUntilMs = clock.now() + READ_AGAIN_MS;
    else if (lane === this.main) this.disable('pruned');
    else this.endReplay();
  }

  private endReplay(): void {
    this.replay = null;
    this.parts.moved(this.subscription.id);
  }

  private async deliver(lane: Lane, entry: Entry, isRetry: boolean): Promise<void> {
    const { id, type } = entry.event;
    entry.state = 'sending';
    this.inFlight += 1;
    const startMs = this.parts.clock.now();
    let sent: Sent | null = null;
    try {
      sent = await this.send({ id, type, body: await this.parts.payload(entry.event) });
    } catch (error) {
      this.cannotRead(lane, error);
    }
    this.inFlight -= 1;
    if (this.stopped) return;
    if (sent?.isSuccess === true) this.succeeded(lane, entry, isRetry);
    else {
      entry.state = 'waiting';
      if (sent !== null) this.failed(sent.outcome, isRetry, startMs);
    }
    this.parts.moved(this.subscription.id);
    this.pump();
  }

  private succeeded(lane: Lane, entry: Entry, isRetry: boolean): void {
    const reached = lane.done(entry);
    if (lane === this.main && reached !== null) this.cursor = reached;
    if (this.replay?.lane.undelivered === null) this.endReplay();
    this.proven = true;
    this.concurrency = this.failing === null ? Math.min(CONCURRENCY, 2 * this.concurrency) : 1;
    // What was sent before the failure and comes through says nothing about now.
    if (isRetry) this.failing = null;
  }

  private failed(outcome: PostOutcome, isRetry: boolean, startMs: number): void {
    this.concurrency = 1;
    // Sent before it was disabled: that says all there is to say.
    if (this.disabled !== null) return;
    if (outcome.kind === 'answered' && outcome.status === 410) this.disable('gone');
    else if (outcome.kind === 'none' && outcome.reason === 'address') this.disable('address');
    else if (this.failing === null || isRetry) this.retryLater(outcome, startMs);
  }

  private retryLater(outcome: PostOutcome, startMs: number): void {
    const { clock, random } = this.parts;
    const attempts = (this.failing?.attempts ?? 0) + 1;
    const asked = outcome.kind === 'answered' ? (outcome.retryAfterSeconds ?? 0) : 0;
    const [high = 0, low = 0] = random.bytes(2);
    const delayMs = retryDelayMs(attempts, asked, (256 * high + low) / 65_536);
    if (delayMs === null) this.disable('failing');
    else this.failing = { sinceMs: this.failing?.sinceMs ?? startMs, attempts, nextMs: clock.now() + delayMs };
  }

  /** Nothing is sent any more until its owner enables it; what is undelivered stays where it is, in the chain. */
  disable(reason: DisabledReason): void {
    const { clock, log, moved } = this.parts;
    const { id } = this.subscription;
    this.disabled = { reason, atMs: clock.now() };
    this.failing = null;
    for (const lane of this.lanes()) lane.restart();
    this.cancelTimer();
    moved(id);
    log.warn('a subscription is disabled', { subscription: id, reason });
    if (reason !== 'owner') this.parts.disabled?.(this.subscription, reason);
  }

  /** @param from where to go on instead of where it was. */
  enable(from?: Position): void {
    this.disabled = null;
    this.failing = null;
    this.concurrency = 1;
    if (from !== undefined) this.goTo(from);
    this.parts.moved(this.subscription.id);
    this.pump();
  }

  private goTo(from: Position): void {
    const matched = this.parts.matched();
    const isAhead = from[0] > matched;
    this.cursor = isAhead ? endOf(matched) : null;
    this.main.restart(isAhead ? null : from);
  }

  /** Other types, another filter or URL: what has been read is read again. */
  change(subscription: Subscription): void {
    const { types, filter, url } = this.subscription;
    const isSame = subscription.types === types && subscription.filter === filter && subscription.url === url;
    this.subscription = subscription;
    if (isSame) return;
    for (const lane of this.lanes()) lane.restart();
    this.pump();
  }

  /** Delivers again, beside what is new, under the same IDs. One replay at a time: a later one takes its place. */
  again(from: Position, through: Position): void {
    this.replay = { lane: new Lane(from), through };
    this.parts.moved(this.subscription.id);
    this.pump();
  }

  /**
   * A test message, now; one that succeeds ends the wait for the next retry. Whoever asks while one is under way gets
   * the outcome of that one.
   * @returns null when the node stops
   */
  ping(): Promise<Attempt | null> {
    this.pinging ??= this.sendPing().finally(() => {
      this.pinging = null;
    });
    return this.pinging;
  }

  private async sendPing(): Promise<Attempt | null> {
    const { random, clock, moved } = this.parts;
    const { id } = this.subscription;
    const sent = await this.courier.send(
      this.subscription,
      pingMessage(id, newPingId(random), clock.now()),
      'doubtful',
    );
    if (sent?.isSuccess === true) {
      this.proven = true;
      if (this.failing !== null) this.failing = { ...this.failing, nextMs: clock.now() };
      moved(id);
      this.pump();
    }
    return sent?.attempt ?? null;
  }

  /** One attempt, now, for a message that is of no event: nothing follows from what comes of it. */
  async tell(message: Message): Promise<void> {
    if (this.disabled === null && !this.stopped) await this.send(message);
  }

  /** The latest failure, or the first attempt of all, makes an endpoint a doubtful one. */
  private send(message: Message): Promise<Sent | null> {
    const standing = this.failing === null && this.proven ? 'working' : 'doubtful';
    return this.courier.send(this.subscription, message, standing);
  }

  /** Begins nothing any more; `rested` is told when what is under way is over. */
  drain(): void {
    this.draining = true;
    this.cancelTimer();
    this.pump();
  }

  /** After {@link drain}. */
  resume(): void {
    this.draining = false;
    this.pump();
  }

  stop(): void {
    this.stopped = true;
    this.cancelTimer();
    this.courier.stop();
  }
}
