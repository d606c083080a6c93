/** Everything of a deployment that must outlive its other stacks: tables, buckets, keys, secrets. All of it is kept. */
import { Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { Buckets } from '../constructs/buckets.ts';
import { KeptSecret, secretName } from '../constructs/secrets.ts';
import { table } from '../constructs/tables.ts';
import type { Deployment, ProxySettings, ValidatorSettings } from '../deployment.ts';

/** What every node keeps: its plain files and the secret keys that it starts with. */
export interface NodeData {
  readonly files: s3.Bucket;
  /** TLS key, PEM. */
  readonly nodeKey: KeptSecret;
  /** Ed25519 key that signs checkpoints. */
  readonly noteKey: KeptSecret;
}

interface Shared {
  readonly deployment: Deployment;
  readonly encryptionKey: kms.Key;
  readonly buckets: Buckets;
  readonly secret: (scope: Construct, id: string, name: string) => KeptSecret;
}

export class ValidatorData extends Construct implements NodeData {
  readonly files: s3.Bucket;
  readonly nodeKey: KeptSecret;
  readonly noteKey: KeptSecret;
  readonly votes: Table;
  readonly proposals: Table;
  /** Signs votes: the primary key, or for `auto` the standby key. */
  readonly consensusKey: kms.Key | undefined;
  /** The standby key as a file. */
  readonly standbyKey: KeptSecret | undefined;
  /** PIN of the crypto user of the CloudHSM. */
  readonly pin: KeptSecret | undefined;
  /** Certificate of the company's own CA, which has initialised the cluster: no secret, but wanted in one place. */
  readonly customerCa: KeptSecret | undefined;

  constructor(scope: Construct, id: string, { name, signer }: ValidatorSettings, shared: Shared) {
    super(scope, id);
    this.files = shared.buckets.make(`Files-${name}`);
    this.nodeKey = shared.secret(this, 'NodeKey', `${name}/node-key`);
    this.noteKey = shared.secret(this, 'NoteKey', `${name}/note-key`);
    this.votes = table(this, 'Votes', 'votes', shared.encryptionKey);
    this.proposals = table(this, 'Proposals', 'proposals', shared.encryptionKey);
    if (signer.driver === 'kms' || (signer.driver === 'auto' && signer.standby === 'kms'))
      this.consensusKey = new kms.Key(this, 'ConsensusKey', {
        // By which whoever prepares the genesis finds it.
        alias: secretName(shared.deployment, `${name}/consensus`),
        description: `Votes of ${name}`,
        keySpec: kms.KeySpec.ECC_NIST_P256,
        keyUsage: kms.KeyUsage.SIGN_VERIFY,
        removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        pendingWindow: Duration.days(30),
      });
    if (signer.driver === 'auto' && signer.standby === 'file')
      this.standbyKey = shared.secret(this, 'StandbyKey', `${name}/standby-key`);
    if (signer.driver === 'kms') return;
    this.pin = shared.secret(this, 'Pin', `${name}/hsm-pin`);
    this.customerCa = shared.secret(this, 'CustomerCa', `${name}/hsm-ca`);
  }
}

export class ProxyData extends Construct implements NodeData {
  readonly files: s3.Bucket;
  readonly nodeKey: KeptSecret;
  readonly noteKey: KeptSecret;
  readonly ledger: Table;
  readonly index: Table;
  readonly service: Table;
  /** Hosted files as they come in: checked, or gone after a day. */
  readonly quarantine: s3.Bucket;
  /** Hosted files that hold: kept under Object Lock. */
  readonly hosting: s3.Bucket;
  readonly site: s3.Bucket;
  /** JSON {challengeSecret, webhookMaster}. */
  readonly apiSecret: KeptSecret;

  constructor(scope: Construct, id: string, { name }: ProxySettings, shared: Shared) {
    super(scope, id);
    const { encryptionKey, buckets, secret } = shared;
    this.nodeKey = secret(this, 'NodeKey', `${name}/node-key`);
    this.noteKey = secret(this, 'NoteKey', `${name}/note-key`);
    this.apiSecret = secret(this, 'ApiSecret', `${name}/api`);
    this.ledger = table(this, 'Ledger', 'ledger', encryptionKey);
    this.index = table(this, 'Index', 'index', encryptionKey);
    this.service = table(this, 'Service', 'service', encryptionKey);
    this.files = buckets.make(`Files-${name}`);
    this.site = buckets.make('Site');
    this.quarantine = buckets.make('Quarantine', {
      lifecycleRules: [{ expiration: Duration.days(1), abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      // A signed form is what lets somebody in, from whatever page.
      cors: [{ allowedMethods: [s3.HttpMethods.POST], allowedOrigins: ['*'], allowedHeaders: ['*'] }],
      eventBridge: true,
    });
    this.hosting = buckets.make('Hosting', { versioned: true, objectLockEnabled: true });
    for (const bucket of [this.files, this.site]) readableByCloudFront(bucket, encryptionKey);
    usableByEventBridge(encryptionKey);
  }
}

export class DataStack extends Stack {
  readonly validators: readonly ValidatorData[];
  readonly proxy: ProxyData | undefined;
  readonly accessLogs: s3.Bucket;

  constructor(scope: Construct, id: string, deployment: Deployment, props: StackProps) {
    super(scope, id, { ...props, terminationProtection: deployment.emulator === undefined });
    const encryptionKey = new kms.Key(this, 'Key', {
      description: `Data at rest of the BROP deployment ${deployment.name}`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    usableByLogs(encryptionKey);
    const buckets = new Buckets(this, 'Buckets', { encryptionKey, logDays: deployment.logRetentionDays });
    this.accessLogs = buckets.accessLogs;
    const secret = (scope: Construct, id: string, what: string) =>
      new KeptSecret(scope, id, secretName(deployment, what), encryptionKey);
    const shared = { deployment, encryptionKey, buckets, secret };
    this.validators = deployment.validators.map((settings) => new ValidatorData(this, settings.name, settings, shared));
    if (deployment.proxy !== undefined) this.proxy = new ProxyData(this, 'Proxy', deployment.proxy, shared);
  }
}

/** For the logs of this account's nodes and functions (CloudWatch Logs user guide, "Encrypt log data using KMS"). */
function usableByLogs(key: kms.Key): void {
  const { partition, region, account } = Stack.of(key);
  key.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
      actions: [
        'kms:Encrypt',
        'kms:Decrypt',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
        'kms:GenerateDataKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:DescribeKey',
      ],
      resources: ['*'],
      conditions: {
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*` },
      },
    }),
  );
}

/** For the queue of what EventBridge could not hand over. */
function usableByEventBridge(key: kms.Key): void {
  key.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(key).account } },
    }),
  );
}

/**
 * Lets the distributions of this account read, objects and the absence of objects (404, not 403). They are in a stack
 * that follows this one, hence no single one is named.
 */
function readableByCloudFront(bucket: s3.Bucket, key: kms.Key): void {
  const { partition, account } = Stack.of(bucket);
  const statement = (actions: string[], resources: string[]) =>
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudfront.amazonaws.com')],
      actions,
      resources,
      conditions: { ArnLike: { 'aws:SourceArn': `arn:${partition}:cloudfront::${account}:distribution/*` } },
    });
  bucket.addToResourcePolicy(statement(['s3:GetObject'], [bucket.arnForObjects('*')]));
  bucket.addToResourcePolicy(statement(['s3:ListBucket'], [bucket.bucketArn]));
  key.addToResourcePolicy(statement(['kms:Decrypt'], ['*']));
}
