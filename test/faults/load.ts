/**
 * A steady load through the client toolkit, as a careful user would send it: each transaction to any node, again to
 * another when one does not answer, until its receipt verifies offline.
 */
import { randomBytes } from 'node:crypto';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import type { Genesis } from '../../node-core/chain/genesis.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { generateKeyPair } from '../../node-core/crypto/generate.ts';
import { type Client, createClient, type Fetch, signerFromSecretKey } from '../../sdk/index.ts';
import type { NodeProcess } from './cluster.ts';

/** Sent and without an outcome; beyond that the load waits. */
const MAX_OPEN = 1_000;
/** A node that was stopped accepts connections and says nothing; `wait=10` has its ten seconds. */
const PATIENCE_MS = 13_000;
const EXPIRES_IN_MS = 60_000;

export interface Acknowledged {
  readonly nonce: string;
  readonly height: number;
}

export class Load {
  readonly acknowledged: Acknowledged[] = [];
  readonly failures: string[] = [];
  sent = 0;
  /** From first submission to a verified receipt. */
  slowestMs = 0;
  private readonly nodes: readonly NodeProcess[];
  private readonly genesis: Genesis;
  private client: Client | null = null;
  private open = 0;
  private timer: NodeJS.Timeout | null = null;
  /** From its first transaction to its last, by the machine's clock. */
  readonly span: { fromMs: number; toMs: number } = {
    fromMs: Number.POSITIVE_INFINITY,
    toMs: Number.POSITIVE_INFINITY,
  };

  constructor(nodes: readonly NodeProcess[], genesis: Genesis) {
    this.nodes = nodes;
    this.genesis = genesis;
  }

  /** Admits the partner that sends. */
  async prepare(operatorKeyFile: string): Promise<void> {
    const operator = openKeyFile(operatorKeyFile);
    const key = generateKeyPair('ed25519', (length) => new Uint8Array(randomBytes(length)));
    const { account } = await this.clientOf(
      operator,
      genesisAccountId(nativeCrypto, operator.publicKey),
    ).governance.admitPartner({
      name: 'Partner of the fault runs',
      key: key.publicKey,
      legal: { version: '1.0', digest: new Uint8Array(32) },
      permissions: ['evidence'],
      quota: { max: 1_000_000_000_000, periodMs: 86_400_000 },
    });
    this.client = this.clientOf(signerFromSecretKey('ed25519', key.secretKey), account);
  }

  private clientOf(signer: NonNullable<Parameters<typeof createClient>[0]['signer']>, account: Uint8Array): Client {
    const genesisHash = this.genesis.hash;
    return createClient({ url: ANY_NODE, genesisHash, account, signer, crypto: nativeCrypto, fetch: this.fetch });
  }

  /** Every request goes to a node that runs, as far as we know; who is stopped or cut off is not known. */
  private readonly fetch: Fetch = (url, init) => {
    const reachable = this.nodes.filter(({ state, isServing }) => isServing && (state === 'up' || state === 'stopped'));
    const node = reachable[Math.floor(Math.random() * reachable.length)];
    if (node === undefined) return Promise.reject(new Error('no node runs'));
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const signal = init.signal ? AbortSignal.any([init.signal, patience]) : patience;
    return fetch(url.replace(ANY_NODE, node.apiUrl), { ...init, signal });
  };

  start(perSecond: number): void {
    this.span.fromMs = Date.now();
    this.timer = setInterval(() => {
      if (this.open < MAX_OPEN) void this.send();
    }, 1_000 / perSecond);
  }

  private async send(): Promise<void> {
    this.open += 1;
    this.sent += 1;
    const startMs = performance.now();
    try {
      const body = { digests: new Map([['sha-256', new Uint8Array(randomBytes(32))]] as const) };
      const { transaction, summary } = await this.registerAgain(body);
      this.acknowledged.push({ nonce: toHex(transaction.nonce), height: summary.height });
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startMs);
    } catch (error) {
      this.failures.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    } finally {
      this.open -= 1;
    }
  }

  /** The height is read before the first signature: nothing was sent when that fails, and it may simply be done again. */
  private async registerAgain(body: Parameters<Client['evidence']['register']>[0]) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.client!.evidence.register(body, { expiresInMs: EXPIRES_IN_MS });
      } catch (error) {
        const isUnsent = (error as { code?: unknown }).code === 'NODE_UNREACHABLE' && !('transaction' in Object(error));
        if (!isUnsent || attempt === 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.span.toMs = Math.min(this.span.toMs, Date.now());
  }

  /** Waits for the outcomes that are open; how many are still. */
  async drain(withinMs: number): Promise<number> {
    const endMs = performance.now() + withinMs;
    while (this.open > 0 && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 50));
    return this.open;
  }
}

const ANY_NODE = 'http://any.invalid';
