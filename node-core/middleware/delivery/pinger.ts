/**
 * Sends the test messages that owners ask for where they are answered by somebody who has no way to endpoints, and what
 * they are told of another endpoint.
 */
import type { DisabledEndpoint, Outbox } from '../../ports/outbox.ts';
import type { SharedSubscriptionStore } from '../../ports/shared-subscription-store.ts';
import { Courier, type CourierParts } from './courier.ts';
import { MAX_ATTEMPTS_KEPT } from './limits.ts';
import { disabledMessage } from './owner-notice.ts';
import { pingMessage } from './payload.ts';
import { SendSlots } from './send-slots.ts';

export interface PingerParts extends Pick<CourierParts, 'transport' | 'clock' | 'master' | 'sign'> {
  readonly store: SharedSubscriptionStore;
  readonly outbox: Pick<Outbox, 'wake'>;
}

export class Pinger {
  private readonly parts: PingerParts;
  private readonly slots = new SendSlots();

  constructor(parts: PingerParts) {
    this.parts = parts;
  }

  /**
   * Sends it and notes the attempt, by which whoever has asked finds its outcome. It goes to an endpoint that is failing,
   * disabled or at work too; one that accepts it is tried again at once. Called again for the same one it does nothing.
   * @param id what the message is to have. @param about what it says instead of being a test; then a disabled endpoint gets none
   */
  async send(subscription: string, id: string, about?: DisabledEndpoint): Promise<void> {
    const { store, outbox, clock, transport, master, sign } = this.parts;
    const found = await store.find(subscription);
    if (found === undefined || (about !== undefined && found.progress.disabled !== null)) return;
    const made = await store.attempts(subscription, MAX_ATTEMPTS_KEPT);
    if (made.some(({ event }) => event === id)) return;
    const { slots } = this;
    const courier = new Courier({ clock, transport, master, sign, slots, attempted: () => {} }, found.attempts);
    const message = about ? disabledMessage(about, id, clock.now()) : pingMessage(subscription, id, clock.now());
    const sent = await courier.send(found.subscription, message, 'doubtful');
    if (sent === null) return;
    await store.write([{ attempt: sent.attempt, of: subscription }]);
    if (sent.isSuccess && (await store.order(subscription, { accepted: true }))) await outbox.wake([subscription], 0);
  }
}
