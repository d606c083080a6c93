import { createRoute, z } from '@hono/zod-openapi';
import { eventView } from '../../node-core/middleware/events/event-view.ts';
import { cursorBefore, startOf } from '../../node-core/middleware/events/position.ts';
import { NO_STORE } from '../http/caching.ts';
import { BLOCKS_PER_REQUEST, chargeFor } from '../http/charge.ts';
import type { Api, ApiParts } from '../parts.ts';
import { problems } from '../problem.ts';
import { uint } from '../schemas.ts';
import { CURSOR_PATTERN, eventQuery, eventSchema, eventsOr404, filterOf, placeOf } from '../views/event.ts';

const MAX_PAGE = 100;
/** Blocks that one request looks through. */
const MAX_BLOCKS = 256;
const LIMIT_PATTERN = '^([1-9][0-9]?|100)$';

const route = createRoute({
  method: 'get',
  path: '/v1/events',
  operationId: 'listEvents',
  tags: ['events'],
  summary: 'Events, in the order of the chain',
  description:
    'Go on with `after` = `next`, which is there also when nothing more is final yet. A page may be short, or empty, ' +
    'before the end: a request looks through so many blocks at most; compare `next` with `height`. ' +
    `Each ${BLOCKS_PER_REQUEST} blocks count as a request.`,
  request: {
    query: z.strictObject({
      ...eventQuery,
      limit: z
        .string()
        .regex(new RegExp(LIMIT_PATTERN), `not 1 to ${MAX_PAGE}`)
        .transform(Number)
        .default(50)
        .openapi({ type: 'string', pattern: LIMIT_PATTERN, description: `Events of a page, 1 to ${MAX_PAGE}.` }),
    }),
  },
  responses: {
    200: {
      description: 'A page',
      content: {
        'application/json': {
          schema: z
            .object({
              events: z.array(eventSchema),
              next: z.string().openapi({ pattern: CURSOR_PATTERN, description: 'For `after` of the next request.' }),
              height: uint.openapi({ description: 'The newest final height.' }),
            })
            .openapi('EventPage'),
        },
      },
    },
    ...problems(404, 410),
  },
});

export function listEvents(app: Api, parts: ApiParts): void {
  app.openapi(route, async (c) => {
    const log = eventsOr404(parts.events);
    const { after, limit, ...query } = c.req.valid('query');
    const filter = filterOf(query);
    const from = after === undefined ? startOf(log.firstHeight) : placeOf(log, after);
    const { height } = log;
    const blocks = Math.min(MAX_BLOCKS, height - from[0] + 1);
    chargeFor(c.get('charge'), blocks, BLOCKS_PER_REQUEST, 'blocks');
    const { events, next } = await log.from(from, filter, { maxEvents: limit, maxBlocks: MAX_BLOCKS, through: height });
    const body = { events: events.map(eventView), next: cursorBefore(log.genesisHash, next), height };
    // The types of an event's data are read-only, which the schema's are not.
    return c.json(body as never, 200, { 'Cache-Control': NO_STORE });
  });
}
