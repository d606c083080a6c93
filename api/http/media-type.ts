import type { Context } from 'hono';
import { ProblemError } from '../problem.ts';

/**
 * The media type of the body, which has no content coding.
 * @throws {ProblemError} 415; the answer names what would be taken (RFC 9110 §15.5.16).
 */
export function requireType<T extends string>(c: Context, wanted: readonly T[]): T {
  const coding = c.req.header('Content-Encoding');
  const type = mediaType(c.req.header('Content-Type'));
  const isPlain = coding === undefined || coding.toLowerCase() === 'identity';
  const found = wanted.find((one) => one === type);
  if (isPlain && found !== undefined) return found;
  const headers = { Accept: wanted.join(', '), 'Accept-Encoding': 'identity' };
  const detail = `send ${isPlain ? wanted.join(' or ') : 'no content coding'}`;
  throw new ProblemError('BAD_REQUEST', { status: 415, detail, headers });
}

/** `cose-type` may be given (RFC 9052 §11.3.1), but only as what a transaction is. */
function mediaType(header: string | undefined): string | null {
  const [type = '', ...parameters] = (header ?? '').split(';').map((part) => part.trim().toLowerCase());
  const coseType = parameters.find((parameter) => parameter.startsWith('cose-type='))?.slice('cose-type='.length);
  return coseType === undefined || coseType.replaceAll('"', '') === 'cose-sign1' ? type : null;
}
