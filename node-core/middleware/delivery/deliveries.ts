/** Where subscriptions are and who delivers to them: a dispatcher in this process, or a store that functions share. */
import type { Refusal } from '../../chain/codes.ts';
import type { Attempt, Position, Subscribed, Subscription } from '../../ports/subscription-store.ts';

export type Managed = Pick<Subscribed, 'subscription' | 'progress'>;

/**
 * What owners ask for has been checked when it comes here, and is durable when it has been answered. Which owner may do
 * what is not asked here.
 */
export interface Deliveries {
  find(id: string): Promise<Managed | undefined>;
  /** In the order of their IDs. */
  ofOwner(owner: string): Promise<readonly Managed[]>;
  /** Refused with SUBSCRIPTIONS_FULL. @param from null: what comes from now on */
  create(subscription: Subscription, from: Position | null): Promise<Managed | Refusal>;
  /** false, and nothing changes, when what is there is not `before` any more. */
  replace(before: Subscription, after: Subscription): Promise<boolean>;
  remove(id: string): Promise<void>;
  disable(id: string): Promise<void>;
  /** @param from where to go on instead of where it was. */
  enable(id: string, from?: Position): Promise<void>;
  replay(id: string, from: Position, through: Position): Promise<void>;
  /** null when nothing is known of the outcome, or there is no such subscription any more. */
  ping(id: string): Promise<Attempt | null>;
  attempts(id: string, limit: number): Promise<readonly Attempt[]>;
}
