/** The metrics of a node without an API: one address, one path. */
import type { Server } from 'node:http';
import type { Registry } from 'prom-client';
import type { NodeConfig } from '../config.ts';
import { startOrExplain } from '../port-in-use.ts';

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
): Promise<MetricsServer> {
  const server = createServer(PATIENCE, (request, response) => {
    const path = request.url?.split('?')[0];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (path !== '/metrics' || !isRead) {
      response.writeHead(path === '/metrics' ? 405 : 404, { Connection: 'close' }).end();
      return;
    }
    registry.metrics().then(
      (text) => {
        response.writeHead(200, { 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' }).end(text);
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
