/** What API Gateway (REST, proxy integration, all media types binary) sends to a handler, and makes of its result. */
import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda';
import { contextWith } from './event-source.ts';

export type ProxyHandler = (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>;

export interface GatewayOptions {
  readonly stage?: string;
  readonly sourceIp?: string;
  /** What stands before the path in `event.path`: a custom domain's base path, or an emulator's prefix. */
  readonly before?: string;
}

/** The event of a request, as the gateway has it for the resource `/{proxy+}`. */
export async function eventOf(
  request: Request,
  { stage = 'v1', sourceIp = '192.0.2.1', before = '' }: GatewayOptions = {},
): Promise<APIGatewayProxyEvent> {
  const { pathname, searchParams } = new URL(request.url);
  const body = Buffer.from(await request.arrayBuffer());
  const headers = Object.fromEntries(request.headers);
  const query: Record<string, string[]> = {};
  for (const [name, value] of searchParams) query[name] = [...(query[name] ?? []), value];
  const isAsked = Object.keys(query).length > 0;
  return {
    resource: '/{proxy+}',
    path: before + pathname,
    httpMethod: request.method,
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters: isAsked ? Object.fromEntries(searchParams) : null,
    multiValueQueryStringParameters: isAsked ? query : null,
    pathParameters: { proxy: pathname.slice(1) },
    stageVariables: null,
    body: body.length === 0 ? null : body.toString('base64'),
    isBase64Encoded: body.length > 0,
    requestContext: {
      ...{ stage, path: `/${stage}${pathname}`, domainName: 'api.example', httpMethod: request.method },
      requestId: randomUUID(),
      identity: { sourceIp },
    } as APIGatewayProxyEvent['requestContext'],
  };
}

/** The handler as a client sees it. */
export function behindGateway(handler: ProxyHandler, options: GatewayOptions = {}) {
  return async (url: string, init: RequestInit = {}): Promise<Response> => {
    const event = await eventOf(new Request(new URL(url, 'https://api.example'), init), options);
    const { statusCode, headers, multiValueHeaders, body, isBase64Encoded } = await handler(event, contextWith(29_000));
    const all = new Headers();
    for (const [name, value] of Object.entries(headers ?? {})) all.append(name, String(value));
    for (const [name, values] of Object.entries(multiValueHeaders ?? {}))
      for (const value of values) all.append(name, String(value));
    const bytes = isBase64Encoded ? Buffer.from(body, 'base64') : Buffer.from(body);
    const hasNone = statusCode === 204 || statusCode === 304 || init.method === 'HEAD';
    return new Response(hasNone ? null : new Uint8Array(bytes), { status: statusCode, headers: all });
  };
}
