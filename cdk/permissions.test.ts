import { describe, expect, test } from 'vitest';
import { allTemplates, resources, resourcesOf } from './testing.ts';

const ALL = allTemplates();
const everywhere = (type: string) => resourcesOf(ALL, type);

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

describe('permissions', () => {
  const statements = everywhere('AWS::IAM::Policy').flatMap(({ properties }) =>
    list((properties.PolicyDocument as { Statement: Statement[] }).Statement),
  );

  test('no action is a pattern', () => {
    const actions = new Set(statements.flatMap(({ Action }) => list(Action)));
    expect(actions.size).toBeGreaterThan(20);
    expect([...actions].filter((action) => action.includes('*'))).toEqual([]);
  });

  test('only what AWS knows no resource for is allowed on all', () => {
    const onAll = statements.filter(({ Resource }) => list(Resource).includes('*'));
    expect([...new Set(onAll.flatMap(({ Action }) => list(Action)))].sort()).toEqual([
      'cloudhsm:DescribeClusters',
      'dynamodb:ListStreams',
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:UnassignPrivateIpAddresses',
      'ecr:GetAuthorizationToken',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
  });

  test('who reads objects that may not be there may list their bucket without a condition: 404 then, not 403', () => {
    const listing = statements.filter(({ Action }) => list(Action).includes('s3:ListBucket'));
    // Each node its files; the hosting function quarantine and what is hosted.
    expect(listing).toHaveLength(8 + 2 * 2);
    for (const { Condition } of listing) expect(Condition).toBeUndefined();
  });

  test('in the service table the functions that deliver and that host have their own partitions, the API all', () => {
    const keysOf = (id: string) =>
      everywhere('AWS::IAM::Policy')
        .filter((found) => found.id.startsWith(id))
        .map(({ properties }) =>
          list((properties.PolicyDocument as { Statement: Statement[] }).Statement)
            .filter(({ Resource }) => JSON.stringify(Resource ?? '').includes('ProxyService'))
            .map(({ Condition }) => Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys']),
        );
    const subscriptions = ['subscriptions', 'subscription/*', 'attempts/*'];
    expect(keysOf('IndexerRole')).toEqual([[subscriptions], [subscriptions]]);
    const delivering = [subscriptions, ['owner/*'], ['audit/*']];
    expect(keysOf('WebhooksRole')).toEqual([delivering, delivering]);
    expect(keysOf('HostingRole')).toEqual([[['hosted/*', 'hosting/*']], [['hosted/*', 'hosting/*']]]);
    expect(keysOf('ApiFunctionRole')).toEqual([[undefined], [undefined]]);
  });

  test('nobody may lift the lock of a hosted file, or delete one', () => {
    const onHosting = statements.filter(({ Resource }) => JSON.stringify(Resource ?? '').includes('BucketsHosting'));
    expect(new Set(onHosting.flatMap(({ Action }) => list(Action)))).toEqual(
      new Set(['s3:GetObject', 's3:PutObject', 's3:GetObjectRetention', 's3:PutObjectRetention', 's3:ListBucket']),
    );
  });

  test('who writes large files may also give them up half-way; who locks hosted files sees until when they are locked', () => {
    const of = (action: string) => statements.filter(({ Action }) => list(Action).includes(action));
    expect(of('s3:AbortMultipartUpload')).toHaveLength(8);
    for (const { Action } of of('s3:AbortMultipartUpload')) expect(Action).toContain('s3:PutObject');
    expect(of('s3:PutObjectRetention')).toHaveLength(2);
    // Without it HeadObject leaves out the date, and the function would lock, and count, anew at each try.
    for (const { Action } of of('s3:PutObjectRetention')) expect(Action).toContain('s3:GetObjectRetention');
  });

  test('nobody scans or deletes a vote record, and only a validator touches it', () => {
    for (const [config, stacks] of Object.entries(ALL)) {
      for (const [name, template] of Object.entries(stacks)) {
        const text = JSON.stringify(resources(template, 'AWS::IAM::Policy'));
        expect(/Votes/.test(text), `${config} ${name}`).toBe(name.startsWith('Validator'));
      }
    }
    const votes = statements.filter(({ Resource }) => JSON.stringify(Resource ?? '').includes('Votes'));
    expect(new Set(votes.flatMap(({ Action }) => list(Action)))).toEqual(
      new Set(['dynamodb:GetItem', 'dynamodb:PutItem']),
    );
  });

  test('nodes read and write whole items of their tables', () => {
    const actions = (table: string) =>
      everywhere('AWS::IAM::Policy')
        .filter(({ id }) => id.startsWith('NodeTaskRole'))
        .flatMap(({ properties }) => list((properties.PolicyDocument as { Statement: Statement[] }).Statement))
        .filter(({ Resource }) => JSON.stringify(Resource ?? '').includes(table))
        .flatMap(({ Action }) => list(Action));
    const whole = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:BatchWriteItem'];
    expect(new Set(actions('ProxyLedger'))).toEqual(new Set(whole));
    expect(new Set(actions('Proposals'))).toEqual(new Set([...whole, 'dynamodb:Query']));
  });
});
