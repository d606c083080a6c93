/** The same for the published SDK: in pure JavaScript, without native packages. */
import { SUITES } from '../../node-core/crypto/suites.ts';
import type { Signer } from '../../node-core/ports/signer.ts';
import { readKeyFile } from './key-file.ts';

export { createKeyFile } from './key-file.ts';
export { KeyFileError } from './key-file-error.ts';

/** As `openKeyFile` of signer-file.ts, and with its errors. */
export function openKeyFile(path: string): Signer {
  const { suite, secretKey, publicKey } = readKeyFile(path);
  const { sign } = SUITES[suite];
  return { publicKey: { suite, bytes: publicKey }, sign: async (message) => sign(secretKey, message) };
}
