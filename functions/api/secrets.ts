/** The secrets of the API's instances: one text in Secrets Manager, as `cdk/` makes it. */
import { z } from 'zod';
import { BropError } from '../../node-core/chain/codes.ts';
import { fromHex } from '../../node-core/codec/bytes.ts';

const secret = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform(fromHex);
const schema = z.object({ challengeSecret: secret, webhookMaster: secret });

export type ProxySecrets = z.output<typeof schema>;

/** @throws {BropError} CONFIG_INVALID, which says nothing of what is in it. */
export function proxySecrets(name: string, text: string): ProxySecrets {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    const wanted = '{"challengeSecret", "webhookMaster"}, 32 bytes in lower-case hexadecimal each';
    throw new BropError('CONFIG_INVALID', `secret ${name}: is not ${wanted}.`);
  }
}
