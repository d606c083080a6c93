import { createRoute, z } from '@hono/zod-openapi';
import { MAX_ATTEMPTS_KEPT } from '../../node-core/middleware/delivery/limits.ts';
import { audited } from '../http/audited.ts';
import { authenticate, needsScope, principalOf } from '../http/authenticate.ts';
import { NO_STORE } from '../http/caching.ts';
import { JSON_TYPE, readJson } from '../http/json-body.ts';
import type { Api, ApiParts } from '../parts.ts';
import { orProblem, ProblemError, problems } from '../problem.ts';
import { uint } from '../schemas.ts';
import { CURSOR_PATTERN, placeOf } from '../views/event.ts';
import {
  attemptSchema,
  attemptView,
  createdSchema,
  scheme,
  subscriptionSchema,
  subscriptionView,
} from '../views/subscription.ts';
import { deliveriesOf, idOf, idParameter, notYours } from './subscriptions.ts';

const SCOPE = 'subscriptions:manage';
const MAX_BODY_BYTES = 4_096;

const replayBody = z
  .strictObject({
    after: z
      .string()
      .max(64)
      .openapi({ pattern: CURSOR_PATTERN, description: 'The ID of an event, or a height: what comes after it.' }),
    throughHeight: uint.optional().openapi({ description: 'The last height; the newest without it.' }),
  })
  .openapi('ReplayRange');
const rotateBody = z.strictObject({ signature: scheme.default('v1a') }).openapi('KeyRotation');

const json = <S extends z.ZodType>(schema: S) => ({ [JSON_TYPE]: { schema } });
const common = { tags: ['subscriptions'], security: needsScope(SCOPE) };
const request = (schema: z.ZodType) => ({ params: idParameter, body: { required: true, content: json(schema) } });

const pingRoute = createRoute({
  ...common,
  method: 'post',
  path: '/v1/subscriptions/{id}/ping',
  operationId: 'pingSubscription',
  summary: 'Send a test message now',
  description:
    'Of type `webhook.ping`, signed like all others, also when the subscription is disabled. One that is accepted ends ' +
    'the wait for the next retry.',
  request: { params: idParameter },
  responses: { 200: { description: 'What came of it', content: json(attemptSchema) }, ...problems(401, 403, 404, 503) },
});
const replayRoute = createRoute({
  ...common,
  method: 'post',
  path: '/v1/subscriptions/{id}/replay',
  operationId: 'replaySubscription',
  summary: 'Deliver a range again',
  description:
    'Under the same IDs, in order per subject, beside what is new. One replay at a time: a later one takes its place.',
  request: request(replayBody),
  responses: {
    202: { description: 'It has begun', content: json(subscriptionSchema) },
    ...problems(401, 403, 404, 409, 410, 413, 415),
  },
});
const rotateRoute = createRoute({
  ...common,
  method: 'post',
  path: '/v1/subscriptions/{id}/rotate',
  operationId: 'rotateSubscriptionKey',
  summary: 'A new key to verify with',
  description: 'For a day the key before signs too: put the new one in place meanwhile.',
  request: request(rotateBody),
  responses: {
    200: { description: 'The new key', content: json(createdSchema) },
    ...problems(401, 403, 404, 413, 415),
  },
});
const attemptsRoute = createRoute({
  ...common,
  method: 'get',
  path: '/v1/subscriptions/{id}/attempts',
  operationId: 'listDeliveryAttempts',
  summary: 'The newest attempts to deliver, and what came of each',
  request: { params: idParameter },
  responses: {
    200: {
      description: `At most ${MAX_ATTEMPTS_KEPT}, the newest first`,
      content: json(z.object({ attempts: z.array(attemptSchema) }).openapi('DeliveryAttempts')),
    },
    ...problems(401, 403, 404),
  },
});

export function subscriptionDeliveries(app: Api, parts: ApiParts): void {
  for (const route of [pingRoute, replayRoute, rotateRoute, attemptsRoute]) app.openAPIRegistry.registerPath(route);
  const guard = authenticate(parts, SCOPE);
  const noted = (action: string) => audited(parts, `subscription.${action}`, (c) => c.req.param('id') ?? null);
  const headers = { 'Cache-Control': NO_STORE };

  app.post(pingRoute.getRoutingPath(), guard, noted('ping'), async (c) => {
    const attempt = await deliveriesOf(parts).access.ping(principalOf(c).accountText, idOf(c));
    if (attempt === undefined) throw notYours();
    if (attempt === null)
      throw new ProblemError('NODE_UNREACHABLE', {
        detail: 'nothing is known of its outcome yet: if it was sent, it stands among the attempts',
      });
    return c.json(attemptView(attempt), 200, headers);
  });

  app.post(replayRoute.getRoutingPath(), guard, noted('replay'), async (c) => {
    const { access, log } = deliveriesOf(parts);
    const id = idOf(c);
    const { after, throughHeight = log.height } = await readJson(c, replayBody, MAX_BODY_BYTES);
    const found = await access.replay(principalOf(c).accountText, id, placeOf(log, after), throughHeight);
    if (found === undefined) throw notYours();
    return c.json(subscriptionView(log.genesisHash, orProblem(found)), 202, headers);
  });

  app.post(rotateRoute.getRoutingPath(), guard, noted('rotate'), async (c) => {
    const { access, log } = deliveriesOf(parts);
    const id = idOf(c);
    const { signature } = await readJson(c, rotateBody, MAX_BODY_BYTES);
    const found = await access.rotate(principalOf(c).accountText, id, signature);
    if (found === undefined) throw notYours();
    const made = orProblem(found);
    return c.json({ ...subscriptionView(log.genesisHash, made), verificationKey: made.verificationKey }, 200, headers);
  });

  app.get(attemptsRoute.getRoutingPath(), guard, async (c) => {
    const found = await deliveriesOf(parts).access.attempts(principalOf(c).accountText, idOf(c), MAX_ATTEMPTS_KEPT);
    if (found === undefined) throw notYours();
    return c.json({ attempts: found.map(attemptView) }, 200, headers);
  });
}
