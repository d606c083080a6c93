import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createNodeIdentity, loadNodeIdentity, peerIdOf } from './identity.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brop-identity-'));
  path = join(folder, 'keys', 'node.key');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('writes a PKCS#8 key that only its owner can read, and loads the same identity from it', () => {
  const created = createNodeIdentity(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  expect(created.peerId).toMatch(/^[0-9a-f]{64}$/);
  expect(loadNodeIdentity(path).peerId).toBe(created.peerId);
});

it('never overwrites a key', () => {
  const { peerId } = createNodeIdentity(path);
  expect(() => createNodeIdentity(path)).toThrow(/EEXIST/);
  expect(loadNodeIdentity(path).peerId).toBe(peerId);
});

it('makes certificates that other X.509 implementations read and verify', () => {
  const { cert, peerId } = createNodeIdentity(path);
  const parsed = new X509Certificate(cert);
  expect(parsed.verify(parsed.publicKey)).toBe(true);
  expect(peerIdOf(parsed.publicKey)).toBe(peerId);
  expect(parsed.validTo).toBe('Dec 31 23:59:59 9999 GMT');
  expect(parsed.subject).toBe('CN=brop node');
  const printed = execFileSync('openssl', ['x509', '-noout', '-text'], { input: cert }).toString();
  expect(printed).toMatch(/Version: 3 \(0x2\)[\s\S]*ecdsa-with-SHA256[\s\S]*prime256v1/);
});

it('names the file and the fault, never the content, when a key cannot be used', () => {
  createNodeIdentity(path);
  chmodSync(path, 0o640);
  expect(() => loadNodeIdentity(path)).toThrow(/node\.key can be read by others: run chmod 600/);
  chmodSync(path, 0o600);
  writeFileSync(path, 'c2VjcmV0');
  expect(() => loadNodeIdentity(path)).toThrow(/node\.key is not a private key in PKCS#8 PEM$/);
  writeFileSync(path, execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519']));
  expect(() => loadNodeIdentity(path)).toThrow(/node\.key is not a P-256 key$/);
  expect(() => loadNodeIdentity(join(folder, 'absent'))).toThrow(/ENOENT.*absent/);
});
