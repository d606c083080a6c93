/** Key files: JSON with suite, secret key and public key in hexadecimal, readable by its owner alone. */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { generateKeyPair } from '../../node-core/crypto/generate.ts';
import type { PublicKey, SuiteName } from '../../node-core/crypto/provider.ts';
import { SECRET_KEY_BYTES } from '../../node-core/crypto/suite.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';
import { KeyFileError } from './key-file-error.ts';

const MAX_FILE_BYTES = 4096;
const OTHERS_MAY_READ_OR_WRITE = 0o077;

export interface KeyFile {
  readonly suite: SuiteName;
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/**
 * Makes a new key and writes it to `path` (mode 0600), durably.
 * @throws {KeyFileError} `exists` when there is anything at `path`, `io` when it cannot be written.
 */
export function createKeyFile(path: string, suite: SuiteName): PublicKey {
  const { publicKey, text } = newKeyFile(suite);
  const file = open(path, 'wx');
  try {
    writeSync(file, text);
    fsyncSync(file);
  } catch (error) {
    throw new KeyFileError('io', path, reasonOf(error));
  } finally {
    closeSync(file);
  }
  return publicKey;
}

/** What a key file with a new key holds, for places that are no files. */
export function keyFileText(suite: SuiteName): string {
  return newKeyFile(suite).text;
}

function newKeyFile(suite: SuiteName): { readonly publicKey: PublicKey; readonly text: string } {
  const { publicKey, secretKey } = generateKeyPair(suite, (length) => randomBytes(length));
  const content = { suite, secretKey: toHex(secretKey), publicKey: toHex(publicKey.bytes) };
  return { publicKey, text: `${JSON.stringify(content, null, 2)}\n` };
}

/** The public key of a secret one, in the suite's form. */
type PublicKeyOf = (suite: SuiteName, secretKey: Uint8Array) => Uint8Array;

/**
 * Reads a key file, which must hold a pair.
 * @throws {KeyFileError} `io`, `permissions` (group or others may read or write it) or `malformed`.
 */
export function readKeyFile(path: string, publicKeyOf: PublicKeyOf = purePublicKey): KeyFile {
  return parseKeyFile(path, read(path), publicKeyOf);
}

function purePublicKey(suite: SuiteName, secretKey: Uint8Array): Uint8Array {
  return SUITES[suite].publicKeyOf(secretKey);
}

/** Mode and content of one open file: what is checked is what is read. */
function read(path: string): string {
  const file = open(path, 'r');
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new KeyFileError('malformed', path, 'not a file');
    // Windows has no such bits: access there is the folder's access-control list.
    if (process.platform !== 'win32' && (stat.mode & OTHERS_MAY_READ_OR_WRITE) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw new KeyFileError('permissions', path, `its mode is ${mode}, so others can get at it; run: chmod 600`);
    }
    if (stat.size > MAX_FILE_BYTES) throw new KeyFileError('malformed', path, 'too large for a key file');
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw error instanceof KeyFileError ? error : new KeyFileError('io', path, reasonOf(error));
  } finally {
    closeSync(file);
  }
}

function open(path: string, flags: 'r' | 'wx'): number {
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === 'EEXIST') throw new KeyFileError('exists', path, 'it exists already and is never overwritten');
    throw new KeyFileError('io', path, reason === 'ENOENT' ? 'no such file or folder' : reason);
  }
}

/** The error code alone (ENOSPC, EACCES …). */
function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'failed';
}

/**
 * What a key file holds, wherever it was kept; the errors call it `path`. No cause is kept on the way: JSON.parse quotes
 * its input in its messages.
 * @throws {KeyFileError} `malformed`
 */
export function parseKeyFile(path: string, content: string, publicKeyOf: PublicKeyOf): KeyFile {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw new KeyFileError('malformed', path, 'not JSON');
  }
  const fields = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const { suite } = fields;
  if (suite !== 'p256' && suite !== 'ed25519' && suite !== 'sm2') {
    throw new KeyFileError('malformed', path, 'suite is none of p256, ed25519, sm2');
  }
  if (Object.keys(fields).length !== 3)
    throw new KeyFileError('malformed', path, 'not just suite, secretKey, publicKey');
  const secretKey = hexField(path, fields, 'secretKey');
  const publicKey = hexField(path, fields, 'publicKey');
  if (secretKey.length !== SECRET_KEY_BYTES || !SUITES[suite].isSecretKey(secretKey)) {
    throw new KeyFileError('malformed', path, `secretKey is no ${suite} key`);
  }
  if (toHex(publicKeyOf(suite, secretKey)) !== toHex(publicKey)) {
    throw new KeyFileError('malformed', path, 'publicKey is not that of secretKey');
  }
  return { suite, secretKey, publicKey };
}

function hexField(path: string, fields: Record<string, unknown>, name: string): Uint8Array {
  const text = fields[name];
  if (typeof text !== 'string' || text.length % 2 !== 0 || !/^[0-9a-f]+$/.test(text)) {
    throw new KeyFileError('malformed', path, `${name} is not lower-case hexadecimal`);
  }
  return fromHex(text);
}
