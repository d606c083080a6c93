/** What is particular to KMS; test/conformance holds it to the port's contract. */
import { describe, expect, it } from 'vitest';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { fakeKms } from '../../test/signers/fake-kms.ts';
import { openKmsSigner } from './signer-kms.ts';

describe('openKmsSigner', () => {
  it('sends a digest for P-256, never the message', async () => {
    const { client, signed } = fakeKms('p256');
    const signer = await openKmsSigner({ keyId: 'alias/brop', client });
    const message = new Uint8Array(9_000).fill(7);
    await signer.sign(message);
    expect(signed[0]?.input).toEqual({
      KeyId: 'alias/brop',
      SigningAlgorithm: 'ECDSA_SHA_256',
      MessageType: 'DIGEST',
      Message: pureCrypto.hash('sha-256', message),
    });
  });

  it('with an Ed25519 key, signs the message as it was, up to what KMS takes', async () => {
    const { client, signed } = fakeKms('ed25519');
    const signer = await openKmsSigner({ keyId: 'key', client });
    const message = new Uint8Array(4_096).fill(7);
    const signing = signer.sign(message);
    message.fill(0);
    expect(pureCrypto.verify(signer.publicKey, new Uint8Array(4_096).fill(7), await signing)).toBe(true);
    await expect(signer.sign(new Uint8Array(4_097))).rejects.toThrow(/4096 bytes.*use P-256/);
    expect(signed).toHaveLength(1);
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
