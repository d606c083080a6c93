import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { fromHex, utf8 } from '../../node-core/codec/bytes.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { createKeyFile, openKeyFile } from './signer-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'brop-signer-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newPath = (): string => join(folder, `key-${files++}.json`);

function errorOf(run: () => unknown): Error & { code: string } {
  try {
    run();
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('nothing was thrown');
}

describe.each(['p256', 'ed25519', 'sm2'] as const)('%s', (suite) => {
  test('a new key file opens and signs what verifies', async () => {
    const path = newPath();
    const publicKey = createKeyFile(path, suite);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const signer = openKeyFile(path);
    expect(signer.publicKey).toEqual(publicKey);
    const signature = await signer.sign(utf8('message'));
    expect(signature.length).toBe(64);
    expect(pureCrypto.verify(publicKey, utf8('message'), signature)).toBe(true);
  });

  test('the secret shows in no property, and in nothing that is printed', () => {
    const path = newPath();
    createKeyFile(path, suite);
    const { secretKey } = JSON.parse(readFileSync(path, 'utf8')) as { secretKey: string };
    const signer = openKeyFile(path);
    const bytes = fromHex(secretKey).join(', ');
    for (const text of [inspect(signer, { depth: 9, showHidden: true }), JSON.stringify(signer)]) {
      expect(text).not.toContain(secretKey);
      expect(text).not.toContain(bytes.slice(0, 40));
    }
  });
});

test('a key file is never overwritten', () => {
  const path = newPath();
  createKeyFile(path, 'p256');
  const before = readFileSync(path);
  expect(errorOf(() => createKeyFile(path, 'p256'))).toMatchObject({ code: 'exists', path });
  expect(readFileSync(path)).toEqual(before);
});

test.each([0o640, 0o604, 0o660, 0o644, 0o620, 0o601])('mode %o is refused, and the error says what to do', (mode) => {
  const path = newPath();
  createKeyFile(path, 'ed25519');
  chmodSync(path, mode);
  const error = errorOf(() => openKeyFile(path));
  expect(error).toMatchObject({ code: 'permissions', path });
  expect(error.message).toContain(path);
  expect(error.message).toContain('chmod 600');
});

test('modes 0600 and 0400 are accepted', () => {
  const path = newPath();
  createKeyFile(path, 'ed25519');
  chmodSync(path, 0o400);
  expect(openKeyFile(path).publicKey.suite).toBe('ed25519');
});

test('a missing file and a missing folder are named', () => {
  const missing = newPath();
  expect(errorOf(() => openKeyFile(missing))).toMatchObject({ code: 'io', path: missing });
  expect(errorOf(() => createKeyFile(join(folder, 'no', 'key.json'), 'p256'))).toMatchObject({ code: 'io' });
  const directory = newPath();
  mkdirSync(directory, { mode: 0o700 });
  expect(errorOf(() => openKeyFile(directory))).toMatchObject({ code: 'malformed' });
});

describe('a malformed file is refused without showing what is in it', () => {
  const path = newPath();
  const secret = 'c0ffee'.padEnd(64, '1');
  createKeyFile(path, 'p256');
  const good = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
  const cases: readonly (readonly [string, string])[] = [
    ['no JSON', `{"secretKey": "${secret}`],
    ['null', 'null'],
    ['another suite', JSON.stringify({ ...good, suite: secret })],
    ['a further field', JSON.stringify({ ...good, more: secret })],
    ['a field missing', JSON.stringify({ suite: 'p256', secretKey: secret })],
    ['upper case', JSON.stringify({ ...good, secretKey: secret.toUpperCase() })],
    ['a short secret', JSON.stringify({ ...good, secretKey: secret.slice(2) })],
    ['a secret out of range', JSON.stringify({ ...good, secretKey: 'f'.repeat(64) })],
    ['another secret', JSON.stringify({ ...good, secretKey: secret })],
    ['the public key of another', JSON.stringify({ ...good, publicKey: good.publicKey!.replace(/.$/, '0') + secret })],
    ['a number', JSON.stringify({ ...good, secretKey: 7 })],
    ['too much', ' '.repeat(5000)],
  ];
  test.each(cases)('%s', (_, content) => {
    const file = newPath();
    writeFileSync(file, content, { mode: 0o600 });
    const error = errorOf(() => openKeyFile(file));
    expect(error).toMatchObject({ code: 'malformed', path: file });
    for (const hidden of [secret, secret.toUpperCase(), secret.slice(0, 12), good.secretKey!, 'f'.repeat(64)]) {
      expect(`${error.message}${error.stack}${inspect(error)}`).not.toContain(hidden);
    }
  });
});
