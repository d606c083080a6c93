/** Subscriptions in the service table, for many functions at once. */
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  type TransactWriteItem,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { MAX_ATTEMPTS_KEPT } from '../../node-core/middleware/delivery/limits.ts';
import { isDue } from '../../node-core/middleware/delivery/mail.ts';
import type {
  Lease,
  Mail,
  Shared,
  SharedSubscriptionStore,
  Wanted,
  Work,
} from '../../node-core/ports/shared-subscription-store.ts';
import type {
  Attempt,
  Position,
  Subscribed,
  Subscription,
  SubscriptionChange,
} from '../../node-core/ports/subscription-store.ts';
import { type Item, inParallel, repeated, Table } from '../dynamodb/table.ts';
import {
  attemptsItem,
  attemptsName,
  attemptsOf,
  json,
  NO_PROGRESS,
  ownerKey,
  postedOf,
  STATE,
  shards,
  sharedOf,
  subscriptionItem,
  subscriptionKey,
} from './items.ts';
import { transact } from './transaction.ts';

const WITHOUT_LIMIT = { ofOwner: Number.MAX_SAFE_INTEGER, ofAll: Number.MAX_SAFE_INTEGER };
const number = (value: number) => ({ N: String(value) });

export class DynamoDbSubscriptionStore implements SharedSubscriptionStore {
  private readonly client: DynamoDBClient;
  private readonly table: Table;
  private known: Pick<Wanted, 'version' | 'subscriptions'> | null = null;

  /** The client stays the caller's. @param tableName of a table with `pk` and `sk`, both text */
  constructor(client: DynamoDBClient, tableName: string) {
    this.client = client;
    this.table = new Table(client, tableName);
  }

  async all(): Promise<readonly Subscribed[]> {
    const found = await this.everything();
    return found.map(({ subscription, progress, attempts }) => ({ subscription, progress, attempts }));
  }

  private async everything(): Promise<readonly Shared[]> {
    const found: Shared[] = [];
    await inParallel(shards, async (shard) => {
      const input = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: shard } } };
      for await (const item of this.table.queryAll(input)) found.push(sharedOf(item));
    });
    return found.sort(byId);
  }

  async find(id: string): Promise<Shared | undefined> {
    const item = await this.table.get(subscriptionKey(id));
    return item && sharedOf(item);
  }

  async ofOwner(owner: string): Promise<readonly Shared[]> {
    const ids = (await this.table.get(ownerKey(owner)))?.ids?.SS ?? [];
    return (await this.table.getAll(ids.map(subscriptionKey))).map(sharedOf).sort(byId);
  }

  async watermark(): Promise<number | undefined> {
    const mark = (await this.table.get(STATE))?.watermark;
    return mark && Number(mark.N);
  }

  async attempts(id: string, limit: number): Promise<readonly Attempt[]> {
    const most = Math.min(limit, MAX_ATTEMPTS_KEPT);
    const found: Attempt[] = [];
    for await (const item of this.attemptItems(id)) {
      found.push(...[...attemptsOf(item)].reverse());
      if (found.length >= most) break;
    }
    return found.slice(0, most);
  }

  /** The newest first. */
  private attemptItems(id: string): AsyncIterable<Item> {
    return this.table.queryAll({
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: attemptsName(id) } },
      ScanIndexForward: false,
      Limit: MAX_ATTEMPTS_KEPT,
    });
  }

  async create(
    { subscription, progress }: Pick<Subscribed, 'subscription' | 'progress'>,
    most: { readonly ofOwner: number; readonly ofAll: number } = WITHOUT_LIMIT,
  ): Promise<'created' | 'owner-full' | 'full'> {
    const { name: TableName } = this.table;
    const unmet = await transact(this.client, [
      {
        Put: {
          ...{ TableName, Item: subscriptionItem(subscription, progress) },
          ConditionExpression: 'attribute_not_exists(pk)',
        },
      },
      {
        Update: {
          ...{ TableName, Key: ownerKey(subscription.owner), UpdateExpression: 'ADD ids :id' },
          ConditionExpression: 'attribute_not_exists(ids) OR size(ids) < :most',
          ExpressionAttributeValues: { ':id': { SS: [subscription.id] }, ':most': number(most.ofOwner) },
        },
      },
      {
        Update: {
          ...{ TableName, Key: STATE, UpdateExpression: 'ADD version :one, subscriptions :one' },
          ConditionExpression: 'attribute_not_exists(subscriptions) OR subscriptions < :most',
          ExpressionAttributeValues: { ':one': number(1), ':most': number(most.ofAll) },
        },
      },
    ]);
    if (unmet === 0) throw new Error(`there is a subscription ${subscription.id} already`);
    return unmet === null ? 'created' : unmet === 1 ? 'owner-full' : 'full';
  }

  async replace(before: Subscription, after: Subscription): Promise<boolean> {
    const { name: TableName } = this.table;
    const change = {
      ...{ TableName, Key: subscriptionKey(before.id), UpdateExpression: 'SET subscription = :after' },
      ConditionExpression: 'subscription = :before',
      ExpressionAttributeValues: { ':after': json(after), ':before': json(before) },
    };
    return (await transact(this.client, [{ Update: change }, this.newVersion(0)])) === null;
  }

  private newVersion(added: number): TransactWriteItem {
    const Update = {
      ...{ TableName: this.table.name, Key: STATE, UpdateExpression: 'ADD version :one, subscriptions :added' },
      ExpressionAttributeValues: { ':one': number(1), ':added': number(added) },
    };
    return { Update };
  }

  async write(changes: readonly SubscriptionChange[]): Promise<void> {
    for (const change of changes) {
      if ('put' in change) await this.put(change.put);
      else if ('remove' in change) await this.remove(change.remove);
      else if ('progress' in change) {
        await this.set(change.of, 'SET progress = :progress', { ':progress': json(change.progress) });
      } else if ('attempt' in change) await this.attempted(change.of, change.attempt);
      else await this.setWatermark(change.watermark);
    }
  }

  private async put(subscription: Subscription): Promise<void> {
    await repeated(async () => {
      const there = await this.find(subscription.id);
      if (there !== undefined) return this.replace(there.subscription, subscription);
      return (await this.create({ subscription, progress: NO_PROGRESS })) === 'created';
    });
  }

  private async remove(id: string): Promise<void> {
    const there = await this.find(id);
    if (there === undefined) return;
    const { name: TableName } = this.table;
    const owner = {
      ...{ TableName, Key: ownerKey(there.subscription.owner), UpdateExpression: 'DELETE ids :id' },
      ExpressionAttributeValues: { ':id': { SS: [id] } },
    };
    const own = { TableName, Key: subscriptionKey(id), ConditionExpression: 'attribute_exists(pk)' };
    if ((await transact(this.client, [{ Delete: own }, { Update: owner }, this.newVersion(-1)])) !== null) return;
    for await (const { pk, sk } of this.attemptItems(id)) await this.table.delete({ Key: { pk: pk!, sk: sk! } });
  }

  private async attempted(id: string, attempt: Attempt): Promise<void> {
    const { name: TableName } = this.table;
    const counted = {
      ...{ TableName, Key: subscriptionKey(id), UpdateExpression: 'SET attempts = :next' },
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':next': number(attempt.number + 1) },
    };
    const put = { Put: { TableName, Item: attemptsItem(id, [attempt]) } };
    await transact(this.client, [{ Update: counted }, put]);
  }

  private async setWatermark(height: number): Promise<void> {
    await this.table.update({
      Key: STATE,
      UpdateExpression: 'SET watermark = :height',
      ExpressionAttributeValues: { ':height': number(height) },
    });
  }

  async wanted(): Promise<Wanted> {
    // Read first: what changes while the list is read has a later version.
    const state = await this.table.get(STATE);
    const version = Number(state?.version?.N ?? 0);
    const watermark = state?.watermark && Number(state.watermark.N);
    if (this.known?.version !== version) {
      this.known = { version, subscriptions: (await this.everything()).map(({ subscription }) => subscription) };
    }
    return { ...this.known, watermark };
  }

  moveWatermark(version: number, height: number): Promise<boolean> {
    const isSame = version === 0 ? '(attribute_not_exists(version) OR version = :version)' : 'version = :version';
    return this.table.update({
      Key: STATE,
      UpdateExpression: 'SET watermark = :height',
      ConditionExpression: `${isSame} AND (attribute_not_exists(watermark) OR watermark <= :height)`,
      ExpressionAttributeValues: { ':height': number(height), ':version': number(version) },
    });
  }

  wake(id: string, position: Position): Promise<boolean> {
    return this.set(id, 'SET wake = :wake', { ':wake': json(position) }, 'attribute_not_exists(wake)');
  }

  async order(id: string, { set = {}, accepted = false }: Partial<Mail>): Promise<boolean> {
    let exists = true;
    await repeated(async () => {
      const there = await this.find(id);
      exists = there !== undefined;
      if (there === undefined) return true;
      const { mail } = there;
      const posted = { set: { ...mail.set, ...set }, accepted: mail.accepted || accepted };
      const { condition, values } = stillPosted(mail);
      return this.set(id, 'SET mail = :new', { ':new': json(posted), ...values }, condition);
    });
    return exists;
  }

  /** false when there is none, or the condition does not hold. */
  private set(id: string, expression: string, values: Item, condition?: string): Promise<boolean> {
    return this.table.update({
      Key: subscriptionKey(id),
      UpdateExpression: expression,
      ConditionExpression: condition === undefined ? 'attribute_exists(pk)' : `attribute_exists(pk) AND ${condition}`,
      ExpressionAttributeValues: values,
    });
  }

  async due(nowMs: number): Promise<readonly string[]> {
    return (await this.everything()).filter((one) => isDue(one, nowMs)).map(({ subscription }) => subscription.id);
  }

  async take(id: string, nowMs: number, untilMs: number): Promise<Lease | undefined> {
    const item = await this.changed({
      Key: subscriptionKey(id),
      UpdateExpression: 'SET leasedUntil = :until ADD #token :one',
      ConditionExpression: 'attribute_exists(pk) AND leasedUntil <= :now',
      ExpressionAttributeNames: { '#token': 'token' },
      ExpressionAttributeValues: { ':until': number(untilMs), ':now': number(nowMs), ':one': number(1) },
    });
    return item && { ...sharedOf(item), token: Number(item.token!.N) };
  }

  /** The item as it is then; undefined when the condition did not hold. */
  private async changed(input: Omit<UpdateItemCommandInput, 'TableName' | 'ReturnValues'>): Promise<Item | undefined> {
    const request = { ...input, TableName: this.table.name, ReturnValues: 'ALL_NEW' as const };
    try {
      return (await this.client.send(new UpdateItemCommand(request))).Attributes;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }

  async keep({ subscription, token, mail }: Lease, { progress, attempts, isMailRead }: Work): Promise<boolean> {
    const { name: TableName } = this.table;
    const { id } = subscription;
    const newest = attempts.at(-1);
    // A wake that was there cannot have become another one; one that was not there stays.
    const taken = mail.wake === null ? 'mail' : 'mail, wake';
    const { condition, values } = isMailRead ? stillPosted(mail) : ALWAYS;
    const update = {
      ...{ TableName, Key: subscriptionKey(id) },
      UpdateExpression:
        `SET progress = :progress${newest === undefined ? '' : ', attempts = :next'}` +
        (isMailRead ? ` REMOVE ${taken}` : ''),
      ConditionExpression: `attribute_exists(pk) AND #token = :token AND ${condition}`,
      ExpressionAttributeNames: { '#token': 'token' },
      ExpressionAttributeValues: {
        ...{ ':progress': json(progress), ':token': number(token) },
        ...(newest !== undefined && { ':next': number(newest.number + 1) }),
        ...values,
      },
    };
    if (newest === undefined) return this.table.update(update);
    const put = { Put: { TableName, Item: attemptsItem(id, attempts) } };
    return (await transact(this.client, [{ Update: update }, put])) === null;
  }

  async release({ subscription, token }: Lease): Promise<boolean> {
    const item = await this.changed({
      Key: subscriptionKey(subscription.id),
      UpdateExpression: 'SET leasedUntil = :nobody',
      ConditionExpression: 'attribute_exists(pk) AND #token = :token',
      ExpressionAttributeNames: { '#token': 'token' },
      ExpressionAttributeValues: { ':nobody': number(0), ':token': number(token) },
    });
    return item !== undefined && (item.wake !== undefined || item.mail !== undefined);
  }

  async close(): Promise<void> {}
}

const ALWAYS = { condition: 'attribute_exists(pk)', values: {} };

/** Holds as long as nobody has posted anything else. */
function stillPosted(mail: Mail): { readonly condition: string; readonly values: Item } {
  const posted = postedOf(mail);
  if (posted === undefined) return { condition: 'attribute_not_exists(mail)', values: {} };
  return { condition: 'mail = :posted', values: { ':posted': posted } };
}

function byId(a: Shared, b: Shared): number {
  return a.subscription.id < b.subscription.id ? -1 : 1;
}
