/** The Signer port on AWS KMS. */
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { fromDerSignature, withLowS } from '../../node-core/crypto/ecdsa-signature.ts';
import { publicKeyOfSpki } from '../../node-core/crypto/keys.ts';
import type { CryptoProvider, PublicKey } from '../../node-core/crypto/provider.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { SIGNATURE_BYTES } from '../../node-core/crypto/suite.ts';
import type { Signer } from '../../node-core/ports/signer.ts';

export interface KmsSignerOptions {
  /** ID, ARN or alias of the key. */
  readonly keyId: string;
  /** With the region and the credentials of the environment without one. */
  readonly client?: Pick<KMSClient, 'send'>;
  readonly crypto?: CryptoProvider;
}

/** What KMS signs unhashed (API reference, Sign, `Message`). */
const MAX_RAW_BYTES = 4_096;

/**
 * Reads the public key, once.
 * @throws {RangeError} when the key is of another kind than BROP's suites, or not for signing; the AWS SDK's own errors
 *   otherwise, here and in `sign`.
 */
export async function openKmsSigner({ keyId, client, crypto = pureCrypto }: KmsSignerOptions): Promise<Signer> {
  const kms = client ?? new KMSClient({});
  const { PublicKey: spki, KeyUsage: usage, KeySpec: spec } = await kms.send(new GetPublicKeyCommand({ KeyId: keyId }));
  if (usage !== 'SIGN_VERIFY' || spki === undefined) throw new RangeError(`KMS key ${keyId}: it is not for signing`);
  const publicKey = publicKeyIn(spki, keyId, spec);
  if (publicKey.suite === 'p256') {
    const sign = async (message: Uint8Array) => {
      const command = { KeyId: keyId, SigningAlgorithm: 'ECDSA_SHA_256', MessageType: 'DIGEST' } as const;
      const digest = crypto.hash('sha-256', message);
      const { Signature: der } = await kms.send(new SignCommand({ ...command, Message: digest }));
      return withLowS(fromDerSignature(der ?? new Uint8Array(0)));
    };
    return { publicKey, sign };
  }
  const sign = async (message: Uint8Array) => {
    if (message.length > MAX_RAW_BYTES) {
      throw new RangeError(`KMS signs ${MAX_RAW_BYTES} bytes with an Ed25519 key, not ${message.length}: use P-256`);
    }
    const command = { KeyId: keyId, SigningAlgorithm: 'ED25519_SHA_512', MessageType: 'RAW' } as const;
    // A copy: the SDK reads it only when it sends.
    const { Signature: signature } = await kms.send(new SignCommand({ ...command, Message: Uint8Array.from(message) }));
    if (signature?.length !== SIGNATURE_BYTES) throw new RangeError('KMS gave no Ed25519 signature');
    return Uint8Array.from(signature);
  };
  return { publicKey, sign };
}

function publicKeyIn(spki: Uint8Array, keyId: string, spec: string | undefined): PublicKey {
  try {
    const publicKey = publicKeyOfSpki(spki);
    if (publicKey.suite !== 'sm2') return publicKey;
  } catch {
    // Whatever it is, it is said below.
  }
  throw new RangeError(
    `KMS key ${keyId} is ${spec ?? 'of an unknown kind'}, not ECC_NIST_P256 or ECC_NIST_EDWARDS25519`,
  );
}
