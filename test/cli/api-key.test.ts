/** The key that an operator asks for: from the environment alone, to the node alone, and in nothing that is printed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exit } from '../../cli/exit-codes.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { brop } from './run.ts';

const KEY = 'wXyZ'.repeat(10);
let root: string;
let gateway: Server;
let args: string[];
const keys: (string | undefined)[] = [];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'brop-api-key-'));
  writeFileSync(join(root, 'file.txt'), 'a file');
  await brop(['keygen', join(root, 'key.json')]);
  // As API Gateway answers to whoever has no key.
  gateway = createServer((request, response) => {
    keys.push(request.headers['x-api-key'] as string | undefined);
    response.writeHead(403, { 'content-type': 'application/json' }).end('{"message":"Forbidden"}');
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  const account = accountIdToText(new Uint8Array(20).fill(1));
  args = ['register', join(root, 'file.txt'), '--out', root, '--url', url, '--genesis', '0'.repeat(64)];
  args.push('--account', account, '--key', join(root, 'key.json'));
});

afterAll(async () => {
  await new Promise((resolve) => gateway.close(resolve));
  rmSync(root, { recursive: true, force: true });
});

test('BROP_API_KEY goes with what is submitted; who has none learns what may be missing', async () => {
  const ran = await brop(args, { BROP_API_KEY: KEY });
  expect(new Set(keys)).toEqual(new Set([KEY]));
  expect(ran.exitCode).not.toBe(exit.ok);
  expect(ran.stdout + ran.stderr).not.toContain(KEY);
  keys.length = 0;
  const without = await brop(args);
  expect(new Set(keys)).toEqual(new Set([undefined]));
  expect(without.stderr).toContain('may want a key');
});

test('one that is no key is refused before anything is sent, and not printed', async () => {
  keys.length = 0;
  const ran = await brop(args, { BROP_API_KEY: 'two words' });
  expect([ran.exitCode, keys]).toEqual([exit.usage, []]);
  expect(ran.stderr).toContain('BROP_API_KEY: ');
  expect(ran.stderr).not.toContain('two words');
});
