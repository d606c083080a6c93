/** The two calls of AWS KMS that the signer makes, with keys in this process; answers as the API reference has them. */
import { GetPublicKeyCommand, type KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { p256 } from '@noble/curves/nist.js';
import { concat, fromHex } from '../../node-core/codec/bytes.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';

export type FakeKind = 'p256' | 'ed25519' | 'p384';

/** DER of the SubjectPublicKeyInfo up to the key. */
const SPKI_START: Readonly<Record<FakeKind, string>> = {
  p256: '3059301306072a8648ce3d020106082a8648ce3d030107034200',
  p384: '3076301006072a8648ce3d020106052b81040022036200',
  ed25519: '302a300506032b6570032100',
};
const ALGORITHM = { p256: ['ECDSA_SHA_256', 'DIGEST'], ed25519: ['ED25519_SHA_512', 'RAW'] } as const;
const MAX_RAW_BYTES = 4_096;

export interface FakeKms {
  readonly client: Pick<KMSClient, 'send'>;
  readonly signed: readonly SignCommand[];
}

export function fakeKms(kind: FakeKind, usage = 'SIGN_VERIFY'): FakeKms {
  const secret = globalThis.crypto.getRandomValues(new Uint8Array(32));
  const key = kind === 'p384' ? new Uint8Array(97).fill(4) : SUITES[kind].publicKeyOf(secret);
  const signed: SignCommand[] = [];
  const send = async (command: unknown) => {
    // The SDK serialises a request only after it has asked for credentials.
    await Promise.resolve();
    if (command instanceof GetPublicKeyCommand) {
      return { PublicKey: concat(fromHex(SPKI_START[kind]), key), KeyUsage: usage, KeySpec: `spec of ${kind}` };
    }
    if (!(command instanceof SignCommand) || kind === 'p384') throw new Error('another call');
    const { SigningAlgorithm: algorithm, MessageType: type, Message: message } = command.input;
    if (algorithm !== ALGORITHM[kind][0] || type !== ALGORITHM[kind][1]) throw new Error('ValidationException');
    if (message!.length > MAX_RAW_BYTES || (type === 'DIGEST' && message!.length !== 32))
      throw new Error('ValidationException');
    signed.push(command);
    return { Signature: kind === 'p256' ? ecdsaDer(message!, secret) : SUITES.ed25519.sign(secret, message!) };
  };
  return { client: { send } as unknown as FakeKms['client'], signed };
}

/** Of either S, as KMS gives it. */
function ecdsaDer(digest: Uint8Array, secret: Uint8Array): Uint8Array {
  return p256.sign(digest, secret, { prehash: false, lowS: false, extraEntropy: true, format: 'der' });
}
