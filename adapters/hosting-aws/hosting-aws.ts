/** The port Hosting: files are noted in the service table, and go to and from S3 by forms and links that are signed here. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { accountIdFromText } from '../../node-core/codec/account-id.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import { hostedFileId } from '../../node-core/middleware/hosting/hosted-file.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { FileWanted, HostedFile, Hosting, HostingUsage, UploadForm } from '../../node-core/ports/hosting.ts';
import { HostingTable, type StoredFile } from './hosting-table.ts';
import { downloadLink, uploadForm } from './object-urls.ts';
import type { Credentials, SigningScope } from './signature-v4.ts';

export interface HostingOptions {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  /** Stays the caller's. */
  readonly dynamodb: DynamoDBClient;
  readonly serviceTable: string;
  readonly quarantineBucket: string;
  readonly hostingBucket: string;
  /** An address is this, a slash and the ID of the file. It must never change: its digests are on chain. */
  readonly baseUrl: string;
  readonly region: string;
  readonly endpoint?: string | undefined;
  readonly credentials: () => Promise<Credentials>;
}

export class HostingAws implements Hosting {
  private readonly options: HostingOptions;
  private readonly table: HostingTable;

  constructor(options: HostingOptions) {
    this.options = options;
    this.table = new HostingTable(options.dynamodb, options.serviceTable);
  }

  async ask(account: string, wanted: FileWanted): Promise<{ file: HostedFile; form: UploadForm | null }> {
    const { crypto, clock, quarantineBucket } = this.options;
    const id = hostedFileId(crypto, accountIdFromText(account), wanted.sha256);
    const file = await this.table.expect(id, account, wanted, clock.now());
    const form = file.state === 'stored' ? null : uploadForm(await this.scope(), this.bucket(quarantineBucket), file);
    return { file: this.addressed(file), form };
  }

  async find(id: string): Promise<HostedFile | undefined> {
    const file = await this.table.find(id);
    return file && this.addressed(file);
  }

  async link(file: HostedFile, request: string): Promise<string> {
    await this.table.served(file, request, this.options.clock.now());
    return downloadLink(await this.scope(), this.bucket(this.options.hostingBucket), file);
  }

  usage(account: string): Promise<HostingUsage> {
    return this.table.usage(account);
  }

  private async scope(): Promise<SigningScope> {
    const { credentials, region, clock } = this.options;
    return { credentials: await credentials(), region, nowMs: clock.now() };
  }

  private bucket(name: string) {
    const { region, endpoint } = this.options;
    return { name, region, endpoint };
  }

  private addressed(file: StoredFile): HostedFile {
    return { ...file, address: `${this.options.baseUrl}/${file.id}` };
  }
}
