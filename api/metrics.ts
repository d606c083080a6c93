/** Prometheus metrics of the API itself. */
import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../node-core/ports/clock.ts';
import type { WaitingRoom } from './http/waiting-room.ts';
import type { ApiEnv } from './parts.ts';

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export function registerWaiting(registry: Registry, waiting: WaitingRoom): void {
  new Gauge({
    name: 'brop_http_waiting',
    help: 'Requests that wait for finality.',
    registers: [registry],
    collect() {
      this.set(waiting.count);
    },
  });
}

/** Counts and times each request under its route, never under its path: the labels stay few whatever is asked for. */
export function measure(registry: Registry, clock: Clock): MiddlewareHandler<ApiEnv> {
  const requests = new Counter({
    name: 'brop_http_requests_total',
    help: 'Requests by route, method and status.',
    labelNames: ['route', 'method', 'status'] as const,
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'brop_http_request_duration_seconds',
    help: 'Time to answer, by route and method.',
    labelNames: ['route', 'method'] as const,
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  });
  return async (c, next) => {
    const start = clock.now();
    await next();
    const route = routeOf(c);
    const method = METHODS.has(c.req.method) ? c.req.method : 'other';
    requests.inc({ route, method, status: c.res.status });
    durations.observe({ route, method }, Math.max(0, clock.now() - start) / 1_000);
  };
}

function routeOf(c: Context): string {
  const path = routePath(c, -1);
  return path.endsWith('*') ? 'none' : path;
}
