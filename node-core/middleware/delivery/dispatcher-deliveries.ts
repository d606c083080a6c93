/** Subscriptions of a node that delivers by itself: what is written to its store is at once in force in its dispatcher. */
import { type Refusal, refusal } from '../../chain/codes.ts';
import type { Attempt, Position, Subscription, SubscriptionStore } from '../../ports/subscription-store.ts';
import { comparePositions } from '../events/position.ts';
import type { Deliveries, Managed } from './deliveries.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Endpoint } from './endpoint.ts';
import { MAX_SUBSCRIPTIONS, MAX_SUBSCRIPTIONS_OF_ACCOUNT } from './limits.ts';
import { placedAt } from './mail.ts';

export class DispatcherDeliveries implements Deliveries {
  private readonly dispatcher: Dispatcher;
  private readonly store: SubscriptionStore;
  /** Owners of those that are being written. */
  private readonly underWay: string[] = [];

  constructor(dispatcher: Dispatcher, store: SubscriptionStore) {
    this.dispatcher = dispatcher;
    this.store = store;
  }

  async find(id: string): Promise<Managed | undefined> {
    const endpoint = this.dispatcher.endpoint(id);
    return endpoint && managed(endpoint);
  }

  async ofOwner(owner: string): Promise<readonly Managed[]> {
    return this.dispatcher.ofOwner(owner).map(managed);
  }

  async create(subscription: Subscription, from: Position | null): Promise<Managed | Refusal> {
    const { dispatcher, store, underWay } = this;
    const full = this.roomRefusal(subscription.owner);
    if (full !== null) return full;
    const matched = dispatcher.matchedHeight;
    const { cursor, from: begin } = placedAt(from, matched);
    const progress = { cursor, from: begin, replay: null, failing: null, disabled: null, proven: false };
    underWay.push(subscription.owner);
    try {
      // Nothing is sent before it is durable: what becomes final meanwhile is read from the chain afterwards.
      await store.write([{ put: subscription }, { progress, of: subscription.id }]);
    } finally {
      underWay.splice(underWay.indexOf(subscription.owner), 1);
    }
    const hasMissedNothing = cursor !== null && comparePositions([dispatcher.matchedHeight, 0, 0], begin!) < 0;
    const now = hasMissedNothing ? { ...progress, from: null } : progress;
    const endpoint = dispatcher.add({ subscription, progress: now, attempts: 0 });
    endpoint.pump();
    return managed(endpoint);
  }

  private roomRefusal(owner: string): Refusal | null {
    const { dispatcher, underWay } = this;
    const own = dispatcher.ofOwner(owner).length + underWay.filter((one) => one === owner).length;
    if (own >= MAX_SUBSCRIPTIONS_OF_ACCOUNT)
      return refusal('SUBSCRIPTIONS_FULL', `at most ${MAX_SUBSCRIPTIONS_OF_ACCOUNT} of one account`);
    return dispatcher.count + underWay.length >= MAX_SUBSCRIPTIONS
      ? refusal('SUBSCRIPTIONS_FULL', 'this node has as many as it may')
      : null;
  }

  async replace(before: Subscription, after: Subscription): Promise<boolean> {
    if (!(await this.store.replace(before, after))) return false;
    this.dispatcher.change(after);
    return true;
  }

  async remove(id: string): Promise<void> {
    this.dispatcher.remove(id);
    await this.store.write([{ remove: id }]);
  }

  async disable(id: string): Promise<void> {
    this.dispatcher.endpoint(id)?.disable('owner');
    await this.dispatcher.write();
  }

  async enable(id: string, from?: Position): Promise<void> {
    this.dispatcher.endpoint(id)?.enable(from);
    await this.dispatcher.write();
  }

  async replay(id: string, from: Position, through: Position): Promise<void> {
    this.dispatcher.endpoint(id)?.again(from, through);
    await this.dispatcher.write();
  }

  async ping(id: string): Promise<Attempt | null> {
    return (await this.dispatcher.endpoint(id)?.ping()) ?? null;
  }

  async attempts(id: string, limit: number): Promise<readonly Attempt[]> {
    await this.dispatcher.write();
    return this.store.attempts(id, limit);
  }
}

function managed({ subscription, progress }: Endpoint): Managed {
  return { subscription, progress };
}
