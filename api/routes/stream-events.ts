import { createRoute, z } from '@hono/zod-openapi';
import { startOf } from '../../node-core/middleware/events/position.ts';
import { NO_STORE } from '../http/caching.ts';
import { eventStream } from '../http/event-stream.ts';
import { Slots } from '../http/slots.ts';
import type { Api, ApiParts } from '../parts.ts';
import { ProblemError, problems } from '../problem.ts';
import { CURSOR_PATTERN, eventQuery, eventsOr404, filterOf, placeOf } from '../views/event.ts';

const route = createRoute({
  method: 'get',
  path: '/v1/events/stream',
  operationId: 'streamEvents',
  tags: ['events'],
  summary: 'Events as they become final (Server-Sent Events)',
  description:
    'Each has its ID in `id`, its type in `event`, and as `data` what /v1/events shows. From now on, or after ' +
    '`Last-Event-ID`, which browsers send by themselves when they come back; `after` serves those who cannot. A sign of ' +
    'life every 15 s; a client that takes nothing for a minute is given up. Where a stream ends, go on after its last ID.',
  request: {
    query: z.strictObject(eventQuery),
    headers: z.object({
      'last-event-id': z
        .string()
        .max(64)
        .optional()
        .openapi({ pattern: CURSOR_PATTERN, description: 'The last event that the client has; before `after`.' }),
    }),
  },
  responses: {
    200: { description: 'The stream', content: { 'text/event-stream': { schema: z.string() } } },
    ...problems(404, 410),
  },
});

export function streamEvents(app: Api, { events, clock, limits }: ApiParts): void {
  const slots = new Slots(limits.maxStreams, limits.maxStreamsOfOne);
  app.openapi(route, async (c) => {
    const log = eventsOr404(events);
    const { after: asked, ...query } = c.req.valid('query');
    const filter = filterOf(query);
    const after = c.req.valid('header')['last-event-id'] ?? asked;
    const from = after === undefined || after === '' ? startOf(log.height + 1) : placeOf(log, after);
    const headers = { 'Content-Type': 'text/event-stream', 'Cache-Control': NO_STORE, 'X-Accel-Buffering': 'no' };
    if (c.req.method === 'HEAD') return c.body(null, 200, headers) as never;
    const release = slots.take(c.env?.remoteAddress);
    if (release === null) throw new ProblemError('TOO_MANY_REQUESTS', { detail: 'streams at the same time' });
    const reader = { pay: c.get('charge') ?? (() => true), ended: release };
    return c.body(eventStream({ log, clock, limits }, from, filter, reader) as never, 200, headers) as never;
  });
}
