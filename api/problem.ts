/**
 * Problems (RFC 9457) with the numbered codes. `type` is a URN rather than a URL: a code means the same on every node
 * of every chain, and no one domain can be promised to answer for all of them for ever. What a number means is said by
 * each node at /v1/codes and by docs/spec/codes.md.
 */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { CODES, type CodeName, type Refusal } from '../node-core/chain/codes.ts';

/**
 * One HTTP status for each code; a new code does not compile until it has one.
 *
 * - 400: the request or the transaction is of bad form; the same bytes will never do.
 * - 403, never 401, for senders, keys and signatures: 401 must offer a challenge (RFC 9110 §15.5.2), and the signature
 *   is in the transaction, not in HTTP. 401 is for access tokens alone (RFC 6750 §3).
 * - 410: gone for good, this transaction can never be packed; sign another. 409: the pair is taken.
 * - 422: well-formed, but against a rule. 429: the sender, or the address, has used up what it had and regains it, or
 *   all senders together have.
 * - 5xx: nothing is wrong with the request.
 */
export const STATUS_OF_CODE = {
  TX_TOO_LARGE: 413,
  TX_MALFORMED: 400,
  TX_NON_CANONICAL: 400,
  TX_SCHEMA: 400,
  TX_WRONG_CHAIN: 400,
  TX_WRONG_VERSION: 400,
  TX_UNKNOWN_OPERATION: 400,
  TX_BODY: 400,
  SENDER_UNKNOWN: 403,
  KEY_MISMATCH: 403,
  SIGNATURE_INVALID: 403,
  EXPIRED: 410,
  EXPIRY_TOO_FAR: 422,
  NONCE_USED: 409,
  NOT_PERMITTED: 403,
  QUOTA_SHORT: 429,
  MEMPOOL_FULL: 429,
  NAME_TAKEN: 422,
  KEY_IN_USE: 422,
  LEVEL_NOT_ALLOWED: 422,
  VALIDITY_PASSED: 422,
  SET_HEIGHT: 422,
  SET_PENDING: 422,
  SET_INVALID: 422,
  SET_ACCOUNT: 422,
  SET_NOT_APPROVED: 422,
  NODE_TAKEN: 422,
  NODES_FULL: 422,
  NODE_UNKNOWN: 422,
  SUBJECT_MISSING: 422,
  PREVIOUS_MISMATCH: 422,
  USER_UNKNOWN: 422,
  USER_NOT_CERTIFIED: 422,
  USER_LEVEL: 422,
  USER_LAPSED: 422,
  SCHEMA_UNKNOWN: 422,
  SCHEMA_MISMATCH: 422,
  SCHEMA_KNOWN: 422,
  PROOF_FORM: 422,
  PROOF_GENESIS: 422,
  PROOF_VALIDATORS: 422,
  PROOF_CERTIFICATE: 422,
  PROOF_INCLUSION: 422,
  PROOF_SIGNATURE: 422,
  PROOF_FILE: 422,
  PROOF_REJECTED: 422,
  PROOF_NOT_EXPIRED: 422,
  PROOF_EQUIVOCATION: 422,
  BAD_REQUEST: 400,
  NOT_FOUND: 404,
  BODY_TOO_LARGE: 413,
  TOO_MANY_REQUESTS: 429,
  OVERLOADED: 503,
  HEIGHT_NOT_REACHED: 404,
  STATE_NOT_KEPT: 410,
  EVENT_TYPE_UNKNOWN: 400,
  EVENT_FIELD_UNKNOWN: 400,
  EVENT_CURSOR_INVALID: 400,
  WEBHOOK_URL_REFUSED: 422,
  SUBSCRIPTIONS_FULL: 409,
  SUBSCRIPTION_DISABLED: 409,
  AUTHENTICATION_REQUIRED: 401,
  TOKEN_INVALID: 401,
  TOKEN_EXPIRED: 401,
  TOKEN_REVOKED: 401,
  SCOPE_MISSING: 403,
  CHALLENGE_INVALID: 403,
  CHALLENGE_EXPIRED: 403,
  CHALLENGE_USED: 403,
  ORIGIN_UNKNOWN: 403,
  HOSTED_FILE_TOO_LARGE: 413,
  HOSTED_FILE_UNREGISTERED: 404,
  COLLECTION_UNKNOWN: 404,
  FIELD_UNKNOWN: 400,
  FIELD_NOT_INDEXED: 400,
  FILTER_INVALID: 400,
  CURSOR_INVALID: 400,
  INDEX_UNAVAILABLE: 503,
  SUBJECT_TOO_LONG: 422,
  INTERNAL: 500,
  CONFIG_INVALID: 500,
  PORT_IN_USE: 500,
  STORE_OTHER_CHAIN: 500,
  STORE_LOCKED: 503,
  STORE_CORRUPT: 500,
  STORE_FULL: 500,
  FILE_UNREADABLE: 500,
  NODE_UNREACHABLE: 503,
  NOT_SYNCED: 503,
  CHAIN_FILE: 500,
  SNAPSHOT_INVALID: 500,
  SNAPSHOT_CHUNK: 500,
  SNAPSHOT_UNAVAILABLE: 500,
  PRUNED: 410,
  BACKUP_INVALID: 500,
} as const satisfies Record<CodeName, ContentfulStatusCode>;

export const PROBLEM_TYPE = 'application/problem+json';

export const problemSchema = z
  .looseObject({
    type: z.string().openapi({ description: 'urn:brop:code: and the number', example: 'urn:brop:code:1104' }),
    title: z.string().openapi({ description: 'The same for every problem of this code.' }),
    status: z.int().openapi({ description: 'The HTTP status.' }),
    detail: z.string().optional().openapi({ description: 'What is particular to this request.' }),
    code: z.int().openapi({ description: 'The number of the code (docs/spec/codes.md, /v1/codes).', example: 1104 }),
    name: z.string().openapi({ description: 'The name of the code.', example: 'EXPIRED' }),
    requestId: z
      .string()
      .optional()
      .openapi({ description: 'With code 5000: names the entry in the log of the node.' }),
  })
  .openapi('Problem', { description: 'RFC 9457 problem with the numbered code.' });

export interface ProblemOptions {
  readonly detail?: string | undefined;
  /** Where HTTP has a finer status than the code: 405, 406, 414, 415. */
  readonly status?: ContentfulStatusCode;
  readonly headers?: Readonly<Record<string, string>>;
  /** Extension members (RFC 9457 §3.2). */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Ends a request. Handlers throw it; the app answers with it. */
export class ProblemError extends Error {
  readonly code: CodeName;
  readonly options: ProblemOptions;

  constructor(code: CodeName, options: ProblemOptions = {}) {
    super(options.detail ?? CODES[code].text, { cause: options.cause });
    this.name = 'ProblemError';
    this.code = code;
    this.options = options;
  }
}

export function problemOf(refusal: Refusal, options: ProblemOptions = {}): ProblemError {
  const { code, detail, retryAfterSeconds } = refusal;
  const retry = retryAfterSeconds === undefined ? {} : { headers: { 'Retry-After': String(retryAfterSeconds) } };
  return new ProblemError(code, { detail, ...retry, ...options });
}

export function isRefusal<T extends object>(outcome: T | Refusal): outcome is Refusal {
  return 'code' in outcome && typeof outcome.code === 'string';
}

/** @throws {ProblemError} when `outcome` is a refusal. */
export function orProblem<T extends object>(outcome: T | Refusal): T {
  if (isRefusal(outcome)) throw problemOf(outcome);
  return outcome as T;
}

const MAX_DETAIL = 300;
const RETRY_STATUS: ReadonlySet<number> = new Set([429, 503]);

export function problemResponse(c: Context, { code, options }: ProblemError): Response {
  const { number, text } = CODES[code];
  const status = options.status ?? STATUS_OF_CODE[code];
  const detail = options.detail?.slice(0, MAX_DETAIL);
  const body = {
    type: `urn:brop:code:${number}`,
    title: text,
    status,
    ...(detail !== undefined && { detail }),
    code: number,
    name: code,
    ...options.members,
  };
  const retry = RETRY_STATUS.has(status) ? { 'Retry-After': '1' } : {};
  const headers = { 'Content-Type': PROBLEM_TYPE, 'Cache-Control': 'no-store', ...retry, ...options.headers };
  return c.body(JSON.stringify(body), status, headers);
}

type ProblemResponses<S extends number> = {
  readonly [K in S]: {
    readonly description: string;
    readonly content: { readonly [PROBLEM_TYPE]: { readonly schema: typeof problemSchema } };
  };
};

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'Bad form',
  401: 'No access token that holds',
  403: 'Not allowed: sender, key, signature or permission',
  404: 'Not here',
  406: 'No form that the Accept header asks for',
  409: 'The pair of sender and nonce is taken',
  410: 'Gone for good',
  413: 'Too large',
  414: 'A URL longer than the node reads',
  415: 'Another content type or content coding than those taken',
  416: 'The range begins after the end',
  422: 'Against a rule',
  429: 'Quota points, request allowance, or room for pending transactions used up',
  500: 'The node failed',
  503: 'The node cannot answer now',
};

/** The problem responses of a route, for its OpenAPI description. 400, 414, 429 and 500 can come from every route. */
export function problems<const S extends number>(
  ...statuses: readonly S[]
): ProblemResponses<S | 400 | 414 | 429 | 500> {
  const all = [...new Set([400, 414, ...statuses, 429, 500])].sort((a, b) => a - b);
  const content = { [PROBLEM_TYPE]: { schema: problemSchema } };
  const entries = all.map((status) => [status, { description: DESCRIPTIONS[status] ?? 'Problem', content }]);
  return Object.fromEntries(entries) as ProblemResponses<S | 400 | 414 | 429 | 500>;
}
