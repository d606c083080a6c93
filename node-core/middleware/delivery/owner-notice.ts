/** What the owner of an endpoint is told when nothing is sent to it any more. */
import { toHex, utf8 } from '../../codec/bytes.ts';
import type { AuditEntry } from '../../ports/audit-log.ts';
import type { Random } from '../../ports/random.ts';
import type { DisabledReason } from '../../ports/subscription-store.ts';
import type { Message } from './courier.ts';

/** For the owner's other endpoints, whatever these have subscribed to; of no event, and sent once. */
export function disabledMessage(subscription: string, reason: DisabledReason, random: Random, nowMs: number): Message {
  const type = 'webhook.disabled';
  const body = { type, timestamp: new Date(nowMs).toISOString(), data: { subscription, reason } };
  return { id: `disabled_${toHex(random.bytes(16))}`, type, body: utf8(JSON.stringify(body)) };
}

/** What the node did, and not the account: no token is named. */
export function disabledEntry(
  account: string,
  target: string,
  reason: DisabledReason,
  timeMs: number,
): Omit<AuditEntry, 'number'> {
  return { timeMs, account, tokenId: '', action: 'subscription.disabled', target, outcome: reason };
}
