import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NOT_SIGNING, STANDING, VOTE_RECORD_LOST } from './constructs/node-metrics.ts';
import { PLACEHOLDER } from './deployment.ts';
import { allTemplates, CONFIGS, resourcesOf } from './testing.ts';

const DOCS = join(import.meta.dirname, '..', 'docs');

const ALL = allTemplates();
const everywhere = (type: string) => resourcesOf(ALL, type);

describe('what must last', () => {
  const STATEFUL = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::SecretsManager::Secret', 'AWS::CloudHSM::Cluster'];

  test.for(STATEFUL)('%s: in a stack of its own kind, and kept when that goes', (type) => {
    const found = everywhere(type);
    expect(found.length).toBeGreaterThan(0);
    for (const { config, stack, id, resource } of found) {
      // But for tables, which are protected from deletion, a create that is rolled back leaves nothing.
      const DeletionPolicy = type === 'AWS::DynamoDB::Table' ? 'Retain' : 'RetainExceptOnCreate';
      expect(resource, `${config} ${id}`).toMatchObject({ DeletionPolicy, UpdateReplacePolicy: 'Retain' });
      expect(stack).toBe(type === 'AWS::CloudHSM::Cluster' ? 'Hsm' : 'Data');
    }
  });

  test('no table has a name of ours, and what has one is gone when a create is rolled back: the next one completes it', () => {
    for (const { id, properties } of everywhere('AWS::DynamoDB::Table'))
      expect(properties, id).not.toHaveProperty('TableName');
    for (const { id, properties } of everywhere('AWS::S3::Bucket'))
      expect(properties, id).not.toHaveProperty('BucketName');
    const keys = everywhere('AWS::KMS::Key').filter(({ stack }) => stack === 'Data');
    expect(keys.length).toBeGreaterThan(5);
    for (const { id, resource } of [...keys, ...everywhere('AWS::SecretsManager::Secret')])
      expect(resource, id).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate' });
  });

  test('secrets hold a placeholder, by which npm run aws:keys knows what it may replace', () => {
    for (const { id, properties } of everywhere('AWS::SecretsManager::Secret')) {
      const { SecretStringTemplate } = properties.GenerateSecretString as { readonly SecretStringTemplate: string };
      expect(JSON.parse(SecretStringTemplate), id).toEqual({ [PLACEHOLDER]: true });
    }
  });

  test('tables: encrypted with the deployment’s key, protected, recoverable; the vote record’s never restored', () => {
    for (const { id, properties } of everywhere('AWS::DynamoDB::Table')) {
      expect(properties, id).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        DeletionProtectionEnabled: true,
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: !/Votes/.test(id) },
      });
    }
  });

  test('buckets: closed to the public; hosted files under Object Lock; keys that vote are P-256 and never delete soon', () => {
    for (const { id, properties } of everywhere('AWS::S3::Bucket'))
      expect(properties.PublicAccessBlockConfiguration, id).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
    // Parts of an upload that was broken off would be billed for ever.
    for (const { id, properties } of everywhere('AWS::S3::Bucket').filter(({ id }) => !/AccessLogs/.test(id)))
      expect(properties.LifecycleConfiguration, id).toMatchObject({
        Rules: [{ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' }],
      });
    const locked = everywhere('AWS::S3::Bucket').filter(({ properties }) => properties.ObjectLockEnabled === true);
    expect(locked.map(({ config, id }) => `${config} ${id.replace(/[0-9A-F]{8}$/, '')}`)).toEqual([
      'devnet BucketsHosting',
      'operator BucketsHosting',
    ]);
    const signing = everywhere('AWS::KMS::Key').filter(({ properties }) => properties.KeyUsage === 'SIGN_VERIFY');
    expect(signing).toHaveLength(5);
    for (const { properties } of signing)
      expect(properties).toMatchObject({ KeySpec: 'ECC_NIST_P256', PendingWindowInDays: 30 });
  });
});

describe('nodes', () => {
  const services = everywhere('AWS::ECS::Service').map(({ properties, ...found }) => ({
    ...found,
    properties: properties as typeof properties & {
      readonly NetworkConfiguration: {
        readonly AwsvpcConfiguration: { readonly Subnets: unknown[]; readonly SecurityGroups: unknown[] };
      };
    },
  }));
  const tasks = everywhere('AWS::ECS::TaskDefinition');

  test('one task, and never a second one while it lives', () => {
    expect(services).toHaveLength(8);
    for (const { properties } of services)
      expect(properties).toMatchObject({
        DesiredCount: 1,
        AvailabilityZoneRebalancing: 'DISABLED',
        DeploymentConfiguration: { MinimumHealthyPercent: 0, MaximumPercent: 100 },
      });
  });

  test('arm64, time to stop in order, a root that cannot be written (but by CloudHSM’s client), a health check', () => {
    for (const { config, properties } of tasks) {
      expect(properties.RuntimePlatform).toEqual({ CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' });
      const [container] = properties.ContainerDefinitions as [Record<string, unknown>];
      expect(container).toMatchObject({
        Command: ['node', 'nodes/node/main.ts'],
        StopTimeout: 120,
        ReadonlyRootFilesystem: config !== 'hsm',
        HealthCheck: {
          Command: ['CMD', 'node', '-e', expect.stringContaining("fetch('http://127.0.0.1:9464/livez')")],
          StartPeriod: 300,
        },
      });
      expect(container).not.toHaveProperty('Secrets');
    }
  });

  test('a validator that begins anew, as each task does, begins from a snapshot, and writes some for that', () => {
    const validators = tasks.filter(({ stack }) => stack.startsWith('Validator'));
    expect(validators).toHaveLength(6);
    for (const { properties } of validators) {
      expect(brop(properties)).toContain('"join":"snapshot"');
      expect(brop(properties)).toContain('"snapshots":{"every":10240,"keep":2}');
    }
  });

  test('the health check: well while nobody listens yet, ill when the answer is not 200', async () => {
    const [container] = tasks[0]!.properties.ContainerDefinitions as [{ HealthCheck: { Command: string[] } }];
    const program = container.HealthCheck.Command[3]!;
    const server = createServer((_, response) => response.writeHead(status).end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const check = async () => {
      const child = spawn(process.execPath, ['-e', program.replace('9464', String(port))], { stdio: 'ignore' });
      return (await once(child, 'exit'))[0];
    };
    let status = 200;
    expect(await check()).toBe(0);
    status = 503;
    expect(await check()).toBe(1);
    server.close();
    await once(server, 'close');
    expect(await check()).toBe(0);
  });

  test('what is mounted to be written is a volume of the image, whose owner the node is; the data folder is among it', () => {
    const dockerfile = readFileSync(join(DOCS, '..', 'deploy', 'Dockerfile'), 'utf8');
    const volumes: string[] = JSON.parse(/^VOLUME (.+)$/m.exec(dockerfile)![1]!);
    for (const { properties } of tasks) {
      const [{ MountPoints }] = properties.ContainerDefinitions as [{ MountPoints: { ContainerPath: string }[] }];
      const mounted = MountPoints.map(({ ContainerPath }) => ContainerPath);
      expect(volumes).toEqual(expect.arrayContaining(mounted));
      expect(mounted).toContain(brop(properties).match(/"dataFolder":"([^"]+)"/)?.[1]);
    }
  });

  test('who signs is the config’s choice', () => {
    const signers = (config: string) =>
      tasks
        .filter((task) => task.config === config && task.stack.startsWith('Validator'))
        .map(({ properties }) => brop(properties).match(/"consensusKey":\{"driver":"(\w+)"/)?.[1]);
    expect(signers('devnet')).toEqual(['kms', 'kms', 'kms', 'kms']);
    expect(signers('hsm')).toEqual(['auto']);
    expect(everywhere('AWS::CloudHSM::Cluster').map(({ config }) => config)).toEqual(['hsm']);
  });

  test('a validator with a CloudHSM is in the group that reaches its HSMs, and is let out to their ports', () => {
    const groups = (config: string) =>
      services
        .filter((found) => found.config === config)
        .map(({ properties }) => JSON.stringify(properties.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups));
    expect(groups('hsm')).toEqual([expect.stringMatching(/Group.*ClusterSecurityGroup/)]);
    for (const of of groups('validator')) expect(of).not.toContain('Cluster');
    const out = everywhere('AWS::EC2::SecurityGroupEgress').filter(({ config }) => config === 'hsm');
    expect(out.map(({ properties }) => [properties.FromPort, properties.ToPort])).toContainEqual([2223, 2225]);
  });

  test('no secret is in a config, only its name', () => {
    for (const { properties } of tasks)
      for (const [, value] of brop(properties).matchAll(/"(?:nodeKey|noteKey|pin)":"([^"]*)"/g))
        expect(value).toMatch(/^secretsmanager:brop\//);
  });

  test('a validator alone in its account has an address that stays; inside one network it needs none', () => {
    const balancers = everywhere('AWS::ElasticLoadBalancingV2::LoadBalancer');
    expect(balancers.map(({ config, properties }) => [config, properties.Type])).toEqual([
      ['validator', 'network'],
      ['hsm', 'network'],
    ]);
    for (const { config, properties } of balancers) {
      const { Subnets } = services.find((found) => found.config === config)!.properties.NetworkConfiguration
        .AwsvpcConfiguration;
      expect(properties.Subnets).toHaveLength(1);
      expect(Subnets, 'a balancer reaches no target in a zone that it is not in').toEqual(properties.Subnets);
    }
  });
});

describe('functions and API', () => {
  const functions = everywhere('AWS::Lambda::Function');

  test('on the pinned runtime, traced, with logs that end', () => {
    expect(functions).toHaveLength(10);
    for (const { properties } of functions)
      expect(properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        TracingConfig: { Mode: 'Active' },
        LoggingConfig: {
          ...{ LogGroup: expect.anything(), LogFormat: 'JSON' },
          ...{ ApplicationLogLevel: 'INFO', SystemLogLevel: 'WARN' },
        },
      });
    for (const { id, properties } of everywhere('AWS::Logs::LogGroup'))
      expect(properties.RetentionInDays, id).toBeGreaterThan(0);
  });

  test('what nodes, functions and the gateway write down is encrypted with the deployment’s key, which CloudWatch may use for that', () => {
    const encrypted = everywhere('AWS::Logs::LogGroup').filter(({ stack }) => stack !== 'Network');
    // Eight nodes; of each proxy five functions and the gateway.
    expect(encrypted).toHaveLength(8 + 2 * 6);
    for (const { id, properties } of encrypted)
      expect(JSON.stringify(properties.KmsKeyId), id).toMatch(/ImportValue.*Data.*Key/);
    const policies = everywhere('AWS::KMS::Key').map(({ properties }) => JSON.stringify(properties.KeyPolicy));
    const usable = policies.filter((policy) => policy.includes('"logs.us-east-1.amazonaws.com"'));
    expect(usable).toHaveLength(Object.keys(CONFIGS).length);
    for (const policy of usable) expect(policy).toContain('kms:EncryptionContext:aws:logs:arn');
  });

  test('streams, indexer and webhooks have a share of the account’s concurrency each, which no other and no more of them takes', () => {
    const reserved = (config: string) =>
      Object.fromEntries(
        functions
          .filter((found) => found.config === config && found.properties.ReservedConcurrentExecutions !== undefined)
          .map(({ id, properties }) => [id.replace(/[0-9A-F]{8}$/, ''), properties.ReservedConcurrentExecutions]),
      );
    for (const config of ['devnet', 'operator'])
      expect(reserved(config)).toEqual({ StreamFunction: 100, Indexer: 10, Webhooks: 30 });
    // SQS must not ask for more than there is, or messages are refused and put aside untried.
    const mappings = everywhere('AWS::Lambda::EventSourceMapping').filter(({ properties }) => properties.ScalingConfig);
    expect(mappings).toHaveLength(2);
    for (const { properties } of mappings) expect(properties.ScalingConfig).toEqual({ MaximumConcurrency: 20 });
  });

  test('only the API function is in the network: the others talk to strangers, or need none', () => {
    const inside = functions.filter(({ properties }) => properties.VpcConfig !== undefined);
    expect(inside.map(({ config, id }) => `${config} ${id.replace(/[0-9A-F]{8}$/, '')}`)).toEqual([
      'devnet ApiFunction',
      'devnet StreamFunction',
      'operator ApiFunction',
      'operator StreamFunction',
    ]);
  });

  test('the indexer: up to 100 records, halved on error, single failures reported, what fails for good put aside', () => {
    const streams = everywhere('AWS::Lambda::EventSourceMapping').filter(
      ({ properties }) => properties.StartingPosition,
    );
    expect(streams).toHaveLength(2);
    for (const { properties } of streams)
      expect(properties).toMatchObject({
        BatchSize: 100,
        BisectBatchOnFunctionError: true,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        DestinationConfig: { OnFailure: { Destination: expect.anything() } },
        StartingPosition: 'TRIM_HORIZON',
        FilterCriteria: { Filters: [{ Pattern: '{"dynamodb":{"Keys":{"pk":{"S":["head"]}}}}' }] },
      });
  });

  test('what waits in a queue is encrypted with the deployment’s key, which EventBridge may use for what it puts aside', () => {
    const queues = everywhere('AWS::SQS::Queue');
    expect(queues).toHaveLength(8);
    for (const { id, properties } of queues)
      expect(JSON.stringify(properties.KmsMasterKeyId), id).toMatch(/ImportValue.*Data.*Key/);
    const policies = everywhere('AWS::KMS::Key').map(({ properties }) => JSON.stringify(properties.KeyPolicy));
    expect(policies.filter((policy) => policy.includes('"events.amazonaws.com"'))).toHaveLength(2);
  });

  test('an upload reaches the function that judges it in the form of a notification of S3', () => {
    const detail = { bucket: { name: 'quarantine' }, object: { key: 'incoming/file_1', size: 7, etag: 'e' } };
    const event = { source: 'aws.s3', 'detail-type': 'Object Created', detail };
    const rules = everywhere('AWS::Events::Rule').filter(({ id }) => id.startsWith('Uploaded'));
    expect(rules).toHaveLength(2);
    for (const { properties } of rules) {
      expect(properties.EventPattern).toMatchObject({ 'detail-type': ['Object Created'], source: ['aws.s3'] });
      const [{ InputTransformer }] = properties.Targets as [
        { InputTransformer: { InputPathsMap: Record<string, string>; InputTemplate: string } },
      ];
      // As EventBridge does it: a value in the place of its name, as JSON.
      const at = (path: string) =>
        path
          .slice(2)
          .split('.')
          .reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], event);
      const text = InputTransformer.InputTemplate.replaceAll(/<([\w-]+)>/g, (_, name: string) =>
        JSON.stringify(at(InputTransformer.InputPathsMap[name]!)),
      );
      const { bucket, object } = detail;
      const s3 = { bucket, object: { key: object.key, size: object.size } };
      expect(JSON.parse(text)).toEqual({ Records: [{ eventSource: 'aws:s3', s3 }] });
    }
  });

  test('deliveries: hidden for longer than one may take, and put aside after five tries', () => {
    for (const config of ['devnet', 'operator']) {
      const queue = everywhere('AWS::SQS::Queue').find(
        (found) => found.config === config && /^Deliveries/.test(found.id),
      )!;
      expect(queue.properties).toMatchObject({ VisibilityTimeout: 90, RedrivePolicy: { maxReceiveCount: 5 } });
    }
  });

  test('the API has the name under which accounts log in and hosted files are found, and no other', () => {
    for (const [config, name] of [
      ['devnet', 'api.devnet.brop.example'],
      ['operator', 'api.brop.example'],
    ]) {
      const of = (type: string) => everywhere(type).filter((found) => found.config === config);
      const [domain, ...others] = of('AWS::ApiGateway::DomainName');
      expect(others).toEqual([]);
      expect(domain!.properties).toMatchObject({ DomainName: name, SecurityPolicy: 'TLS_1_2' });
      const [mapping] = of('AWS::ApiGateway::BasePathMapping');
      expect(mapping!.properties).toMatchObject({ DomainName: { Ref: domain!.id }, Stage: expect.anything() });
      expect(mapping!.properties).not.toHaveProperty('BasePath');
      expect(of('AWS::ApiGateway::RestApi')[0]!.properties.DisableExecuteApiEndpoint).toBe(true);
      for (const { id, properties } of of('AWS::Lambda::Function').filter(({ id }) =>
        /^(Api|Stream)Function/.test(id),
      )) {
        const { Variables } = properties.Environment as { Variables: Record<string, unknown> };
        expect(Variables, id).toMatchObject({
          BROP_ORIGINS: `https://${name}`,
          BROP_HOSTING_URL: `https://${name}/v1/hosting/files`,
        });
      }
    }
  });

  test('the API: streams, keys for what writes where the config asks for them, a plan a client, WAF', () => {
    const methods = everywhere('AWS::ApiGateway::Method').filter(
      ({ properties }) => properties.HttpMethod !== 'OPTIONS',
    );
    const streamed = methods.filter(({ properties }) =>
      JSON.stringify(properties.Integration).includes('response-streaming-invocations'),
    );
    expect(streamed.map(({ config, properties }) => [config, properties.HttpMethod])).toEqual([
      ['devnet', 'GET'],
      ['operator', 'GET'],
    ]);
    for (const { properties } of streamed)
      expect(properties.Integration).toMatchObject({ ResponseTransferMode: 'STREAM', TimeoutInMillis: 900_000 });
    const keyed = methods.filter(({ properties }) => properties.ApiKeyRequired === true);
    const openapi = JSON.parse(readFileSync(join(DOCS, 'openapi.json'), 'utf8')) as { paths: Record<string, object> };
    const writing = Object.values(openapi.paths)
      .flatMap((path) => Object.keys(path).map((method) => method.toUpperCase()))
      .filter((method) => !['GET', 'HEAD', 'OPTIONS', 'PARAMETERS', 'SUMMARY', 'DESCRIPTION'].includes(method));
    expect(new Set(keyed.map(({ properties }) => properties.HttpMethod))).toEqual(new Set(writing));
    expect(keyed.map(({ config }) => config)).toEqual(Array(6).fill('operator'));
    expect(everywhere('AWS::ApiGateway::UsagePlan')).toHaveLength(3);
    expect(everywhere('AWS::WAFv2::WebACLAssociation')).toHaveLength(2);
    for (const { properties } of everywhere('AWS::ApiGateway::RestApi'))
      expect(properties.BinaryMediaTypes).toEqual(['*/*']);
  });
});

describe('the site', () => {
  test('the stack prints by which names it is uploaded, as the guide has them', () => {
    for (const config of ['devnet', 'operator']) {
      const outputs = ALL[config]!.Site!.findOutputs('*');
      expect(Object.keys(outputs)).toEqual(['SiteUrl', 'SiteBucketName', 'SiteDistributionId']);
    }
    const guide = readFileSync(join(DOCS, 'aws.md'), 'utf8');
    for (const name of ['SiteUrl', '<SiteBucketName>', '<SiteDistributionId>']) expect(guide).toContain(name);
  });
});

describe('the network', () => {
  test('no NAT, and only endpoints that cost nothing, save two for the API function in one zone', () => {
    expect(everywhere('AWS::EC2::NatGateway')).toEqual([]);
    const byKind = (config: string, kind: string) =>
      everywhere('AWS::EC2::VPCEndpoint').filter(
        (found) => found.config === config && found.properties.VpcEndpointType === kind,
      );
    for (const config of Object.keys(CONFIGS)) {
      expect(byKind(config, 'Gateway')).toHaveLength(2);
      const interfaces = byKind(config, 'Interface');
      expect(interfaces).toHaveLength(CONFIGS[config]!.proxy === undefined ? 0 : 2);
      for (const { properties } of interfaces) expect(properties.SubnetIds).toHaveLength(1);
    }
  });
});

describe('alarms', () => {
  const alarms = everywhere('AWS::CloudWatch::Alarm');

  test('each says where the runbook goes on, and it does', () => {
    const runbook = join(DOCS, 'runbook.md');
    expect(existsSync(runbook)).toBe(true);
    const anchors = new Set(
      [...readFileSync(runbook, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
        title!
          .toLowerCase()
          .replace(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    expect(alarms.length).toBeGreaterThan(20);
    for (const { id, properties } of alarms) {
      const [, anchor] = String(properties.AlarmDescription).match(/ Runbook: docs\/runbook\.md#([a-z-]+)$/) ?? [];
      expect(anchors, `${id}: ${anchor}`).toContain(anchor);
      expect(properties.AlarmActions).toHaveLength(1);
    }
  });

  test('what they listen for is what nodes say', () => {
    const page = readFileSync(join(DOCS, 'monitoring', 'logs.md'), 'utf8');
    for (const message of [STANDING, ...NOT_SIGNING, VOTE_RECORD_LOST]) expect(page).toContain(`| \`${message}\` |`);
  });

  test('a ledger table that is not written alarms, of the node that writes it', () => {
    const behind = alarms.filter(({ id }) => id.startsWith('LedgerBehind'));
    expect(behind.map(({ config }) => config)).toEqual(['devnet', 'operator']);
    for (const { properties } of behind)
      expect(properties).toMatchObject({ Threshold: 20, EvaluationPeriods: 5, MetricName: 'LedgerLagBlocks' });
  });

  test('a node that says nothing alarms', () => {
    const silent = alarms.filter(({ properties }) => properties.TreatMissingData === 'breaching');
    expect(silent.map(({ id }) => id.replace(/[0-9A-F]{8}$/, '')).every((id) => id.startsWith('NoFinality'))).toBe(
      true,
    );
    expect(silent).toHaveLength(8);
  });
});

/** The config of the node, as far as it is text: what CloudFormation fills in is left out. */
function brop(properties: Readonly<Record<string, unknown>>): string {
  const [container] = properties.ContainerDefinitions as [{ Environment: { Name: string; Value: unknown }[] }];
  const value = container.Environment.find(({ Name }) => Name === 'BROP_CONFIG')!.Value;
  if (typeof value === 'string') return value;
  const [, parts] = (value as { 'Fn::Join': [string, unknown[]] })['Fn::Join'];
  return parts.map((part) => (typeof part === 'string' ? part : '…')).join('');
}
