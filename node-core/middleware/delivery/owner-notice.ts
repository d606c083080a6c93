/** What the owner of an endpoint is told when nothing is sent to it any more. */
import { toHex, utf8 } from '../../codec/bytes.ts';
import type { AuditEntry, AuditLog } from '../../ports/audit-log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DisabledEndpoint, Outbox } from '../../ports/outbox.ts';
import type { Random } from '../../ports/random.ts';
import type { SharedSubscriptionStore } from '../../ports/shared-subscription-store.ts';
import type { DisabledReason, Subscription } from '../../ports/subscription-store.ts';
import type { Message } from './courier.ts';

/** For the owner's other endpoints, whatever these have subscribed to; of no event, and sent once. */
export function disabledMessage({ subscription, reason }: DisabledEndpoint, id: string, nowMs: number): Message {
  const type = 'webhook.disabled';
  const body = { type, timestamp: new Date(nowMs).toISOString(), data: { subscription, reason } };
  return { id, type, body: utf8(JSON.stringify(body)) };
}

export function newNoticeId(random: Random): string {
  return `disabled_${toHex(random.bytes(16))}`;
}

/** What the node did, and not the account: no token is named. */
export function disabledEntry(account: string, endpoint: DisabledEndpoint, timeMs: number): Omit<AuditEntry, 'number'> {
  const { subscription: target, reason: outcome } = endpoint;
  return { timeMs, account, tokenId: '', action: 'subscription.disabled', target, outcome };
}

export interface OwnerNoticeParts {
  readonly store: Pick<SharedSubscriptionStore, 'ofOwner'>;
  readonly outbox: Pick<Outbox, 'ping'>;
  readonly audit: AuditLog;
  readonly random: Random;
  readonly clock: Clock;
}

/** Where deliveries are the work of functions: the others are told by whoever is woken for them. */
export function tellingOwner({ store, outbox, audit, random, clock }: OwnerNoticeParts) {
  return async ({ id: subscription, owner }: Subscription, reason: DisabledReason): Promise<void> => {
    audit.append(disabledEntry(owner, { subscription, reason }, clock.now()));
    const others = (await store.ofOwner(owner)).filter((other) => other.subscription.id !== subscription);
    for (const { subscription: other, progress } of others)
      if (progress.disabled === null) await outbox.ping(other.id, newNoticeId(random), { subscription, reason });
  };
}
