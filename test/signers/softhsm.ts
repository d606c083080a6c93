/** A token of SoftHSM2, which scripts/setup.mjs installs, in a folder of its own. One for a process: it is in its environment. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pkcs11js from 'pkcs11js';
import { findSoftHsm, makeKeyPair } from '../../nodes/devnet/soft-tokens.ts';

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
    this.library = findSoftHsm();
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
    const pkcs11 = new pkcs11js.PKCS11();
    pkcs11.load(this.library);
    pkcs11.C_Initialize();
    const slot = pkcs11.C_GetSlotList(true).find((one) => pkcs11.C_GetTokenInfo(one).label.trim() === TOKEN)!;
    const session = pkcs11.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    pkcs11.C_Login(session, pkcs11js.CKU_USER, this.pin);
    for (const [label, curve] of keys) makeKeyPair(pkcs11js, pkcs11, session, label, CURVES[curve]);
    pkcs11.C_CloseSession(session);
    pkcs11.C_Finalize();
    pkcs11.close();
  }
}
