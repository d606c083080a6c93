import { expect, test } from 'vitest';
import { crypto, hastyClock, SnapshotWorld } from '../../test/ledger/snapshot-world.ts';
import { readIndex } from './snapshot-read.ts';
import { SnapshotWriter } from './snapshot-write.ts';

const entries = Array.from({ length: 2_000 }, (_, i) => ({ name: `entry ${i}`, sizeBytes: 100 }));

async function writing(every: number) {
  const chain = await SnapshotWorld.open();
  const said: string[] = [];
  const note = (level: string) => (message: string) => void said.push(`${level}: ${message}`);
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const ports = { crypto, store: chain.world.store, blobs: chain.blobs, clock: hastyClock };
  const writer = new SnapshotWriter(ports, { every, keep: 3 }, log);
  const block = async () => {
    const { header } = await chain.block([], chain.world.store.height === 0 ? entries : []);
    writer.afterBlock(header.height);
  };
  const turns = async (count: number) => {
    for (let i = 0; i < count; i++) await new Promise((next) => setImmediate(next));
  };
  return { chain, said, writer, block, turns, index: () => readIndex(chain.blobs) };
}

test('a snapshot is written after every n-th block; one that is due while another is written is left out', async () => {
  const { said, block, turns, index } = await writing(2);
  for (let i = 0; i < 5; i++) await block();
  await turns(100);
  for (let i = 0; i < 2; i++) await block();
  await turns(100);
  expect(await index()).toEqual([2, 6]);
  expect(said).toEqual([
    'warn: no snapshot: the one before it is still being written',
    'info: a snapshot is written',
    'info: a snapshot is written',
  ]);
});

test('0 writes none', async () => {
  const { said, block, turns, index } = await writing(0);
  await block();
  await turns(20);
  expect([await index(), said]).toEqual([[], []]);
});

test('a node that stops does not wait for the rest of a snapshot, and its log is quiet about it', async () => {
  const { chain, said, writer, block, turns, index } = await writing(1);
  await block();
  await turns(2);
  await writer.stop();
  await chain.world.store.close();
  expect([await index(), said, [...chain.blobs.files.keys()]]).toEqual([[], [], []]);
  writer.afterBlock(2);
});

test('a failure costs the snapshot and not the node', async () => {
  const { chain, said, block, turns, index } = await writing(1);
  chain.blobs.put = async () => {
    throw new Error('no room');
  };
  await block();
  await turns(100);
  expect([await index(), said]).toEqual([[], ['error: a snapshot could not be written']]);
});
