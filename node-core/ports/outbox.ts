/**
 * Wakes whoever delivers. A message that is lost, late or doubled does no harm: what is to be done stands in the store.
 */
export interface Outbox {
  /** @param delaySeconds 0 to 900 */
  wake(subscriptions: readonly string[], delaySeconds: number): Promise<void>;
  /** Has a test message sent, by whoever has a way to endpoints. @param message its ID, by which its attempt is found */
  ping(subscription: string, message: string): Promise<void>;
}
