/** JSON in a request: its type and its size before its form, and one problem for what is wrong with it. */
import { z } from '@hono/zod-openapi';
import { base64urlnopad } from '@scure/base';
import type { Context } from 'hono';
import { ProblemError } from '../problem.ts';
import { readBody } from './body.ts';
import { requireType } from './media-type.ts';

export const JSON_TYPE = 'application/json';

/** @throws {ProblemError} 415, 413 (BODY_TOO_LARGE), 400 naming the first field that is wrong, never its value. */
export async function readJson<S extends z.ZodType>(c: Context, schema: S, maxBytes: number): Promise<z.infer<S>> {
  requireType(c, [JSON_TYPE]);
  return parseJson(await readBody(c.req.raw, maxBytes, 'BODY_TOO_LARGE'), schema);
}

/** @throws {ProblemError} 400 */
export function parseJson<S extends z.ZodType>(bytes: Uint8Array, schema: S): z.infer<S> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ProblemError('BAD_REQUEST', { detail: 'the body is not JSON in UTF-8', cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = ['body', ...(issue?.path ?? [])].map(String).join('.');
  throw new ProblemError('BAD_REQUEST', { detail: `${path}: ${issue?.message ?? 'not of the form asked for'}` });
}

/** Bytes in base64url without padding; `minBytes` to `maxBytes` of them. Decoded. */
export function base64urlField(minBytes: number, maxBytes: number, description: string) {
  const characters = (bytes: number) => Math.ceil((bytes * 4) / 3);
  const bounds = { minLength: characters(minBytes), maxLength: characters(maxBytes) };
  return z
    .string()
    .min(bounds.minLength)
    .max(bounds.maxLength)
    .transform((text, context) => {
      try {
        return base64urlnopad.decode(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'not base64url without padding, in its one form' });
        return z.NEVER;
      }
    })
    .openapi({ type: 'string', pattern: '^[A-Za-z0-9_-]*$', ...bounds, description });
}
