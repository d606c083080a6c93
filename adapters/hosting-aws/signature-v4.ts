/**
 * AWS Signature Version 4 for what others send: a form (POST policy) and a link (query parameters). By hand, because the
 * client of S3 is larger than the rest of a function that only signs (Amazon S3 API reference, "Authenticating Requests").
 */
import { createHash, createHmac } from 'node:crypto';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SigningScope {
  readonly credentials: Credentials;
  readonly region: string;
  /** ms since 1970 UTC. */
  readonly nowMs: number;
}

export const ALGORITHM = 'AWS4-HMAC-SHA256';

/** `20151229T000000Z` */
export function amzDate(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

function scopeOf({ region, nowMs }: SigningScope): string {
  return `${amzDate(nowMs).slice(0, 8)}/${region}/s3/aws4_request`;
}

export function credentialOf(scope: SigningScope): string {
  return `${scope.credentials.accessKeyId}/${scopeOf(scope)}`;
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** Hexadecimal. */
export function signature(scope: SigningScope, text: string): string {
  const [date, region, service, end] = scopeOf(scope).split('/') as [string, string, string, string];
  const ofDate = hmac(`AWS4${scope.credentials.secretAccessKey}`, date);
  return hmac(hmac(hmac(hmac(ofDate, region), service), end), text).toString('hex');
}

/**
 * A link that reads one object.
 * @param url of the object, its path encoded as RFC 3986 wants it
 * @param parameters of the answer, such as `response-content-type`
 */
export function signedLink(
  scope: SigningScope,
  url: URL,
  seconds: number,
  parameters: Readonly<Record<string, string>> = {},
): string {
  const { sessionToken } = scope.credentials;
  const all = {
    ...parameters,
    'X-Amz-Algorithm': ALGORITHM,
    'X-Amz-Credential': credentialOf(scope),
    'X-Amz-Date': amzDate(scope.nowMs),
    'X-Amz-Expires': String(seconds),
    'X-Amz-SignedHeaders': 'host',
    ...(sessionToken !== undefined && { 'X-Amz-Security-Token': sessionToken }),
  };
  const encoded = Object.entries(all).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const query = encoded.sort().join('&');
  const request = ['GET', url.pathname, query, `host:${url.host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const hash = createHash('sha256').update(request).digest('hex');
  const signed = signature(scope, [ALGORITHM, amzDate(scope.nowMs), scopeOf(scope), hash].join('\n'));
  return `${url.origin}${url.pathname}?${query}&X-Amz-Signature=${signed}`;
}

/** RFC 3986: encodeURIComponent leaves five characters that are not unreserved. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
