/** A page of records as `brop query --json` prints it and `brop verify` reads it. */
import { z } from 'zod';
import { BropError } from '../node-core/chain/codes.ts';

const value = z.union([z.string(), z.number(), z.boolean()]);
const uint = z.int().min(0);

const pageSchema = z.object({
  records: z.array(
    z.object({
      collection: z.string(),
      key: z.string(),
      height: uint,
      timeMs: uint,
      transaction: uint,
      sender: z.string().nullable(),
      nonce: z.string().nullable(),
      fields: z.record(z.string(), z.union([value, z.array(value)])),
      /** Base64url; null where no transaction has written the row. */
      receipt: z.string().nullish(),
    }),
  ),
  next: z.string().nullable(),
  count: z.object({ value: uint, exact: z.boolean() }).nullable(),
  index: z.object({ from: uint, height: z.int() }),
});
export type RecordPage = z.infer<typeof pageSchema>;

/** @throws {BropError} PROOF_FORM */
export function readPage(page: unknown): RecordPage {
  const parsed = pageSchema.safeParse(page);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BropError('PROOF_FORM', `${issue?.path.map(String).join('.')}: ${issue?.message}.`);
}
