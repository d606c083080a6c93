import type { Attempt, Position, Progress, Subscribed, Subscription, SubscriptionStore } from './subscription-store.ts';

/**
 * What others have for whoever delivers to a subscription next: progress is written by the holder of its lease alone, so
 * that nobody overwrites anybody.
 */
export interface Mail {
  /** The first place that is wanted since somebody last looked; null: none. */
  readonly wake: Position | null;
  /** What its owner has set. */
  readonly set: Partial<Progress>;
  /** Whether the endpoint has accepted a test message: it is tried again at once. */
  readonly accepted: boolean;
}

export interface Shared extends Subscribed {
  readonly mail: Mail;
  /** Until when somebody has it, ms; 0: nobody. */
  readonly leasedUntilMs: number;
}

/** The right to deliver to one subscription and to write its progress. */
export interface Lease extends Shared {
  /** Counts the leases of this subscription: what the holder of an older one writes is refused. */
  readonly token: number;
}

/** The subscriptions with which events are matched, as of a version. */
export interface Wanted {
  readonly version: number;
  /** All events up to this height have been matched; undefined at first. */
  readonly watermark: number | undefined;
  readonly subscriptions: readonly Subscription[];
}

export interface Work {
  readonly progress: Progress;
  readonly attempts: readonly Attempt[];
  /** The mail is in the progress: it is taken away, when it is still the same. */
  readonly isMailRead: boolean;
}

/**
 * Subscriptions that many processes work on at once: functions that match, deliver, and answer owners.
 *
 * Contract, held to by test/conformance/shared-subscription-store.ts:
 * - One holder of a lease at a time, by the clocks of those who ask: `untilMs` has to be later than anything it does.
 *   Whatever the clocks say, `keep` and `release` of all but the newest lease change nothing.
 * - `wake` and `order` reach the next holder: what is posted after `keep` has taken mail away stays. `release` says
 *   whether something has come: then it is the caller's to see to it.
 * - The version of `wanted` changes with each subscription that is created, replaced or removed; `moveWatermark` fails
 *   when it has, so that no subscription is passed over that was there before the watermark moved.
 */
export interface SharedSubscriptionStore extends SubscriptionStore {
  find(id: string): Promise<Shared | undefined>;
  /** In the order of their IDs. */
  ofOwner(owner: string): Promise<readonly Shared[]>;
  /** Nothing is created when the owner has `most.ofOwner`, or there are `most.ofAll`. */
  create(
    made: Pick<Subscribed, 'subscription' | 'progress'>,
    most: { readonly ofOwner: number; readonly ofAll: number },
  ): Promise<'created' | 'owner-full' | 'full'>;

  wanted(): Promise<Wanted>;
  /** false when the version is another one by now. The watermark never goes back. */
  moveWatermark(version: number, height: number): Promise<boolean>;
  /** true when nobody had been told before of something wanted. */
  wake(id: string, position: Position): Promise<boolean>;
  /** Later ones take the place of earlier ones, field by field; false when there is no such subscription. */
  order(id: string, mail: Partial<Pick<Mail, 'set' | 'accepted'>>): Promise<boolean>;
  /** IDs of those for which something is to be done and that nobody holds. */
  due(nowMs: number): Promise<readonly string[]>;

  /** undefined while somebody else holds it, or when there is no such subscription. */
  take(id: string, nowMs: number, untilMs: number): Promise<Lease | undefined>;
  /** false when the lease is over, or the mail has changed: then nothing has been written. */
  keep(lease: Lease, work: Work): Promise<boolean>;
  /** true when there is mail. */
  release(lease: Lease): Promise<boolean>;
}
