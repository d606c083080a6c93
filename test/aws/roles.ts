/**
 * Roles of a synthesized deployment, which the emulator does not enforce: what a client asks for is compared with what its
 * role allows, by action, resource, prefix of objects, and partition keys.
 */

export interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: { readonly 'ForAllValues:StringLike'?: { readonly 'dynamodb:LeadingKeys': readonly string[] } };
}

interface Asked {
  /** As IAM names it. */
  readonly action: string;
  /** Name of the table or bucket, URL of the queue. */
  readonly of: string;
  /** Partition keys of items, or the key of one object. */
  readonly keys: readonly string[];
}

type Item = Readonly<Record<string, { readonly S?: string } | undefined>>;
type Input = Readonly<Record<string, unknown>>;

/** Clients of the SDK have a stack of this form, each with types of its own. */
interface Watched {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: { readonly input: Input }) => Promise<unknown>,
        context: { readonly commandName?: string },
      ) => (args: { readonly input: Input }) => Promise<unknown>,
      options: { readonly step: 'initialize' },
    ): void;
  };
}

export class Role {
  /** Everything that was asked for, and what of it the role does not allow. */
  readonly asked = new Set<string>();
  readonly refused = new Set<string>();
  private readonly statements: readonly Statement[];
  private readonly places: ReadonlyMap<string, string>;

  /** @param places what the template calls a table, a bucket or a queue, by its name in the emulator */
  constructor(statements: readonly Statement[], places: ReadonlyMap<string, string>) {
    this.statements = statements;
    this.places = places;
  }

  /** The same client. */
  watch<T extends object>(client: T): T {
    const watch = (next: (args: { readonly input: Input }) => Promise<unknown>, { commandName = '' }) => {
      return async (args: { readonly input: Input }) => {
        for (const one of asksFor(commandName.replace(/Command$/, ''), args.input)) this.note(one);
        return next(args);
      };
    };
    (client as unknown as Watched).middlewareStack.add(watch, { step: 'initialize' });
    return client;
  }

  private note(asked: Asked): void {
    const text = `${asked.action} ${this.places.get(asked.of) ?? asked.of} ${asked.keys.join()}`;
    this.asked.add(text);
    if (!this.statements.some((statement) => this.allows(statement, asked))) this.refused.add(text);
  }

  private allows({ Action, Resource, Condition }: Statement, { action, of, keys }: Asked): boolean {
    const place = this.places.get(of);
    const resource = JSON.stringify(Resource);
    if (![Action].flat().includes(action) || place === undefined || !resource.includes(place)) return false;
    const [, prefix = ''] = /"\/([^"]*)\*"/.exec(resource) ?? [];
    const leading = Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'] ?? ['*'];
    const patterns = leading.map((pattern) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`));
    return keys.every((key) => key.startsWith(prefix) && patterns.some((pattern) => pattern.test(key)));
  }
}

const partition = (item: unknown): string => (item as Item).pk?.S ?? '';

function* asksFor(operation: string, input: Input): Generator<Asked> {
  if (operation === 'TransactWriteItems')
    for (const item of input.TransactItems as readonly Record<string, Input>[])
      for (const [kind, one] of Object.entries(item))
        yield {
          action: `dynamodb:${kind}Item`,
          of: one.TableName as string,
          keys: [partition(one.Item ?? one.Key)],
        };
  else if (input.RequestItems !== undefined)
    for (const [of, wanted] of Object.entries(
      input.RequestItems as Record<string, { readonly Keys?: Item[] } & Input[]>,
    )) {
      const keys = wanted.Keys ?? wanted.map(({ PutRequest, DeleteRequest }) => itemOf(PutRequest ?? DeleteRequest));
      yield { action: `dynamodb:${operation}`, of, keys: keys.map(partition) };
    }
  else if (input.TableName !== undefined) {
    const values = (input.ExpressionAttributeValues ?? {}) as Record<string, { readonly S?: string }>;
    const keys = operation === 'Query' ? [values[':pk']?.S ?? ''] : [partition(input.Item ?? input.Key)];
    yield { action: `dynamodb:${operation}`, of: input.TableName as string, keys };
  } else if (input.QueueUrl !== undefined)
    yield { action: `sqs:${operation.replace(/Batch$/, '')}`, of: input.QueueUrl as string, keys: [] };
  else yield* asksForObjects(operation, input);
}

function itemOf(request: unknown): Item {
  const { Item, Key } = request as { readonly Item?: Item; readonly Key?: Item };
  return Item ?? Key ?? {};
}

/** Actions behind an operation of S3 (user guide, "Required permissions for Amazon S3 API operations"). */
const OBJECT_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  ListObjectsV2: ['ListBucket'],
  HeadObject: ['GetObject'],
  CreateMultipartUpload: ['PutObject'],
  UploadPart: ['PutObject'],
  CompleteMultipartUpload: ['PutObject'],
  CopyObject: ['PutObject'],
};

function* asksForObjects(operation: string, input: Input): Generator<Asked> {
  const of = input.Bucket as string;
  const actions = [...(OBJECT_ACTIONS[operation] ?? [operation])];
  if (input.ObjectLockMode !== undefined) actions.push('PutObjectRetention');
  const keys = input.Key === undefined ? [] : [input.Key as string];
  for (const action of actions) yield { action: `s3:${action}`, of, keys };
  const [source, ...key] = String(input.CopySource ?? '').split('/');
  if (source !== '') yield { action: 's3:GetObject', of: source!, keys: [key.join('/')] };
}
