/** Against a fake of the two calls that is built on OpenSSL, and gives DER as KMS does. */
import { createHash, generateKeyPairSync, type KeyObject, sign as opensslSign } from 'node:crypto';
import { GetPublicKeyCommand, type KMSClient, SignCommand } from '@aws-sdk/client-kms';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { openKmsSigner } from './signer-kms.ts';

type Kind = 'p256' | 'ed25519' | 'p384';

function fakeKms(kind: Kind, usage = 'SIGN_VERIFY') {
  const { publicKey, privateKey } =
    kind === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: kind === 'p256' ? 'P-256' : 'P-384' });
  const asked: SignCommand[] = [];
  const send = async (command: unknown) => {
    if (command instanceof GetPublicKeyCommand) {
      const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
      return { PublicKey: spki, KeyUsage: usage, KeySpec: `spec of ${kind}` };
    }
    if (!(command instanceof SignCommand)) throw new Error('another call');
    asked.push(command);
    return { Signature: signatureOf(command, privateKey) };
  };
  return { client: { send } as unknown as Pick<KMSClient, 'send'>, asked };
}

/** OpenSSL has no ECDSA over a digest in node:crypto; a digest of a known message is looked up. */
const messages = new Map<string, Uint8Array>();
const digestOf = (message: Uint8Array) => createHash('sha256').update(message).digest('hex');

function signatureOf({ input }: SignCommand, key: KeyObject): Uint8Array {
  const message = input.Message!;
  if (input.MessageType === 'RAW') return new Uint8Array(opensslSign(null, message, key));
  expect([input.SigningAlgorithm, message.length]).toEqual(['ECDSA_SHA_256', 32]);
  return new Uint8Array(opensslSign('sha256', messages.get(Buffer.from(message).toString('hex'))!, key));
}

describe('openKmsSigner', () => {
  it('with a P-256 key, gives signatures that BROP takes, of messages of any length', async () => {
    const { client } = fakeKms('p256');
    const signer = await openKmsSigner({ keyId: 'alias/brop', client });
    expect(signer.publicKey.suite).toBe('p256');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 9_000 }), async (message) => {
        messages.set(digestOf(message), message);
        expect(pureCrypto.verify(signer.publicKey, message, await signer.sign(message))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('with an Ed25519 key, signs the message itself, up to what KMS takes', async () => {
    const { client, asked } = fakeKms('ed25519');
    const signer = await openKmsSigner({ keyId: 'key', client });
    const message = new Uint8Array(4_096).fill(7);
    expect(pureCrypto.verify(signer.publicKey, message, await signer.sign(message))).toBe(true);
    await expect(signer.sign(new Uint8Array(4_097))).rejects.toThrow(/4096 bytes.*use P-256/);
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['another curve', 'p384', 'SIGN_VERIFY', /is spec of p384, not ECC_NIST_P256/],
    ['another usage', 'p256', 'KEY_AGREEMENT', /not for signing/],
  ] as const)('refuses a key of %s', async (_, kind, usage, said) => {
    const { client } = fakeKms(kind, usage);
    await expect(openKmsSigner({ keyId: 'key', client })).rejects.toThrow(said);
  });

  it('passes on what AWS says', async () => {
    const client = { send: async () => Promise.reject(new Error('AccessDeniedException')) };
    await expect(openKmsSigner({ keyId: 'key', client: client as never })).rejects.toThrow('AccessDenied');
  });
});
