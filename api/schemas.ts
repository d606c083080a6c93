/** The pieces that parameters and answers are made of. Hashes and nonces are lower-case hexadecimal. */
import { z } from '@hono/zod-openapi';
import { accountIdFromText } from '../node-core/codec/account-id.ts';
import { fromHex } from '../node-core/codec/bytes.ts';
import { CodecError } from '../node-core/codec/error.ts';

const ACCOUNT_ID_PATTERN = '^brop1[02-9ac-hj-np-z]{38}$';
const EXAMPLE_ACCOUNT = 'brop1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnuf8796';
const UINT_PATTERN = '^(0|[1-9][0-9]{0,14})$';

/** Account ID in its text form; decoded to its 20 bytes. */
export const accountIdParameter = z
  .string()
  .transform((text, context) => {
    try {
      return accountIdFromText(text);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      context.addIssue({ code: 'custom', message: 'not an account ID (bech32m, brop1…)' });
      return z.NEVER;
    }
  })
  .openapi({
    type: 'string',
    pattern: ACCOUNT_ID_PATTERN,
    description: 'Account ID, bech32m.',
    example: EXAMPLE_ACCOUNT,
  });

/** A fixed number of bytes in hexadecimal, upper case refused: one form for one value. */
export function hexParameter(bytes: number, description: string) {
  return z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `not ${2 * bytes} lower-case hexadecimal digits`)
    .transform(fromHex)
    .openapi({ type: 'string', pattern: `^[0-9a-f]{${2 * bytes}}$`, description });
}

export const uintParameter = z
  .string()
  .regex(new RegExp(UINT_PATTERN), 'not an unsigned integer')
  .transform(Number)
  .openapi({ type: 'string', pattern: UINT_PATTERN });

export const transactionParameters = z.object({
  sender: accountIdParameter,
  nonce: hexParameter(32, 'Nonce of the transaction.'),
});

export const expiryParameter = uintParameter.openapi({
  description: 'Expiry height of the transaction as it was signed.',
});

export const hash = z.string().openapi({ pattern: '^[0-9a-f]{64}$', description: '32 bytes in hexadecimal.' });
export const accountId = z.string().openapi({ pattern: ACCOUNT_ID_PATTERN, description: 'Account ID, bech32m.' });
export const uint = z.int().min(0);
export const timeMs = uint.openapi({ description: 'Milliseconds since 1970 UTC.' });
export const link = z.string().openapi({ description: 'Path on this server.' });
export const binary = z.string().openapi({ type: 'string', format: 'binary' });
