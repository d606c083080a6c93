/** Subscriptions as their owners manage them: what is asked for is checked, written, and then in force. */
import { type Refusal, refusal } from '../../chain/codes.ts';
import { toHex } from '../../codec/bytes.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type {
  SubscriptionAccess,
  SubscriptionUpdate,
  SubscriptionView,
  SubscriptionWanted,
  WithSecret,
} from '../../ports/subscription-access.ts';
import type {
  Attempt,
  Position,
  Progress,
  SignatureScheme,
  Subscription,
  SubscriptionStore,
} from '../../ports/subscription-store.ts';
import type { WebhookTransport } from '../../ports/webhook-transport.ts';
import type { EventLog } from '../events/event-log.ts';
import { filterRefusal } from '../events/filter.ts';
import { endOf } from '../events/position.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Endpoint } from './endpoint.ts';
import { KEY_OVERLAP_MS, MAX_DESCRIPTION_LENGTH, MAX_SUBSCRIPTIONS, MAX_SUBSCRIPTIONS_OF_ACCOUNT } from './limits.ts';
import { derivedKey, verificationKey } from './signing.ts';

export interface SubscriptionsParts {
  readonly dispatcher: Dispatcher;
  readonly store: SubscriptionStore;
  readonly events: EventLog;
  readonly transport: Pick<WebhookTransport, 'refusal'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly master: Uint8Array;
}

export class Subscriptions implements SubscriptionAccess {
  private readonly parts: SubscriptionsParts;
  /** A public key takes a millisecond to make, and lists show many. */
  private readonly keyTexts = new Map<string, string>();

  constructor(parts: SubscriptionsParts) {
    this.parts = parts;
  }

  async create(owner: string, wanted: SubscriptionWanted): Promise<WithSecret | Refusal> {
    const { dispatcher, store, clock, random } = this.parts;
    const { url, description, types, filter, scheme, from } = wanted;
    const refused = this.refusalOf(wanted) ?? (from && this.placeRefusal(from)) ?? this.roomRefusal(owner);
    if (refused !== null) return refused;
    const subscription: Subscription = {
      id: `sub_${toHex(random.bytes(16))}`,
      ...{ owner, url, description, types, filter, createdMs: clock.now() },
      keys: [{ scheme, generation: 1, untilMs: null }],
    };
    const matched = dispatcher.matchedHeight;
    const isBehind = from !== null && from[0] <= matched;
    const progress: Progress = {
      ...{ replay: null, failing: null, disabled: null, proven: false },
      cursor: isBehind ? null : endOf(matched),
      from: isBehind ? from : null,
    };
    // Present before it is written: what becomes final meanwhile must find it.
    const endpoint = dispatcher.add({ subscription, progress, attempts: 0 });
    try {
      await store.write([{ put: subscription }, { progress: endpoint.progress, of: subscription.id }]);
    } catch (error) {
      dispatcher.remove(subscription.id);
      throw error;
    }
    endpoint.pump();
    return this.withSecret(endpoint);
  }

  private refusalOf({ url, description, types, filter }: Partial<SubscriptionWanted>): Refusal | null {
    const { transport } = this.parts;
    const bad = url === undefined ? null : transport.refusal(url);
    if (bad !== null) return refusal('WEBHOOK_URL_REFUSED', bad);
    if (description !== undefined && description.length > MAX_DESCRIPTION_LENGTH)
      return refusal('BAD_REQUEST', `description: longer than ${MAX_DESCRIPTION_LENGTH} characters`);
    return types === undefined || filter === undefined ? null : filterRefusal({ types, filter });
  }

  /** Where the chain is not yet, or no longer here, nothing can be delivered from. */
  private placeRefusal([height]: Position): Refusal | null {
    const { events } = this.parts;
    if (height > events.height + 1) return refusal('HEIGHT_NOT_REACHED', `height ${events.height}`);
    return height < events.firstHeight ? refusal('PRUNED', `blocks are kept from ${events.firstHeight} on`) : null;
  }

  private roomRefusal(owner: string): Refusal | null {
    const { dispatcher } = this.parts;
    if (dispatcher.ofOwner(owner).length >= MAX_SUBSCRIPTIONS_OF_ACCOUNT)
      return refusal('SUBSCRIPTIONS_FULL', `at most ${MAX_SUBSCRIPTIONS_OF_ACCOUNT} of one account`);
    return dispatcher.count >= MAX_SUBSCRIPTIONS
      ? refusal('SUBSCRIPTIONS_FULL', 'this node has as many as it may')
      : null;
  }

  async list(owner: string): Promise<readonly SubscriptionView[]> {
    return this.parts.dispatcher.ofOwner(owner).map((endpoint) => this.view(endpoint));
  }

  async get(owner: string, id: string): Promise<SubscriptionView | undefined> {
    const endpoint = this.owned(owner, id);
    return endpoint && this.view(endpoint);
  }

  async update(owner: string, id: string, update: SubscriptionUpdate): Promise<SubscriptionView | Refusal | undefined> {
    const { dispatcher } = this.parts;
    const endpoint = this.owned(owner, id);
    if (endpoint === undefined) return undefined;
    const { enabled, from, ...fields } = update;
    const changed: Subscription = { ...endpoint.subscription, ...fields };
    const refused = this.refusalOf({ ...fields, types: changed.types, filter: changed.filter });
    const misplaced = refused ?? (from === undefined ? null : this.placeRefusal(from));
    if (misplaced !== null) return misplaced;
    if (Object.keys(fields).length > 0) {
      await this.parts.store.write([{ put: changed }]);
      dispatcher.change(changed);
    }
    if (enabled === false) endpoint.disable('owner');
    if (enabled === true) endpoint.enable(from);
    await dispatcher.write();
    return this.view(endpoint);
  }

  async remove(owner: string, id: string): Promise<boolean> {
    const { dispatcher, store } = this.parts;
    if (this.owned(owner, id) === undefined) return false;
    dispatcher.remove(id);
    await store.write([{ remove: id }]);
    return true;
  }

  async ping(owner: string, id: string): Promise<Attempt | null | undefined> {
    return this.owned(owner, id)?.ping();
  }

  async replay(
    owner: string,
    id: string,
    from: Position,
    throughHeight: number,
  ): Promise<SubscriptionView | Refusal | undefined> {
    const { dispatcher, events } = this.parts;
    const endpoint = this.owned(owner, id);
    if (endpoint === undefined) return undefined;
    if (endpoint.progress.disabled !== null) return refusal('SUBSCRIPTION_DISABLED');
    const refused = this.placeRefusal(from);
    if (refused !== null) return refused;
    if (throughHeight < from[0]) return refusal('BAD_REQUEST', 'the range ends before it begins');
    endpoint.again(from, endOf(Math.min(throughHeight, events.height)));
    await dispatcher.write();
    return this.view(endpoint);
  }

  async rotate(owner: string, id: string, scheme: SignatureScheme): Promise<WithSecret | undefined> {
    const endpoint = this.owned(owner, id);
    if (endpoint === undefined) return undefined;
    const { clock, store, dispatcher } = this.parts;
    const [current] = endpoint.subscription.keys;
    const keys = [
      { scheme, generation: current!.generation + 1, untilMs: null },
      { ...current!, untilMs: clock.now() + KEY_OVERLAP_MS },
    ];
    const changed = { ...endpoint.subscription, keys };
    await store.write([{ put: changed }]);
    dispatcher.change(changed);
    return this.withSecret(endpoint);
  }

  async attempts(owner: string, id: string, limit: number): Promise<readonly Attempt[] | undefined> {
    if (this.owned(owner, id) === undefined) return undefined;
    await this.parts.dispatcher.write();
    return this.parts.store.attempts(id, limit);
  }

  private owned(owner: string, id: string): Endpoint | undefined {
    const endpoint = this.parts.dispatcher.endpoint(id);
    return endpoint?.subscription.owner === owner ? endpoint : undefined;
  }

  private view({ subscription, progress }: Endpoint): SubscriptionView {
    const { id, keys } = subscription;
    const asymmetric = keys.filter(({ scheme }) => scheme === 'v1a');
    const publicKeys = asymmetric.map(
      ({ scheme, generation }) => [generation, this.keyText(id, scheme, generation)] as const,
    );
    return { subscription, progress, publicKeys: new Map(publicKeys) };
  }

  private withSecret(endpoint: Endpoint): WithSecret {
    const { id, keys } = endpoint.subscription;
    const { scheme, generation } = keys[0]!;
    return { ...this.view(endpoint), verificationKey: this.keyText(id, scheme, generation) };
  }

  private keyText(id: string, scheme: SignatureScheme, generation: number): string {
    const name = `${id}/${generation}`;
    const known = this.keyTexts.get(name) ?? verificationKey(derivedKey(this.parts.master, id, scheme, generation));
    if (this.keyTexts.size >= MAX_SUBSCRIPTIONS) this.keyTexts.clear();
    this.keyTexts.set(name, known);
    return known;
  }
}
