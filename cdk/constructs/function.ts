/** One Lambda function: its bundle, its own role with nothing but what it is given, its log. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, Stack } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { type Deployment, DeploymentError } from '../deployment.ts';
import { acknowledge } from './acknowledge.ts';

export interface FunctionProps {
  readonly deployment: Deployment;
  /** Folder of `functions/`. */
  readonly name: string;
  /** Where scripts/bundle-functions.ts has put it: `<folder>/<name>/index.mjs`. */
  readonly bundles: string;
  /** What of the bundle is called. */
  readonly handler?: string;
  readonly timeout: Duration;
  readonly memoryMiB: number;
  /** How many of it run at once: of the account's sum set aside for it, and never more. */
  readonly concurrency?: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Encrypts its log. */
  readonly logKey: IKey;
  /** Only for what must reach a node. */
  readonly network?: { readonly vpc: ec2.IVpc; readonly group: ec2.ISecurityGroup };
  /** Where events go that failed again and again, of asynchronous calls. */
  readonly deadLetters?: IQueue;
}

export class BropFunction extends lambda.Function {
  declare readonly role: iam.Role;
  readonly log: logs.LogGroup;

  /** @throws {DeploymentError} when there is no bundle. */
  constructor(scope: Construct, id: string, props: FunctionProps) {
    const { deployment, name, network, deadLetters } = props;
    const log = new logs.LogGroup(scope, `${id}Log`, {
      retention: deployment.logRetentionDays,
      encryptionKey: props.logKey,
    });
    const role = new iam.Role(scope, `${id}Role`, { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    log.grantWrite(role);
    super(scope, id, {
      code: bundleOf(props),
      handler: `index.${props.handler ?? 'handler'}`,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: props.memoryMiB,
      timeout: props.timeout,
      ...(props.concurrency !== undefined && { reservedConcurrentExecutions: props.concurrency }),
      role,
      logGroup: log,
      loggingFormat: lambda.LoggingFormat.JSON,
      applicationLogLevelV2: lambda.ApplicationLogLevel.INFO,
      // Not that a call has begun and ended, in three lines for each: the gateway's log and the metrics say that.
      systemLogLevelV2: lambda.SystemLogLevel.WARN,
      tracing: lambda.Tracing.ACTIVE,
      environment: {
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: 'brop',
        POWERTOOLS_LOG_LEVEL: 'INFO',
        ...(deployment.emulator !== undefined && { AWS_ENDPOINT_URL: deployment.emulator.endpoint }),
        ...props.environment,
      },
      ...(network !== undefined && {
        vpc: network.vpc,
        vpcSubnets: { subnets: network.vpc.isolatedSubnets },
        securityGroups: [network.group],
      }),
      ...(deadLetters !== undefined && {
        deadLetterQueue: deadLetters,
        retryAttempts: 2,
        maxEventAge: Duration.hours(1),
      }),
    });
    this.log = log;
    if (network !== undefined) joinNetwork(role, Stack.of(this));
    acknowledge(role, 'AwsSolutions-IAM5[Resource::*]', 'X-Ray and network interfaces know no narrower resource');
  }
}

function bundleOf({ bundles, name }: FunctionProps): lambda.Code {
  const folder = join(bundles, name);
  if (existsSync(join(folder, 'index.mjs'))) return lambda.Code.fromAsset(folder);
  throw new DeploymentError(`${folder}: there is no bundle; node scripts/bundle-functions.ts makes it`);
}

/** What AWSLambdaVPCAccessExecutionRole grants, less the logs. */
function joinNetwork(role: iam.Role, { region }: Stack): void {
  role.addToPolicy(
    new iam.PolicyStatement({
      actions: [
        'ec2:CreateNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:RequestedRegion': region } },
    }),
  );
}
