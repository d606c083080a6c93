/** One signer from its config. */
import { CLIENT_SETTINGS } from '../../adapters/aws/client-settings.ts';
import { Persistence } from '../../adapters/aws/persistence.ts';
import { openPkcs11Signer } from '../../adapters/signer-pkcs11/signer-pkcs11.ts';
import type { Log } from '../../node-core/ports/log.ts';
import type { Signer } from '../../node-core/ports/signer.ts';
import { openKey } from '../keys.ts';
import { readSecret } from './secret.ts';
import type { OneSignerConfig } from './signer-config.ts';
import { withTimeLimit } from './time-limit.ts';

export interface OpenSigner {
  readonly signer: Signer;
  /** Ends the session with a token. */
  close(): void;
}

/** A token that has not signed by then hangs: its validator ends, and whoever runs it starts it anew. */
const TOKEN_LIMIT_MS = 15_000;

export interface SignerPatience {
  /** Ends all waiting for a KMS that is throttled or away. */
  readonly signal?: AbortSignal | undefined;
  /** How long that is waited for; without it for ever, since a validator waits rather than skips. */
  readonly patienceMs?: number;
}

/** @throws {BropError} CONFIG_INVALID, a KeyFileError or an error of the AWS SDK; none has a secret in it. */
export async function openSigner(
  config: OneSignerConfig,
  log: Log,
  patience: SignerPatience = {},
): Promise<OpenSigner> {
  switch (config.driver) {
    case 'file':
      return { signer: await openKey(config.path), close: () => {} };
    case 'kms':
      return openKms(config.keyId, log, patience);
    case 'pkcs11': {
      const signer = await openPkcs11Signer({ ...config, pin: await readSecret(config.pin) });
      return { signer: withTimeLimit(signer, TOKEN_LIMIT_MS), close: () => signer.close() };
    }
  }
}

/** The SDK is loaded when it is wanted: a node elsewhere is smaller without it. */
async function openKms(keyId: string, log: Log, patience: SignerPatience): Promise<OpenSigner> {
  const [{ KMSClient }, { openKmsSigner }] = await Promise.all([
    import('@aws-sdk/client-kms'),
    import('../../adapters/signer-kms/signer-kms.ts'),
  ]);
  const client = new KMSClient(CLIENT_SETTINGS);
  const persistence = new Persistence({ log, ...patience });
  const { publicKey, sign } = await persistence.run(`the key ${keyId}`, () => openKmsSigner({ keyId, client }));
  const signer = {
    publicKey,
    sign: (message: Uint8Array) => persistence.run(`a signature by ${keyId}`, () => sign(message)),
  };
  return { signer, close: () => client.destroy() };
}
