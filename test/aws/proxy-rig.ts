/**
 * A chain of one validator in this process, and the tables of a proxy in the emulator: what the follower task of a
 * deployment writes and its functions read, without a deployment.
 */
import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Table } from '../../adapters/dynamodb/table.ts';
import { LedgerFeed } from '../../adapters/ledger-dynamodb/ledger-feed.ts';
import { LedgerReader } from '../../adapters/ledger-dynamodb/ledger-reader.ts';
import { LedgerWriter } from '../../adapters/ledger-dynamodb/ledger-writer.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { generateKeyPair, type KeyPair } from '../../node-core/crypto/generate.ts';
import type { LedgerSource } from '../../node-core/ports/ledger-source.ts';
import { Queries } from '../../node-core/runtime/queries.ts';
import { ledgerSource } from '../../nodes/aws/ledger-source.ts';
import { createClient } from '../../sdk/client.ts';
import { signerFromSecretKey } from '../../sdk/signer.ts';
import { crypto, type InProcessNode, random, startInProcessNode } from '../api/in-process-node.ts';
import type { Emulator } from './emulator.ts';

/** Quick when there is something to pack; no empty block comes in between, however long a busy machine takes. */
const PARAMETERS = { minBlockIntervalMs: 5, blockIntervalMs: 3_600_000 };

export class ProxyRig {
  readonly running: InProcessNode;
  readonly dynamodb: DynamoDBClient;
  readonly source: LedgerSource;
  readonly partner: KeyPair;
  readonly partnerId: Uint8Array;
  private readonly emulator: Emulator;
  private readonly clients: DynamoDBClient[] = [];

  private constructor(emulator: Emulator, running: InProcessNode, partner: KeyPair, partnerId: Uint8Array) {
    this.emulator = emulator;
    this.running = running;
    this.partner = partner;
    this.partnerId = partnerId;
    this.dynamodb = this.client();
    const { node } = running;
    this.source = ledgerSource(crypto, node, new Queries(crypto, systemClock, node));
  }

  /** With a partner that may register evidence. */
  static async start(emulator: Emulator): Promise<ProxyRig> {
    const running = await startInProcessNode(PARAMETERS);
    const { operator, genesis } = running.consortium;
    const partner = generateKeyPair('p256', random);
    const admin = createClient({
      ...{ url: 'http://node.example', genesisHash: genesis.hash, crypto, fetch: fetchOf(running) },
      signer: signerFromSecretKey(operator.publicKey.suite, operator.secretKey),
      account: genesisAccountId(crypto, operator.publicKey),
    });
    const { account } = await admin.governance.admitPartner({
      ...{ name: 'partner', key: partner.publicKey, permissions: ['evidence', 'identity'] },
      ...{ legal: { version: '1', digest: random(32) }, quota: { max: 1_000_000_000, periodMs: 86_400_000 } },
    });
    return new ProxyRig(emulator, running, partner, account);
  }

  get partnerText(): string {
    return accountIdToText(this.partnerId);
  }

  /** @param fetch the node's own API, unless another is asked. */
  clientOf(fetch = fetchOf(this.running)) {
    const { genesis } = this.running.consortium;
    return createClient({
      ...{ url: 'http://node.example', genesisHash: genesis.hash, crypto, fetch },
      signer: signerFromSecretKey(this.partner.publicKey.suite, this.partner.secretKey),
      account: this.partnerId,
    });
  }

  /** As many evidences as texts, each in a transaction of its own. */
  async register(...texts: readonly string[]) {
    const client = this.clientOf();
    return Promise.all(
      texts.map((text) =>
        client.evidence.register({
          digests: new Map([['sha-256', crypto.hash('sha-256', new TextEncoder().encode(text))]]),
          subject: `lot ${text.length}`,
        }),
      ),
    );
  }

  /** One of its own, for faults that concern nobody else. */
  client(): DynamoDBClient {
    const { endpoint, region, credentials } = this.emulator;
    const client = new DynamoDBClient({ endpoint, region, credentials });
    this.clients.push(client);
    return client;
  }

  async table(name: string, sortKey: 'S' | 'B' | null): Promise<string> {
    const tableName = `${name}-${randomBytes(6).toString('hex')}`;
    await new Table(this.dynamodb, tableName).create(sortKey);
    return tableName;
  }

  writer(tableName: string, client = this.dynamodb, source = this.source): LedgerWriter & { readonly said: string[] } {
    const said: string[] = [];
    const say = (message: string, fields?: object) => void said.push(`${message} ${JSON.stringify(fields)}`);
    const log = { debug: say, info: say, warn: say, error: say };
    // Whoever waits between two tries does not wait here.
    const clock = { ...systemClock, schedule: (_: number, action: () => void) => systemClock.schedule(5, action) };
    return Object.assign(new LedgerWriter({ client, tableName, source, clock, log }), { said });
  }

  /** Copies everything that there is now into the table. */
  async copy(tableName: string): Promise<void> {
    const writer = this.writer(tableName);
    writer.start();
    await this.caughtUp(writer);
    await writer.stop();
  }

  async caughtUp(writer: LedgerWriter): Promise<void> {
    for (const until = Date.now() + 20_000; writer.height < this.source.height; ) {
      if (Date.now() > until) throw new Error(`the table is at ${writer.height} of ${this.source.height}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async reader(tableName: string): Promise<{ readonly reader: LedgerReader; readonly feed: LedgerFeed }> {
    const reader = await LedgerReader.open(crypto, this.dynamodb, tableName);
    return { reader, feed: await LedgerFeed.open(reader) };
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.destroy();
    await this.running.stop();
  }
}

function fetchOf({ api }: InProcessNode) {
  return async (url: string, init: RequestInit): Promise<Response> => api.request(url, init);
}
