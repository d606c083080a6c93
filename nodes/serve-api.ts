/** The HTTP API of a node in this process. */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Server } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { nativeCrypto } from '../adapters/crypto-native/native.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { createApi } from '../api/app.ts';
import type { PublishedFiles } from '../node-core/ports/chain-files.ts';
import type { Log } from '../node-core/ports/log.ts';
import type { Node } from '../node-core/runtime/node.ts';
import { Queries } from '../node-core/runtime/queries.ts';
import type { NodeConfig } from './config.ts';
import { DEFAULT_CONNECTION_LIMITS, limitConnections } from './connection-limits.ts';
import type { NodeIndex } from './middleware/node-index.ts';
import type { Observation } from './observe/observe.ts';
import { startOrExplain } from './port-in-use.ts';

type ApiConfig = NonNullable<NodeConfig['api']>;

/** A request that is not complete after so long is ended; waiting for a receipt begins after that. */
const PATIENCE = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };

/** What the API is about. */
export interface Served {
  readonly node: Node;
  readonly index: NodeIndex | undefined;
  readonly files: PublishedFiles;
  readonly log: Log;
  readonly observed: Pick<Observation, 'metrics' | 'tracing'>;
}

export interface ApiServer {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws {BropError} PORT_IN_USE */
export async function serveApi(
  { host, port, requestsPerSecond }: ApiConfig,
  { node, index, files, log, observed: { metrics, tracing } }: Served,
): Promise<ApiServer> {
  const chain = new Queries(nativeCrypto, systemClock, node);
  const limits = requestsPerSecond === undefined ? {} : { requestsPerSecond };
  const app = createApi({
    chain,
    files,
    records: index?.search,
    clock: systemClock,
    log,
    crypto: nativeCrypto,
    limits,
    tracing,
    metrics: metrics?.registry,
  });
  const bindings = ({ socket }: IncomingMessage | Http2ServerRequest) =>
    socket.remoteAddress === undefined ? {} : { remoteAddress: socket.remoteAddress };
  let server: ServerType | undefined;
  await startOrExplain(
    () =>
      new Promise<void>((resolve, reject) => {
        server = serve(
          {
            fetch: (request, { incoming }) => app.fetch(request, bindings(incoming)),
            hostname: host,
            port,
            serverOptions: PATIENCE,
          },
          () => resolve(),
        );
        limitConnections(server as Server, DEFAULT_CONNECTION_LIMITS);
        server.on('error', reject);
      }),
    `api: API port ${port}`,
  );
  const address = server?.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: () =>
      new Promise((resolve) => {
        server?.close(() => resolve());
        if (server !== undefined && 'closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}
