/** Hosted files and their metering in the service table. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import type { FileWanted, HostedFile, HostedState, HostingUsage } from '../../node-core/ports/hosting.ts';
import { type Item, Table } from '../dynamodb/table.ts';

/** How long a file is expected: uploads that nobody made are forgotten with the quarantine's own. */
const EXPECTED_SECONDS = 86_400;

const number = (value: number) => ({ N: String(value) });
const fileKey = (id: string): Item => ({ pk: { S: `hosted/${id}` }, sk: { S: 'file' } });
const meterKey = (account: string, sk: string): Item => ({ pk: { S: `hosting/${account}` }, sk: { S: sk } });
const TOTAL = 'total';
const SERVED = 'served/';

export type StoredFile = Omit<HostedFile, 'address'>;

export class HostingTable {
  private readonly table: Table;

  constructor(client: DynamoDBClient, tableName: string) {
    this.table = new Table(client, tableName);
  }

  async find(id: string): Promise<StoredFile | undefined> {
    const item = await this.table.get(fileKey(id));
    return item && fileOf(id, item);
  }

  /** Notes that a file is expected, unless it is stored already. @returns the file as it is then */
  async expect(id: string, account: string, wanted: FileWanted, nowMs: number): Promise<StoredFile> {
    const { sha256, sizeBytes, mediaType } = wanted;
    await this.table.put({
      Item: {
        ...fileKey(id),
        ...{ account: { S: account }, sha256: { S: toHex(sha256) }, sizeBytes: number(sizeBytes) },
        ...{ mediaType: { S: mediaType }, fileState: { S: 'expected' }, askedMs: number(nowMs) },
        expires: number(Math.ceil(nowMs / 1_000) + EXPECTED_SECONDS),
      },
      ConditionExpression: 'attribute_not_exists(pk) OR fileState <> :stored',
      ExpressionAttributeValues: { ':stored': { S: 'stored' } },
    });
    return (await this.find(id))!;
  }

  /**
   * Counts it among what its account hosts, once, however often it is called.
   * @throws {Error} when its account has said another length or media type since it was read: it is to be judged anew
   */
  async stored(judged: StoredFile, storedMs: number, retainedUntilMs: number): Promise<void> {
    const { id, account, sizeBytes, mediaType } = judged;
    const { name: TableName } = this.table;
    const file = {
      ...{ TableName, Key: fileKey(id) },
      UpdateExpression: 'SET fileState = :stored, storedMs = :at, retainedUntilMs = :until REMOVE expires',
      // What is metered and served is what was judged: until it is stored its account may ask for it anew.
      ConditionExpression: 'fileState <> :stored AND sizeBytes = :bytes AND mediaType = :type',
      ExpressionAttributeValues: {
        ...{ ':stored': { S: 'stored' }, ':bytes': number(sizeBytes), ':type': { S: mediaType } },
        ':at': number(storedMs),
        ':until': number(retainedUntilMs),
      },
    };
    const total = {
      ...{ TableName, Key: meterKey(account, TOTAL), UpdateExpression: 'ADD files :one, sizeBytes :bytes' },
      ExpressionAttributeValues: { ':one': number(1), ':bytes': number(sizeBytes) },
    };
    if (await this.table.transact([{ Update: file }, { Update: total }])) return;
    if ((await this.find(id))?.state !== 'stored')
      throw new Error(`${id} cannot be noted as stored: something else was said of it while it was judged`);
  }

  async refused(id: string): Promise<void> {
    await this.table.update({
      Key: fileKey(id),
      UpdateExpression: 'SET fileState = :refused',
      ConditionExpression: 'fileState = :expected',
      ExpressionAttributeValues: { ':refused': { S: 'refused' }, ':expected': { S: 'expected' } },
    });
  }

  /** @param request by which a repetition of the same one is known. */
  async served({ account, sizeBytes }: StoredFile, request: string, nowMs: number): Promise<void> {
    await this.table.update({
      Key: meterKey(account, SERVED + new Date(nowMs).toISOString().slice(0, 7)),
      UpdateExpression: 'ADD files :one, sizeBytes :bytes SET newest = :request',
      ConditionExpression: 'attribute_not_exists(newest) OR newest <> :request',
      ExpressionAttributeValues: { ':one': number(1), ':bytes': number(sizeBytes), ':request': { S: request } },
    });
  }

  async usage(account: string): Promise<HostingUsage> {
    const total = await this.table.get(meterKey(account, TOTAL));
    const served: { month: string; files: number; bytes: number }[] = [];
    const months = this.table.queryAll({
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :served)',
      ExpressionAttributeValues: { ':pk': meterKey(account, '').pk!, ':served': { S: SERVED } },
      ScanIndexForward: false,
    });
    for await (const { sk, files, sizeBytes } of months)
      served.push({ month: sk!.S!.slice(SERVED.length), files: Number(files!.N), bytes: Number(sizeBytes!.N) });
    return { files: Number(total?.files?.N ?? 0), bytes: Number(total?.sizeBytes?.N ?? 0), served };
  }
}

function fileOf(id: string, item: Item): StoredFile {
  const optional = (name: string) => (item[name] === undefined ? null : Number(item[name].N));
  return {
    ...{ id, account: item.account!.S!, sha256: fromHex(item.sha256!.S!), sizeBytes: Number(item.sizeBytes!.N) },
    ...{ mediaType: item.mediaType!.S!, state: item.fileState!.S as HostedState, askedMs: Number(item.askedMs!.N) },
    ...{ storedMs: optional('storedMs'), retainedUntilMs: optional('retainedUntilMs') },
  };
}
