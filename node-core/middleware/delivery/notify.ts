/** Matches final events with all subscriptions, once, and wakes whoever delivers to those that want one. */
import type { AbortLike } from '../../ports/block-feed.ts';
import type { Outbox } from '../../ports/outbox.ts';
import type { SharedSubscriptionStore } from '../../ports/shared-subscription-store.ts';
import type { Position, Subscription } from '../../ports/subscription-store.ts';
import type { Event } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { SubscriptionIndex } from '../events/subscription-index.ts';

export interface NotifyParts {
  readonly store: SharedSubscriptionStore;
  /** Its height is that of the chain now. */
  readonly events: EventLog;
  readonly outbox: Outbox;
  /** Ends it between two records of what was found: what is left is for the next call. */
  readonly signal?: AbortLike;
}

/** Blocks after which what was found is recorded. */
const BLOCKS_AT_ONCE = 100;

/**
 * For each subscription the first place that it wants of these events.
 * @param events in the order of the chain
 */
export function firstWanted(index: SubscriptionIndex, events: readonly Event[]): ReadonlyMap<string, Position> {
  const wanted = new Map<string, Position>();
  for (const event of events) {
    for (const id of index.of(event)) if (!wanted.has(id)) wanted.set(id, event.position);
  }
  return wanted;
}

/**
 * Matches all blocks above the watermark. Each subscription that wants something is marked in the store first; messages
 * go to those that were not marked before; the watermark moves last. Whatever fails in between is done again by the next
 * call, and a message that is lost is made up for by whoever looks for marks. Any number may do this at once.
 * @returns the height up to which everything has been matched.
 * @throws what store, outbox and feed throw; {BropError} PRUNED when a block above the watermark is gone.
 */
export async function notify({ store, events, outbox, signal }: NotifyParts): Promise<number> {
  let known: readonly Subscription[] | null = null;
  let index = new SubscriptionIndex();
  for (;;) {
    const { version, watermark, subscriptions } = await store.wanted();
    // Whoever subscribes first wants what comes.
    const from = watermark ?? events.height;
    if (watermark !== undefined && (watermark >= events.height || signal?.aborted === true)) return watermark;
    if (subscriptions !== known) {
      known = subscriptions;
      index = indexOf(subscriptions);
    }
    const through = subscriptions.length === 0 ? events.height : Math.min(events.height, from + BLOCKS_AT_ONCE);
    if (subscriptions.length > 0) await wakeAll(store, outbox, await foundIn(index, events, from + 1, through));
    // When somebody has subscribed meanwhile, these blocks are matched again.
    await store.moveWatermark(version, through);
  }
}

function indexOf(subscriptions: readonly Subscription[]): SubscriptionIndex {
  const index = new SubscriptionIndex();
  for (const subscription of subscriptions) index.put(subscription);
  return index;
}

async function foundIn(
  index: SubscriptionIndex,
  events: EventLog,
  from: number,
  through: number,
): Promise<ReadonlyMap<string, Position>> {
  const found = new Map<string, Position>();
  for (let height = from; height <= through; height++) {
    for (const [id, position] of firstWanted(index, await events.at(height))) {
      if (!found.has(id)) found.set(id, position);
    }
  }
  return found;
}

/** Requests to the store under way at once. */
const WAKES_AT_ONCE = 16;

async function wakeAll(
  store: SharedSubscriptionStore,
  outbox: Outbox,
  found: ReadonlyMap<string, Position>,
): Promise<void> {
  const waiting = [...found];
  const woken: string[] = [];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (await store.wake(...next)) woken.push(next[0]);
    }
  };
  await Promise.all(Array.from({ length: WAKES_AT_ONCE }, lane));
  if (woken.length > 0) await outbox.wake(woken, 0);
}
