/** Keys that are somewhere else: AWS KMS (its two calls), a PKCS#11 token, WebCrypto; and in pure JavaScript. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { createKeyFile, openKeyFile } from '../../adapters/signer-file/portable.ts';
import { openKmsSigner } from '../../adapters/signer-kms/signer-kms.ts';
import { openPkcs11Signer } from '../../adapters/signer-pkcs11/signer-pkcs11.ts';
import { signerFromSecretKey, signerFromWebCrypto, type WebKeyPair } from '../../sdk/index.ts';
import { fakeKms } from '../signers/fake-kms.ts';
import { SoftHsm } from '../signers/softhsm.ts';
import { describeSigner } from './signer.ts';

// KMS signs no more than 4,096 bytes with an Ed25519 key: that kind is tested beside the adapter.
describeSigner('AWS KMS', 'p256', async () => {
  return { signer: await openKmsSigner({ keyId: 'key', client: fakeKms('p256').client }) };
});

const hsm = new SoftHsm([['account', 'p256']]);
afterAll(() => hsm.remove());
describeSigner('PKCS#11', 'p256', async () => {
  const { library, tokenLabel, pin } = hsm;
  const signer = await openPkcs11Signer({ library, tokenLabel, pin, keyLabel: 'account' });
  return { signer, cleanup: async () => signer.close() };
});

const WEB_ALGORITHMS = { p256: { name: 'ECDSA', namedCurve: 'P-256' }, ed25519: { name: 'Ed25519' } } as const;
for (const suite of ['p256', 'ed25519'] as const) {
  describeSigner('WebCrypto', suite, async () => {
    const { subtle } = globalThis.crypto;
    const pair = (await subtle.generateKey(WEB_ALGORITHMS[suite], false, ['sign', 'verify'])) as WebKeyPair;
    return { signer: await signerFromWebCrypto(pair) };
  });
}

for (const suite of ['p256', 'ed25519', 'sm2'] as const) {
  describeSigner('memory', suite, async () => ({ signer: signerFromSecretKey(suite, new Uint8Array(32).fill(7)) }));
  describeSigner('key file without native packages', suite, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brop-signer-'));
    createKeyFile(join(folder, 'key.json'), suite);
    return { signer: openKeyFile(join(folder, 'key.json')), cleanup: async () => rmSync(folder, { recursive: true }) };
  });
}
