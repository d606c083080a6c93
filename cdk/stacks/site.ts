/** What the public reads, behind CloudFront: the site, and the chain's plain files below /files. */
import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import type { ProxyData } from './data.ts';

export interface SiteProps extends StackProps {
  readonly data: ProxyData;
  readonly accessLogs: s3.IBucket;
}

export class SiteStack extends Stack {
  readonly site: cloudfront.Distribution;
  constructor(scope: Construct, id: string, { data, accessLogs, ...props }: SiteProps) {
    super(scope, id, props);
    const logBucket = this.imported('Logs', accessLogs);
    const behaviour = { viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS };
    this.site = new cloudfront.Distribution(this, 'Site', {
      comment: 'BROP: the site, and the chain as plain files',
      defaultRootObject: 'index.html',
      defaultBehavior: {
        ...behaviour,
        origin: this.origin('SiteBucket', data.site),
        responseHeadersPolicy: cloudfront.ResponseHeadersPolicy.SECURITY_HEADERS,
      },
      additionalBehaviors: {
        '/files/*': {
          ...behaviour,
          origin: this.origin('FilesBucket', data.files),
          cachePolicy: this.filesCache(),
          // Anybody's page may verify the chain.
          responseHeadersPolicy: cloudfront.ResponseHeadersPolicy.CORS_ALLOW_ALL_ORIGINS,
        },
      },
      ...logging(logBucket, 'site/'),
    });
    acknowledge(this.site, 'AwsSolutions-CFR1', 'The chain is public, everywhere');
    acknowledge(this.site, 'AwsSolutions-CFR2', 'Static files without a program behind them; CloudFront stands floods');
    acknowledge(
      this.site,
      'AwsSolutions-CFR4',
      'The certificate of cloudfront.net allows no newer minimum; with a domain of one’s own it does',
    );
    acknowledge(
      this.site,
      'Annotation::@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac',
      'The stack of the data lets the distributions of this account in',
    );
    new CfnOutput(this, 'SiteUrl', { value: `https://${this.site.distributionDomainName}` });
    // What whoever uploads a site has to name (docs/aws.md).
    new CfnOutput(this, 'SiteBucketName', { value: data.site.bucketName });
    new CfnOutput(this, 'SiteDistributionId', { value: this.site.distributionId });
  }

  /** By name alone: its policy, in the stack of the data, lets distributions of this account in already. */
  private imported(id: string, { bucketName, bucketRegionalDomainName }: s3.IBucket): s3.IBucket {
    const { account, region } = this;
    return s3.Bucket.fromBucketAttributes(this, id, { bucketName, bucketRegionalDomainName, account, region });
  }

  private origin(id: string, bucket: s3.IBucket): cloudfront.IOrigin {
    return S3BucketOrigin.withOriginAccessControl(this.imported(id, bucket));
  }

  /** The writer says how long: for ever, or for a block interval. Compression and ranges would disagree (files.md). */
  private filesCache(): cloudfront.CachePolicy {
    return new cloudfront.CachePolicy(this, 'FilesCache', {
      comment: 'As the objects say; a few seconds when they do not',
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.seconds(2),
      maxTtl: Duration.days(365),
      enableAcceptEncodingGzip: false,
      enableAcceptEncodingBrotli: false,
    });
  }
}

function logging(logBucket: s3.IBucket, logFilePrefix: string) {
  return {
    enableLogging: true,
    logBucket,
    logFilePrefix,
  };
}
