/**
 * Subscriptions that functions deliver to: what owners want is posted to whoever holds a subscription next, and somebody
 * is woken. Views have the mail in them already: what has been answered is what will be.
 */
import { type Refusal, refusal } from '../../chain/codes.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Outbox } from '../../ports/outbox.ts';
import type { Mail, Shared, SharedSubscriptionStore } from '../../ports/shared-subscription-store.ts';
import type { Attempt, Position, Progress, Subscription } from '../../ports/subscription-store.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Deliveries, Managed } from './deliveries.ts';
import { MAX_ATTEMPTS_KEPT, MAX_SUBSCRIPTIONS, MAX_SUBSCRIPTIONS_OF_ACCOUNT } from './limits.ts';
import { placedAt, withMail } from './mail.ts';
import { newPingId } from './payload.ts';

export interface SharedDeliveriesParts {
  readonly clock: Clock;
  readonly store: SharedSubscriptionStore;
  readonly outbox: Outbox;
  readonly events: EventLog;
  readonly random: { bytes(length: number): Uint8Array };
}

/** An attempt takes at most 15 s, and a gateway ends a request after 29 s. */
export const PING_PATIENCE_MS = 20_000;
const LOOK_AGAIN_MS = 250;

const MOST = { ofOwner: MAX_SUBSCRIPTIONS_OF_ACCOUNT, ofAll: MAX_SUBSCRIPTIONS };

export class SharedDeliveries implements Deliveries {
  private readonly parts: SharedDeliveriesParts;

  constructor(parts: SharedDeliveriesParts) {
    this.parts = parts;
  }

  async find(id: string): Promise<Managed | undefined> {
    const found = await this.parts.store.find(id);
    return found && this.managed(found);
  }

  async ofOwner(owner: string): Promise<readonly Managed[]> {
    return (await this.parts.store.ofOwner(owner)).map((found) => this.managed(found));
  }

  private managed({ subscription, progress, mail }: Shared): Managed {
    return { subscription, progress: withMail(progress, mail, this.parts.clock.now()) };
  }

  async create(subscription: Subscription, from: Position | null): Promise<Managed | Refusal> {
    const { store, events, outbox } = this.parts;
    // From here on nothing is passed over; that it was set back by a rare coincidence only matches blocks again.
    if ((await store.watermark()) === undefined) await store.write([{ watermark: events.height }]);
    const place = placedAt(from, events.height);
    const progress: Progress = { ...place, replay: null, failing: null, disabled: null, proven: false };
    const outcome = await store.create({ subscription, progress }, MOST);
    if (outcome === 'owner-full')
      return refusal('SUBSCRIPTIONS_FULL', `at most ${MAX_SUBSCRIPTIONS_OF_ACCOUNT} of one account`);
    if (outcome === 'full') return refusal('SUBSCRIPTIONS_FULL', 'there are as many as there may be');
    await outbox.wake([subscription.id], 0);
    return { subscription, progress };
  }

  replace(before: Subscription, after: Subscription): Promise<boolean> {
    return this.parts.store.replace(before, after);
  }

  remove(id: string): Promise<void> {
    return this.parts.store.write([{ remove: id }]);
  }

  disable(id: string): Promise<void> {
    return this.order(id, { set: { disabled: { reason: 'owner', atMs: this.parts.clock.now() }, failing: null } });
  }

  enable(id: string, from?: Position): Promise<void> {
    const place = from === undefined ? {} : placedAt(from, this.parts.events.height);
    return this.order(id, { set: { disabled: null, failing: null, ...place } });
  }

  replay(id: string, from: Position, through: Position): Promise<void> {
    return this.order(id, { set: { replay: { from, through } } });
  }

  private async order(id: string, mail: Partial<Pick<Mail, 'set' | 'accepted'>>): Promise<void> {
    const { store, outbox } = this.parts;
    if (await store.order(id, mail)) await outbox.wake([id], 0);
  }

  /** Whoever delivers sends it. @returns null when its outcome is not known in time; it stands among the attempts then */
  async ping(id: string): Promise<Attempt | null> {
    const { store, random, clock, outbox } = this.parts;
    const message = newPingId(random);
    await outbox.ping(id, message);
    for (const untilMs = clock.now() + PING_PATIENCE_MS; clock.now() < untilMs; ) {
      await new Promise<void>((resolve) => void clock.schedule(LOOK_AGAIN_MS, resolve));
      const attempts = await store.attempts(id, MAX_ATTEMPTS_KEPT);
      const attempt = attempts.find(({ event }) => event === message);
      if (attempt !== undefined) return attempt;
    }
    return null;
  }

  attempts(id: string, limit: number): Promise<readonly Attempt[]> {
    return this.parts.store.attempts(id, limit);
  }
}
