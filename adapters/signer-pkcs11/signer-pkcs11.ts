/** The Signer port on a PKCS#11 token (OASIS PKCS#11 2.40). */
import type * as Pkcs11Module from 'pkcs11js';
import { BropError } from '../../node-core/chain/codes.ts';
import { withLowS } from '../../node-core/crypto/ecdsa-signature.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from '../../node-core/crypto/suite.ts';
import type { Signer } from '../../node-core/ports/signer.ts';

export interface Pkcs11Options {
  /** The token's driver, such as `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly library: string;
  readonly tokenLabel: string;
  readonly pin: string;
  /** CKA_LABEL of the key pair. */
  readonly keyLabel: string;
  readonly crypto?: CryptoProvider;
}

export interface Pkcs11Signer extends Signer {
  /**
   * Ends the session; the driver is let go with the last of them. While a signature is being made, only once it is: the call
   * that ends a session would wait for it, and the whole process with that call. With a token that hangs, never.
   */
  close(): void;
}

/** DER of the curve's OID, as CKA_EC_PARAMS holds it (RFC 5480 §2.1.1.1). */
const P256_OID = '06082a8648ce3d030107';

/**
 * Logs in and finds the key pair.
 * @throws {BropError} CONFIG_INVALID, naming what is missing and never the PIN.
 */
export async function openPkcs11Signer(options: Pkcs11Options): Promise<Pkcs11Signer> {
  const { crypto = pureCrypto } = options;
  const driver = await Driver.load(options.library);
  try {
    const session = driver.login(options);
    const bytes = driver.publicKeyOf(session, options.keyLabel);
    const privateKey = driver.find(session, driver.constants.CKO_PRIVATE_KEY, options.keyLabel);
    let last: Promise<unknown> = Promise.resolve();
    let underWay = 0;
    return {
      publicKey: { suite: 'p256', bytes },
      sign: (message) => {
        const digest = crypto.hash('sha-256', message);
        underWay += 1;
        const next = last.then(() => driver.sign(session, privateKey, digest));
        const done = () => {
          underWay -= 1;
        };
        // The one after a failure is not its fault.
        last = next.then(done, done);
        return next;
      },
      close: () => {
        if (underWay === 0) driver.close(session);
        else void last.then(() => driver.close(session));
      },
    };
  } catch (error) {
    driver.release();
    throw error;
  }
}

type Handle = Pkcs11Module.Handle;

/** One loaded library. A process initialises a library once, however many use it. */
class Driver {
  private static readonly loaded = new Map<string, { readonly driver: Driver; users: number }>();
  readonly constants: typeof Pkcs11Module;
  private readonly pkcs11: Pkcs11Module.PKCS11;
  private readonly library: string;

  private constructor(constants: typeof Pkcs11Module, library: string) {
    this.constants = constants;
    this.library = library;
    this.pkcs11 = new constants.PKCS11();
    this.pkcs11.load(library);
    this.pkcs11.C_Initialize({ flags: constants.CKF_OS_LOCKING_OK });
  }

  static async load(library: string): Promise<Driver> {
    const constants = await importPkcs11();
    const known = Driver.loaded.get(library);
    if (known !== undefined) {
      known.users += 1;
      return known.driver;
    }
    const driver = explained(`the library ${library}`, () => new Driver(constants, library));
    Driver.loaded.set(library, { driver, users: 1 });
    return driver;
  }

  login({ tokenLabel, pin }: Pkcs11Options): Handle {
    const { CKF_SERIAL_SESSION, CKU_USER, CKR_USER_ALREADY_LOGGED_IN } = this.constants;
    const slot = this.pkcs11
      .C_GetSlotList(true)
      .find((candidate) => this.pkcs11.C_GetTokenInfo(candidate).label.trim() === tokenLabel);
    if (slot === undefined) throw new BropError('CONFIG_INVALID', `PKCS#11: there is no token ${tokenLabel}.`);
    const session = this.pkcs11.C_OpenSession(slot, CKF_SERIAL_SESSION);
    explained(`the login at token ${tokenLabel}`, () => {
      try {
        this.pkcs11.C_Login(session, CKU_USER, pin);
      } catch (error) {
        // Another session of this process has: a login is of the token (PKCS#11 2.40 §5.6).
        if ((error as { readonly code?: unknown }).code !== CKR_USER_ALREADY_LOGGED_IN) throw error;
      }
    });
    return session;
  }

  /** @throws {BropError} CONFIG_INVALID unless there is exactly one. */
  find(session: Handle, objectClass: number, label: string): Handle {
    const { CKA_CLASS, CKA_LABEL } = this.constants;
    this.pkcs11.C_FindObjectsInit(session, [
      { type: CKA_CLASS, value: objectClass },
      { type: CKA_LABEL, value: label },
    ]);
    const found = this.pkcs11.C_FindObjects(session, 2);
    this.pkcs11.C_FindObjectsFinal(session);
    const [key] = found;
    if (found.length === 1 && key !== undefined) return key;
    const half = objectClass === this.constants.CKO_PRIVATE_KEY ? 'private' : 'public';
    throw new BropError(
      'CONFIG_INVALID',
      `PKCS#11: ${found.length === 0 ? 'no' : 'more than one'} ${half} key ${label}.`,
    );
  }

  /** 65 bytes. CKA_EC_POINT is a DER OCTET STRING of the point (PKCS#11 2.40 §2.3.3). */
  publicKeyOf(session: Handle, label: string): Uint8Array {
    const { CKO_PUBLIC_KEY, CKA_EC_PARAMS, CKA_EC_POINT } = this.constants;
    const key = this.find(session, CKO_PUBLIC_KEY, label);
    const [parameters, point] = explained(`the key ${label}`, () =>
      this.pkcs11.C_GetAttributeValue(session, key, [{ type: CKA_EC_PARAMS }, { type: CKA_EC_POINT }]),
    ).map(({ value }) => value as Buffer);
    const length = PUBLIC_KEY_BYTES.p256;
    const isPoint = point?.length === length + 2 && point[0] === 0x04 && point[1] === length && point[2] === 0x04;
    if (parameters?.toString('hex') === P256_OID && isPoint) return Uint8Array.from(point.subarray(2));
    throw new BropError('CONFIG_INVALID', `PKCS#11: the key ${label} is not on P-256.`);
  }

  async sign(session: Handle, privateKey: Handle, digest: Uint8Array): Promise<Uint8Array> {
    this.pkcs11.C_SignInit(session, { mechanism: this.constants.CKM_ECDSA }, privateKey);
    const room = Buffer.alloc(SIGNATURE_BYTES);
    const signature = await this.pkcs11.C_SignAsync(session, Buffer.from(digest), room);
    return withLowS(Uint8Array.from(signature));
  }

  close(session: Handle): void {
    this.pkcs11.C_CloseSession(session);
    this.release();
  }

  /** Once for each `load`. */
  release(): void {
    const entry = Driver.loaded.get(this.library);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    Driver.loaded.delete(this.library);
    this.pkcs11.C_Finalize();
    this.pkcs11.close();
  }
}

/** @throws {BropError} CONFIG_INVALID, when the optional package is not there. */
export async function importPkcs11(): Promise<typeof Pkcs11Module> {
  try {
    const loaded = (await import('pkcs11js')) as typeof Pkcs11Module & { readonly default?: typeof Pkcs11Module };
    return loaded.default ?? loaded;
  } catch (cause) {
    const detail = 'PKCS#11: the package pkcs11js is not installed; it needs a C++ compiler and Python.';
    throw new BropError('CONFIG_INVALID', detail, { cause });
  }
}

/** The token's own word for it (CKR_PIN_INCORRECT), without what was sent to it. */
function explained<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof BropError) throw error;
    const [reason = 'failed'] = /CKR_\w+|[^\n]{1,200}/.exec(error instanceof Error ? error.message : '') ?? [];
    throw new BropError('CONFIG_INVALID', `PKCS#11: ${what}: ${reason}.`);
  }
}
