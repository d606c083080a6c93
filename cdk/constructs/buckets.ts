/** The buckets: private, encrypted, over TLS alone, kept when their stack goes. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

const COMMON = {
  blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  // Kept, unless a create is rolled back.
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
} as const;

interface BucketProps extends Omit<s3.BucketProps, 'eventBridgeEnabled'> {
  /** Tells EventBridge of each new object. */
  readonly eventBridge?: boolean;
}

/** Makes the buckets of a stack, which share one bucket of access logs. */
export class Buckets extends Construct {
  readonly accessLogs: s3.Bucket;
  private readonly encryptionKey: IKey;

  constructor(scope: Construct, id: string, { encryptionKey, logDays }: { encryptionKey: IKey; logDays: number }) {
    super(scope, id);
    this.encryptionKey = encryptionKey;
    this.accessLogs = new s3.Bucket(this, 'AccessLogs', {
      ...COMMON,
      // Neither S3 nor CloudFront writes its logs into a bucket with a key of one's own.
      encryption: s3.BucketEncryption.S3_MANAGED,
      // CloudFront hands its logs over by an access list.
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,
      lifecycleRules: [{ expiration: Duration.days(logDays) }],
    });
  }

  make(id: string, { eventBridge = false, ...props }: BucketProps = {}): s3.Bucket {
    const bucket = new s3.Bucket(this, id, {
      ...COMMON,
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: this.encryptionKey,
      bucketKeyEnabled: true,
      serverAccessLogsBucket: this.accessLogs,
      serverAccessLogsPrefix: `${id}/`,
      // Parts that a crash has left are in no list of objects, and are billed.
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      ...props,
    });
    // The property of CloudFormation: CDK's own would be a function with rights of its own that sets it.
    const { defaultChild } = bucket.node;
    if (eventBridge && defaultChild instanceof s3.CfnBucket)
      defaultChild.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
    return bucket;
  }
}
