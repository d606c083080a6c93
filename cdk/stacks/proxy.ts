/** The proxy node and what hangs on it: its ledger's stream into the index, deliveries, the API, hosting. */
import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import { BropFunction } from '../constructs/function.ts';
import { CHANGE_ITEMS, grantItems, grantObjects, READ_ITEMS } from '../constructs/grants.ts';
import { API_PORT, FILES, NodeTask } from '../constructs/node-task.ts';
import { RestApi } from '../constructs/rest-api.ts';
import { secretName } from '../constructs/secrets.ts';
import type { Deployment, ProxySettings } from '../deployment.ts';
import type { ProxyData } from './data.ts';
import type { NetworkStack } from './network.ts';

/** A delivery may take as long as this; the message is hidden from others for longer (SQS asks for a margin). */
const DELIVERY_TIMEOUT = Duration.seconds(60);
const DELIVERY_VISIBILITY = Duration.seconds(90);
/** How often a message or a record is tried before it is put aside for people. */
const TRIES = 5;

export interface ProxyProps extends StackProps {
  readonly deployment: Deployment;
  readonly settings: ProxySettings;
  readonly network: NetworkStack;
  readonly data: ProxyData;
  /** Public base URL of hosted files. */
  readonly hostingUrl: string;
}

export class ProxyStack extends Stack {
  readonly task: NodeTask;
  readonly api: RestApi;
  readonly functions: Readonly<Record<'api' | 'indexer' | 'webhooks' | 'hosting', BropFunction>>;
  /** By what was put aside. */
  readonly deadLetters: Readonly<Record<'indexer' | 'webhooks' | 'hosting', sqs.Queue>>;
  private readonly props: ProxyProps;

  constructor(scope: Construct, id: string, props: ProxyProps) {
    super(scope, id, props);
    this.props = props;
    const { deployment, settings, network } = props;
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
      api: this.apiFunction(deliveries),
    };
    this.api = new RestApi(this, 'Api', { deployment, settings, handler: this.functions.api });
    this.task.group.addIngressRule(network.functionsGroup!, ec2.Port.tcp(API_PORT), 'the API function');
    network.functionsGroup!.addEgressRule(ec2.Peer.ipv4(deployment.vpcCidr), ec2.Port.tcp(API_PORT), 'the node');
  }

  private queue(id: string, props: sqs.QueueProps = {}): sqs.Queue {
    const encryption = sqs.QueueEncryption.SQS_MANAGED;
    const made = new sqs.Queue(this, id, {
      encryption,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      ...props,
    });
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
          origins: settings.origins,
        },
      },
      health: { port, path: '/v1/status' },
    });
    grantItems(task.taskRole, data.ledger, CHANGE_ITEMS);
    return task;
  }

  private indexer(deliveries: sqs.Queue): BropFunction {
    const { deployment, data } = this.props;
    const indexer = new BropFunction(this, 'Indexer', {
      ...{ deployment, name: 'indexer', timeout: Duration.seconds(60), memoryMiB: 512 },
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
      }),
    );
    grantItems(indexer.role!, data.ledger, READ_ITEMS);
    grantItems(indexer.role!, data.index, CHANGE_ITEMS);
    grantItems(indexer.role!, data.service, CHANGE_ITEMS);
    deliveries.grantSendMessages(indexer);
    return indexer;
  }

  /** Outside of the network: it talks to strangers alone, and from there it reaches nothing of ours. */
  private webhooks(deliveries: sqs.Queue): BropFunction {
    const { deployment, data, settings } = this.props;
    const webhooks = new BropFunction(this, 'Webhooks', {
      ...{ deployment, name: 'webhooks', timeout: DELIVERY_TIMEOUT, memoryMiB: 512 },
      deadLetters: this.deadLetters.webhooks,
      environment: {
        ...this.tables(),
        BROP_SECRET_ID: secretName(deployment, `${settings.name}/api`),
        BROP_WEBHOOK_QUEUE_URL: deliveries.queueUrl,
        // In the emulator subscribers are on this machine.
        ...(deployment.emulator && { BROP_WEBHOOK_LOOPBACK: '1' }),
      },
    });
    webhooks.addEventSource(
      new SqsEventSource(deliveries, { batchSize: 1, maxConcurrency: 10, reportBatchItemFailures: true }),
    );
    // Retries that are due, and what a lost message would have woken.
    new events.Rule(this, 'Sweep', {
      schedule: events.Schedule.rate(Duration.minutes(1)),
      targets: [
        new targets.LambdaFunction(webhooks, {
          event: events.RuleTargetInput.fromObject({ sweep: true }),
          retryAttempts: 0,
        }),
      ],
    });
    grantItems(webhooks.role!, data.ledger, READ_ITEMS);
    grantItems(webhooks.role!, data.service, CHANGE_ITEMS);
    data.apiSecret.readableBy({ role: webhooks.role! });
    deliveries.grantSendMessages(webhooks);
    return webhooks;
  }

  private hosting(): BropFunction {
    const { deployment, data, hostingUrl } = this.props;
    const { quarantine, hosting } = data;
    const check = new BropFunction(this, 'Hosting', {
      ...{ deployment, name: 'hosting', timeout: Duration.minutes(5), memoryMiB: 512 },
      deadLetters: this.deadLetters.hosting,
      environment: { ...this.tables(), ...this.hostingNames(hostingUrl) },
    });
    new events.Rule(this, 'Uploaded', {
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [quarantine.bucketName] } },
      },
      // In the form of S3's own notifications, which a bucket of another stack could not send here.
      targets: [
        new targets.LambdaFunction(check, { event: asNotification(), deadLetterQueue: this.deadLetters.hosting }),
      ],
    });
    grantObjects(check.role!, quarantine, '', ['s3:GetObject', 's3:DeleteObject', 's3:ListBucket']);
    grantObjects(check.role!, hosting, '', ['s3:GetObject', 's3:PutObject', 's3:PutObjectRetention', 's3:ListBucket']);
    grantItems(check.role!, data.service, CHANGE_ITEMS);
    grantItems(check.role!, data.ledger, READ_ITEMS);
    return check;
  }

  private apiFunction(deliveries: sqs.Queue): BropFunction {
    const { deployment, settings, network, data, hostingUrl } = this.props;
    const api = new BropFunction(this, 'ApiFunction', {
      // Longer than the longest wait for a receipt, within API Gateway's bound of 29 s for what is not streamed.
      ...{ deployment, name: 'api', timeout: Duration.minutes(15), memoryMiB: 512 },
      network: { vpc: network.vpc, group: network.functionsGroup! },
      environment: {
        ...this.tables(),
        ...this.hostingNames(hostingUrl),
        BROP_INDEX_TABLE: data.index.tableName,
        BROP_UPSTREAM_URL: upstreamOf(settings, network.namespace.namespaceName),
        BROP_ORIGINS: settings.origins.join(','),
        BROP_WEBHOOK_QUEUE_URL: deliveries.queueUrl,
        BROP_FILES_BUCKET: data.files.bucketName,
        BROP_SECRET_ID: secretName(deployment, `${settings.name}/api`),
        ...(deployment.emulator && { BROP_WEBHOOK_LOOPBACK: '1' }),
      },
    });
    grantItems(api.role!, data.ledger, READ_ITEMS);
    grantItems(api.role!, data.index, READ_ITEMS);
    grantItems(api.role!, data.service, CHANGE_ITEMS);
    grantObjects(api.role!, data.files, FILES, ['s3:GetObject', 's3:ListBucket']);
    data.apiSecret.readableBy({ role: api.role! });
    // What a presigned POST may do is what its signer may.
    grantObjects(api.role!, data.quarantine, '', ['s3:PutObject']);
    grantObjects(api.role!, data.hosting, '', ['s3:GetObject', 's3:ListBucket']);
    deliveries.grantSendMessages(api);
    return api;
  }

  private tables(): Readonly<Record<string, string>> {
    const { ledger, service } = this.props.data;
    return { BROP_LEDGER_TABLE: ledger.tableName, BROP_SERVICE_TABLE: service.tableName };
  }

  private hostingNames(url: string): Readonly<Record<string, string>> {
    const { quarantine, hosting } = this.props.data;
    return {
      BROP_QUARANTINE_BUCKET: quarantine.bucketName,
      BROP_HOSTING_BUCKET: hosting.bucketName,
      BROP_HOSTING_URL: url,
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
