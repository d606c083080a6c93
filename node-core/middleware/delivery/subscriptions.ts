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
import type { Attempt, Position, SignatureScheme, Subscription } from '../../ports/subscription-store.ts';
import type { WebhookTransport } from '../../ports/webhook-transport.ts';
import type { EventLog } from '../events/event-log.ts';
import { filterRefusal } from '../events/filter.ts';
import { endOf } from '../events/position.ts';
import type { Deliveries, Managed } from './deliveries.ts';
import { KEY_OVERLAP_MS, MAX_DESCRIPTION_LENGTH, MAX_SUBSCRIPTIONS } from './limits.ts';
import { derivedKey, verificationKey } from './signing.ts';

export interface SubscriptionsParts {
  readonly deliveries: Deliveries;
  readonly events: EventLog;
  readonly transport: Pick<WebhookTransport, 'refusal'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly master: Uint8Array;
}

/** Writes that are tried again because somebody else has written. */
const TRIES = 8;

export class Subscriptions implements SubscriptionAccess {
  private readonly parts: SubscriptionsParts;
  /** A public key takes a millisecond to make, and lists show many. */
  private readonly keyTexts = new Map<string, string>();

  constructor(parts: SubscriptionsParts) {
    this.parts = parts;
  }

  async create(owner: string, wanted: SubscriptionWanted): Promise<WithSecret | Refusal> {
    const { deliveries, clock, random } = this.parts;
    const { url, description, types, filter, scheme, from } = wanted;
    const refused = this.refusalOf(wanted) ?? (from && this.placeRefusal(from));
    if (refused !== null) return refused;
    const subscription: Subscription = {
      id: `sub_${toHex(random.bytes(16))}`,
      ...{ owner, url, description, types, filter, createdMs: clock.now() },
      keys: [{ scheme, generation: 1, untilMs: null }],
    };
    const made = await deliveries.create(subscription, from);
    return 'code' in made ? made : this.withSecret(made);
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

  async list(owner: string): Promise<readonly SubscriptionView[]> {
    return (await this.parts.deliveries.ofOwner(owner)).map((found) => this.view(found));
  }

  async get(owner: string, id: string): Promise<SubscriptionView | undefined> {
    const found = await this.owned(owner, id);
    return found && this.view(found);
  }

  async update(owner: string, id: string, update: SubscriptionUpdate): Promise<SubscriptionView | Refusal | undefined> {
    const { deliveries } = this.parts;
    const { enabled, from, ...fields } = update;
    const misplaced = from === undefined ? null : this.placeRefusal(from);
    const changed = await this.changed(owner, id, (subscription) => {
      const after = Object.keys(fields).length === 0 ? subscription : { ...subscription, ...fields };
      return this.refusalOf({ ...fields, types: after.types, filter: after.filter }) ?? misplaced ?? after;
    });
    if (changed === undefined || 'code' in changed) return changed;
    if (enabled === false) await deliveries.disable(id);
    if (enabled === true) await deliveries.enable(id, from);
    return this.get(owner, id);
  }

  /** Reads, changes and writes; again when somebody else has written meanwhile, so that neither change is lost. */
  private async changed(
    owner: string,
    id: string,
    change: (subscription: Subscription) => Subscription | Refusal,
  ): Promise<Managed | Refusal | undefined> {
    for (let tried = 0; tried < TRIES; tried++) {
      const found = await this.owned(owner, id);
      if (found === undefined) return undefined;
      const after = change(found.subscription);
      if ('code' in after) return after;
      if (after === found.subscription) return found;
      if (await this.parts.deliveries.replace(found.subscription, after)) return { ...found, subscription: after };
    }
    return refusal('OVERLOADED', 'others change this subscription all the time');
  }

  async remove(owner: string, id: string): Promise<boolean> {
    if ((await this.owned(owner, id)) === undefined) return false;
    await this.parts.deliveries.remove(id);
    return true;
  }

  async ping(owner: string, id: string): Promise<Attempt | null | undefined> {
    return (await this.owned(owner, id)) && this.parts.deliveries.ping(id);
  }

  async replay(
    owner: string,
    id: string,
    from: Position,
    throughHeight: number,
  ): Promise<SubscriptionView | Refusal | undefined> {
    const { deliveries, events } = this.parts;
    const found = await this.owned(owner, id);
    if (found === undefined) return undefined;
    if (found.progress.disabled !== null) return refusal('SUBSCRIPTION_DISABLED');
    const refused = this.placeRefusal(from);
    if (refused !== null) return refused;
    if (throughHeight < from[0]) return refusal('BAD_REQUEST', 'the range ends before it begins');
    await deliveries.replay(id, from, endOf(Math.min(throughHeight, events.height)));
    return this.get(owner, id);
  }

  async rotate(owner: string, id: string, scheme: SignatureScheme): Promise<WithSecret | Refusal | undefined> {
    const changed = await this.changed(owner, id, (subscription) => {
      const [current] = subscription.keys;
      const untilMs = this.parts.clock.now() + KEY_OVERLAP_MS;
      const next = { scheme, generation: current!.generation + 1, untilMs: null };
      return { ...subscription, keys: [next, { ...current!, untilMs }] };
    });
    return changed === undefined || 'code' in changed ? changed : this.withSecret(changed);
  }

  async attempts(owner: string, id: string, limit: number): Promise<readonly Attempt[] | undefined> {
    return (await this.owned(owner, id)) && this.parts.deliveries.attempts(id, limit);
  }

  private async owned(owner: string, id: string): Promise<Managed | undefined> {
    const found = await this.parts.deliveries.find(id);
    return found?.subscription.owner === owner ? found : undefined;
  }

  private view({ subscription, progress }: Managed): SubscriptionView {
    const { id, keys } = subscription;
    const asymmetric = keys.filter(({ scheme }) => scheme === 'v1a');
    const publicKeys = asymmetric.map(
      ({ scheme, generation }) => [generation, this.keyText(id, scheme, generation)] as const,
    );
    return { subscription, progress, publicKeys: new Map(publicKeys) };
  }

  private withSecret(made: Managed): WithSecret {
    const { id, keys } = made.subscription;
    const { scheme, generation } = keys[0]!;
    return { ...this.view(made), verificationKey: this.keyText(id, scheme, generation) };
  }

  private keyText(id: string, scheme: SignatureScheme, generation: number): string {
    const name = `${id}/${generation}`;
    const known = this.keyTexts.get(name) ?? verificationKey(derivedKey(this.parts.master, id, scheme, generation));
    if (this.keyTexts.size >= MAX_SUBSCRIPTIONS) this.keyTexts.clear();
    this.keyTexts.set(name, known);
    return known;
  }
}
