import type { DisabledReason } from './subscription-store.ts';

/**
 * Wakes whoever delivers. A message that is lost, late or doubled does no harm: what is to be done stands in the store.
 */
export interface Outbox {
  /** @param delaySeconds 0 to 900 */
  wake(subscriptions: readonly string[], delaySeconds: number): Promise<void>;
  /**
   * Has a test message sent, by whoever has a way to endpoints, or one about another endpoint of the same owner.
   * @param message its ID, by which its attempt is found
   */
  ping(subscription: string, message: string, about?: DisabledEndpoint): Promise<void>;
}

/** An endpoint that nothing is sent to any more. */
export interface DisabledEndpoint {
  readonly subscription: string;
  readonly reason: DisabledReason;
}
