import { createRoute, z } from '@hono/zod-openapi';
import type { Registry } from 'prom-client';
import { NO_STORE } from '../http/caching.ts';
import type { Api } from '../parts.ts';
import { problems } from '../problem.ts';

const route = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  tags: ['operation'],
  summary: 'Metrics for Prometheus',
  responses: {
    200: { description: 'Text exposition format 0.0.4', content: { 'text/plain': { schema: z.string() } } },
    ...problems(),
  },
});

export function getMetrics(app: Api, registry: Registry): void {
  app.openapi(route, async (c) => {
    const headers = { 'Content-Type': registry.contentType, 'Cache-Control': NO_STORE };
    return c.body(await registry.metrics(), 200, headers) as never;
  });
}
