import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prometheusMetrics } from '../../adapters/metrics-prometheus/metrics.ts';
import { type Health, healthOf } from '../../api/health.ts';
import { type MetricsServer, serveMetrics } from './serve-metrics.ts';

let ageMs = 0;
let server: MetricsServer;

const health = async (): Promise<Health> => {
  const status = { height: 9, timeMs: 0, blockIntervalMs: 1_000, bestPeerHeight: 9, peers: 3 };
  return healthOf(status as Parameters<typeof healthOf>[0], ageMs);
};

beforeAll(async () => {
  server = await serveMetrics({ host: '127.0.0.1', port: 0 }, prometheusMetrics().registry, health);
});
afterAll(() => server.close());

const get = async (path: string, method = 'GET') => {
  const answer = await fetch(new URL(path, server.url), { method });
  const text = await answer.text();
  return [answer.status, answer.headers.get('Content-Type')?.startsWith('application/json') ? JSON.parse(text) : text];
};

describe('a node without an API', () => {
  it('says whether it is up to date', async () => {
    ageMs = 13_000;
    expect(await get('/healthz')).toEqual([
      200,
      { status: 'ok', height: 9, ageMs: 13_000, maxAgeMs: 13_000, behindBlocks: 0, peers: 3 },
    ]);
    ageMs = 13_001;
    const [status, told] = await get('/healthz');
    expect([status, told.status, told.reason]).toEqual([503, 'behind', expect.stringContaining('stands still')]);
  });

  it('lives though the chain stands still: to start it anew would not help', async () => {
    ageMs = 3_600_000;
    expect(await get('/livez')).toEqual([200, { status: 'ok' }]);
  });

  it('has metrics, and nothing else', async () => {
    expect(await get('/metrics')).toEqual([200, expect.stringContaining('brop_blocks_total')]);
    expect((await get('/metrics', 'POST'))[0]).toBe(405);
    for (const path of ['/', '/metrics/', '/constructor', '/healthz/x']) expect((await get(path))[0], path).toBe(404);
  });
});
