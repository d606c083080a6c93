/**
 * The whole HTTP API of a node, typed: paths, parameters, bodies and answers as docs/openapi.json has them. What it
 * answers is the node's word; what must be proven, `createClient` proves.
 */
import createFetchClient, { type Middleware } from 'openapi-fetch';
import type { Scope } from '../node-core/chain/scopes.ts';
import { type components, type paths, SCOPE_OF } from './api-types.ts';
import { apiKeyHeader, defaultFetch, type Fetch } from './http.ts';

export type ApiClient = ReturnType<typeof createApiClient>;
/** The JSON of the API by the names of its schemas: `ApiSchemas['PreparedTransaction']`. */
export type ApiSchemas = components['schemas'];

export interface ApiClientOptions {
  /** Of a node's API, such as `https://node.example`. */
  readonly url: string;
  readonly fetch?: Fetch;
  /** Where the operator of a node asks for one: sent with each request, to this node alone. */
  readonly apiKey?: string | undefined;
  /** Gives the access token of requests that need one: `client.auth.token` of the client that signs. */
  readonly token?: (scopes: readonly Scope[]) => Promise<string>;
}

/**
 * @example
 * const api = createApiClient({ url: 'https://node.example' });
 * const { data, error } = await api.GET('/v1/blocks/{height}', { params: { path: { height: '7' } } });
 */
export function createApiClient({ url, fetch = defaultFetch, apiKey, token }: ApiClientOptions) {
  const client = createFetchClient<paths>({
    baseUrl: url.replace(/\/+$/, ''),
    headers: apiKeyHeader(apiKey),
    fetch: async (request) => {
      const { method, headers, signal } = request;
      const body = method === 'GET' || method === 'HEAD' ? null : new Uint8Array(await request.arrayBuffer());
      return fetch(request.url, { method, headers, signal, redirect: 'error', ...(body !== null && { body }) });
    },
  });
  if (token !== undefined) client.use(authorization(token));
  return client;
}

function authorization(token: NonNullable<ApiClientOptions['token']>): Middleware {
  return {
    onRequest: async ({ request, schemaPath }) => {
      const scope = SCOPE_OF[`${request.method} ${schemaPath}`];
      if (scope !== undefined) request.headers.set('Authorization', `Bearer ${await token([scope])}`);
      return request;
    },
  };
}
