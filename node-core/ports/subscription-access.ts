import type { Refusal } from '../chain/codes.ts';
import type { FieldValue } from '../ledger/projection.ts';
import type { Attempt, Position, SignatureScheme, Subscribed } from './subscription-store.ts';

export interface SubscriptionWanted {
  readonly url: string;
  readonly description: string;
  readonly types: readonly string[];
  readonly filter: Readonly<Record<string, FieldValue>>;
  readonly scheme: SignatureScheme;
  /** The first position of interest; null: from now on. */
  readonly from: Position | null;
}

export interface SubscriptionUpdate extends Partial<Omit<SubscriptionWanted, 'scheme' | 'from'>> {
  readonly enabled?: boolean;
  /** With `enabled`: what is undelivered before it is given up, or what was delivered after it comes again. */
  readonly from?: Position;
}

export interface SubscriptionView extends Omit<Subscribed, 'attempts'> {
  /** What verifies its messages, by generation: public keys. Shared secrets are shown once, when they are made. */
  readonly publicKeys: ReadonlyMap<number, string>;
}

/** @param secret what verifies messages from now on: `whpk_…`, or `whsec_…`, which is not shown again. */
export interface WithSecret extends SubscriptionView {
  readonly verificationKey: string;
}

/**
 * Subscriptions as their owners manage them. Whoever is not the owner of one is answered as if it did not exist:
 * undefined. What has been answered is durable.
 */
export interface SubscriptionAccess {
  /** Refused with EVENT_*, WEBHOOK_URL_REFUSED, SUBSCRIPTIONS_FULL. @param owner account ID in text form */
  create(owner: string, wanted: SubscriptionWanted): Promise<WithSecret | Refusal>;
  list(owner: string): Promise<readonly SubscriptionView[]>;
  get(owner: string, id: string): Promise<SubscriptionView | undefined>;
  update(owner: string, id: string, update: SubscriptionUpdate): Promise<SubscriptionView | Refusal | undefined>;
  /** false when there was none. */
  remove(owner: string, id: string): Promise<boolean>;
  /** Sends a test message at once, also to a disabled endpoint; one that succeeds ends the wait for the next retry. null: its outcome is not known yet. */
  ping(owner: string, id: string): Promise<Attempt | null | undefined>;
  /** Delivers again what matches from a position through a height. Refused with SUBSCRIPTION_DISABLED. */
  replay(
    owner: string,
    id: string,
    from: Position,
    throughHeight: number,
  ): Promise<SubscriptionView | Refusal | undefined>;
  /** A new key; the one before signs beside it for a day. */
  rotate(owner: string, id: string, scheme: SignatureScheme): Promise<WithSecret | Refusal | undefined>;
  /** The newest first. */
  attempts(owner: string, id: string, limit: number): Promise<readonly Attempt[] | undefined>;
}
