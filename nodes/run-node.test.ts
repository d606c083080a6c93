import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createNodeIdentity } from '../adapters/transport-mtls/identity.ts';
import { bytesOf, World } from '../test/ledger/world.ts';
import type { NodeConfigInput } from './config.ts';
import { launchNode } from './launch.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brop-run-node-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a node whose store cannot be opened ends by itself, though its threads have begun', async () => {
  const world = await World.open();
  writeFileSync(join(folder, 'genesis.cbor'), world.genesis.bytes);
  createNodeIdentity(join(folder, 'node-key.pem'));
  mkdirSync(join(folder, 'data', 'chain'), { recursive: true });
  writeFileSync(join(folder, 'data', 'chain', 'FORMAT'), 'something else');
  writeFileSync(join(folder, 'data', 'chain', 'data.mdb'), bytesOf('no store'));
  const config: NodeConfigInput = {
    role: 'follower',
    genesis: 'genesis.cbor',
    dataFolder: 'data',
    nodeKey: 'node-key.pem',
    log: { level: 'warn', file: 'node.log' },
    metrics: { port: 0 },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const child = launchNode(join(folder, 'config.json'), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let said = '';
  child.stderr!.on('data', (part: Buffer) => {
    said += String(part);
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code, said).toBe(1);
});
