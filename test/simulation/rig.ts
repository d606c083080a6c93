/** One node alone between hand-made peers, for tests of single rules of the runtime. */
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { voteMessage } from '../../node-core/chain/votes.ts';
import type { Journal } from '../../node-core/ports/journal.ts';
import type { SignatureVerifier } from '../../node-core/ports/signature-verifier.ts';
import type { Signer } from '../../node-core/ports/signer.ts';
import type { PeerId, TransportHandler } from '../../node-core/ports/transport.ts';
import type { VoteRecord, VoteRecordPosition } from '../../node-core/ports/vote-record.ts';
import { operationsOf } from '../../node-core/protocol/table.ts';
import { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { Executor } from '../../node-core/runtime/executor.ts';
import { Mempool } from '../../node-core/runtime/mempool.ts';
import { decodeMessage, encodeMessage, type Message, type WireVote } from '../../node-core/runtime/messages.ts';
import { HEAR_OTHERS_MS, Node } from '../../node-core/runtime/node.ts';
import { Queries } from '../../node-core/runtime/queries.ts';
import { type Standby, Voting } from '../../node-core/runtime/voting.ts';
import { type CertifiedRow, certifiedRow } from './certified.ts';
import { Chance } from './chance.ts';
import { type Consortium, consortium, signerOf, signWith } from './fixture.ts';
import { MemoryBlobs } from './memory-blobs.ts';
import { MemoryStore } from './memory-store.ts';
import { START_MS } from './world.ts';

export interface Rig {
  readonly members: Consortium;
  readonly node: Node;
  readonly store: ChainStore;
  readonly queries: Queries;
  /** What the node has sent, per peer. */
  sentTo(peer: PeerId): Message[];
  /** Peers that the node has thrown out. */
  readonly dropped: PeerId[];
  /** Errors for which the node has given up. */
  readonly fatal: unknown[];
  /** Lines of the log, as `level: message`. */
  readonly logged: string[];
  /** The peer greets, at `height` or at 0. */
  connect(peer: PeerId, height?: number): Promise<void>;
  disconnect(peer: PeerId): void;
  receive(peer: PeerId, message: Message | Uint8Array): Promise<void>;
  /** Lets virtual time pass. */
  pass(ms: number): Promise<void>;
  /** Timers that are still set. */
  timers(): number;
  /** The next block with the precommits of all, as it travels. */
  nextBlock(change?: Parameters<typeof certifiedRow>[2]): CertifiedRow;
  vote(type: 0 | 1, round: number, block: readonly [Uint8Array, Uint8Array] | null, by: number): WireVote;
}

/** What the disk and the vote record of an earlier life hold. */
export interface Remains {
  readonly kv: MemoryStore;
  readonly blobs?: MemoryBlobs;
  readonly record: { bytes: Uint8Array | null; epoch: number };
  /** Where there is one: what does not go with the disk. */
  readonly journal?: Journal;
  /** Is waited for before a vote is recorded. */
  readonly beforeRecord?: () => Promise<void>;
}

export async function rig(options: {
  readonly validators: number;
  readonly self?: number;
  readonly remains?: Remains;
  /** Of a chain that was made elsewhere. */
  readonly members?: Consortium;
  /** With a record: whom it hears from before it goes on is left to the test. */
  readonly isAlone?: boolean;
  /** What it signs with instead of the validator's primary key alone. */
  readonly keys?: { readonly signer: Signer; readonly standby: Standby | null };
  readonly onEnding?: () => void;
}): Promise<Rig> {
  const chance = new Chance('rig');
  const setup = { validators: options.validators, suite: 'ed25519', timeMs: START_MS } as const;
  const members = options.members ?? (await consortium(crypto, (length) => chance.bytes(length), setup));
  const remains = options.remains ?? { kv: new MemoryStore(), record: { bytes: null, epoch: 0 } };
  const store = await ChainStore.open(crypto, remains.kv, remains.blobs ?? new MemoryBlobs(), members.genesis.bytes);
  const [clock, net, fatal, { log, logged }] = [manualClock(), wires(), [] as unknown[], linesOf()];
  const { transport } = net;
  const onFatal = (error: unknown) => void fatal.push(error);
  const parts = { crypto, store, transport, verifier, clock, log, onFatal, onEnding: () => options.onEnding?.() };
  const voting = options.self === undefined ? undefined : await votingOf(members, options.self, remains, options.keys);
  const { journal } = remains;
  const node = new Node(voting === undefined ? { ...parts, journal } : { ...parts, journal, voting });
  const executor = new Executor({ crypto, store, mempool: new Mempool(), verifier, table: operationsOf(1), log });
  await node.start();
  const receive = async (peer: PeerId, message: Message | Uint8Array) => {
    net.handler().received(peer, message instanceof Uint8Array ? message : encodeMessage(message));
    await settle();
  };
  const connect = async (peer: PeerId, height = 0) => {
    net.handler().connected(peer);
    await receive(peer, ['hello', members.genesis.hash, height]);
  };
  // A validator without a record takes part only when it has heard from the others.
  if (voting?.recorded === null)
    for (const [i, id] of members.peerIds.entries()) if (i !== options.self) await connect(id);
  // One with a record goes on by itself after a while.
  if (voting?.recorded != null && options.isAlone !== true) {
    clock.pass(HEAR_OTHERS_MS);
    await settle();
  }
  return {
    ...{ members, node, store, fatal, logged, receive, dropped: net.dropped },
    queries: new Queries(crypto, clock, node),
    sentTo: (peer) => net.sent.filter((row) => row.peer === peer).map((row) => decodeMessage(row.bytes)),
    connect,
    disconnect: (peer) => net.handler().disconnected(peer),
    pass: async (ms) => {
      clock.pass(ms);
      await settle();
    },
    timers: () => clock.count(),
    nextBlock: (change) =>
      certifiedRow(members, executor, change ?? {}, { timeMs: Math.max(clock.now(), store.timeMs + 1) }),
    vote: (type, round, block, by) => signedVote(members, store.height + 1, type, round, block, by),
  };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

const verifier: SignatureVerifier = {
  verify: async (checks) => checks.map(({ key, message, signature }) => crypto.verify(key, message, signature)),
  close: async () => {},
};

function linesOf() {
  const logged: string[] = [];
  const note = (level: string) => (message: string) => void logged.push(`${level}: ${message}`);
  return { logged, log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') } };
}

function votingOf(
  { genesis, validators }: Consortium,
  self: number,
  remains: Remains,
  keys: Parameters<typeof rig>[0]['keys'],
): Promise<Voting> {
  const scope = { crypto, chain: genesis.hash, protocolVersion: 1 };
  const { signer, standby } = keys ?? { signer: signerOf(validators[self]!), standby: null };
  return Voting.open(scope, { index: self, key: 0, signer }, recordOf(remains), standby);
}

function signedVote(
  { genesis, validators }: Consortium,
  height: number,
  type: 0 | 1,
  round: number,
  block: readonly [Uint8Array, Uint8Array] | null,
  by: number,
): WireVote {
  const { id, keys } = genesis.validators.validators[by]!;
  const scope = { chain: genesis.hash, protocolVersion: 1, height, round, validator: id, key: keys[0] };
  const reference = block === null ? null : { headerHash: block[0], logRoot: block[1] };
  const message = voteMessage(crypto, type === 0 ? 'prevote' : 'precommit', scope, reference);
  return [type, height, round, block, by, 0, signWith(validators[by]!, message)];
}

function wires() {
  let handler: TransportHandler | null = null;
  const sent: { readonly peer: PeerId; readonly bytes: Uint8Array }[] = [];
  const dropped: PeerId[] = [];
  const transport = {
    start: async (given: TransportHandler) => {
      handler = given;
    },
    send: (peer: PeerId, bytes: Uint8Array) => sent.push({ peer, bytes }) > 0,
    peers: () => [],
    drop: (peer: PeerId) => void dropped.push(peer),
    close: async () => {},
  };
  return { transport, sent, dropped, handler: () => handler! };
}

function manualClock() {
  let now = START_MS;
  let timers: { readonly atMs: number; readonly action: () => void }[] = [];
  return {
    now: () => now,
    schedule: (delayMs: number, action: () => void) => {
      const timer = { atMs: now + delayMs, action };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    count: () => timers.length,
    pass: (ms: number) => {
      now += ms;
      const due = timers.filter(({ atMs }) => atMs <= now);
      timers = timers.filter(({ atMs }) => atMs > now);
      for (const { action } of due) action();
    },
  };
}

function recordOf({ record, beforeRecord }: Remains): VoteRecord {
  const epoch = ++record.epoch;
  let version = 0;
  const row = () => ({ position: { epoch, version }, bytes: record.bytes });
  return {
    open: async () => row(),
    read: async () => row(),
    compareAndSwap: async (expected: VoteRecordPosition, bytes: Uint8Array) => {
      await beforeRecord?.();
      if (expected.version !== version || record.epoch !== epoch) return 'lost';
      record.bytes = bytes.slice();
      version += 1;
      return { epoch, version };
    },
    close: async () => {},
  };
}
