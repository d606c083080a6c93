/** Public keys in JSON files: of descriptions, of proposals, and key files, of which the secret part is not looked at. */
import { z } from 'zod';
import { BropError } from '../node-core/chain/codes.ts';
import { fromHex, toHex } from '../node-core/codec/bytes.ts';
import { CodecError } from '../node-core/codec/error.ts';
import { publicKey } from '../node-core/crypto/keys.ts';
import type { PublicKey } from '../node-core/crypto/provider.ts';
import { readJson } from './json-file.ts';

const fields = {
  suite: z.enum(['p256', 'ed25519', 'sm2']),
  publicKey: z.string().regex(/^([0-9a-f]{2})+$/),
};

export const publicKeyJson = z.strictObject(fields);
export type PublicKeyJson = z.infer<typeof publicKeyJson>;

/** A key file, or what `brop keygen --json` prints. */
const keyFile = z.object(fields);
const MAX_FILE_BYTES = 4_096;

export function publicKeyOf({ suite, publicKey: hex }: PublicKeyJson): PublicKey {
  return { suite, bytes: fromHex(hex) };
}

export function publicKeyToJson({ suite, bytes }: PublicKey): PublicKeyJson {
  return { suite, publicKey: toHex(bytes) };
}

/** @throws {BropError} FILE_UNREADABLE, CONFIG_INVALID */
export async function readPublicKey(path: string): Promise<PublicKey> {
  const key = publicKeyOf(await readJson(path, keyFile, MAX_FILE_BYTES));
  try {
    publicKey.encode(key);
    return key;
  } catch (error) {
    if (error instanceof CodecError) throw new BropError('CONFIG_INVALID', `${path}: ${error.message}.`);
    throw error;
  }
}
