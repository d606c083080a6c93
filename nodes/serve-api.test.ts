/** Accounts log in at a node as it runs: names, keys that outlive it, and the operator's audit log. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createNodeIdentity } from '../adapters/transport-mtls/identity.ts';
import { genesisAccountId } from '../node-core/chain/identifiers.ts';
import { pureCrypto } from '../node-core/crypto/pure.ts';
import { createClient, signerFromSecretKey } from '../sdk/index.ts';
import { World } from '../test/ledger/world.ts';
import { loadConfig, type NodeConfigInput } from './config.ts';
import { type RunningNode, runNode } from './run-node.ts';

let folder: string;
let world: World;
let running: RunningNode | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'brop-serve-api-'));
  world = await World.open();
  writeFileSync(join(folder, 'genesis.cbor'), world.genesis.bytes);
  createNodeIdentity(join(folder, 'node-key.pem'));
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function run(api: Partial<NonNullable<NodeConfigInput['api']>> = {}): Promise<string> {
  const config: NodeConfigInput = {
    role: 'follower',
    genesis: 'genesis.cbor',
    dataFolder: 'data',
    nodeKey: 'node-key.pem',
    log: { level: 'silent' },
    api: { host: '127.0.0.1', port: 0, ...api },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  running = await runNode(loadConfig(join(folder, 'config.json')));
  return running.apiUrl!;
}

const client = (url: string) => {
  const { operator } = world.members;
  return createClient({
    url,
    genesisHash: world.genesis.hash,
    signer: signerFromSecretKey(operator.publicKey.suite, operator.secretKey),
    account: genesisAccountId(pureCrypto, operator.publicKey),
  });
};

test('a node on a loopback address lets accounts log in there; keys and audit log are its own', async () => {
  const url = await run();
  const answer = await client(url).auth.fetch('/v1/audit', 'audit:read');
  expect(await answer.json()).toMatchObject({ entries: [{ number: 1, action: 'login', outcome: 'done' }] });
  await client(url.replace('127.0.0.1', 'localhost')).auth.token(['audit:read']);
  const keys = join(folder, 'data', 'token-keys.json');
  expect(statSync(keys).mode & 0o777).toBe(0o600);
  const lines = readFileSync(join(folder, 'data', 'audit', 'audit.jsonl'), 'utf8')
    .trim()
    .split('\n');
  expect(lines).toHaveLength(2);
  const [{ secretKey }] = (JSON.parse(readFileSync(keys, 'utf8')) as { keys: [{ secretKey: string }] }).keys;
  expect(lines.join()).not.toContain(secretKey);
});

test('with a name of its own, accounts log in under it alone, and tokens outlive a restart', async () => {
  const origins = ['https://node.example'];
  const url = await run({ origins });
  await expect(client(url).auth.token(['audit:read'])).rejects.toMatchObject({ code: 'ORIGIN_UNKNOWN' });
  // The gateway in front of it, for this test.
  const fetch: typeof globalThis.fetch = (to, init) =>
    globalThis.fetch(String(to).replace(origins[0]!, running!.apiUrl!), init);
  const { operator } = world.members;
  const throughGateway = createClient({
    url: origins[0]!,
    genesisHash: world.genesis.hash,
    signer: signerFromSecretKey(operator.publicKey.suite, operator.secretKey),
    account: genesisAccountId(pureCrypto, operator.publicKey),
    fetch,
  });
  const token = await throughGateway.auth.token(['audit:read']);
  await running!.stop();
  const again = await run({ origins });
  const headers = { Authorization: `Bearer ${token}` };
  expect((await globalThis.fetch(`${again}/v1/audit`, { headers })).status).toBe(200);
});

test('a node does not start with token keys that others may read', async () => {
  await client(await run()).auth.token(['audit:read']);
  await running!.stop();
  running = undefined;
  chmodSync(join(folder, 'data', 'token-keys.json'), 0o644);
  await expect(run()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test.each(['https://node.example/', 'node.example', 'ftp://node.example'])('refuses the origin %s', async (origin) => {
  await expect(run({ origins: [origin] })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('api.origins'),
  });
});
