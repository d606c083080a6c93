/** A token of SoftHSM2, which scripts/setup.mjs installs, in a folder of its own. One for a process: it is in its environment. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pkcs11js from 'pkcs11js';

const LIBRARIES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];
/** DER of the curves' OIDs. */
const CURVES = { p256: '06082a8648ce3d030107', p384: '06052b81040022' } as const;
const TOKEN = 'brop test';

export class SoftHsm {
  readonly library: string;
  readonly tokenLabel = TOKEN;
  readonly pin = '864213';
  private readonly folder: string;

  /** @param keys label and curve of each key pair. */
  constructor(keys: readonly (readonly [label: string, curve: keyof typeof CURVES])[]) {
    const found = LIBRARIES.find((path) => existsSync(path));
    if (found === undefined) throw new Error('SoftHSM2 is not here: run `npm test` as root, or install softhsm2.');
    this.library = found;
    this.folder = mkdtempSync(join(tmpdir(), 'softhsm-'));
    const tokens = join(this.folder, 'tokens');
    mkdirSync(tokens);
    const configuration = join(this.folder, 'softhsm2.conf');
    writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
    process.env.SOFTHSM2_CONF = configuration;
    const init = ['--init-token', '--free', '--label', TOKEN, '--pin', this.pin, '--so-pin', '11223344'];
    execFileSync('softhsm2-util', init, { stdio: 'pipe' });
    this.makeKeys(keys);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private makeKeys(keys: readonly (readonly [string, keyof typeof CURVES])[]): void {
    const { CKA_EC_PARAMS, CKA_LABEL, CKA_TOKEN, CKA_SIGN, CKA_VERIFY, CKA_SENSITIVE, CKA_EXTRACTABLE, ...p11 } =
      pkcs11js;
    const pkcs11 = new p11.PKCS11();
    pkcs11.load(this.library);
    pkcs11.C_Initialize();
    const slot = pkcs11.C_GetSlotList(true).find((one) => pkcs11.C_GetTokenInfo(one).label.trim() === TOKEN)!;
    const session = pkcs11.C_OpenSession(slot, p11.CKF_SERIAL_SESSION | p11.CKF_RW_SESSION);
    pkcs11.C_Login(session, p11.CKU_USER, this.pin);
    for (const [label, curve] of keys) {
      const common = [
        { type: CKA_TOKEN, value: true },
        { type: CKA_LABEL, value: label },
      ];
      const parameters = { type: CKA_EC_PARAMS, value: Buffer.from(CURVES[curve], 'hex') };
      const secret = [
        { type: CKA_SIGN, value: true },
        { type: CKA_SENSITIVE, value: true },
        { type: CKA_EXTRACTABLE, value: false },
      ];
      const mechanism = { mechanism: p11.CKM_EC_KEY_PAIR_GEN };
      const open = [...common, { type: CKA_VERIFY, value: true }, parameters];
      pkcs11.C_GenerateKeyPair(session, mechanism, open, [...common, ...secret]);
    }
    pkcs11.C_CloseSession(session);
    pkcs11.C_Finalize();
    pkcs11.close();
  }
}
