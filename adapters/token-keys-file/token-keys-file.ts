/** The TokenKeys port in a JSON file that its owner alone may read. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { BropError } from '../../node-core/chain/codes.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';
import { newTokenKey, type TokenKey } from '../../node-core/crypto/token-key.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { TokenKeys } from '../../node-core/ports/token-keys.ts';
import { readPrivateFile, replacePrivateFile } from '../private-file/private-file.ts';

/** How long a key signs. */
export const SIGNS_MS = 30 * 86_400_000;
/** How long it is believed after that; longer than any token holds. */
export const BELIEVED_MS = 3_600_000;
const MAX_FILE_BYTES = 65_536;

interface DatedKey extends TokenKey {
  readonly createdMs: number;
}

/** @throws {BropError} CONFIG_INVALID for a file that others may read, or that is not as it was written. */
export function openTokenKeys(path: string, crypto: CryptoProvider, clock: Clock): TokenKeys {
  let keys: readonly DatedKey[] = existsSync(path) ? read(path) : [];
  return {
    current: async () => {
      const now = clock.now();
      const newest = keys[0];
      if (newest !== undefined && now - newest.createdMs < SIGNS_MS) return newest;
      const key = { ...newTokenKey(crypto, (length) => randomBytes(length)), createdMs: now };
      keys = [key, ...keys.filter(({ createdMs }) => now - createdMs < SIGNS_MS + BELIEVED_MS)];
      write(path, keys);
      return key;
    },
    find: async (kid) => {
      const now = clock.now();
      return keys.find((key) => key.kid === kid && now - key.createdMs < SIGNS_MS + BELIEVED_MS);
    },
  };
}

function write(path: string, keys: readonly DatedKey[]): void {
  const rows = keys.map(({ kid, publicKey, secretKey, createdMs }) => {
    return { kid, publicKey: toHex(publicKey), secretKey: toHex(secretKey), createdMs };
  });
  replacePrivateFile(path, `${JSON.stringify({ keys: rows }, null, 2)}\n`);
}

function read(path: string): readonly DatedKey[] {
  const content = readPrivateFile(path, MAX_FILE_BYTES);
  if (content === null) throw damaged(path);
  return parse(path, content);
}

/** Says nothing of what is in it: JSON.parse quotes its input. */
function damaged(path: string): BropError {
  return new BropError('CONFIG_INVALID', `${path}: damaged. Without it the node makes a new one, and tokens end.`);
}

function parse(path: string, content: string): readonly DatedKey[] {
  try {
    const { keys } = JSON.parse(content) as { readonly keys: readonly Record<string, unknown>[] };
    return keys.map(({ kid, publicKey, secretKey, createdMs }) => {
      const key = { publicKey: fromHex(String(publicKey)), secretKey: fromHex(String(secretKey)) };
      const isKey = SUITES.ed25519.isSecretKey(key.secretKey) && Number.isSafeInteger(createdMs);
      if (!isKey || toHex(SUITES.ed25519.publicKeyOf(key.secretKey)) !== publicKey) throw damaged(path);
      return { ...key, kid: String(kid), createdMs: Number(createdMs) };
    });
  } catch {
    throw damaged(path);
  }
}
