import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { MAX_DESCRIPTION_LENGTH, MAX_SUBSCRIPTIONS_OF_ACCOUNT } from '../../node-core/middleware/delivery/limits.ts';
import { MAX_FILTER_FIELDS, MAX_FILTER_TYPES } from '../../node-core/middleware/events/filter.ts';
import { audited } from '../http/audited.ts';
import { authenticate, needsScope, principalOf } from '../http/authenticate.ts';
import { NO_STORE } from '../http/caching.ts';
import { JSON_TYPE, readJson } from '../http/json-body.ts';
import type { Api, ApiEnv, ApiParts } from '../parts.ts';
import { orProblem, ProblemError, problems } from '../problem.ts';
import { CURSOR_PATTERN, eventsOr404, fieldValue, placeOf } from '../views/event.ts';
import { createdSchema, scheme, subscriptionSchema, subscriptionView } from '../views/subscription.ts';

const SCOPE = 'subscriptions:manage';
const MAX_BODY_BYTES = 16_384;
export const ID_PATTERN = '^sub_[0-9a-f]{32}$';

export const idParameter = z.object({
  id: z.string().regex(new RegExp(ID_PATTERN), 'not the ID of a subscription').openapi({ pattern: ID_PATTERN }),
});

const fields = {
  url: z.string().min(1).max(4_096).openapi({
    description: 'https, a public host, no user name, no fragment. A devnet takes http to its own machine.',
    example: 'https://partner.example/brop',
  }),
  types: z.array(z.string().max(64)).max(MAX_FILTER_TYPES).openapi({ description: 'None: every type.' }),
  filter: z
    .record(z.string().min(1).max(128), fieldValue)
    .refine((filter) => Object.keys(filter).length <= MAX_FILTER_FIELDS, `at most ${MAX_FILTER_FIELDS} fields`)
    .openapi({
      maxProperties: MAX_FILTER_FIELDS,
      description: 'Fields that an event must have with exactly this value; a list has it among its values.',
      example: { subject: 'lot 7' },
    }),
  description: z.string().max(MAX_DESCRIPTION_LENGTH),
  after: z
    .string()
    .max(64)
    .openapi({ pattern: CURSOR_PATTERN, description: 'The ID of an event, or a height: what comes after it.' }),
};

const createBody = z
  .strictObject({
    url: fields.url,
    types: fields.types.default([]),
    filter: fields.filter.default({}),
    description: fields.description.default(''),
    signature: scheme.default('v1a'),
    after: fields.after.optional(),
  })
  .openapi('NewSubscription');

const updateBody = z
  .strictObject({
    url: fields.url.optional(),
    types: fields.types.optional(),
    filter: fields.filter.optional(),
    description: fields.description.optional(),
    enabled: z.boolean().optional().openapi({ description: 'true goes on where it was, and tries again at once.' }),
    after: fields.after.optional().openapi({ description: 'With `enabled: true`: goes on from there instead.' }),
  })
  .openapi('SubscriptionUpdate');

const json = <S extends z.ZodType>(schema: S) => ({ [JSON_TYPE]: { schema } });
const common = { tags: ['subscriptions'], security: needsScope(SCOPE) };
const body = (schema: z.ZodType) => ({ body: { required: true, content: json(schema) } });

const listRoute = createRoute({
  ...common,
  method: 'get',
  path: '/v1/subscriptions',
  operationId: 'listSubscriptions',
  summary: 'Your subscriptions',
  responses: {
    200: {
      description: 'All of them',
      content: json(z.object({ subscriptions: z.array(subscriptionSchema) }).openapi('Subscriptions')),
    },
    ...problems(401, 403, 404),
  },
});
const makeRoute = createRoute({
  ...common,
  method: 'post',
  path: '/v1/subscriptions',
  operationId: 'createSubscription',
  summary: 'Be told of events by webhook',
  description:
    `By Standard Webhooks 1.0. At most ${MAX_SUBSCRIPTIONS_OF_ACCOUNT} of one account. From now on, or after \`after\`. ` +
    'docs/events.md says how to receive them.',
  request: body(createBody),
  responses: {
    201: { description: 'It is in force', content: json(createdSchema) },
    ...problems(401, 403, 404, 409, 410, 413, 415, 422),
  },
});
const getRoute = createRoute({
  ...common,
  method: 'get',
  path: '/v1/subscriptions/{id}',
  operationId: 'getSubscription',
  summary: 'One of your subscriptions, and how its deliveries are',
  request: { params: idParameter },
  responses: { 200: { description: 'It', content: json(subscriptionSchema) }, ...problems(401, 403, 404) },
});
const updateRoute = createRoute({
  ...common,
  method: 'patch',
  path: '/v1/subscriptions/{id}',
  operationId: 'updateSubscription',
  summary: 'Change, enable or disable a subscription',
  request: { params: idParameter, ...body(updateBody) },
  responses: {
    200: { description: 'As it is now', content: json(subscriptionSchema) },
    ...problems(401, 403, 404, 410, 413, 415, 422),
  },
});
const removeRoute = createRoute({
  ...common,
  method: 'delete',
  path: '/v1/subscriptions/{id}',
  operationId: 'removeSubscription',
  summary: 'End a subscription',
  request: { params: idParameter },
  responses: { 204: { description: 'It is gone' }, ...problems(401, 403, 404) },
});

export const notYours = () => new ProblemError('NOT_FOUND', { detail: 'your account has no such subscription' });

export function idOf(c: Context<ApiEnv>): string {
  const parsed = idParameter.safeParse({ id: c.req.param('id') });
  if (!parsed.success) throw new ProblemError('BAD_REQUEST', { detail: 'param.id: not the ID of a subscription' });
  return parsed.data.id;
}

/** @throws {ProblemError} NOT_FOUND on a node that delivers nothing */
export function deliveriesOf({ subscriptions: access, events }: ApiParts) {
  if (access === undefined) throw new ProblemError('NOT_FOUND', { detail: 'this node delivers no webhooks' });
  return { access, log: eventsOr404(events) };
}

export function subscriptions(app: Api, parts: ApiParts): void {
  for (const route of [listRoute, makeRoute, getRoute, updateRoute, removeRoute])
    app.openAPIRegistry.registerPath(route);
  const guard = authenticate(parts, SCOPE);
  const noted = (action: string) => audited(parts, `subscription.${action}`, (c) => c.req.param('id') ?? null);
  const headers = { 'Cache-Control': NO_STORE };
  const [all, one] = [listRoute.getRoutingPath(), getRoute.getRoutingPath()];

  app.get(all, guard, async (c) => {
    const { access, log } = deliveriesOf(parts);
    const found = await access.list(principalOf(c).accountText);
    return c.json({ subscriptions: found.map((each) => subscriptionView(log.genesisHash, each)) }, 200, headers);
  });

  app.post(all, guard, noted('create'), async (c) => {
    const { access, log } = deliveriesOf(parts);
    const { signature, after, ...wanted } = await readJson(c, createBody, MAX_BODY_BYTES);
    const from = after === undefined ? null : placeOf(log, after);
    const made = orProblem(await access.create(principalOf(c).accountText, { ...wanted, scheme: signature, from }));
    const view = { ...subscriptionView(log.genesisHash, made), verificationKey: made.verificationKey };
    return c.json(view, 201, { ...headers, Location: view.links.self });
  });

  app.get(one, guard, async (c) => {
    const { access, log } = deliveriesOf(parts);
    const found = await access.get(principalOf(c).accountText, idOf(c));
    if (found === undefined) throw notYours();
    return c.json(subscriptionView(log.genesisHash, found), 200, headers);
  });

  app.patch(one, guard, noted('update'), async (c) => {
    const { access, log } = deliveriesOf(parts);
    const id = idOf(c);
    const { after, ...update } = await readJson(c, updateBody, MAX_BODY_BYTES);
    if (after !== undefined && update.enabled !== true)
      throw new ProblemError('BAD_REQUEST', { detail: 'body.after: goes with enabled: true' });
    const from = after === undefined ? {} : { from: placeOf(log, after) };
    const found = await access.update(principalOf(c).accountText, id, { ...defined(update), ...from });
    if (found === undefined) throw notYours();
    return c.json(subscriptionView(log.genesisHash, orProblem(found)), 200, headers);
  });

  app.delete(one, guard, noted('remove'), async (c) => {
    const { access } = deliveriesOf(parts);
    if (!(await access.remove(principalOf(c).accountText, idOf(c)))) throw notYours();
    return c.body(null, 204, headers);
  });
}

/** Without what was not given. */
function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
