/** Content negotiation by the Accept header (RFC 9110 §12.5.1). */
import { ProblemError } from '../problem.ts';

interface Range {
  readonly type: string;
  readonly quality: number;
}

function parseRange(text: string): Range | null {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  if (!/^[\w!#$&^.+*-]+\/[\w!#$&^.+*-]+$/.test(type)) return null;
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(weight) ? { type, quality: Number(weight) } : null;
}

/** The most specific range that covers `type` says its quality (RFC 9110 §12.5.1). */
function qualityOf(type: string, ranges: readonly Range[]): number {
  const candidates = [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*'];
  for (const candidate of candidates) {
    const range = ranges.find((r) => r.type === candidate);
    if (range !== undefined) return range.quality;
  }
  return 0;
}

/**
 * The best of `offered` for the client; the first of them when it does not mind.
 * @throws {ProblemError} 406 when none of them is acceptable.
 */
export function negotiate<T extends string>(accept: string | undefined, offered: readonly [T, ...T[]]): T {
  if (accept === undefined || accept.trim() === '') return offered[0];
  const ranges = accept.split(',').flatMap((text) => parseRange(text) ?? []);
  let best: T | null = null;
  let quality = 0;
  for (const type of offered) {
    const q = qualityOf(type, ranges);
    if (q > quality) [best, quality] = [type, q];
  }
  if (best !== null) return best;
  throw new ProblemError('BAD_REQUEST', { status: 406, detail: `the forms are ${offered.join(', ')}` });
}
