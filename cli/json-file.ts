/** JSON files that people hand to a command. */
import type { z } from 'zod';
import { BropError } from '../node-core/chain/codes.ts';
import { readWhole } from './files.ts';

/**
 * What the file says, when it is of this form. The errors name the field, never what is in it: it may be a key file.
 * @throws {BropError} FILE_UNREADABLE, CONFIG_INVALID
 */
export async function readJson<T extends z.ZodType>(path: string, schema: T, maxBytes: number): Promise<z.output<T>> {
  const bytes = await readWhole(path, maxBytes);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new BropError('CONFIG_INVALID', `${path}: not JSON.`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const place = issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
  throw new BropError('CONFIG_INVALID', `${path}: ${place}${issue.message}.`);
}
