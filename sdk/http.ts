/** Requests to a node: answers or typed errors, nothing else. What an answer says is not believed here. */
import { BropError, CODES, type CodeName, codeName } from '../node-core/chain/codes.ts';
import { concat } from '../node-core/codec/bytes.ts';
import { piecesOf } from './digest.ts';
import { ApiError } from './errors.ts';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface RequestOptions {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

export const COSE_TYPE = 'application/cose';
export const RECEIPT_TYPE = 'application/vnd.brop.receipt+cbor';
export const STATE_PROOF_TYPE = 'application/vnd.brop.state-proof+cbor';
export const EXPIRY_CERTIFICATE_TYPE = 'application/vnd.brop.expiry-certificate+cbor';

const REQUEST_TIMEOUT_MS = 15_000;
/** The longest proof, with room for its JSON form. */
const MAX_ANSWER_BYTES = 10_000_000;

/** What a gateway in front of a node may ask of whoever writes (API Gateway's own name for it). */
export const API_KEY_HEADER = 'X-Api-Key';

/**
 * As a header, if there is one.
 * @throws {TypeError} without the key's text, which the error of the host would quote
 */
export function apiKeyHeader(apiKey: string | undefined): Readonly<Record<string, string>> {
  if (apiKey === undefined) return {};
  if (!/^[\x21-\x7e]{1,128}$/.test(apiKey))
    throw new TypeError('apiKey: 1 to 128 visible ASCII characters are wanted, without spaces');
  return { [API_KEY_HEADER]: apiKey };
}

/** Looked up at each call, and called as a plain function: a browser's fetch minds its `this`. */
export const defaultFetch: Fetch = (url, init) => globalThis.fetch(url, init);

export class Http {
  /** Scheme, host and port by which the node is reached. */
  readonly origin: string;
  private readonly base: string;
  private readonly fetch: Fetch;
  private readonly key: Readonly<Record<string, string>>;

  /** @throws {TypeError} for a URL or a key that is none */
  constructor(url: string, fetch: Fetch, apiKey?: string) {
    this.base = url.replace(/\/+$/, '');
    this.origin = new URL(url).origin;
    this.fetch = fetch;
    this.key = apiKeyHeader(apiKey);
  }

  /** The plain answer to a plain request; a token in it, and the key, go to this node and nowhere else. */
  send(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(this.key)) headers.set(name, value);
    return this.fetch(this.base + path, { ...init, headers, cache: 'no-store', redirect: 'error' });
  }

  async json<T>(path: string, options: RequestOptions = {}): Promise<T> {
    const { body } = await this.request(path, {
      ...options,
      headers: { Accept: 'application/json', ...options.headers },
    });
    return parsed(body) as T;
  }

  async proof(path: string, type: string, signal?: AbortSignal): Promise<Uint8Array> {
    return (await this.request(path, { headers: { Accept: type }, signal })).body;
  }

  /**
   * @throws {ApiError} for an answer that is no success.
   * @throws {BropError} NODE_UNREACHABLE when there was no whole answer.
   */
  async request(
    path: string,
    options: RequestOptions,
  ): Promise<{ readonly status: number; readonly body: Uint8Array }> {
    const { method = 'GET', headers = {}, body, timeoutMs = REQUEST_TIMEOUT_MS } = options;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
    try {
      // no-store: an old height from a cache is the classic way to sign what has expired already.
      const all = { ...headers, ...this.key };
      const init: RequestInit = { method, headers: all, signal, cache: 'no-store', redirect: 'error' };
      const answer = await this.fetch(
        this.base + path,
        body === undefined ? init : { ...init, body: Uint8Array.from(body) },
      );
      const bytes = await boundedBody(answer);
      if (answer.ok) return { status: answer.status, body: bytes };
      throw problemOf(answer, bytes);
    } catch (error) {
      if (error instanceof BropError) throw error;
      options.signal?.throwIfAborted();
      throw new BropError('NODE_UNREACHABLE', `${method} ${path}`, { cause: error });
    }
  }
}

/** @throws {BropError} when it goes on for longer than any answer of a node. */
async function boundedBody({ body }: Response): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body === null ? [] : piecesOf(body)) {
    length += piece.length;
    if (length > MAX_ANSWER_BYTES) throw new BropError('NODE_UNREACHABLE', 'the answer is too long');
    pieces.push(piece);
  }
  return concat(...pieces);
}

function problemOf({ status, headers }: Response, body: Uint8Array): ApiError {
  const problem = parsedProblem(body);
  const seconds = Number.parseInt(headers.get('Retry-After') ?? '', 10);
  const retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
  const named =
    problem.name !== undefined && Object.hasOwn(CODES, problem.name) ? (problem.name as CodeName) : undefined;
  const code = named ?? codeName(problem.code ?? -1) ?? codeOfStatus(status);
  return new ApiError(code, problem.detail ?? detailOfStatus(status), status, retryAfterMs);
}

function detailOfStatus(status: number): string {
  if (status !== 403) return `HTTP status ${status}`;
  return 'HTTP status 403: not from the node but from what stands before it, which may want a key (apiKey)';
}

/** For an answer that is none of ours: a proxy's, say. */
function codeOfStatus(status: number): CodeName {
  if (status === 429) return 'TOO_MANY_REQUESTS';
  if (status === 404) return 'NOT_FOUND';
  return status >= 500 || status === 408 ? 'NODE_UNREACHABLE' : 'BAD_REQUEST';
}

interface Problem {
  readonly name?: string;
  readonly code?: number;
  readonly detail?: string;
}

function parsedProblem(body: Uint8Array): Problem {
  try {
    const { name, code, detail } = parsed(body) as Record<string, unknown>;
    return {
      ...(typeof name === 'string' && { name }),
      ...(typeof code === 'number' && { code }),
      ...(typeof detail === 'string' && { detail }),
    };
  } catch {
    return {};
  }
}

/** @throws {BropError} NODE_UNREACHABLE: whatever answered is not a node. */
export function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8').decode(body));
  } catch (cause) {
    throw new BropError('NODE_UNREACHABLE', 'the answer is not JSON', { cause });
  }
}
