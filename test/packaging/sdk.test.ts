import { execFile, execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serve } from '@hono/node-server';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuditFile } from '../../adapters/audit-file/audit-file.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { ENTRIES, makePackage } from '../../scripts/pack-sdk.ts';
import { crypto, type InProcessNode, startInProcessNode } from '../api/in-process-node.ts';
import { BrowserPage } from '../browser/page.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const NODE_20 = join(ROOT, '.cache', 'node20', 'node_modules', 'node', 'bin', 'node');
const run = promisify(execFile);

let folder: string;
let project: string;
let running: InProcessNode;
let server: ReturnType<typeof serve>;
let url: string;
let identity: object;

/** The API on a port of the loopback address, under which accounts log in. */
async function serveNode(): Promise<void> {
  const origins: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const audit = openAuditFile({ folder: join(folder, 'audit'), log });
  running = await startInProcessNode({}, { authentication: { origins }, audit });
  const { api } = running;
  url = await new Promise((resolve) => {
    server = serve({ fetch: (request) => api.fetch(request), hostname: '127.0.0.1', port: 0 }, ({ port }) =>
      resolve(`http://127.0.0.1:${port}`),
    );
  });
  origins.push(url);
  const { operator, genesis } = running.consortium;
  identity = {
    url,
    genesisHash: toHex(genesis.hash),
    suite: operator.publicKey.suite,
    secretKey: toHex(operator.secretKey),
    operator: accountIdToText(genesisAccountId(crypto, operator.publicKey)),
    folder,
  };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'packaging-'));
  const made = join(folder, 'package');
  await makePackage(made);
  const npm = { cwd: made, encoding: 'utf8' } as const;
  const tarball = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], npm).trim();
  project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"name":"empty","private":true}\n');
  const args = ['install', '--offline', '--no-audit', '--no-fund', '--silent', join(folder, tarball)];
  execFileSync('npm', args, { cwd: project, stdio: 'pipe' });
  for (const name of ['consumer.mjs', 'consumer.ts']) cpSync(join(import.meta.dirname, name), join(project, name));
  await serveNode();
}, 120_000);

afterAll(async () => {
  server?.close();
  await running?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the packed SDK, in an empty project', () => {
  it('needs nothing beside it, and brings no source, no test and no key', () => {
    const modules = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(modules).toEqual(['brop']);
    const files = readdirSync(join(project, 'node_modules', 'brop'), { recursive: true }).map(String);
    expect(files.filter((file) => /\.test\.|\.pem$|key.*\.json$|^dist.*\.ts$/.test(file))).toEqual([]);
    for (const entry of Object.keys(ENTRIES)) expect(files).toContain(join('dist', `${entry}.js`));
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'THIRD-PARTY-LICENSES', 'README.md']));
    const text = files
      .filter((file) => file.endsWith('.js'))
      .map((file) => readFileSync(join(project, 'node_modules', 'brop', file), 'utf8'));
    expect(text.join('')).not.toContain(ROOT);
  });

  it.each([
    ['Node 20', NODE_20, /^v20\./],
    ['Node 24', process.execPath, /^v24\./],
  ])('on %s registers with keys in WebCrypto and in a file, verifies and logs in', async (_, node, version) => {
    expect(existsSync(node), `${node}: run npm test, or node scripts/setup.mjs test`).toBe(true);
    const { stdout } = await run(node, ['consumer.mjs', JSON.stringify(identity)], { cwd: project });
    const { node: ran, results, height } = JSON.parse(stdout) as Record<string, unknown>;
    expect(ran).toMatch(version);
    expect(results).toEqual([
      { ok: true, who: `webcrypto ${String(ran)}`, logins: 1 },
      { ok: true, who: `file ${String(ran)}`, logins: 1 },
    ]);
    expect(height).toBeGreaterThan(3);
  });

  it('says what is missing when a token is opened without its package', async () => {
    const script = `const { openPkcs11Signer } = await import('brop/signer-pkcs11');
      await openPkcs11Signer({ library: 'x', tokenLabel: 'x', pin: 'secret', keyLabel: 'x' }).catch((e) => console.log(e.code, e.message));`;
    const { stdout } = await run(NODE_20, ['--input-type=module', '-e', script], { cwd: project });
    expect(stdout).toMatch(/^CONFIG_INVALID .*pkcs11js is not installed/);
    expect(stdout).not.toContain('secret');
  });

  it('has types that a strict project takes, those of its peers included', async () => {
    for (const peer of ['@aws-sdk', '@smithy', '@types', 'undici-types', 'pkcs11js'])
      if (existsSync(join(ROOT, 'node_modules', peer)) && !existsSync(join(project, 'node_modules', peer)))
        symlinkSync(join(ROOT, 'node_modules', peer), join(project, 'node_modules', peer));
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'ES2023',
      module: 'NodeNext',
      types: ['node'],
      exactOptionalPropertyTypes: true,
      lib: ['ES2023', 'DOM', 'DOM.Iterable'],
      skipLibCheck: true,
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const complaints = await run(process.execPath, [tsc, '-p', project]).then(
      () => '',
      (error: { stdout?: string }) => error.stdout ?? String(error),
    );
    expect(complaints).toBe('');
  });

  it('bundled for a browser, registers from a page of another origin with a key that cannot be taken out', async () => {
    writeFileSync(join(project, 'page.js'), `export * from 'brop/sdk';`);
    const { outputFiles } = await build({
      absWorkingDir: project,
      entryPoints: ['page.js'],
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      write: false,
      logLevel: 'error',
    });
    const html =
      '<!doctype html><title>BROP</title><script type="module">globalThis.brop = await import("/brop.js");</script>';
    const files = new Map<string, readonly [string, Uint8Array | string]>([
      ['/', ['text/html', html]],
      ['/brop.js', ['text/javascript', outputFiles[0]!.contents]],
    ]);
    const browser = await BrowserPage.open(files);
    try {
      await browser.page.waitForFunction('globalThis.brop !== undefined');
      const found = await browser.page.evaluate(registerInPage, identity);
      expect(found).toEqual({ ok: true, who: 'browser', extractable: false, logins: 1 });
    } finally {
      await browser.close();
    }
  });
});

declare const brop: typeof import('../../sdk/index.ts');

/** Runs in the page. */
async function registerInPage(identity: object) {
  const { url, genesisHash, suite, secretKey, operator } = identity as Record<string, string>;
  const pair = (await globalThis.crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
    'sign',
    'verify',
  ])) as Awaited<ReturnType<typeof globalThis.crypto.subtle.generateKey>> & import('../../sdk/index.ts').WebKeyPair;
  const signer = await brop.signerFromWebCrypto(pair);
  const operatorSigner = brop.signerFromSecretKey(suite as 'p256', brop.fromHex(secretKey!));
  const chain = { url: url!, genesisHash: genesisHash! };
  const { account } = await brop
    .createClient({ ...chain, account: operator!, signer: operatorSigner })
    .governance.admitPartner({
      name: 'browser',
      key: signer.publicKey,
      legal: { version: '1', digest: new Uint8Array(32) },
      permissions: ['evidence'],
      quota: { max: 1_000_000, periodMs: 86_400_000 },
    });
  const client = brop.createClient({ ...chain, account, signer });
  const file = new Blob(['a file in a page']);
  const { receipt } = await client.evidence.register({ digests: await brop.digestOf(file) });
  const verdict = await brop.verifyReceipt(receipt, { genesisHash: genesisHash!, file });
  const audit = (await (await client.auth.fetch('/v1/audit', 'audit:read')).json()) as { entries: unknown[] };
  const { extractable } = pair.privateKey as { extractable: boolean };
  return { ok: verdict.ok, who: verdict.ok && verdict.who.name, extractable, logins: audit.entries.length };
}
