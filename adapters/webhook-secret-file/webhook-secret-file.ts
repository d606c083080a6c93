/** The secret from which a node derives the keys that sign webhooks: in a file that its owner alone may read. */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { BropError } from '../../node-core/chain/codes.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { MASTER_SECRET_BYTES } from '../../node-core/middleware/delivery/signing.ts';

const OTHERS_MAY_READ_OR_WRITE = 0o077;
const CONTENT = new RegExp(`^[0-9a-f]{${2 * MASTER_SECRET_BYTES}}\n$`);

/**
 * Makes one at the first start.
 * @throws {BropError} CONFIG_INVALID for a file that others may read, or that is not as it was written; it does not say
 *   what is in it.
 */
export function openWebhookSecret(path: string): Uint8Array {
  if (!existsSync(path)) make(path);
  const file = openSync(path, 'r');
  try {
    const { mode, size } = fstatSync(file);
    // Windows has no such bits: access there is the folder's access-control list.
    if (process.platform !== 'win32' && (mode & OTHERS_MAY_READ_OR_WRITE) !== 0)
      throw new BropError('CONFIG_INVALID', `${path}: others can get at it; run: chmod 600.`);
    const content = size > 2 * MASTER_SECRET_BYTES + 1 ? '' : readFileSync(file, 'utf8');
    if (!CONTENT.test(content))
      throw new BropError('CONFIG_INVALID', `${path}: damaged. With another one, all keys of webhooks are others.`);
    return fromHex(content.trim());
  } finally {
    closeSync(file);
  }
}

/** Whole and on the disk, before it has its name. */
function make(path: string): void {
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, `${toHex(randomBytes(MASTER_SECRET_BYTES))}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}
