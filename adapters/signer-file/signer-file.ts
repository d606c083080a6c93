/** The Signer port from a key file, as fast as the machine allows. */
import type { Signer } from '../../node-core/ports/signer.ts';
import { nativePublicKey, nativeSigner } from '../crypto-native/native.ts';
import { readKeyFile } from './key-file.ts';

export { createKeyFile } from './key-file.ts';

/**
 * Opens a key file. The secret stays in memory and shows in no property of the result.
 * @throws {KeyFileError} `io`, `permissions` (group or others may read or write it) or `malformed`.
 */
export function openKeyFile(path: string): Signer {
  const { suite, secretKey, publicKey } = readKeyFile(path, nativePublicKey);
  const sign = nativeSigner(suite, secretKey);
  return { publicKey: { suite, bytes: publicKey }, sign: async (message) => sign(message) };
}
