/** The items of subscriptions in the service table, and the way between them and what they hold. */
import { MAX_ATTEMPTS_KEPT } from '../../node-core/middleware/delivery/limits.ts';
import type { Mail, Shared } from '../../node-core/ports/shared-subscription-store.ts';
import type { Attempt, Position, Progress, Subscription } from '../../node-core/ports/subscription-store.ts';
import type { Item } from '../dynamodb/table.ts';

/** Partitions of subscriptions: each of them takes a thousand changes a second. */
const SHARDS = 16;
const ATTEMPTS_EXPIRE_SECONDS = 30 * 86_400;
export const NO_PROGRESS: Progress = {
  ...{ cursor: null, from: null, replay: null, failing: null, disabled: null, proven: false },
};
export const NO_MAIL: Mail = { wake: null, set: {}, accepted: false };

/** Version, watermark and number of all of them: the one item that everybody changes. */
export const STATE: Item = key('subscriptions', 'state');

export const shards: readonly string[] = Array.from({ length: SHARDS }, (_, shard) => `subscription/${shard}`);

/** IDs are random hexadecimal digits; whatever they are, the same one is always in the same place. */
export function subscriptionKey(id: string): Item {
  let sum = 0;
  for (const character of id) sum = (31 * sum + character.charCodeAt(0)) % 65_521;
  return key(shards[sum % SHARDS]!, id);
}

export function ownerKey(owner: string): Item {
  return key(`owner/${owner}`, 'subscriptions');
}

export function attemptsName(id: string): string {
  return `attempts/${id}`;
}

function key(pk: string, sk: string): Item {
  return { pk: { S: pk }, sk: { S: sk } };
}

export function subscriptionItem(subscription: Subscription, progress: Progress): Item {
  return {
    ...subscriptionKey(subscription.id),
    subscription: json(subscription),
    progress: json(progress),
    attempts: { N: '0' },
    token: { N: '0' },
    leasedUntil: { N: '0' },
  };
}

/** What was attempted within one write, in one item; of many the newest, for no more are kept. */
export function attemptsItem(id: string, attempts: readonly Attempt[]): Item {
  const [first] = attempts;
  const sortKey = `${String(first!.atMs).padStart(15, '0')}/${String(first!.number).padStart(15, '0')}`;
  const expires = Math.ceil(first!.atMs / 1_000) + ATTEMPTS_EXPIRE_SECONDS;
  return {
    ...key(attemptsName(id), sortKey),
    attempts: json(attempts.slice(-MAX_ATTEMPTS_KEPT)),
    expires: { N: String(expires) },
  };
}

export function attemptsOf(item: Item): readonly Attempt[] {
  return JSON.parse(item.attempts!.S!);
}

export function sharedOf(item: Item): Shared {
  const wake: Position | null = item.wake === undefined ? null : JSON.parse(item.wake.S!);
  const posted = item.mail === undefined ? NO_MAIL : (JSON.parse(item.mail.S!) as Pick<Mail, 'set' | 'accepted'>);
  return {
    subscription: JSON.parse(item.subscription!.S!),
    progress: JSON.parse(item.progress!.S!),
    attempts: Number(item.attempts!.N),
    mail: { wake, set: posted.set, accepted: posted.accepted },
    leasedUntilMs: Number(item.leasedUntil!.N),
  };
}

/** As it stands in the item, which has none when nothing has been posted. */
export function postedOf({ set, accepted }: Mail): { readonly S: string } | undefined {
  return Object.keys(set).length === 0 && !accepted ? undefined : json({ set, accepted });
}

export function json(value: unknown): { readonly S: string } {
  return { S: JSON.stringify(value) };
}
