// `brop snapshot` on the data folder of a stopped node, and on what became of its files.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { zstdPacking } from '../../adapters/store-lmdb/packing.ts';
import { openLmdbStore } from '../../adapters/store-lmdb/store.ts';
import { loadConfig } from '../../nodes/config.ts';
import { CHAIN_FORMAT } from '../../nodes/open-store.ts';
import { runNode } from '../../nodes/run-node.ts';
import { SnapshotWorld } from '../ledger/snapshot-world.ts';
import { brop } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'brop-snapshot-'));
const data = join(folder, 'data');
const genesis = join(folder, 'genesis.cbor');
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  // Its rows go into a store that packs.
  const chain = await SnapshotWorld.open({ packing: zstdPacking });
  await chain.block([], [{ name: 'entry', sizeBytes: 100 }]);
  await chain.block();
  const { world } = chain;
  await world.store.flush();
  const kv = await openLmdbStore({ folder: join(data, 'chain'), format: CHAIN_FORMAT });
  await kv.write([...world.kv.range(new Uint8Array(0), Uint8Array.of(0xff))]);
  await kv.close();
  writeFileSync(genesis, world.genesis.bytes);
  const other = await SnapshotWorld.open({ suite: 'p256' });
  writeFileSync(join(folder, 'other.cbor'), other.world.genesis.bytes);
});

describe('brop snapshot', () => {
  test('makes one that verifies, and changes nothing the second time', async () => {
    const made = await brop(['snapshot', data, '--genesis', genesis, '--json']);
    expect(made).toMatchObject({ exitCode: 0 });
    expect(made.json()).toMatchObject({ ok: true, height: 2, chunks: 1, newChunks: 1 });
    expect((await brop(['snapshot', data, '--genesis', genesis, '--json'])).json()).toMatchObject({ newChunks: 0 });
    const verified = await brop(['snapshot', join(data, 'files'), '--verify', '--genesis', genesis]);
    expect(verified).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^VALID {2}the snapshot of height 2/),
    });
  });

  test('names a file of which one byte was flipped, and ends with 25', async () => {
    const copy = join(folder, 'copy');
    cpSync(join(data, 'files'), copy, { recursive: true });
    const chunk = join('state', readdirSync(join(copy, 'state'))[0]!);
    for (const path of [chunk, join('snapshots', 'index')]) {
      const whole = readFileSync(join(copy, path));
      const damaged = Buffer.from(whole);
      damaged[damaged.length - 1]! ^= 1;
      writeFileSync(join(copy, path), damaged);
      const { exitCode, stdout } = await brop(['snapshot', copy, '--verify', '--genesis', genesis]);
      expect([exitCode, stdout]).toEqual([25, expect.stringContaining(`NOT VALID  ${path}`)]);
      writeFileSync(join(copy, path), whole);
    }
  });

  test('says in one line that it is of another chain, not there, or no data folder', async () => {
    const other = await brop(['snapshot', join(data, 'files'), '--verify', '--genesis', join(folder, 'other.cbor')]);
    expect(other).toMatchObject({ exitCode: 11, stdout: expect.stringContaining('another chain') });
    const wrongChain = await brop(['snapshot', data, '--genesis', join(folder, 'other.cbor')]);
    expect(wrongChain).toMatchObject({ exitCode: 23, stderr: expect.stringContaining('another chain') });
    const future = await brop(['snapshot', join(data, 'files'), '--verify', '--height', '9', '--genesis', genesis]);
    expect(future).toMatchObject({ exitCode: 25, stdout: expect.stringContaining('snapshots/9') });
    const none = await brop(['snapshot', folder, '--verify', '--genesis', genesis]);
    expect(none).toMatchObject({ exitCode: 25, stderr: expect.stringMatching(/^brop: There is no snapshot.*\n$/) });
    expect(await brop(['snapshot', folder, '--genesis', genesis])).toMatchObject({ exitCode: 21 });
    expect(await brop(['snapshot', data, '--keep', 'x', '--genesis', genesis])).toMatchObject({ exitCode: 2 });
  });
});

describe('a follower with an empty data folder', () => {
  const start = async (name: string, source: string, begin: 'snapshot' | 'genesis' = 'snapshot') => {
    const key = join(folder, `${name}.pem`);
    expect(await brop(['keygen', key, '--node'])).toMatchObject({ exitCode: 0 });
    const config = join(folder, `${name}.json`);
    const log = { level: 'warn', file: join(folder, `${name}.log`) };
    const fields = { role: 'follower', genesis, nodeKey: key, dataFolder: join(folder, name), join: begin, log };
    writeFileSync(config, JSON.stringify({ ...fields, fileSources: [source] }));
    const running = await runNode(loadConfig(config));
    const { height, origin } = running.node.store;
    await running.stop();
    return { height, origin: origin?.header.height, warned: readFileSync(log.file, 'utf8').trim().split('\n') };
  };

  test('begins at the snapshot of its source, and goes on from there when it starts again', async () => {
    const first = await start('joins', join(data, 'files'));
    expect(first).toMatchObject({ height: 2, origin: 2 });
    rmSync(join(folder, 'joins.pem'));
    expect(await start('joins', join(folder, 'nowhere'))).toMatchObject({ height: 2, origin: 2 });
  });

  test('begins at the genesis when it shall, or when no snapshot holds, which its log says in one line', async () => {
    expect(await start('executes', join(data, 'files'), 'genesis')).toMatchObject({ height: 0, origin: undefined });
    const altered = join(folder, 'altered');
    cpSync(join(data, 'files'), altered, { recursive: true });
    const manifest = readFileSync(join(altered, 'snapshots', '2'));
    manifest[manifest.length >> 1]! ^= 1;
    writeFileSync(join(altered, 'snapshots', '2'), manifest);
    const { height, warned } = await start('refuses', altered);
    expect(height).toBe(0);
    const lines = warned.filter((line) => line.includes('snapshots/2'));
    expect(lines).toEqual([expect.stringContaining('a file is refused')]);
  });
});
