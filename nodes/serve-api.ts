/** The HTTP API of a node in this process. */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { type ServerType, serve } from '@hono/node-server';
import { openAuditFile } from '../adapters/audit-file/audit-file.ts';
import { nativeCrypto } from '../adapters/crypto-native/native.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { openTokenKeys } from '../adapters/token-keys-file/token-keys-file.ts';
import { createApi } from '../api/app.ts';
import type { Api } from '../api/parts.ts';
import type { PublishedFiles } from '../node-core/ports/chain-files.ts';
import type { Log } from '../node-core/ports/log.ts';
import type { Node } from '../node-core/runtime/node.ts';
import { Queries } from '../node-core/runtime/queries.ts';
import type { NodeConfig } from './config.ts';
import { DEFAULT_CONNECTION_LIMITS, limitConnections } from './connection-limits.ts';
import { startDelivery } from './middleware/delivery.ts';
import type { NodeIndex } from './middleware/node-index.ts';
import type { Observation } from './observe/observe.ts';
import { startOrExplain } from './port-in-use.ts';

type ApiConfig = NonNullable<NodeConfig['api']>;

/** A request that is not complete after so long is ended; waiting for a receipt begins after that. */
const PATIENCE = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };

/** What the API is about. */
export interface Served extends Pick<NodeConfig, 'dataFolder' | 'webhooks'> {
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

const TOKEN_KEYS_FILE = 'token-keys.json';
const AUDIT_FOLDER = 'audit';

/** @throws {BropError} PORT_IN_USE; CONFIG_INVALID when the token keys are not as they were written */
export async function serveApi(
  config: ApiConfig,
  { dataFolder, webhooks, node, index, files, log, observed: { metrics, tracing } }: Served,
): Promise<ApiServer> {
  const { host, requestsPerSecond } = config;
  // Which port it is may be known only when it listens.
  const origins = [...(config.origins ?? [])];
  const chain = new Queries(nativeCrypto, systemClock, node);
  const audit = openAuditFile({ folder: join(dataFolder, AUDIT_FOLDER), log });
  const told = await startDelivery({ dataFolder, webhooks, node, chain, log, metrics, audit });
  const app = createApi({
    chain,
    events: told.events,
    subscriptions: told.subscriptions,
    files,
    records: index?.search,
    clock: systemClock,
    log,
    crypto: nativeCrypto,
    limits: requestsPerSecond === undefined ? {} : { requestsPerSecond },
    tracing,
    metrics: metrics?.registry,
    authentication: { origins, tokenKeys: openTokenKeys(join(dataFolder, TOKEN_KEYS_FILE), nativeCrypto, systemClock) },
    audit,
  });
  const server = await listen(config, app).catch(async (error: unknown) => {
    await told.stop();
    throw error;
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  if (config.origins === undefined) origins.push(...loopbackOrigins(host, port));
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
      await told.stop();
    },
  };
}

/** @throws {BropError} PORT_IN_USE */
async function listen({ host, port }: ApiConfig, app: Api): Promise<ServerType> {
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
  return server!;
}

/** Nobody else can stand at a loopback address; any other name has to be said (`api.origins`). */
function loopbackOrigins(host: string, port: number): readonly string[] {
  if (host !== '127.0.0.1' && host !== '::1' && host !== 'localhost') return [];
  return [host === '::1' ? `http://[::1]:${port}` : `http://${host}:${port}`, `http://localhost:${port}`];
}
