/** Tokens of SoftHSM2, each with one key pair: what stands for an HSM in a devnet. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as Pkcs11Module from 'pkcs11js';
import { importPkcs11, openPkcs11Signer } from '../../adapters/signer-pkcs11/signer-pkcs11.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { PublicKey } from '../../node-core/crypto/provider.ts';
import type { OneSignerConfig } from '../signing/signer-config.ts';

/** SoftHSM's configuration, in the folder of the node whose tokens it names. */
export const SOFT_TOKENS = 'softhsm2.conf';
export const TOKENS_FOLDER = 'tokens';
const PIN_FILE = 'token-pin';
const KEY_LABEL = 'votes';

/** Where packages put the library; SOFTHSM2_LIBRARY names another place. */
const LIBRARIES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];

/** @throws {BropError} CONFIG_INVALID, saying what to install. */
export function findSoftHsm(given = process.env.SOFTHSM2_LIBRARY): string {
  const found = (given === undefined ? LIBRARIES : [given]).find((path) => existsSync(path));
  if (found !== undefined) return found;
  const place = given === undefined ? '' : ` at SOFTHSM2_LIBRARY=${given}`;
  throw new BropError(
    'CONFIG_INVALID',
    `SoftHSM2 is not installed${place}: install it (Debian, Ubuntu: apt install softhsm2; Fedora: dnf install softhsm; macOS: brew install softhsm).`,
  );
}

export interface SoftToken {
  readonly publicKey: PublicKey;
  /** As it stands in the config of a node in `folder`. */
  readonly config: OneSignerConfig;
}

/**
 * Makes tokens with these labels in a node's folder, a PIN for them that nobody is told, and in each a P-256 key pair that
 * cannot be taken out. Whoever uses them has the environment's SOFTHSM2_CONF name the file `softhsm2.conf` in there.
 * @throws {BropError} CONFIG_INVALID, when SoftHSM2 or the package pkcs11js is not there.
 */
export async function createSoftTokens(folder: string, labels: readonly string[]): Promise<SoftToken[]> {
  const library = findSoftHsm();
  const constants = await importPkcs11();
  const tokens = join(folder, TOKENS_FOLDER);
  mkdirSync(tokens, { recursive: true, mode: 0o700 });
  const configuration = join(folder, SOFT_TOKENS);
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const [pin, officer] = [toHex(randomBytes(16)), toHex(randomBytes(16))];
  writeFileSync(join(folder, PIN_FILE), `${pin}\n`, { mode: 0o600 });
  const before = process.env.SOFTHSM2_CONF;
  process.env.SOFTHSM2_CONF = configuration;
  try {
    const pkcs11 = new constants.PKCS11();
    pkcs11.load(library);
    pkcs11.C_Initialize();
    for (const label of labels) makeToken(constants, pkcs11, label, pin, officer);
    pkcs11.C_Finalize();
    pkcs11.close();
    return await Promise.all(labels.map((label) => tokenOf(library, label, pin)));
  } finally {
    if (before === undefined) delete process.env.SOFTHSM2_CONF;
    else process.env.SOFTHSM2_CONF = before;
  }
}

async function tokenOf(library: string, tokenLabel: string, pin: string): Promise<SoftToken> {
  const place = { library, tokenLabel, keyLabel: KEY_LABEL };
  const signer = await openPkcs11Signer({ ...place, pin });
  signer.close();
  return { publicKey: signer.publicKey, config: { driver: 'pkcs11', ...place, pin: `file:${PIN_FILE}` } };
}

/** DER of the curve's OID. */
const P256_OID = '06082a8648ce3d030107';
/** The field of a token's label has as many characters, filled up with blanks. */
const LABEL_LENGTH = 32;

/** In the slot that has no token yet: SoftHSM always has one more than there are tokens. */
function makeToken(
  constants: typeof Pkcs11Module,
  pkcs11: Pkcs11Module.PKCS11,
  label: string,
  pin: string,
  officer: string,
): void {
  const { CKF_SERIAL_SESSION, CKF_RW_SESSION, CKF_TOKEN_INITIALIZED, CKU_SO, CKU_USER } = constants;
  const isFree = (slot: Pkcs11Module.Handle) => (pkcs11.C_GetTokenInfo(slot).flags & CKF_TOKEN_INITIALIZED) === 0;
  const slot = pkcs11.C_GetSlotList(true).find(isFree);
  if (slot === undefined) throw new BropError('CONFIG_INVALID', 'SoftHSM2 has no slot for another token.');
  pkcs11.C_InitToken(slot, officer, label.padEnd(LABEL_LENGTH));
  const session = pkcs11.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION);
  pkcs11.C_Login(session, CKU_SO, officer);
  pkcs11.C_InitPIN(session, pin);
  pkcs11.C_Logout(session);
  pkcs11.C_Login(session, CKU_USER, pin);
  makeKeyPair(constants, pkcs11, session, KEY_LABEL);
  pkcs11.C_CloseSession(session);
}

/** In the token of a session that is logged in; sensitive, and not extractable. */
export function makeKeyPair(
  constants: typeof Pkcs11Module,
  pkcs11: Pkcs11Module.PKCS11,
  session: Pkcs11Module.Handle,
  label: string,
  curveOid = P256_OID,
): void {
  const { CKA_EC_PARAMS, CKA_EXTRACTABLE, CKA_LABEL, CKA_SENSITIVE, CKA_SIGN, CKA_TOKEN, CKA_VERIFY } = constants;
  const common = [
    { type: CKA_TOKEN, value: true },
    { type: CKA_LABEL, value: label },
  ];
  const open = [
    ...common,
    { type: CKA_VERIFY, value: true },
    { type: CKA_EC_PARAMS, value: Buffer.from(curveOid, 'hex') },
  ];
  const secret = [
    ...common,
    { type: CKA_SIGN, value: true },
    { type: CKA_SENSITIVE, value: true },
    { type: CKA_EXTRACTABLE, value: false },
  ];
  pkcs11.C_GenerateKeyPair(session, { mechanism: constants.CKM_EC_KEY_PAIR_GEN }, open, secret);
}
