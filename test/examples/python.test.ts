/** The Python example as its README runs it: generate the client, register, verify, log in; and be lied to. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuditFile } from '../../adapters/audit-file/audit-file.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { publicKeyOfSpki } from '../../node-core/crypto/keys.ts';
import { createClient, signerFromSecretKey, verifyReceipt } from '../../sdk/index.ts';
import { crypto, type InProcessNode, startInProcessNode } from '../api/in-process-node.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const BIN = join(ROOT, '.cache', 'venv-examples', 'bin');
const run = promisify(execFile);

let running: InProcessNode;
let server: ReturnType<typeof serve>;
let url: string;
let genesis: string;
let folder: string;
/** Changes an answer on its way, as a lying node would. */
let lie: ((path: string, text: string) => string) | null = null;

async function answer(request: Request): Promise<Response> {
  const response = await running.api.fetch(request);
  if (lie === null || response.headers.get('Content-Type')?.startsWith('application/json') !== true) return response;
  const { status, headers } = response;
  return new Response(lie(new URL(request.url).pathname, await response.text()), { status, headers });
}

beforeAll(async () => {
  if (!existsSync(join(BIN, 'openapi-python-client')))
    throw new Error('There is no .cache/venv-examples: run `npm test`, or `node scripts/setup.mjs test`.');
  folder = mkdtempSync(join(tmpdir(), 'brop-python-'));
  const origins: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const audit = openAuditFile({ folder: join(folder, 'audit'), log });
  running = await startInProcessNode({}, { authentication: { origins }, audit });
  genesis = toHex(running.consortium.genesis.hash);
  url = await new Promise((resolve) => {
    server = serve({ fetch: answer, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
      resolve(`http://127.0.0.1:${port}`),
    );
  });
  origins.push(url);
  cpSync(join(ROOT, 'examples', 'python'), folder, {
    recursive: true,
    filter: (path) => !path.endsWith('brop_client'),
  });
  const config = ['--config', 'openapi-python-client.yml', '--meta', 'none', '--output-path', 'brop_client'];
  const generated = await run(
    join(BIN, 'openapi-python-client'),
    ['generate', '--url', `${url}/openapi.json`, ...config],
    {
      cwd: folder,
    },
  );
  expect(`${generated.stdout}${generated.stderr}`).not.toMatch(/WARNING|ERROR/i);
}, 60_000);

afterAll(async () => {
  server?.close();
  await running?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A partner whose key is a PEM file. */
async function partner(name: string, { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }) {
  const pem = join(folder, `${name}.pem`);
  writeFileSync(pem, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const { operator } = running.consortium;
  const client = createClient({
    url,
    genesisHash: genesis,
    account: genesisAccountId(crypto, operator.publicKey),
    signer: signerFromSecretKey(operator.publicKey.suite, operator.secretKey),
  });
  const key = publicKeyOfSpki(new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })));
  const { account } = await client.governance.admitPartner({
    name,
    key,
    legal: { version: '1', digest: new Uint8Array(32) },
    permissions: ['evidence'],
    quota: { max: 1_000_000, periodMs: 86_400_000 },
  });
  return ['--url', url, '--genesis', genesis, '--account', accountIdToText(account), '--key', pem];
}

async function python(script: string, args: readonly string[]) {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
  return run(join(BIN, 'python'), [script, ...args], { cwd: folder, env }).then(
    ({ stdout, stderr }) => ({ exitCode: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({ ...error, exitCode: error.code }),
  );
}

const keys = {
  p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ed25519: () => generateKeyPairSync('ed25519'),
};

describe.each(['p256', 'ed25519'] as const)('examples/python with a key of %s', (suite) => {
  let own: readonly string[];
  beforeAll(async () => {
    own = await partner(`partner ${suite}`, keys[suite]());
  });

  it('registers a file; the receipt verifies', async () => {
    const file = join(folder, `contract-${suite}.txt`);
    writeFileSync(file, `a contract, ${suite}`);
    const { exitCode, stderr } = await python('register.py', [...own, '--subject', 'lot 7', file]);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain('operation 1: evidence.register');
    const receipt = new Uint8Array(readFileSync(`${file}.receipt`));
    const verdict = await verifyReceipt(receipt, { genesisHash: genesis, file: new Uint8Array(readFileSync(file)) });
    expect(verdict).toMatchObject({ ok: true, who: { name: `partner ${suite}` } });
  });

  it('logs in, and sees that in its audit log', async () => {
    const { exitCode, stdout, stderr } = await python('login.py', own);
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ entries: [{ action: 'login', outcome: 'done' }] });
  });
});

describe('examples/python and a node that lies', () => {
  it('signs nothing when the bytes to sign are others than it meant, whatever the summary says', async () => {
    const own = await partner('partner lied to', keys.p256());
    const file = join(folder, 'other.txt');
    writeFileSync(file, 'a file');
    let prepared = 0;
    lie = (path, text) => {
      if (path !== '/v1/transactions/prepare') return text;
      prepared += 1;
      // One bit of the digest in the bytes; the summary stays.
      const answer = JSON.parse(text) as { message: string };
      const message = Buffer.from(answer.message, 'base64url');
      message[message.length - 1]! ^= 1;
      return JSON.stringify({ ...answer, message: message.toString('base64url') });
    };
    try {
      const { exitCode, stderr } = await python('register.py', [...own, file]);
      expect([exitCode, prepared]).toEqual([1, 1]);
      expect(stderr).toContain('Mismatch: operations');
      expect(existsSync(`${file}.receipt`)).toBe(false);
    } finally {
      lie = null;
    }
  });

  it('signs no challenge that another node asks for', async () => {
    const own = await partner('partner phished', keys.p256());
    const asOther = own.map((argument) => (argument === url ? url.replace('127.0.0.1', 'localhost') : argument));
    const { exitCode, stderr } = await python('login.py', asOther);
    expect(exitCode, stderr).toBe(1);
    expect(stderr).toContain('ORIGIN_UNKNOWN');
    lie = (path, text) => {
      if (path !== '/v1/auth/challenge') return text;
      const challenge = JSON.parse(text) as { message: string };
      const message = Buffer.from(challenge.message, 'base64url').toString('latin1').replace('127.0.0.1', '127.0.0.2');
      return JSON.stringify({ ...challenge, message: Buffer.from(message, 'latin1').toString('base64url') });
    };
    try {
      expect((await python('login.py', own)).stderr).toContain('Mismatch: origin');
    } finally {
      lie = null;
    }
  });
});
