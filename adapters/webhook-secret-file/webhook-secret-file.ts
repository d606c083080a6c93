/** The secret from which a node derives the keys that sign webhooks: in a file that its owner alone may read. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { BropError } from '../../node-core/chain/codes.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { MASTER_SECRET_BYTES } from '../../node-core/middleware/delivery/signing.ts';
import { readPrivateFile, replacePrivateFile } from '../private-file/private-file.ts';

const CONTENT = new RegExp(`^[0-9a-f]{${2 * MASTER_SECRET_BYTES}}\n$`);

/**
 * Makes one at the first start.
 * @throws {BropError} CONFIG_INVALID for a file that others may read, or that is not as it was written; it does not say
 *   what is in it.
 */
export function openWebhookSecret(path: string): Uint8Array {
  if (!existsSync(path)) replacePrivateFile(path, `${toHex(randomBytes(MASTER_SECRET_BYTES))}\n`);
  const content = readPrivateFile(path, 2 * MASTER_SECRET_BYTES + 1);
  if (content === null || !CONTENT.test(content))
    throw new BropError('CONFIG_INVALID', `${path}: damaged. With another one, all keys of webhooks are others.`);
  return fromHex(content.trim());
}
