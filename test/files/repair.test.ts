/** What the disk has damaged is named, refused, and fetched again from wherever it is to be had. */
import { beforeAll, describe, expect, it } from 'vitest';
import { hashTilePath } from '../../node-core/chain/file-paths.ts';
import { headerHash } from '../../node-core/chain/identifiers.ts';
import {
  decodeSegmentHeader,
  encodeRow,
  encodeSegmentHeader,
  type Row,
  SEGMENT_HEIGHTS,
} from '../../node-core/chain/segment.ts';
import { encodeCommit } from '../../node-core/chain/stored-block.ts';
import { uint64 } from '../../node-core/codec/bytes.ts';
import type { ExecutedBlock } from '../../node-core/ledger/execute-block.ts';
import type { ChainFiles } from '../../node-core/ports/chain-files.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { Transport, TransportHandler } from '../../node-core/ports/transport.ts';
import { tileReader, tileWrites } from '../../node-core/runtime/chain-rows.ts';
import { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { decodeMessage, encodeMessage } from '../../node-core/runtime/messages.ts';
import { Node } from '../../node-core/runtime/node.ts';
import { Publication } from '../../node-core/runtime/publication.ts';
import { certificateOf } from '../simulation/certified.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { MemoryStore } from '../simulation/memory-store.ts';
import { crypto, MadeChain, verifier } from './made-chain.ts';

const PATH = 'blocks/000';
const HEIGHT = 260;

/** A chain with one sealed segment, as it came to the disk, and as it is published. */
let chain: MadeChain;
let segment: Uint8Array;
let published: Uint8Array;
const disk = new MemoryStore();
const rows: Row[] = [];

beforeAll(async () => {
  const blobs = new MemoryBlobs();
  chain = await MadeChain.open('repair', { kv: disk, blobs });
  await chain.grow(HEIGHT, 1);
  const { store } = chain;
  await store.flush();
  await store.blocks.sealNext(store.flushedHeight, async () => {});
  for (let height = 1; height <= HEIGHT; height++) rows.push((await store.row(height))!);
  segment = blobs.files.get(PATH)!;
  published = (await chain.publication().read(PATH))!;
});

/** The same on another disk, which is damaged before a node starts on it. */
class Damaged {
  readonly kv = new MemoryStore();
  readonly blobs = filesOf(segment);
  readonly said: string[] = [];
  store!: ChainStore;
  node!: Node;

  static async chain(): Promise<Damaged> {
    const made = new Damaged();
    await made.kv.write([...disk.range(Uint8Array.of(0), Uint8Array.of(255))]);
    return made;
  }

  /** Flips a bit of the row of a height in the sealed segment. */
  damage(height: number, at = 300): void {
    const bytes = this.blobs.files.get(PATH)!;
    const place = decodeSegmentHeader(bytes, 0, SEGMENT_HEIGHTS, 'packed')[height - 1]! + at;
    this.blobs.files.set(PATH, bytes.with(place, bytes[place]! ^ 1));
  }

  async start(sources: readonly ChainFiles[], peer: PeerOf | null = null): Promise<this> {
    const { genesis } = chain.members;
    this.store = await ChainStore.open(crypto, this.kv, this.blobs, genesis.bytes);
    const note = (message: string, fields?: object) => void this.said.push(`${message} ${JSON.stringify(fields)}`);
    const log = { debug: () => {}, info: note, warn: note, error: note };
    this.node = new Node({
      ...{ crypto, store: this.store, verifier, clock: quick, log },
      transport: peer === null ? alone : withPeer(genesis.hash, peer),
      fileSources: sources.map((files, i) => ({ name: `source ${i}`, files })),
      onFatal: (error) => note(`fatal: ${error}`),
    });
    await this.node.start();
    return this;
  }

  heard(event: string): Promise<void> {
    return expect.poll(() => this.said.join('\n'), { timeout: 20_000, interval: 20 }).toContain(event);
  }

  publication(): Publication {
    return new Publication({ crypto, store: this.store, blobs: this.blobs, clock: quick });
  }
}

/** Real time, ten times as fast. */
const quick: Clock = {
  now: () => Date.now() * 10,
  schedule: (ms, action) => {
    const timer = setTimeout(action, ms / 10);
    return () => clearTimeout(timer);
  },
};
const alone: Transport = {
  start: async () => {},
  send: () => false,
  peers: () => [],
  drop: () => {},
  close: async () => {},
};

/** What a peer answers when it is asked for blocks from a height on. */
type PeerOf = (from: number) => readonly Row[];

function withPeer(chain: Uint8Array, answer: PeerOf): Transport {
  const peer = 'ab'.repeat(32);
  let handler: TransportHandler;
  return {
    ...alone,
    start: async (given) => {
      handler = given;
      handler.connected(peer);
      handler.received(peer, encodeMessage(['hello', chain, HEIGHT]));
    },
    send: (_, bytes) => {
      const message = decodeMessage(bytes);
      if (message[0] === 'getBlocks' && message[1] <= HEIGHT)
        setImmediate(() => handler.received(peer, encodeMessage(['blocks', answer(message[1])])));
      return true;
    },
  };
}

function filesOf(segment: Uint8Array): MemoryBlobs {
  return new MemoryBlobs(new Map([[PATH, segment]]));
}

describe('a byte of a sealed segment is flipped', () => {
  it('with a source it is fetched again, and the same bytes are served', async () => {
    const damaged = await Damaged.chain();
    damaged.damage(77);
    await damaged.start([filesOf(published)]);
    await expect(damaged.store.row(77)).rejects.toThrow(/blocks\/000/);
    await damaged.heard('blocks are damaged {"path":"blocks/000","heights":[77]}');
    await damaged.heard('damaged blocks are whole again');
    expect(damaged.blobs.files.get(PATH)).toEqual(segment);
    expect(await damaged.store.row(77)).toEqual(rows[76]);
    expect(await damaged.publication().read(PATH)).toEqual(published);
    expect(damaged.store.blocks.recent(77)).toBeUndefined();
    await damaged.node.stop();
  });

  it('without one it stays named and refused, and whole blocks are given all the same', async () => {
    const damaged = await (await Damaged.chain()).start([]);
    damaged.damage(77);
    await expect(damaged.store.row(77)).rejects.toThrow(/blocks\/000/);
    await damaged.heard('damaged blocks are not to be had from anywhere for now {"path":"blocks/000","heights":[77]}');
    await expect(damaged.store.row(77)).rejects.toThrow(/blocks\/000/);
    await expect(damaged.publication().read(PATH)).rejects.toThrow(/blocks\/000/);
    expect(await damaged.store.row(78)).toEqual(rows[77]);
    await damaged.node.stop();
  });

  it('a source that is damaged too, or lies, is named and passed over', async () => {
    const damaged = await Damaged.chain();
    damaged.damage(77, 301);
    const at = decodeSegmentHeader(published, 0)[76]! + 301;
    const worse = filesOf(published.with(at, published[at]! ^ 1));
    await damaged.start([worse, filesOf(published)]);
    await damaged.store.row(77).catch(() => {});
    await damaged.heard('a file is wrong and was refused {"source":"source 0","path":"blocks/000"');
    await damaged.heard('damaged blocks are whole again');
    expect(damaged.blobs.files.get(PATH)).toEqual(segment);
    await damaged.node.stop();
  });
});

describe('from peers', () => {
  it('block by block, with the certificate that they have, as long as it is one', async () => {
    const damaged = await Damaged.chain();
    damaged.damage(77);
    damaged.damage(200);
    const block = (await chain.store.block(78))!;
    const hash = headerHash(crypto, block.headerBytes);
    const certified = { header: block.header, headerHash: hash } as ExecutedBlock;
    const others = certificateOf(chain.members, certified, [0, 1, 2, 3]);
    const unlike: Row = [rows[77]![0], encodeCommit(others, block.results)];
    damaged.damage(78);
    await damaged.start([], (from) =>
      [...rows.slice(from - 1, from + 63)].map((row, i) => (from + i === 78 ? unlike : row)),
    );
    await damaged.store.row(77).catch(() => {});
    await damaged.heard('damaged blocks are whole again');
    expect(await damaged.store.row(77)).toEqual(rows[76]);
    expect(await damaged.store.row(78)).toEqual(unlike);
    expect(await damaged.store.row(200)).toEqual(rows[199]);
    const whole = rows.slice(0, 256).with(77, unlike).map(encodeRow);
    const header = encodeSegmentHeader(
      0,
      whole.map((row) => row.length),
      'packed',
    );
    expect(damaged.blobs.files.get(PATH)).toEqual(new Uint8Array(Buffer.concat([header, ...whole])));
    await damaged.node.stop();
  });

  it('another block, too few signatures or results of another are not taken', async () => {
    const damaged = await Damaged.chain();
    damaged.damage(77);
    const block = (await chain.store.block(78))!;
    const [round, signatures] = block.certificate;
    const few: Row = [rows[77]![0], encodeCommit([round, signatures.slice(1)], block.results)];
    const swapped: Row = [rows[76]![0], rows[77]![1]];
    damaged.damage(78);
    await damaged.start([], (from) => (from === 77 ? [swapped, few] : []));
    await damaged.store.row(77).catch(() => {});
    await damaged.heard('not to be had from anywhere for now {"path":"blocks/000","heights":[77,78]}');
    await expect(damaged.store.row(78)).rejects.toThrow(/blocks\/000/);
    await damaged.node.stop();
  });
});

describe('a node that starts', () => {
  it.each<[string, (files: Map<string, Uint8Array>) => void]>([
    ['missing', (files) => files.delete(PATH)],
    ['cut short', (files) => files.set(PATH, files.get(PATH)!.slice(0, -1))],
    ['no segment any more', (files) => files.set(PATH, new Uint8Array(9_000))],
  ])('finds by itself that a segment is %s', async (_, harm) => {
    const damaged = await Damaged.chain();
    harm(damaged.blobs.files);
    await damaged.start([filesOf(published)]);
    await damaged.heard('damaged blocks are whole again');
    expect(damaged.blobs.files.get(PATH)).toEqual(segment);
    await damaged.node.stop();
  });
});

it('a block that is not sealed yet is put back into the store', async () => {
  const damaged = await Damaged.chain();
  const source = chain.publication();
  const partial = (await source.read('blocks/001.p/2'))!;
  const key = [...damaged.kv.range(Uint8Array.of(98), Uint8Array.of(99))].find(
    (row) => Buffer.compare(row.key.subarray(1, 9), uint64(258)) === 0,
  )!;
  await damaged.kv.write([{ key: key.key, value: key.value.with(50, key.value[50]! ^ 1) }]);
  await damaged.start([new MemoryBlobs(new Map([['blocks/001.p/2', partial]]))]);
  await expect(damaged.store.row(258)).rejects.toThrow(/the store: block 258/);
  await damaged.heard('damaged blocks are whole again {"path":"blocks/001"}');
  expect(await damaged.store.row(258)).toEqual(rows[257]);
  await damaged.node.stop();
});

describe('a tile of the log', () => {
  /** The tests' chain has 257 leaves or so: two tiles of level 0, and one above them. */
  it.each<[string, number, number]>([
    ['that is full', 0, 0],
    ['at the right edge', 0, 1],
    ['above others', 1, 0],
  ])('%s is refused, made anew from the blocks, and given', async (_, level, index) => {
    const damaged = await Damaged.chain();
    const right = tileReader(damaged.kv)(level, index)!;
    await damaged.kv.write(tileWrites({ level, index, hashes: right.with(9, right[9]! ^ 1) }));
    await damaged.start([]);
    const published = damaged.publication();
    const path = hashTilePath(level, index, right.length / 32);
    await expect(published.read(path)).rejects.toThrow('does not lead to the root of the log');
    await damaged.heard('a damaged tile is made anew');
    expect(await published.read(path)).toEqual(right);
    await damaged.node.stop();
  });

  it('of which the blocks are damaged too stays refused', async () => {
    const damaged = await Damaged.chain();
    damaged.damage(100);
    const right = tileReader(damaged.kv)(0, 0)!;
    await damaged.kv.write(tileWrites({ level: 0, index: 0, hashes: right.with(9, right[9]! ^ 1) }));
    await damaged.start([]);
    const published = damaged.publication();
    await expect(published.read('tile/0/000')).rejects.toThrow('does not lead to the root of the log');
    await damaged.heard('a damaged tile cannot be made anew for now {"path":"tile/0/000"}');
    await expect(published.read('tile/0/000')).rejects.toThrow('does not lead to the root of the log');
    await damaged.node.stop();
  });
});

it('no room for the segment: the blocks are in the store, and given', async () => {
  const damaged = await Damaged.chain();
  damaged.damage(77);
  damaged.blobs.capacityBytes = 1_000;
  await damaged.start([filesOf(published)]);
  await damaged.store.row(77).catch(() => {});
  await damaged.heard('blocks are not sealed or pruned for now');
  expect(await damaged.store.row(77)).toEqual(rows[76]);
  damaged.blobs.capacityBytes = Number.POSITIVE_INFINITY;
  await damaged.heard('damaged blocks are whole again');
  expect(damaged.blobs.files.get(PATH)).toEqual(segment);
  await damaged.node.stop();
});
