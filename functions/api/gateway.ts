/**
 * The API behind API Gateway (REST, proxy integration): the event as a request and the answer as a result, whole or as a
 * stream. Bodies are bytes in both directions: the gateway is to take all media types as binary.
 */
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda';
import { Hono } from 'hono';
import { handle, type LambdaEvent, streamHandle } from 'hono/aws-lambda';
import type { ApiBindings } from '../../api/parts.ts';
import { ProblemError, problemResponse } from '../../api/problem.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import type { Log } from '../../node-core/ports/log.ts';

export interface Served {
  fetch(request: Request, bindings: Required<ApiBindings>): Response | Promise<Response>;
  /** Resolves when nothing is under way any more that an instance which stands still would lose. */
  flush(): Promise<void>;
}

/** What runs around a request. */
export interface GatewayOptions {
  readonly open: () => Promise<Served>;
  readonly log: Log;
  /** Told of each answer, before it leaves. */
  readonly answered: (status: number, ms: number) => void;
}

/** Hono's own type of the event asks for fields that its code does not read, and the gateway does not always send. */
interface Env {
  readonly Bindings: { readonly event: APIGatewayProxyEvent };
}

function served({ open, log, answered }: GatewayOptions): Hono<Env> {
  const app = new Hono<Env>();
  app.all('*', async (c) => {
    const start = performance.now();
    const api = await open();
    const { identity, requestId } = c.env.event.requestContext;
    // The gateway's own: whatever a client writes into X-Forwarded-For or X-Amzn-Trace-Id is not believed.
    const response = await api.fetch(c.req.raw, { remoteAddress: identity.sourceIp, requestId });
    await api.flush();
    answered(response.status, performance.now() - start);
    return response;
  });
  // What the API itself cannot explain it has answered itself: this is an instance that could not begin.
  app.onError((error, c) => {
    log.error('a request failed before the API', { error: error.stack ?? String(error) });
    const code = error instanceof BropError ? error.code : 'INTERNAL';
    return problemResponse(c, new ProblemError(code));
  });
  return app;
}

/** Answers as a whole: at most 6 MB, of which bytes in base64 may be three quarters. */
export function gatewayHandler(options: GatewayOptions) {
  const handler = handle(served(options));
  return async (event: APIGatewayProxyEvent, context: Context): Promise<APIGatewayProxyResult> =>
    (await handler({ ...event, path: pathOf(event) } as unknown as LambdaEvent, context)) as APIGatewayProxyResult;
}

/** Answers as they come; null where the platform has no streams. */
export function gatewayStream(options: GatewayOptions): ReturnType<typeof streamHandle> | null {
  const platform = (globalThis as { readonly awslambda?: { readonly streamifyResponse?: unknown } }).awslambda;
  return typeof platform?.streamifyResponse === 'function' ? streamHandle(served(options)) : null;
}

/** As the client wrote it after the stage: a custom domain and emulators put other things before it. */
function pathOf({ path, pathParameters }: APIGatewayProxyEvent): string {
  const proxy = pathParameters?.proxy;
  return proxy === undefined ? path : `/${proxy}`;
}
