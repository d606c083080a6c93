/**
 * Every participant may run a node, and nodes let in only keys that the chain knows: over real processes and real
 * connections a node gets nothing before its key is registered, each block as it becomes final from then on, and
 * nothing any more once the key is taken back.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { createNodeIdentity } from '../../adapters/transport-mtls/identity.ts';
import { decodeGenesis } from '../../node-core/chain/genesis.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { fromHex } from '../../node-core/codec/bytes.ts';
import { loadConfig } from '../../nodes/config.ts';
import { type Devnet, startDevnet } from '../../nodes/devnet/supervise.ts';
import { type RunningNode, runNode } from '../../nodes/run-node.ts';
import { type Client, createClient } from '../../sdk/index.ts';

const root = mkdtempSync(join(tmpdir(), 'brop-registration-'));
let devnet: Devnet;
let client: Client;
let node: RunningNode;
let nodeKey: Uint8Array;

beforeAll(async () => {
  const parameters = { minBlockIntervalMs: 50, blockIntervalMs: 300 };
  const options = { folder: join(root, 'devnet'), validators: 1, apiPort: 0, parameters } as const;
  devnet = await startDevnet({ ...options, logLevel: 'warn' }, () => {});
  const genesisFile = join(devnet.folder, 'genesis.cbor');
  const genesis = decodeGenesis(crypto, readFileSync(genesisFile));
  const signer = openKeyFile(join(devnet.folder, 'operator', 'account-key.json'));
  const account = genesisAccountId(crypto, signer.publicKey);
  client = createClient({ url: devnet.apiUrl, genesisHash: genesis.hash, account, signer, crypto });

  const folder = join(root, 'stranger');
  mkdirSync(folder, { mode: 0o700 });
  nodeKey = fromHex(createNodeIdentity(join(folder, 'node-key.pem')).peerId);
  const { peers } = JSON.parse(readFileSync(join(devnet.folder, 'follower', 'config.json'), 'utf8'));
  const config = {
    ...{ role: 'follower', genesis: genesisFile, dataFolder: 'data', nodeKey: 'node-key.pem', peers },
    log: { level: 'info', file: 'node.log' },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  node = await runNode(loadConfig(join(folder, 'config.json')));
}, 60_000);
afterAll(async () => {
  await node?.stop();
  await devnet?.stop();
  rmSync(root, { recursive: true, force: true });
});

const height = async () => (await client.status()).height;
const here = () => node.node.store.height;

it('a key that nobody has registered is turned away, as often as it comes', async () => {
  const before = await height();
  await expect.poll(height, { timeout: 20_000 }).toBeGreaterThan(before + 8);
  expect([here(), node.node.peers.count]).toEqual([0, 0]);
});

it('once its key is registered it is let in, catches up, and gets every final block', async () => {
  await client.governance.registerNode({ nodeKey }, { label: 'test' });
  const registered = await height();
  await expect.poll(here, { timeout: 20_000 }).toBeGreaterThan(registered + 3);
  expect(node.node.peers.count).toBe(1);
});

it('once its key is taken back it is dropped with that block, and gets no other', async () => {
  await client.governance.unregisterNode({ nodeKey }, { label: 'test' });
  await expect.poll(() => node.node.peers.count, { timeout: 10_000 }).toBe(0);
  const last = here();
  const then = await height();
  await expect.poll(height, { timeout: 20_000 }).toBeGreaterThan(then + 8);
  expect([here(), node.node.peers.count]).toEqual([last, 0]);
});
