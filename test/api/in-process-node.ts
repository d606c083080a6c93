/** One validator in this process, and the API in front of it: what a request does to a real chain. */
import { randomBytes } from 'node:crypto';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { createApi } from '../../api/app.ts';
import type { Api, ApiOptions } from '../../api/parts.ts';
import type { Parameters } from '../../node-core/chain/parameters.ts';
import type { Log } from '../../node-core/ports/log.ts';
import type { SignatureVerifier } from '../../node-core/ports/signature-verifier.ts';
import type { Transport } from '../../node-core/ports/transport.ts';
import type { VoteRecord } from '../../node-core/ports/vote-record.ts';
import { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { Node } from '../../node-core/runtime/node.ts';
import { Queries } from '../../node-core/runtime/queries.ts';
import { Voting } from '../../node-core/runtime/voting.ts';
import { type Consortium, consortium, signerOf } from '../simulation/fixture.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { MemoryStore } from '../simulation/memory-store.ts';

export { nativeCrypto as crypto };

export function random(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

export interface InProcessNode {
  readonly api: Api;
  readonly node: Node;
  readonly consortium: Consortium;
  /** Errors that the node or the API logged. */
  readonly errors: readonly string[];
  stop(): Promise<void>;
}

const alone: Transport = {
  start: async () => {},
  send: () => false,
  peers: () => [],
  drop: () => {},
  close: async () => {},
};

const verifier: SignatureVerifier = {
  verify: async (checks) => checks.map(({ key, message, signature }) => nativeCrypto.verify(key, message, signature)),
  close: async () => {},
};

function memoryVoteRecord(): VoteRecord {
  let held: Awaited<ReturnType<VoteRecord['read']>> = { position: { epoch: 1, version: 0 }, bytes: null };
  return {
    open: async () => held,
    read: async () => held,
    compareAndSwap: async ({ version }, bytes) => {
      held = { position: { epoch: 1, version: version + 1 }, bytes };
      return held.position;
    },
    close: async () => {},
  };
}

export async function startInProcessNode(
  parameters: Partial<Parameters> = {},
  options: Pick<ApiOptions, 'authentication' | 'audit'> = {},
): Promise<InProcessNode> {
  const members = await consortium(nativeCrypto, random, {
    validators: 1,
    timeMs: Date.now(),
    parameters: { minBlockIntervalMs: 5, blockIntervalMs: 40, ...parameters },
  });
  const { genesis } = members;
  const errors: string[] = [];
  const quiet = () => {};
  const log: Log = {
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: (message, fields) => errors.push(`${message} ${JSON.stringify(fields)}`),
  };
  const store = await ChainStore.open(nativeCrypto, new MemoryStore(), new MemoryBlobs(), genesis.bytes);
  const scope = { crypto: nativeCrypto, chain: genesis.hash, protocolVersion: genesis.document.protocolVersion };
  const identity = { index: 0, key: 0 as const, signer: signerOf(members.validators[0]!) };
  const voting = await Voting.open(scope, identity, memoryVoteRecord());
  const onFatal = (error: unknown) => errors.push(`fatal ${String(error)}`);
  const node = new Node({
    crypto: nativeCrypto,
    store,
    transport: alone,
    verifier,
    clock: systemClock,
    log,
    voting,
    onFatal,
  });
  await node.start();
  const chain = new Queries(nativeCrypto, systemClock, node);
  const api = createApi({ chain, clock: systemClock, log, crypto: nativeCrypto, ...options });
  return { api, node, consortium: members, errors, stop: () => node.stop() };
}
