/** One signer from its config. */
import { KMSClient } from '@aws-sdk/client-kms';
import { openKmsSigner } from '../../adapters/signer-kms/signer-kms.ts';
import { openPkcs11Signer } from '../../adapters/signer-pkcs11/signer-pkcs11.ts';
import type { Signer } from '../../node-core/ports/signer.ts';
import { openKey } from '../keys.ts';
import { readSecret } from './secret.ts';
import type { OneSignerConfig } from './signer-config.ts';

export interface OpenSigner {
  readonly signer: Signer;
  /** Ends the session with a token. */
  close(): void;
}

/**
 * Of one request, with pauses that double up to 20 s and are half as long on average: some 25 s. A validator waits so
 * long for a KMS that is throttled or away; then its process ends with KMS's own error, and whoever runs it starts it anew.
 */
const KMS_ATTEMPTS = 10;

/** @throws {BropError} CONFIG_INVALID, a KeyFileError or an error of the AWS SDK; none has a secret in it. */
export async function openSigner(config: OneSignerConfig): Promise<OpenSigner> {
  switch (config.driver) {
    case 'file':
      return { signer: await openKey(config.path), close: () => {} };
    case 'kms': {
      const client = new KMSClient({ maxAttempts: KMS_ATTEMPTS });
      return { signer: await openKmsSigner({ keyId: config.keyId, client }), close: () => client.destroy() };
    }
    case 'pkcs11': {
      const signer = await openPkcs11Signer({ ...config, pin: await readSecret(config.pin) });
      return { signer, close: () => signer.close() };
    }
  }
}
