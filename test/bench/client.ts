/** The load of the bench: an HTTP client with keep-alive connections, and transactions signed beforehand. */
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { nativeCrypto, nativeSigner } from '../../adapters/crypto-native/native.ts';
import { PROTOCOL_VERSION } from '../../node-core/chain/genesis.ts';
import { REGISTER, registerBody } from '../../node-core/chain/operations/evidence.ts';
import { finishTransaction, prepareTransaction } from '../../node-core/chain/transaction.ts';
import type { KeyPair } from '../../node-core/crypto/generate.ts';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export class HttpClient {
  private agent: Agent;
  private readonly connections: number;
  private readonly base: URL;

  constructor(base: string, connections: number) {
    this.base = new URL(base);
    this.connections = connections;
    this.agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Sends again what met a connection that the server had just given up: (sender, nonce) makes that safe. */
  async send(
    method: string,
    path: string,
    body?: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    try {
      return await this.sendOnce(method, path, body, headers);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ECONNRESET')) throw error;
      return this.sendOnce(method, path, body, headers);
    }
  }

  private sendOnce(
    method: string,
    path: string,
    body: Uint8Array | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const { hostname, port } = this.base;
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-type': 'application/cose', 'content-length': body.length };
      const call = request(
        { agent: this.agent, hostname, port, method, path, headers: { ...length, ...headers } },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
          response.on('error', reject);
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }

  async json(path: string): Promise<Record<string, unknown>> {
    return JSON.parse(String((await this.send('GET', path)).body)) as Record<string, unknown>;
  }

  /** Drops idle connections, which the server gives up after a while. */
  refresh(): void {
    this.agent.destroy();
    this.agent = new Agent({ keepAlive: true, maxSockets: this.connections });
  }

  close(): void {
    this.agent.destroy();
  }
}

export interface Sender {
  readonly chain: Uint8Array;
  readonly account: Uint8Array;
  readonly key: KeyPair;
}

/** Evidence of random digests, signed; with one operation the smallest real transaction. */
export function evidenceTransactions(
  { chain, account, key }: Sender,
  count: number,
  expiry: number,
  operationsEach = 1,
): Uint8Array[] {
  const sign = nativeSigner(key.publicKey.suite, key.secretKey);
  return Array.from({ length: count }, () => {
    const operations = Array.from({ length: operationsEach }, () => ({ type: REGISTER, body: randomEvidence() }));
    const draft = {
      chain,
      protocolVersion: PROTOCOL_VERSION,
      sender: account,
      label: 'b',
      nonce: new Uint8Array(randomBytes(32)),
      expiry,
      operations,
    };
    const unsigned = prepareTransaction(nativeCrypto, draft, key.publicKey);
    return finishTransaction(unsigned, sign(unsigned.message));
  });
}

function randomEvidence() {
  return registerBody.encode({ digests: new Map([['sha-256', new Uint8Array(randomBytes(32))]]) });
}
