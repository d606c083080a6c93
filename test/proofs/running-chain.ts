/** Four real validators in this process, over an in-memory network, with the API of one of them behind a `fetch`. */
import { randomBytes } from 'node:crypto';
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { createApi } from '../../api/app.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import type { Parameters } from '../../node-core/chain/parameters.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { generateKeyPair, type KeyPair } from '../../node-core/crypto/generate.ts';
import type { SuiteName } from '../../node-core/crypto/provider.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { Log } from '../../node-core/ports/log.ts';
import type { SignatureCheck } from '../../node-core/ports/signature-verifier.ts';
import type { Transport, TransportHandler } from '../../node-core/ports/transport.ts';
import type { VoteRecord } from '../../node-core/ports/vote-record.ts';
import { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { Node } from '../../node-core/runtime/node.ts';
import { Queries } from '../../node-core/runtime/queries.ts';
import { Voting } from '../../node-core/runtime/voting.ts';
import { type Client, createClient, type Fetch } from '../../sdk/index.ts';
import { type Consortium, consortium, signerOf } from '../simulation/fixture.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { MemoryStore } from '../simulation/memory-store.ts';

const random = (length: number) => new Uint8Array(randomBytes(length));

const clock: Clock = {
  now: () => Date.now(),
  schedule: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};

const quiet = () => undefined;
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: (...args) => console.error(...args) };

export class RunningChain {
  readonly consortium: Consortium;
  readonly queries: Queries;
  readonly fetch: Fetch;
  private readonly nodes: readonly Node[];

  private constructor(members: Consortium, nodes: readonly Node[]) {
    this.consortium = members;
    this.nodes = nodes;
    this.queries = new Queries(crypto, clock, nodes[0]!);
    const api = createApi({ chain: this.queries, clock, log, crypto });
    this.fetch = async (url, init) => api.fetch(new Request(url, init));
  }

  static async start(parameters: Partial<Parameters> = {}): Promise<RunningChain> {
    const fast = { minBlockIntervalMs: 10, blockIntervalMs: 300, ...parameters };
    const members = await consortium(crypto, random, { validators: 4, timeMs: Date.now() - 1_000, parameters: fast });
    const network = new Map<string, TransportHandler>();
    const nodes = await Promise.all(members.validators.map((key, index) => startedNode(members, index, key, network)));
    for (const node of nodes) await node.start();
    return new RunningChain(members, nodes);
  }

  get genesisHash(): Uint8Array {
    return this.consortium.genesis.hash;
  }

  client(key: KeyPair, account = accountIdToText(genesisAccountId(crypto, key.publicKey))): Client {
    return createClient({
      url: 'http://node.test',
      genesisHash: this.genesisHash,
      fetch: this.fetch,
      signer: signerOf(key),
      account,
      crypto,
    });
  }

  /** A client for a new partner that the operator admits. */
  async partner(suite: SuiteName = 'ed25519'): Promise<Client> {
    const key = generateKeyPair(suite, random);
    const { account } = await this.client(this.consortium.operator).governance.admitPartner({
      name: `Partner ${suite} ${Math.trunc(performance.now())}`,
      key: key.publicKey,
      legal: { version: '1.0', digest: crypto.hash('sha-256', new TextEncoder().encode('terms')) },
      permissions: ['identity', 'evidence'],
      quota: { max: 1_000_000_000, periodMs: 86_400_000 },
    });
    return this.client(key, accountIdToText(account));
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

async function startedNode(
  members: Consortium,
  index: number,
  key: KeyPair,
  network: Map<string, TransportHandler>,
): Promise<Node> {
  const store = await ChainStore.open(crypto, new MemoryStore(), new MemoryBlobs(), members.genesis.bytes);
  const scope = { crypto, chain: members.genesis.hash, protocolVersion: 1 };
  const voting = await Voting.open(scope, { index, key: 0, signer: signerOf(key) }, memoryRecord());
  const verifier = {
    verify: async (checks: readonly SignatureCheck[]) =>
      checks.map((check) => crypto.verify(check.key, check.message, check.signature)),
    close: async () => undefined,
  };
  const transport = memoryTransport(members.peerIds[index]!, network);
  const onFatal = (error: unknown) => {
    throw error;
  };
  return new Node({ crypto, store, transport, verifier, clock, log, voting, onFatal });
}

function memoryTransport(id: string, network: Map<string, TransportHandler>): Transport {
  return {
    start: async (handler) => {
      const others = [...network];
      network.set(id, handler);
      for (const [other, otherHandler] of others) {
        handler.connected(other);
        otherHandler.connected(id);
      }
    },
    send: (peer, message) => {
      setImmediate(() => network.get(peer)?.received(id, message));
      return true;
    },
    peers: () => [...network.keys()].filter((peer) => peer !== id),
    drop: quiet,
    close: async () => void network.delete(id),
  };
}

function memoryRecord(): VoteRecord {
  let current: Awaited<ReturnType<VoteRecord['open']>> = { position: { epoch: 1, version: 0 }, bytes: null };
  return {
    open: async () => current,
    read: async () => current,
    compareAndSwap: async (expected, bytes) => {
      current = { position: { epoch: 1, version: expected.version + 1 }, bytes };
      return current.position;
    },
    close: async () => undefined,
  };
}
