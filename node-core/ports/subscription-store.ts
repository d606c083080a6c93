import type { FieldValue } from '../ledger/projection.ts';

/** Place of an event in the chain: [height, transaction in the block, event of the transaction]. */
export type Position = readonly [height: number, transaction: number, event: number];

/** Schemes of Standard Webhooks: Ed25519, HMAC-SHA256. */
export type SignatureScheme = 'v1a' | 'v1';

export interface SubscriptionKey {
  readonly scheme: SignatureScheme;
  readonly generation: number;
  /** Until when it signs beside the one that has replaced it, ms since 1970 UTC; null for the newest. */
  readonly untilMs: number | null;
}

/** What its owner has asked for. No secret is in it. */
export interface Subscription {
  readonly id: string;
  /** Account ID in text form. */
  readonly owner: string;
  readonly url: string;
  readonly description: string;
  readonly types: readonly string[];
  /** Fields that an event must have with exactly this value; a list has it among its values. */
  readonly filter: Readonly<Record<string, FieldValue>>;
  /** The newest first; one more while it is being replaced. */
  readonly keys: readonly SubscriptionKey[];
  readonly createdMs: number;
}

/**
 * Why nothing is sent any more: the endpoint answered 410; it failed through the whole retry schedule; it leads to an
 * address that is never connected to; the node no longer keeps a block that it has not been told of; its owner said so.
 */
export type DisabledReason = 'gone' | 'failing' | 'address' | 'pruned' | 'owner';

/** How far deliveries are. `from` is the first place that may hold something undelivered. */
export interface Progress {
  /** Everything up to here has been delivered; null before the first delivery. */
  readonly cursor: Position | null;
  /** null when nothing is undelivered up to the watermark of the store. */
  readonly from: Position | null;
  /** Deliveries that were asked for again, through a last place. */
  readonly replay: { readonly from: Position; readonly through: Position } | null;
  /** Since when each attempt has failed, how many have, and when the next is due. */
  readonly failing: { readonly sinceMs: number; readonly attempts: number; readonly nextMs: number } | null;
  readonly disabled: { readonly reason: DisabledReason; readonly atMs: number } | null;
  /** Whether the endpoint has ever accepted anything. */
  readonly proven: boolean;
}

/** One attempt to deliver. */
export interface Attempt {
  /** Counts the attempts of one subscription, from 0; two that are made at once in two processes may share a number. */
  readonly number: number;
  /** ID of the message: the same at each attempt for it. */
  readonly event: string;
  readonly type: string;
  readonly atMs: number;
  readonly durationMs: number;
  /** The HTTP status, or why there is none (ports/webhook-transport.ts). */
  readonly outcome: number | string;
}

export interface Subscribed {
  readonly subscription: Subscription;
  readonly progress: Progress;
  /** The number that its next attempt gets. */
  readonly attempts: number;
}

export type SubscriptionChange =
  | { readonly put: Subscription }
  | { readonly remove: string }
  | { readonly progress: Progress; readonly of: string }
  | { readonly attempt: Attempt; readonly of: string }
  | { readonly watermark: number };

/**
 * Subscriptions and how far their deliveries are.
 *
 * Contract, held to by test/conformance/subscription-store.ts:
 * - `write` is durable when it resolves. Changes are applied in order; a driver without transactions applies the
 *   watermark last, and nothing of a batch is lost when the batch before it was not.
 * - `remove` takes progress and attempts with it. Progress and attempts of what is not there are passed over.
 * - `all` gives every subscription with its newest progress, in the order of their IDs.
 * - `attempts` gives the newest first, of which the newest hundred are kept.
 * - `watermark`: all events up to this height have been matched with the subscriptions; undefined at first.
 */
export interface SubscriptionStore {
  all(): Promise<readonly Subscribed[]>;
  watermark(): Promise<number | undefined>;
  attempts(subscription: string, limit: number): Promise<readonly Attempt[]>;
  /** Puts `after` in the place of `before`; false, and nothing changes, when what is there is not `before` any more. */
  replace(before: Subscription, after: Subscription): Promise<boolean>;
  write(changes: readonly SubscriptionChange[]): Promise<void>;
  close(): Promise<void>;
}
