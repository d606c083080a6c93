/** The HTTP API of a node. The same app runs on a server and in a Lambda: it knows the chain through one port. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, ErrorHandler, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { Registry } from 'prom-client';
import { BropError } from '../node-core/chain/codes.ts';
import type { CryptoProvider } from '../node-core/crypto/provider.ts';
import { pureCrypto } from '../node-core/crypto/pure.ts';
import type { Log } from '../node-core/ports/log.ts';
import { Challenges } from './auth/challenges.ts';
import { MemorySingleUse, memoryTokenKeys } from './auth/memory.ts';
import { Tokens } from './auth/tokens.ts';
import { registerChainGauges } from './chain-gauges.ts';
import { SECURITY_SCHEME } from './http/authenticate.ts';
import { Intake } from './http/intake.ts';
import { CORS_HEADERS, unmatched } from './http/methods.ts';
import { accountPolicy, loginPolicy, RateLimiter, rateLimit } from './http/rate-limit.ts';
import { WaitingRoom } from './http/waiting-room.ts';
import { type ApiLimits, DEFAULT_LIMITS } from './limits.ts';
import { measure, registerWaiting } from './metrics.ts';
import type { Api, ApiEnv, ApiOptions, ApiParts } from './parts.ts';
import { ProblemError, problemResponse, STATUS_OF_CODE } from './problem.ts';
import { createChallenge } from './routes/create-challenge.ts';
import { createToken } from './routes/create-token.ts';
import { equivocations } from './routes/equivocations.ts';
import { files } from './routes/files.ts';
import { findAccount } from './routes/find-account.ts';
import { getAccount } from './routes/get-account.ts';
import { getAudit } from './routes/get-audit.ts';
import { getBlock } from './routes/get-block.ts';
import { getCodes } from './routes/get-codes.ts';
import { getDocs } from './routes/get-docs.ts';
import { getExpiryCertificate } from './routes/get-expiry-certificate.ts';
import { getGenesis } from './routes/get-genesis.ts';
import { getHealth } from './routes/get-health.ts';
import { getMetrics } from './routes/get-metrics.ts';
import { getOpenApi } from './routes/get-openapi.ts';
import { getReceipt } from './routes/get-receipt.ts';
import { getRecords } from './routes/get-records.ts';
import { getStateProof } from './routes/get-state-proof.ts';
import { getStatus } from './routes/get-status.ts';
import { getSubjectProof } from './routes/get-subject-proof.ts';
import { getTransaction } from './routes/get-transaction.ts';
import { hosting } from './routes/hosting.ts';
import { listEvents } from './routes/list-events.ts';
import { prepareTransaction } from './routes/prepare-transaction.ts';
import { quote } from './routes/quote.ts';
import { streamEvents } from './routes/stream-events.ts';
import { submitBatch } from './routes/submit-batch.ts';
import { submitTransaction } from './routes/submit-transaction.ts';
import { subscriptionDeliveries } from './routes/subscription-deliveries.ts';
import { subscriptions } from './routes/subscriptions.ts';

/**
 * The app; `app.fetch(request, { remoteAddress })` answers a request, in any host that has the Fetch API's types.
 *
 * @example
 * const app = createApi({ chain: new Queries(crypto, clock, node), clock, log, crypto });
 * serve({ fetch: (request, { incoming }) => app.fetch(request, { remoteAddress: incoming.socket.remoteAddress }) });
 */
export function createApi(options: ApiOptions): Api {
  const { chain, clock, log, crypto = pureCrypto, metrics = new Registry(), tracing } = options;
  const limits: ApiLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const waiting = new WaitingRoom(limits.maxWaiting);
  const parts: ApiParts = {
    chain,
    events: options.events,
    subscriptions: options.subscriptions,
    files: options.files,
    hosting: options.hosting,
    records: options.records,
    clock,
    log,
    crypto,
    limits,
    tracing,
    waiting,
    intake: new Intake(limits),
    audit: options.audit,
    ...authenticationParts(options, crypto, limits),
  };
  const app: Api = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw badParameter(result.target, result.error);
    },
  });
  app.openAPIRegistry.registerComponent('securitySchemes', SECURITY_SCHEME, {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'Access token of an account: POST /v1/auth/challenge, sign, POST /v1/auth/token.',
  });
  registerChainGauges(metrics, chain, clock);
  registerWaiting(metrics, parts.waiting);
  app.use(measure(metrics, clock), fixedHeaders(limits), rateLimit(limits, clock));
  submitTransaction(app, parts);
  submitBatch(app, parts);
  prepareTransaction(app, parts);
  getTransaction(app, parts);
  getReceipt(app, parts);
  getExpiryCertificate(app, parts);
  quote(app, parts);
  createChallenge(app, parts);
  createToken(app, parts);
  getAudit(app, parts);
  listEvents(app, parts);
  streamEvents(app, parts);
  subscriptions(app, parts);
  subscriptionDeliveries(app, parts);
  hosting(app, parts);
  getStatus(app, parts);
  getBlock(app, parts);
  getStateProof(app, parts);
  equivocations(app, parts);
  getGenesis(app, parts);
  files(app, parts);
  getRecords(app, parts);
  getSubjectProof(app, parts);
  getCodes(app, parts);
  getAccount(app, parts);
  findAccount(app, parts);
  getHealth(app, parts);
  getMetrics(app, metrics);
  getOpenApi(app, parts);
  getDocs(app, parts);
  app.notFound(unmatched(app));
  app.onError(answerError(log));
  return app;
}

function authenticationParts(
  { chain, clock, authentication = {} }: ApiOptions,
  crypto: CryptoProvider,
  limits: ApiLimits,
): Pick<ApiParts, 'challenges' | 'tokens' | 'accountLimiter'> {
  const {
    origins = [],
    tokenKeys = memoryTokenKeys(crypto),
    singleUse = new MemorySingleUse(clock, limits.maxLogins),
    challengeSecret = globalThis.crypto.getRandomValues(new Uint8Array(32)),
  } = authentication;
  const common = { chain, crypto, clock, origins };
  return {
    challenges: new Challenges({
      ...common,
      singleUse,
      loginLimiter: new RateLimiter(loginPolicy(limits), clock),
      secret: challengeSecret,
    }),
    tokens: new Tokens({ ...common, keys: tokenKeys }),
    accountLimiter: new RateLimiter(accountPolicy(limits), clock),
  };
}

/** Set before the answer is made: changing one afterwards costs a server a copy of it. */
function fixedHeaders({ maxUrlLength }: ApiLimits): MiddlewareHandler<ApiEnv> {
  const headers = Object.entries({ ...CORS_HEADERS, 'X-Content-Type-Options': 'nosniff' });
  return async (c, next) => {
    for (const [name, value] of headers) c.header(name, value);
    if (c.req.url.length > maxUrlLength) {
      throw new ProblemError('BAD_REQUEST', { status: 414, detail: `URL longer than ${maxUrlLength} characters` });
    }
    return next();
  };
}

interface SchemaError {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}

/** Names the parameter, never its value. */
function badParameter(target: string, { issues: [issue] }: SchemaError): ProblemError {
  const path = [target, ...(issue?.path ?? [])].map(String).join('.');
  return new ProblemError('BAD_REQUEST', { detail: `${path}: ${issue?.message ?? 'not of the form asked for'}` });
}

/** Refusals become their problem; anything else is ours, logged with its cause and named by an ID alone. */
function answerError(log: Log): ErrorHandler<ApiEnv> {
  return (error, c) => {
    if (error instanceof ProblemError) return problemResponse(c, error);
    if (error instanceof BropError && STATUS_OF_CODE[error.code] < 500) {
      return problemResponse(c, new ProblemError(error.code, { detail: error.message }));
    }
    const requestId = globalThis.crypto.randomUUID();
    log.error('a request failed', { requestId, method: c.req.method, route: routePath(c, -1), error: causes(error) });
    const code = error instanceof BropError ? error.code : 'INTERNAL';
    return problemResponse(c as Context, new ProblemError(code, { members: { requestId } }));
  };
}

function causes(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by ${causes(error.cause)}`;
}
