/** The port WebhookTransport over HTTPS: what is connected to is an address that was judged, never a name. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { NoAnswer, PostOutcome, WebhookTransport } from '../../node-core/ports/webhook-transport.ts';
import { dnsLookup, type Lookup, type Pinned, pin } from './resolve.ts';
import { type Target, targetOf } from './url.ts';

/** For everything: name, connection, handshake, request and the whole answer. */
export const TIME_LIMIT_MS = 15_000;
/** Answers are read to their end, as a courtesy to who sends them, but no further than this. */
export const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 8 * 1024;
/** How long a connection is kept for another message, and how many to one address. */
const IDLE_MS = 2_000;
const MAX_IDLE = 8;
const MAX_RETRY_AFTER_SECONDS = 7 * 86_400;

export interface WebhookHttpOptions {
  /** Lets http and https through to this machine itself: for a devnet, never for a node that strangers can reach. */
  readonly loopback?: boolean;
  readonly timeLimitMs?: number;
  readonly lookup?: Lookup;
  /** Certificate authorities in PEM instead of the public ones. */
  readonly ca?: string;
}

export function webhookHttp(options: WebhookHttpOptions = {}): WebhookTransport {
  const { loopback = false, timeLimitMs = TIME_LIMIT_MS, lookup = dnsLookup, ca } = options;
  const closing = new AbortController();
  const connections = openConnections(ca);
  const judge = (url: string) => targetOf(url, loopback);
  return {
    refusal: (url) => {
      const target = judge(url);
      return typeof target === 'string' ? target : null;
    },
    post: async (url, headers, body) => {
      const target = judge(url);
      if (typeof target === 'string') return none('address');
      if (closing.signal.aborted) return none('connect');
      const timeLimit = AbortSignal.timeout(timeLimitMs);
      const signal = AbortSignal.any([timeLimit, closing.signal]);
      try {
        return await within(signal, send(target, { headers, body, signal }, lookup, connections));
      } catch (error) {
        return none(timeLimit.aborted ? 'timeout' : reasonOf(error));
      }
    },
    close: () => {
      closing.abort(new Error('closed'));
      for (const agent of [connections.http, connections.https]) agent.destroy();
    },
  };
}

interface Post {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
}

interface Connections {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/**
 * Kept for a moment for the next message of a burst, by address, port and name: what is used again was judged under the
 * same ones. Agents of its own ask no proxy of the environment.
 */
function openConnections(ca: string | undefined): Connections {
  const kept = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: MAX_IDLE, scheduling: 'lifo' } as const;
  return { http: new HttpAgent(kept), https: new HttpsAgent({ ...kept, ...(ca !== undefined && { ca }) }) };
}

async function send(target: Target, post: Post, lookup: Lookup, connections: Connections): Promise<PostOutcome> {
  const pinned = await pin(target, lookup, post.signal);
  if (typeof pinned === 'string') return none(pinned);
  post.signal.throwIfAborted();
  const response = await request(target, pinned, post, connections);
  const whole = await readAway(response);
  if (!whole) return none('too-large');
  const retryAfterSeconds = retryAfter(response.headers['retry-after']);
  const status = response.statusCode!;
  return { kind: 'answered', status, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}

/** A kept connection may have been ended by the other side just now: then once more, on a new one. */
async function request(target: Target, pinned: Pinned, post: Post, connections: Connections): Promise<IncomingMessage> {
  try {
    return await requestOnce(target, pinned, post, connections);
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error;
    const fresh = { http: new HttpAgent(), https: new HttpsAgent(connections.https.options) };
    return requestOnce(target, pinned, post, fresh);
  }
}

class StaleConnection extends Error {}

function requestOnce(
  { url, host, isAddress }: Target,
  { address, family }: Pinned,
  { headers, body, signal }: Post,
  connections: Connections,
): Promise<IncomingMessage> {
  const secure = url.protocol === 'https:';
  const options: RequestOptions = {
    method: 'POST',
    // What is connected to is the address alone; the name is for `Host` and for the certificate.
    host: address,
    family,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    path: url.pathname + url.search,
    headers: { ...headers, Host: url.host, 'Content-Length': String(body.length) },
    signal,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  return new Promise((resolve, reject) => {
    const made = secure
      ? httpsRequest({ ...options, agent: connections.https, ...(!isAddress && { servername: host }) })
      : httpRequest({ ...options, agent: connections.http });
    made.on('response', resolve);
    made.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = made.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(isStale ? new StaleConnection(error.message) : error);
    });
    // An answer of 101 would end in a connection that nobody reads.
    made.on('upgrade', (_response, socket) => {
      socket.destroy();
      reject(Object.assign(new Error('the protocol was changed'), { code: 'HPE_UPGRADE' }));
    });
    made.end(body);
  });
}

/** Reads the answer and keeps none of it; false when it is longer than is read. */
async function readAway(response: IncomingMessage): Promise<boolean> {
  let length = 0;
  for await (const chunk of response) {
    length += (chunk as Uint8Array).length;
    if (length > MAX_ANSWER_BYTES) return false;
  }
  return true;
}

/** Settles with the signal at the latest, also while a name server is waited for that cannot be called off. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** The date of RFC 9110 §5.6.7; Date.parse alone would read nearly anything. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** RFC 9110 §10.2.3: seconds, or a date. */
function retryAfter(header = ''): number | undefined {
  let seconds = Number.NaN;
  if (/^\d{1,9}$/.test(header)) seconds = Number(header);
  else if (HTTP_DATE.test(header)) seconds = Math.ceil((Date.parse(header) - Date.now()) / 1_000);
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(0, seconds), MAX_RETRY_AFTER_SECONDS);
}

function none(reason: NoAnswer): PostOutcome {
  return { kind: 'none', reason };
}

/** By the code of the error alone: its text may hold what the other side has sent. */
function reasonOf(error: unknown): NoAnswer {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('HPE_')) return 'garbage';
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_|DEPTH_|SELF_SIGNED|EPROTO)|CERT|_IN_CHAIN/.test(code)) return 'tls';
  return 'connect';
}
