/** The Signer port from a key file, as fast as the machine allows. */
import type { Signer } from '../../node-core/ports/signer.ts';
import { nativePublicKey, nativeSigner } from '../crypto-native/native.ts';
import { type KeyFile, parseKeyFile, readKeyFile } from './key-file.ts';

export { createKeyFile } from './key-file.ts';

/**
 * Opens a key file. The secret stays in memory and shows in no property of the result.
 * @throws {KeyFileError} `io`, `permissions` (group or others may read or write it) or `malformed`.
 */
export function openKeyFile(path: string): Signer {
  return signerOf(readKeyFile(path, nativePublicKey));
}

/** The same from what a key file holds, wherever it was kept; the errors call it `name`. @throws {KeyFileError} `malformed` */
export function signerFromKeyText(content: string, name: string): Signer {
  return signerOf(parseKeyFile(name, content, nativePublicKey));
}

function signerOf({ suite, secretKey, publicKey }: KeyFile): Signer {
  const sign = nativeSigner(suite, secretKey);
  return { publicKey: { suite, bytes: publicKey }, sign: async (message) => sign(message) };
}
