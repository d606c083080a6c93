/** Against SoftHSM2, which scripts/setup.mjs installs: a token of its own in a folder of its own. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pkcs11js from 'pkcs11js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { openPkcs11Signer, type Pkcs11Options } from './signer-pkcs11.ts';

const LIBRARIES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];
const PIN = '864213';
const P256 = '06082a8648ce3d030107';
const P384 = '06052b81040022';

let folder: string;
let library: string;
const options = (other: Partial<Pkcs11Options> = {}): Pkcs11Options => {
  return { library, tokenLabel: 'brop test', pin: PIN, keyLabel: 'account', ...other };
};

/** Key pairs are made with the raw library: making keys is not the adapter's job. */
function makeKeys(pairs: readonly (readonly [label: string, curve: string])[]): void {
  const { CKA_EC_PARAMS, CKA_LABEL, CKA_TOKEN, CKA_SIGN, CKA_VERIFY, CKA_SENSITIVE, CKA_EXTRACTABLE, ...p11 } =
    pkcs11js;
  const pkcs11 = new p11.PKCS11();
  pkcs11.load(library);
  pkcs11.C_Initialize();
  const slot = pkcs11.C_GetSlotList(true).find((one) => pkcs11.C_GetTokenInfo(one).label.trim() === 'brop test')!;
  const session = pkcs11.C_OpenSession(slot, p11.CKF_SERIAL_SESSION | p11.CKF_RW_SESSION);
  pkcs11.C_Login(session, p11.CKU_USER, PIN);
  for (const [label, curve] of pairs) {
    const common = [
      { type: CKA_TOKEN, value: true },
      { type: CKA_LABEL, value: label },
    ];
    pkcs11.C_GenerateKeyPair(
      session,
      { mechanism: p11.CKM_EC_KEY_PAIR_GEN },
      [...common, { type: CKA_VERIFY, value: true }, { type: CKA_EC_PARAMS, value: Buffer.from(curve, 'hex') }],
      [
        ...common,
        { type: CKA_SIGN, value: true },
        { type: CKA_SENSITIVE, value: true },
        { type: CKA_EXTRACTABLE, value: false },
      ],
    );
  }
  pkcs11.C_CloseSession(session);
  pkcs11.C_Finalize();
  pkcs11.close();
}

beforeAll(() => {
  const found = LIBRARIES.find((path) => existsSync(path));
  if (found === undefined)
    throw new Error('SoftHSM2 is not here: Debian has it as softhsm2 (npm test installs it as root)');
  library = found;
  folder = mkdtempSync(join(tmpdir(), 'softhsm-'));
  mkdirSync(join(folder, 'tokens'));
  const configuration = join(folder, 'softhsm2.conf');
  writeFileSync(
    configuration,
    `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  );
  process.env.SOFTHSM2_CONF = configuration;
  const init = ['--init-token', '--free', '--label', 'brop test', '--pin', PIN, '--so-pin', '11223344'];
  execFileSync('softhsm2-util', init, { stdio: 'pipe' });
  makeKeys([
    ['account', P256],
    ['twice', P256],
    ['twice', P256],
    ['other curve', P384],
  ]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('openPkcs11Signer', () => {
  it('signs what BROP takes, whatever the length, many at once', async () => {
    const signer = await openPkcs11Signer(options());
    try {
      expect([signer.publicKey.suite, signer.publicKey.bytes.length]).toEqual(['p256', 65]);
      const messages = Array.from({ length: 40 }, (_, i) => new Uint8Array(i * i * 50).fill(i));
      const signatures = await Promise.all(messages.map((message) => signer.sign(message)));
      const held = messages.map((message, i) => pureCrypto.verify(signer.publicKey, message, signatures[i]!));
      expect(new Set(held)).toEqual(new Set([true]));
    } finally {
      signer.close();
    }
  });

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
