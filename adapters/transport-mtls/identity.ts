import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { PeerId } from '../../node-core/ports/transport.ts';
import { selfSignedCertificate } from './certificate.ts';

/** The TLS key of a node: P-256, apart from the keys that sign on the chain. */
export interface NodeIdentity {
  /** The private key. Never log it. */
  readonly key: KeyObject;
  /** The self-signed certificate, PEM. Made anew at each start: peers pin the key, not the certificate. */
  readonly cert: string;
  /** What other nodes pin. */
  readonly peerId: PeerId;
}

/**
 * Makes a key and writes it to `path` (PKCS#8 PEM, mode 0600). Never overwrites: throws when there is a file.
 */
export function createNodeIdentity(path: string): NodeIdentity {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(path, pem, { mode: 0o600, flag: 'wx', flush: true });
  return identityOf(privateKey);
}

/** Reads what `createNodeIdentity` wrote. The errors name the file and what to do, never its content. */
export function loadNodeIdentity(path: string): NodeIdentity {
  const pem = readFileSync(path, 'utf8');
  const open = statSync(path).mode & 0o077;
  if (process.platform !== 'win32' && open !== 0) {
    throw new Error(`node key ${path} can be read by others: run chmod 600 on it, and make a new one if it has leaked`);
  }
  return nodeIdentityFromPem(pem, path);
}

/** The same from the text itself, wherever it was kept; the errors call it `name`. */
export function nodeIdentityFromPem(pem: string, name: string): NodeIdentity {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new Error(`node key ${name} is not a private key in PKCS#8 PEM`);
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new Error(`node key ${name} is not a P-256 key`);
  }
  return identityOf(key);
}

/** The PeerId of a public TLS key: SHA-256 over its SubjectPublicKeyInfo, in lower-case hexadecimal. */
export function peerIdOf(publicKey: KeyObject): PeerId {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

function identityOf(key: KeyObject): NodeIdentity {
  const certificate = selfSignedCertificate(key, 'brop node')
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
  return {
    key,
    cert: `-----BEGIN CERTIFICATE-----\n${certificate}-----END CERTIFICATE-----\n`,
    peerId: peerIdOf(createPublicKey(key)),
  };
}
