/** Prometheus metrics of the node as the API sees it. Gauges are read when they are scraped, never before. */
import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ChainAccess, ChainStatus } from '../node-core/ports/chain-access.ts';
import type { Clock } from '../node-core/ports/clock.ts';
import type { WaitingRoom } from './http/waiting-room.ts';
import type { ApiEnv } from './parts.ts';

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

type Reading = readonly [name: string, help: string, read: (status: ChainStatus) => number];

const readings = (clock: Clock): readonly Reading[] => [
  ['brop_height', 'Height of the newest block.', (s) => s.height],
  ['brop_block_age_seconds', 'Age of the newest block.', (s) => Math.max(0, clock.now() - s.timeMs) / 1_000],
  ['brop_block_time_seconds', 'Time of the newest block, seconds since 1970 UTC.', (s) => s.timeMs / 1_000],
  ['brop_log_size', 'Entries of the log.', (s) => s.logSize],
  ['brop_peers', 'Connected peers.', (s) => s.peers],
  ['brop_best_peer_height', 'Highest block that a peer says it has.', (s) => s.bestPeerHeight],
  ['brop_pending_transactions', 'Transactions that wait to be packed.', (s) => s.pending.transactions],
  ['brop_pending_bytes', 'Bytes of the transactions that wait to be packed.', (s) => s.pending.bytes],
  ['brop_consensus_round', 'Round of the height being decided; -1 in a follower.', (s) => s.consensus?.round ?? -1],
];

export function registerGauges(registry: Registry, chain: ChainAccess, clock: Clock, waiting: WaitingRoom): void {
  // All gauges of one scrape share one answer.
  let current: Promise<ChainStatus> | null = null;
  const status = () => {
    current ??= chain.status().finally(() => {
      current = null;
    });
    return current;
  };
  for (const [name, help, read] of readings(clock)) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set(read(await status()));
      },
    });
  }
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
