/** Being told of events, with real processes: `brop listen`, `brop webhook`, and what receivers of others verify. */
import { createPublicKey, verify as verifySignature } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exit } from '../../cli/exit-codes.ts';
import { Python } from '../interop/python.ts';
import { brop, lineOf, start } from './run.ts';

interface Received {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

let root: string;
let env: Record<string, string>;
let genesis: string;
let running: ReturnType<typeof start>;
let server: Server;
let url: string;
const received: Received[] = [];
const status = new Map<string, number>();

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'brop-webhook-'));
  env = { BROP_HOME: join(root, 'home'), HOME: root };
  mkdirSync(join(root, 'files'));
  writeFileSync(join(root, 'files', 'one.txt'), 'one');
  running = start(['devnet', '--port', '0', '--validators', '1', join(root, 'files')], env);
  await lineOf(running, /API +http/);
  genesis = String((await brop(['status', '--json'], env)).json().genesisHash);
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    received.push({ path, headers: request.headers as Record<string, string>, body: Buffer.concat(chunks).toString() });
    response.statusCode = status.get(path) ?? 204;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}, 120_000);

afterAll(async () => {
  running.kill('SIGINT');
  await new Promise((resolve) => running.once('close', resolve));
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(root, { recursive: true, force: true });
});

let made = 0;

/** Registers a file with a subject through the command line. */
async function register(subject: string): Promise<void> {
  const file = join(root, `file ${made++}.txt`);
  writeFileSync(file, `content ${made}`);
  const ran = await brop(['register', file, '--subject', subject, '--out', join(root, 'receipts')], env);
  expect(ran.stderr).not.toContain('brop:');
}

/** Waits until the receiver has so many at a path. */
async function at(path: string, count: number): Promise<readonly Received[]> {
  for (;;) {
    const found = received.filter((one) => one.path === path);
    if (found.length >= count) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** By the specification, over OpenSSL. */
function verifyAsymmetric(key: string, { headers, body }: Received): boolean {
  const x = Buffer.from(key.slice('whpk_'.length), 'base64').toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const message = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`);
  const signatures = headers['webhook-signature']!.split(' ').filter((entry) => entry.startsWith('v1a,'));
  return signatures.some((entry) => verifySignature(null, message, publicKey, Buffer.from(entry.slice(4), 'base64')));
}

const webhook = async (...args: readonly string[]) => brop(['webhook', ...args, '--json'], env);

describe('brop listen', { timeout: 60_000 }, () => {
  test('prints an event for the next registration, and those that went before when it is asked for them', async () => {
    const listening = start(['listen', '--type', 'evidence.registered', '--count', '1', '--json'], env);
    const printed = lineOf(listening, /"type":"evidence\.registered".*\n/);
    await lineOf(listening, /listening/);
    await register('lot 1');
    const event = JSON.parse((await printed).input!.split('\n').find((line) => line.startsWith('{'))!);
    expect(event).toMatchObject({ type: 'evidence.registered', data: { subject: 'lot 1' } });
    await register('lot 2');
    const after = ['--after', '0', '--where', 'subject=lot 1', '--type', 'evidence.registered'];
    const past = await brop(['listen', ...after, '--count', '1'], env);
    expect(past.exitCode).toBe(exit.ok);
    expect(past.stdout).toContain('subject=lot 1');
    expect(await brop(['listen', '--type', 'nothing.known'], env)).toMatchObject({ exitCode: exit.usage });
  });
});

describe('brop webhook', { timeout: 120_000 }, () => {
  test('delivers to a receiver here, and libraries of others accept it', async () => {
    const only = ['--type', 'evidence.registered', '--where', 'subject=lot 7'];
    const asymmetric = (await webhook('add', `${url}/v1a`, ...only)).json();
    const symmetric = (await webhook('add', `${url}/v1`, ...only, '--signature', 'v1')).json();
    await register('another lot');
    await register('lot 7');
    const [first] = (await at('/v1a', 1)) as [Received];
    const [second] = (await at('/v1', 1)) as [Received];
    expect(first.headers['webhook-id']).toBe(second.headers['webhook-id']);
    const payload = new Webhook(String(symmetric.verificationKey)).verify(second.body, second.headers);
    expect(payload).toMatchObject({ type: 'evidence.registered', data: { subject: 'lot 7' } });
    expect(verifyAsymmetric(String(asymmetric.verificationKey), first)).toBe(true);
    expect(verifyAsymmetric(String(asymmetric.verificationKey), { ...first, body: `${first.body} ` })).toBe(false);
    const python = new Python();
    const deliveries = [
      { key: symmetric.verificationKey, ...second },
      { key: asymmetric.verificationKey, ...first },
    ];
    const file = python.file(Buffer.from(JSON.stringify(deliveries)));
    expect((await python.run('verify_webhook.py', [file])).output).toMatchObject({ verified: 2 });
    python.close();
    await webhook('remove', String(asymmetric.id));
    await webhook('remove', String(symmetric.id));
  });

  test('the receipt inside proves the event to whoever trusts nobody', async () => {
    const { id } = (await webhook('add', `${url}/receipt`, '--type', 'evidence.registered')).json();
    await register('lot 8');
    const [{ body }] = (await at('/receipt', 1)) as [Received];
    const receipt = join(root, 'from-webhook.receipt');
    writeFileSync(receipt, Buffer.from((JSON.parse(body) as { receipt: string }).receipt, 'base64url'));
    const verified = await brop(['verify', receipt, '--genesis', genesis, '--json'], env);
    expect(verified.exitCode).toBe(exit.ok);
    expect(Buffer.byteLength(body)).toBeLessThan(20_000);
    await webhook('remove', String(id));
  });

  test('ping, rotate, replay, disable and enable', async () => {
    const { id, verificationKey: old } = (await webhook('add', `${url}/all`, '--type', 'evidence.registered')).json();
    expect((await webhook('ping', String(id))).json()).toMatchObject({ ok: true, status: 204, type: 'webhook.ping' });
    const { verificationKey: renewed } = (await webhook('rotate', String(id))).json();
    await register('lot 9');
    const [, delivery] = (await at('/all', 2)) as [Received, Received];
    for (const key of [old, renewed]) expect(verifyAsymmetric(String(key), delivery)).toBe(true);
    await webhook('replay', String(id), '--after', '0');
    const all = await at('/all', 6);
    expect(new Set(all.map(({ headers }) => headers['webhook-id'])).size).toBeLessThan(all.length);
    expect((await webhook('disable', String(id))).json()).toMatchObject({ status: 'disabled' });
    expect(await webhook('replay', String(id), '--after', '0')).toMatchObject({ exitCode: exit.refused });
    expect((await webhook('enable', String(id))).json()).toMatchObject({ status: 'active' });
    const { attempts } = (await webhook('show', String(id))).json();
    expect((attempts as unknown[]).length).toBeGreaterThanOrEqual(6);
    const { subscriptions } = (await webhook('list')).json();
    expect(subscriptions).toHaveLength(1);
    await webhook('remove', String(id));
    expect(await webhook('show', String(id))).toMatchObject({ exitCode: exit.notFound });
  });

  test('an endpoint that answers 410 is disabled, and its owner is told', async () => {
    status.set('/gone', 410);
    const { id } = (await webhook('add', `${url}/gone`, '--type', 'evidence.registered')).json();
    await register('lot 10');
    await at('/gone', 1);
    let shown: Record<string, unknown>;
    do shown = (await webhook('show', String(id))).json();
    while (shown.status !== 'disabled');
    expect(shown.disabled).toMatchObject({ reason: 'gone' });
    await webhook('remove', String(id));
  });

  test.each(['http://10.0.0.1/', 'https://169.254.169.254/', 'http://example.com/', 'https://user:pw@example.com/'])(
    'a URL that leads inward or is no https is refused: %s',
    async (bad) => {
      const ran = await webhook('add', bad);
      expect(ran.exitCode).toBe(exit.refused);
      expect(ran.json()).toMatchObject({ ok: false, name: 'WEBHOOK_URL_REFUSED' });
    },
  );

  test('a store of subscriptions holds no key, and the secret is for its owner alone', async () => {
    const folder = join(root, 'home', 'devnet', 'follower', 'data');
    const secret = readFileSync(join(folder, 'webhook-secret'), 'utf8').trim();
    const { id, verificationKey } = (await webhook('add', `${url}/x`, '--signature', 'v1')).json();
    const rows = readFileSync(join(folder, 'subscriptions', 'data.mdb')).toString('latin1');
    expect(rows).toContain(String(id));
    expect(rows).not.toContain(String(verificationKey).slice('whsec_'.length));
    expect(rows).not.toContain(secret);
    expect(readFileSync(join(folder, '..', 'node.log'), 'utf8')).not.toContain(String(verificationKey).slice(6));
    await webhook('remove', String(id));
  });
});
