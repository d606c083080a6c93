/**
 * What whoever runs a node asks it, on an address of its own: its metrics, whether it lives, and whether it is up to date.
 *
 * `/livez` answers as long as the process does its work: it is for those who start a process anew that hangs. `/healthz` is
 * as in the API, 503 when the newest block is old: starting anew would not bring on a chain that stands still, and a node that
 * catches up would never get there.
 */
import type { Server } from 'node:http';
import type { Registry } from 'prom-client';
import type { Health } from '../../api/health.ts';
import type { NodeConfig } from '../config.ts';
import { startOrExplain } from '../port-in-use.ts';

interface Page {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const JSON_TYPE = 'application/json';

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Imported, it would load a whole HTTP client for its export `WebSocket`: 100 ms of every start. */
const { createServer } = process.getBuiltinModule('node:http');

const PATIENCE = { headersTimeout: 5_000, requestTimeout: 5_000, connectionsCheckingInterval: 2_500 };
/** Scrapers are few; whoever else finds the port must not cost much. */
const MAX_CONNECTIONS = 16;

/** @throws {BropError} PORT_IN_USE or CONFIG_INVALID */
export async function serveMetrics(
  { host, port }: NonNullable<NodeConfig['metrics']>,
  registry: Registry,
  health: () => Promise<Health>,
): Promise<MetricsServer> {
  const pages: Readonly<Record<string, () => Promise<Page>>> = {
    '/metrics': async () => ({ status: 200, type: registry.contentType, text: await registry.metrics() }),
    '/livez': async () => ({ status: 200, type: JSON_TYPE, text: JSON.stringify({ status: 'ok' }) }),
    '/healthz': async () => {
      const { status, facts, reason } = await health();
      const told = status === 'behind' ? { status, reason, ...facts } : { status, ...facts };
      return { status: status === 'behind' ? 503 : 200, type: JSON_TYPE, text: JSON.stringify(told) };
    },
  };
  const server = createServer(PATIENCE, (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (page === undefined || !isRead) {
      response.writeHead(page === undefined ? 404 : 405, { Connection: 'close' }).end();
      return;
    }
    page().then(
      ({ status, type, text }) => {
        response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(text);
      },
      () => response.writeHead(500, { Connection: 'close' }).end(),
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  await startOrExplain(
    () => new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve)),
    `metrics: port ${port}`,
  );
  server.removeAllListeners('error').on('error', () => {});
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${portOf(server)}`, close: () => close(server) };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
