/** Request bodies: read whole, never further than the limit. */
import type { CodeName } from '../../node-core/chain/codes.ts';
import { concat } from '../../node-core/codec/bytes.ts';
import { ProblemError } from '../problem.ts';

/**
 * @param tooLarge code of the problem when there are more than `maxBytes`.
 * @throws {ProblemError} also when the body breaks off.
 */
export async function readBody(request: Request, maxBytes: number, tooLarge: CodeName): Promise<Uint8Array> {
  const refuse = (size: string) => new ProblemError(tooLarge, { detail: `${size}, at most ${maxBytes} bytes` });
  const declared = request.headers.get('Content-Length');
  if (declared !== null && Number(declared) > maxBytes) throw refuse(`${Number(declared)} bytes`);
  try {
    // With a declared length the server itself reads no further; reading whole is much faster than a stream.
    const body = declared === null ? await readStream(request, maxBytes) : new Uint8Array(await request.arrayBuffer());
    if (body !== null && body.length <= maxBytes) return body;
  } catch (cause) {
    throw new ProblemError('BAD_REQUEST', { detail: 'the body broke off', cause });
  }
  throw refuse('more bytes');
}

/** null as soon as there is more than `maxBytes`; the rest is not read. */
async function readStream(request: Request, maxBytes: number): Promise<Uint8Array | null> {
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concat(...chunks);
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      return null;
    }
    chunks.push(value);
  }
}
