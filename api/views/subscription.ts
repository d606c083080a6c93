/** Subscriptions as their owner sees them. */
import { z } from '@hono/zod-openapi';
import { cursorAt } from '../../node-core/middleware/events/position.ts';
import type { SubscriptionView } from '../../node-core/ports/subscription-access.ts';
import type { Attempt } from '../../node-core/ports/subscription-store.ts';
import { accountId, link, timeMs, uint } from '../schemas.ts';
import { fieldValue } from './event.ts';

export const scheme = z.enum(['v1a', 'v1']).openapi({
  description: 'v1a: Ed25519, verified with a public key. v1: HMAC-SHA256, with a secret that both sides hold.',
});

export const subscriptionSchema = z
  .object({
    id: z.string(),
    owner: accountId,
    url: z.string(),
    description: z.string(),
    types: z.array(z.string()),
    filter: z.record(z.string(), fieldValue),
    createdMs: timeMs,
    status: z.enum(['active', 'failing', 'disabled']).openapi({
      description: 'failing: it is tried again at `failing.nextMs`. disabled: nothing is sent until it is enabled.',
    }),
    failing: z.object({ sinceMs: timeMs, attempts: uint, nextMs: timeMs }).nullable(),
    disabled: z
      .object({
        reason: z.enum(['gone', 'failing', 'address', 'pruned', 'owner']).openapi({
          description:
            'gone: it answered 410. failing: the whole retry schedule has failed. address: it leads to an address that ' +
            'is never connected to. pruned: the node no longer keeps what is undelivered. owner: you have said so.',
        }),
        atMs: timeMs,
      })
      .nullable(),
    delivered: z
      .string()
      .nullable()
      .openapi({ description: 'The event, or the height, up to which nothing is undelivered; null at first.' }),
    behind: z.boolean().openapi({ description: 'Whether something is undelivered, as far as has been looked.' }),
    replaying: z.boolean(),
    keys: z.array(
      z.object({
        signature: scheme,
        publicKey: z.string().nullable().openapi({ description: 'whpk_…; null for v1, whose secret is shown once.' }),
        untilMs: timeMs.nullable().openapi({ description: 'Until when it signs beside the newer one.' }),
      }),
    ),
    links: z.object({ self: link, attempts: link }),
  })
  .openapi('Subscription');

export const createdSchema = subscriptionSchema
  .extend({
    verificationKey: z.string().openapi({
      description: 'What verifies messages from now on: whpk_… (public), or whsec_… (secret, not shown again).',
    }),
  })
  .openapi('SubscriptionWithKey');

export const attemptSchema = z
  .object({
    number: uint,
    event: z.string().openapi({ description: '`webhook-id`: the same at each attempt for a message.' }),
    type: z.string(),
    atMs: timeMs,
    durationMs: uint,
    status: uint.nullable().openapi({ description: 'What it answered; null when it did not.' }),
    failure: z.string().nullable().openapi({
      description: 'address, dns, connect, tls, timeout, garbage or too-large; null when there was an answer.',
    }),
  })
  .openapi('DeliveryAttempt');

export function subscriptionView(
  genesisHash: Uint8Array,
  { subscription, progress, publicKeys }: SubscriptionView,
): z.infer<typeof subscriptionSchema> {
  const { keys, types, filter, ...plain } = subscription;
  const { cursor, from, replay, failing, disabled } = progress;
  const self = `/v1/subscriptions/${subscription.id}`;
  return {
    ...plain,
    types: [...types],
    filter: { ...filter },
    status: disabled !== null ? 'disabled' : failing === null ? 'active' : 'failing',
    failing: failing && { ...failing },
    disabled: disabled && { ...disabled },
    delivered: cursor && cursorAt(genesisHash, cursor),
    behind: from !== null,
    replaying: replay !== null,
    keys: keys.map(({ scheme: signature, generation, untilMs }) => ({
      ...{ signature, publicKey: publicKeys.get(generation) ?? null, untilMs },
    })),
    links: { self, attempts: `${self}/attempts` },
  };
}

export function attemptView({ outcome, ...plain }: Attempt): z.infer<typeof attemptSchema> {
  const isStatus = typeof outcome === 'number';
  return { ...plain, status: isStatus ? outcome : null, failure: isStatus ? null : outcome };
}
