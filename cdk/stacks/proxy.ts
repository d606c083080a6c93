/** The proxy node and what hangs on it: its ledger's stream into the index, deliveries, the API, hosting. */
import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { CfnSamplingRule } from 'aws-cdk-lib/aws-xray';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import { BropFunction } from '../constructs/function.ts';
import { CHANGE_ITEMS, grantItems, grantObjects, READ_ITEMS, WRITE_WHOLE_ITEMS } from '../constructs/grants.ts';
import { NodeTask } from '../constructs/node-task.ts';
import { RestApi } from '../constructs/rest-api.ts';
import { secretName } from '../constructs/secrets.ts';
import { API_PORT, type Deployment, originOf, type ProxySettings, SERVICE_PORT } from '../deployment.ts';
import type { ProxyData } from './data.ts';
import type { NetworkStack } from './network.ts';

/** A delivery may take as long as this; the message is hidden from others for longer (SQS asks for a margin). */
const DELIVERY_TIMEOUT = Duration.seconds(60);
const DELIVERY_VISIBILITY = Duration.seconds(90);
/**
 * How many of a function run at once. A stream holds one for up to 15 minutes: without a bound of their own, streams of one
 * address would take what all functions of the account share. The others keep theirs whatever the API is asked.
 */
const CONCURRENCY = { stream: 100, indexer: 10, webhooks: 30 } as const;
/** Of those of `webhooks`, as many are for messages; the others for the timer. */
const DELIVERIES_AT_ONCE = 20;
/** Where hosted files lie: as they came in, and checked. */
const INCOMING = 'incoming/';
const HOSTED = 'files/';
/** Partitions of the service table, as the adapters name them: who matches, delivers or hosts sees no tokens. */
const SUBSCRIPTIONS = ['subscriptions', 'subscription/*', 'attempts/*'];
const HOSTED_FILES = ['hosted/*', 'hosting/*'];
/** The part of requests that is traced, besides the first one of a second. */
const TRACED = 0.01;
/** How often a message or a record is tried before it is put aside for people. */
const TRIES = 5;

export interface ProxyProps extends StackProps {
  readonly deployment: Deployment;
  readonly settings: ProxySettings;
  readonly network: NetworkStack;
  readonly data: ProxyData;
  /** Folder of the functions' bundles. */
  readonly bundles: string;
}

export class ProxyStack extends Stack {
  readonly task: NodeTask;
  readonly api: RestApi;
  readonly functions: Readonly<Record<'api' | 'indexer' | 'webhooks' | 'hosting' | 'stream', BropFunction>>;
  /** By what was put aside. */
  readonly deadLetters: Readonly<Record<'indexer' | 'webhooks' | 'hosting', sqs.Queue>>;
  private readonly props: ProxyProps;

  constructor(scope: Construct, id: string, props: ProxyProps) {
    super(scope, id, props);
    this.props = props;
    const { deployment, settings, network, data } = props;
    this.deadLetters = {
      indexer: this.queue('IndexerDeadLetters'),
      webhooks: this.queue('WebhooksDeadLetters'),
      hosting: this.queue('HostingDeadLetters'),
    };
    const deliveries = this.queue('Deliveries', {
      visibilityTimeout: DELIVERY_VISIBILITY,
      deadLetterQueue: { queue: this.deadLetters.webhooks, maxReceiveCount: TRIES },
    });
    this.task = this.follower();
    this.functions = {
      indexer: this.indexer(deliveries),
      webhooks: this.webhooks(deliveries),
      hosting: this.hosting(),
      // API Gateway waits 29 s for an answer as a whole, and 15 minutes for one that streams.
      api: this.apiFunction('ApiFunction', 'handler', Duration.seconds(29), deliveries),
      stream: this.apiFunction('StreamFunction', 'stream', Duration.minutes(15), deliveries),
    };
    // X-Ray's own rule takes one in twenty, which costs as much as all logs.
    new CfnSamplingRule(this, 'Sampling', {
      samplingRule: {
        ...{ ruleName: `brop-${deployment.name}`, priority: 100, version: 1, reservoirSize: 1, fixedRate: TRACED },
        ...{ host: '*', httpMethod: '*', urlPath: '*', resourceArn: '*', serviceName: '*', serviceType: '*' },
      },
    });
    this.api = new RestApi(this, 'Api', {
      ...{ deployment, settings, handler: this.functions.api, stream: this.functions.stream },
      logKey: data.service.encryptionKey!,
    });
    this.task.group.addIngressRule(network.functionsGroup!, ec2.Port.tcp(API_PORT), 'the API function');
    network.functionsGroup!.addEgressRule(ec2.Peer.ipv4(deployment.vpcCidr), ec2.Port.tcp(API_PORT), 'the node');
  }

  private queue(id: string, props: sqs.QueueProps = {}): sqs.Queue {
    const made = new sqs.Queue(this, id, { enforceSSL: true, retentionPeriod: Duration.days(14), ...props });
    const { defaultChild } = made.node;
    // The property of CloudFormation: with CDK's own its grants would add wider ones of the key (`kms:ReEncrypt*`).
    if (defaultChild instanceof sqs.CfnQueue)
      defaultChild.kmsMasterKeyId = this.props.data.service.encryptionKey!.keyArn;
    if (props.deadLetterQueue === undefined)
      acknowledge(made, 'AwsSolutions-SQS3', 'It is where what failed is put aside');
    return made;
  }

  private follower(): NodeTask {
    const { deployment, settings, network, data } = this.props;
    const { local } = settings;
    const port = local?.servicePort ?? API_PORT;
    const task = new NodeTask(this, 'Node', {
      ...{ deployment, settings, network, data },
      config: {
        role: 'follower',
        // Searches and deliveries are the functions'.
        index: false,
        webhooks: { deliver: false },
        ledgerTable: data.ledger.tableName,
        api: {
          host: local === undefined ? '0.0.0.0' : '127.0.0.1',
          port,
          // API Gateway bounds each client.
          requestsPerSecond: 0,
          origins: [originOf(settings, deployment)],
        },
        // In the emulator nobody asks, and each node has one port.
        ...(local === undefined && { metrics: { host: '127.0.0.1', port: SERVICE_PORT } }),
      },
      healthPort: SERVICE_PORT,
    });
    grantItems(task.taskRole, data.ledger, WRITE_WHOLE_ITEMS);
    return task;
  }

  private indexer(deliveries: sqs.Queue): BropFunction {
    const { data } = this.props;
    const indexer = new BropFunction(this, 'Indexer', {
      ...{ ...this.common(), name: 'indexer', timeout: Duration.seconds(60), memoryMiB: 512 },
      concurrency: CONCURRENCY.indexer,
      deadLetters: this.deadLetters.indexer,
      environment: {
        ...this.tables(),
        BROP_INDEX_TABLE: data.index.tableName,
        BROP_WEBHOOK_QUEUE_URL: deliveries.queueUrl,
      },
    });
    indexer.addEventSource(
      new DynamoEventSource(data.ledger, {
        startingPosition: lambda.StartingPosition.TRIM_HORIZON,
        batchSize: 100,
        bisectBatchOnError: true,
        reportBatchItemFailures: true,
        retryAttempts: TRIES,
        onFailure: new SqsDlq(this.deadLetters.indexer),
        // The head moves after all else of a block is there: the one record that has to wake anybody.
        filters: [
          lambda.FilterCriteria.filter({ dynamodb: { Keys: { pk: { S: lambda.FilterRule.isEqual('head') } } } }),
        ],
      }),
    );
    this.everyMinute('IndexerSweep', indexer);
    grantItems(indexer.role, data.ledger, READ_ITEMS);
    grantItems(indexer.role, data.index, CHANGE_ITEMS);
    grantItems(indexer.role, data.service, CHANGE_ITEMS, SUBSCRIPTIONS);
    deliveries.grantSendMessages(indexer);
    return indexer;
  }

  /** Outside of the network: it talks to strangers alone, and from there it reaches nothing of ours. */
  private webhooks(deliveries: sqs.Queue): BropFunction {
    const { deployment, data, settings } = this.props;
    const webhooks = new BropFunction(this, 'Webhooks', {
      ...{ ...this.common(), name: 'webhooks', timeout: DELIVERY_TIMEOUT, memoryMiB: 512 },
      concurrency: CONCURRENCY.webhooks,
      deadLetters: this.deadLetters.webhooks,
      environment: {
        ...this.tables(),
        BROP_SECRET_ID: secretName(deployment, `${settings.name}/api`),
        BROP_WEBHOOK_QUEUE_URL: deliveries.queueUrl,
        // In the emulator subscribers are on this machine.
        ...(deployment.emulator !== undefined && { BROP_WEBHOOK_LOOPBACK: '1' }),
      },
    });
    webhooks.addEventSource(
      new SqsEventSource(deliveries, {
        batchSize: 10,
        maxConcurrency: DELIVERIES_AT_ONCE,
        reportBatchItemFailures: true,
      }),
    );
    this.everyMinute('WebhooksSweep', webhooks);
    grantItems(webhooks.role, data.ledger, READ_ITEMS);
    grantItems(webhooks.role, data.service, CHANGE_ITEMS, SUBSCRIPTIONS);
    // An owner is told of a disabled endpoint: at its other ones, and in its audit log.
    grantItems(webhooks.role, data.service, ['dynamodb:GetItem'], ['owner/*']);
    grantItems(webhooks.role, data.service, ['dynamodb:PutItem'], ['audit/*']);
    data.apiSecret.readableBy(webhooks);
    deliveries.grantSendMessages(webhooks);
    return webhooks;
  }

  /** What is due, and what a lost record or message would have woken. The next minute asks again: no retries. */
  private everyMinute(id: string, called: BropFunction): void {
    const event = events.RuleTargetInput.fromObject({ sweep: true });
    new events.Rule(this, id, {
      schedule: events.Schedule.rate(Duration.minutes(1)),
      targets: [new targets.LambdaFunction(called, { event, retryAttempts: 0 })],
    });
  }

  private hosting(): BropFunction {
    const { settings, data } = this.props;
    const { quarantine, hosting } = data;
    const check = new BropFunction(this, 'Hosting', {
      ...{ ...this.common(), name: 'hosting', timeout: Duration.minutes(2), memoryMiB: 1024 },
      deadLetters: this.deadLetters.hosting,
      environment: {
        ...this.tables(),
        ...this.hostingNames(),
        BROP_HOSTING_LOCK_MODE: settings.hosting.lockMode,
        BROP_HOSTING_RETENTION_DAYS: String(settings.hosting.retentionDays),
      },
    });
    new events.Rule(this, 'Uploaded', {
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [quarantine.bucketName] }, object: { key: events.Match.prefix(INCOMING) } },
      },
      // In the form of S3's own notifications, which a bucket of another stack could not send here.
      targets: [
        new targets.LambdaFunction(check, { event: asNotification(), deadLetterQueue: this.deadLetters.hosting }),
      ],
    });
    grantObjects(check.role, quarantine, INCOMING, ['s3:GetObject', 's3:DeleteObject', 's3:ListBucket']);
    grantObjects(check.role, hosting, HOSTED, [
      's3:GetObject',
      's3:PutObject',
      's3:GetObjectRetention',
      's3:PutObjectRetention',
      's3:ListBucket',
    ]);
    grantItems(check.role, data.service, CHANGE_ITEMS, HOSTED_FILES);
    return check;
  }

  /** @param handler `handler` answers as a whole, `stream` as it comes. */
  private apiFunction(id: string, handler: string, timeout: Duration, deliveries: sqs.Queue): BropFunction {
    const { deployment, settings, network, data } = this.props;
    const api = new BropFunction(this, id, {
      ...{ ...this.common(), name: 'api', handler, timeout, memoryMiB: 512 },
      ...(handler === 'stream' && { concurrency: CONCURRENCY.stream }),
      network: { vpc: network.vpc, group: network.functionsGroup! },
      environment: {
        ...this.tables(),
        ...this.hostingNames(),
        BROP_INDEX_TABLE: data.index.tableName,
        BROP_UPSTREAM_URL: upstreamOf(settings, network.namespace.namespaceName),
        BROP_ORIGINS: originOf(settings, deployment),
        BROP_WEBHOOK_QUEUE_URL: deliveries.queueUrl,
        BROP_SECRET_ID: secretName(deployment, `${settings.name}/api`),
        ...(deployment.emulator !== undefined && { BROP_WEBHOOK_LOOPBACK: '1' }),
      },
    });
    grantItems(api.role, data.ledger, READ_ITEMS);
    grantItems(api.role, data.index, READ_ITEMS);
    grantItems(api.role, data.service, CHANGE_ITEMS);
    data.apiSecret.readableBy(api);
    // What a signed form or link may do is what its signer may.
    grantObjects(api.role, data.quarantine, INCOMING, ['s3:PutObject']);
    grantObjects(api.role, data.hosting, HOSTED, ['s3:GetObject']);
    deliveries.grantSendMessages(api);
    return api;
  }

  /** What all functions are made with. */
  private common() {
    const { deployment, bundles, data } = this.props;
    return { deployment, bundles, logKey: data.service.encryptionKey! };
  }

  private tables(): Readonly<Record<string, string>> {
    const { ledger, service } = this.props.data;
    return { BROP_LEDGER_TABLE: ledger.tableName, BROP_SERVICE_TABLE: service.tableName };
  }

  private hostingNames(): Readonly<Record<string, string>> {
    const { data, settings, deployment } = this.props;
    return {
      BROP_QUARANTINE_BUCKET: data.quarantine.bucketName,
      BROP_HOSTING_BUCKET: data.hosting.bucketName,
      // The API hands out links that end: a file is public only once it is registered.
      BROP_HOSTING_URL: `${originOf(settings, deployment)}/v1/hosting/files`,
    };
  }
}

function upstreamOf({ name, local }: ProxySettings, domain: string): string {
  return local === undefined ? `http://${name}.${domain}:${API_PORT}` : `http://127.0.0.1:${local.servicePort}`;
}

function asNotification(): events.RuleTargetInput {
  const at = (path: string) => events.EventField.fromPath(`$.detail.${path}`);
  const s3 = { bucket: { name: at('bucket.name') }, object: { key: at('object.key'), size: at('object.size') } };
  return events.RuleTargetInput.fromObject({ Records: [{ eventSource: 'aws:s3', s3 }] });
}
