/** One Lambda function of `functions/`: its bundle, its own role with nothing but what it is given, its log. */
import { join } from 'node:path';
import { Duration, Stack } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { acknowledge } from './acknowledge.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Packages in the CommonJS format ask for `require`, which a module has not. */
const BANNER = "import{createRequire as r}from'node:module';const require=r(import.meta.url);";

export interface FunctionProps {
  readonly deployment: Deployment;
  /** Folder of `functions/` with main.ts. */
  readonly name: string;
  readonly timeout: Duration;
  readonly memoryMiB: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Only for what must reach a node. */
  readonly network?: { readonly vpc: ec2.IVpc; readonly group: ec2.ISecurityGroup };
  /** Where events go that failed again and again, of asynchronous calls. */
  readonly deadLetters?: IQueue;
}

export class BropFunction extends NodejsFunction {
  readonly log: logs.LogGroup;

  constructor(scope: Construct, id: string, props: FunctionProps) {
    const { deployment, name, network, deadLetters } = props;
    const log = new logs.LogGroup(scope, `${id}Log`, { retention: deployment.logRetentionDays });
    const role = new iam.Role(scope, `${id}Role`, { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    log.grantWrite(role);
    super(scope, id, {
      entry: join(ROOT, 'functions', name, 'main.ts'),
      projectRoot: ROOT,
      depsLockFilePath: join(ROOT, 'package-lock.json'),
      handler: 'handler',
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: props.memoryMiB,
      timeout: props.timeout,
      role,
      logGroup: log,
      tracing: lambda.Tracing.ACTIVE,
      environment: { POWERTOOLS_SERVICE_NAME: name, LOG_LEVEL: 'INFO', ...props.environment },
      bundling: {
        format: OutputFormat.ESM,
        target: 'node24',
        mainFields: ['module', 'main'],
        // The SDK of the runtime is another version on another day.
        externalModules: [],
        minify: true,
        sourceMap: false,
        banner: BANNER,
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
