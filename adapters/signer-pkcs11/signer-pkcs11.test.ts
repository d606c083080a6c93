/** What is particular to PKCS#11, on a token of SoftHSM2; test/conformance holds it to the port's contract. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { SoftHsm } from '../../test/signers/softhsm.ts';
import { openPkcs11Signer, type Pkcs11Options } from './signer-pkcs11.ts';

let hsm: SoftHsm;
const options = (other: Partial<Pkcs11Options> = {}): Pkcs11Options => {
  const { library, tokenLabel, pin } = hsm;
  return { library, tokenLabel, pin, keyLabel: 'account', ...other };
};

beforeAll(() => {
  hsm = new SoftHsm([
    ['account', 'p256'],
    ['twice', 'p256'],
    ['twice', 'p256'],
    ['other curve', 'p384'],
  ]);
});
afterAll(() => hsm.remove());

describe('openPkcs11Signer', () => {
  it('several in one process, each until it is closed', async () => {
    const [first, second] = [await openPkcs11Signer(options()), await openPkcs11Signer(options())];
    first.close();
    const message = Uint8Array.of(1);
    expect(pureCrypto.verify(second.publicKey, message, await second.sign(message))).toBe(true);
    second.close();
    const third = await openPkcs11Signer(options());
    expect(third.publicKey).toEqual(first.publicKey);
    third.close();
  });

  it('closed while it signs, it ends once the signature is there', async () => {
    const signer = await openPkcs11Signer(options());
    const message = Uint8Array.of(2);
    const signature = signer.sign(message);
    signer.close();
    expect(pureCrypto.verify(signer.publicKey, message, await signature)).toBe(true);
    const next = await openPkcs11Signer(options());
    expect(next.publicKey).toEqual(signer.publicKey);
    next.close();
  });

  it.each([
    ['no such library', { library: '/nowhere/driver.so' }, /the library \/nowhere\/driver\.so/],
    ['no such token', { tokenLabel: 'another' }, /there is no token another/],
    ['a wrong PIN', { pin: '999999' }, /CKR_PIN_INCORRECT/],
    ['no such key', { keyLabel: 'nobody' }, /no public key nobody/],
    ['two keys of one label', { keyLabel: 'twice' }, /more than one public key twice/],
    ['a key on another curve', { keyLabel: 'other curve' }, /not on P-256/],
  ] as const)('refuses %s, and can be opened rightly after it', async (_, wrong, said) => {
    const error = await openPkcs11Signer(options(wrong)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(said) });
    expect(String(error)).not.toMatch(/864213|999999/);
    (await openPkcs11Signer(options())).close();
  });
});
