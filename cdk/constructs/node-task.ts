/** One node as a Fargate service of one task: never a second copy while one lives, and time enough to stop in order. */
import { Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { DnsRecordType } from 'aws-cdk-lib/aws-servicediscovery';
import { Construct } from 'constructs';
import type { Deployment, ProxySettings, ValidatorSettings } from '../deployment.ts';
import type { NodeData } from '../stacks/data.ts';
import type { NetworkStack } from '../stacks/network.ts';
import { acknowledge } from './acknowledge.ts';
import { grantObjects } from './grants.ts';
import { secretName } from './secrets.ts';

/** The longest that Fargate grants. A node ends in seconds; a vote under way is written before anything is closed. */
const STOP_TIMEOUT = Duration.seconds(120);
/** A store that is taken anew from a snapshot, and the blocks after it executed: minutes as a rule. */
const JOINING = Duration.hours(1);
const DATA_FOLDER = '/data';
/** Where in its bucket a node publishes; CloudFront serves it under the same path. */
export const FILES = 'files/';
/**
 * Volumes of the image (deploy/Dockerfile): the store, which may vanish with the task, and what is unpacked at the start.
 * Nothing else can be written: a mount takes its owner from a volume of the image, and is root's without one.
 */
const WRITABLE = [DATA_FOLDER, '/run', '/tmp'];

export interface NodeTaskProps {
  readonly deployment: Deployment;
  readonly settings: ValidatorSettings | ProxySettings;
  readonly network: NetworkStack;
  readonly data: NodeData;
  /** The part of BROP_CONFIG that depends on the role. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where /livez says that the process does its work. */
  readonly healthPort: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Behind a balancer: it reaches targets in its own subnet alone. */
  readonly balancedIn?: ec2.ISubnet | undefined;
  /** Groups besides the task's own that it is in. */
  readonly extraGroups?: readonly ec2.ISecurityGroup[];
  /** Not with CloudHSM's client, which keeps its state beside its programs. */
  readonly readonlyRoot?: boolean;
}

export class NodeTask extends Construct {
  readonly service: ecs.FargateService;
  readonly taskRole: iam.Role;
  readonly log: logs.LogGroup;
  readonly group: ec2.SecurityGroup;
  readonly name: string;

  constructor(scope: Construct, id: string, props: NodeTaskProps) {
    super(scope, id);
    const { deployment, settings, network, data } = props;
    const { vpc } = network;
    this.name = settings.name;
    this.log = new logs.LogGroup(this, 'Log', {
      retention: deployment.logRetentionDays,
      encryptionKey: data.files.encryptionKey!,
    });
    this.taskRole = new iam.Role(this, 'TaskRole', { assumedBy: ecsTasks(this) });
    for (const secret of [data.nodeKey, data.noteKey]) secret.readableBy({ role: this.taskRole });
    // The chain's plain files, some of which are replaced by wider ones; large ones go in parts.
    grantObjects(this.taskRole, data.files, FILES, [
      's3:GetObject',
      's3:PutObject',
      's3:AbortMultipartUpload',
      's3:DeleteObject',
      's3:ListBucket',
    ]);
    this.group = new ec2.SecurityGroup(this, 'Group', { vpc, allowAllOutbound: false });
    this.openNetwork(deployment, settings.nodePort);
    const task = this.taskDefinition(props);
    const cluster = new ecs.Cluster(this, 'Cluster', {
      vpc,
      containerInsightsV2: ecs.ContainerInsights.DISABLED,
    });
    acknowledge(
      cluster,
      'AwsSolutions-ECS4',
      'One task: its own metrics and its log say what Container Insights bills for',
    );
    this.service = new ecs.FargateService(this, 'Service', {
      cluster,
      taskDefinition: task,
      desiredCount: 1,
      minHealthyPercent: 0,
      maxHealthyPercent: 100,
      availabilityZoneRebalancing: ecs.AvailabilityZoneRebalancing.DISABLED,
      circuitBreaker: { enable: true, rollback: true },
      // A balancer may find nobody at the port until the node has its store.
      ...(props.balancedIn !== undefined && { healthCheckGracePeriod: JOINING }),
      assignPublicIp: true,
      vpcSubnets:
        props.balancedIn === undefined ? { subnetType: ec2.SubnetType.PUBLIC } : { subnets: [props.balancedIn] },
      securityGroups: [this.group, ...(props.extraGroups ?? [])],
      cloudMapOptions: {
        name: settings.name,
        cloudMapNamespace: network.namespace,
        dnsRecordType: DnsRecordType.A,
        dnsTtl: Duration.seconds(10),
      },
    });
  }

  /** Out: the services of AWS and files by https, names, and other nodes. In: nothing here. */
  private openNetwork({ peers, validators }: Deployment, ownPort: number): void {
    const anywhere = ec2.Peer.anyIpv4();
    this.group.addEgressRule(anywhere, ec2.Port.tcp(443), 'AWS, files of the chain');
    const ports = new Set([...peers.map(({ port }) => port), ...validators.map(({ nodePort }) => nodePort), ownPort]);
    for (const port of ports) this.group.addEgressRule(anywhere, ec2.Port.tcp(port), 'nodes');
  }

  private taskDefinition(props: NodeTaskProps): ecs.FargateTaskDefinition {
    const { deployment, settings, healthPort } = props;
    const task = new ecs.FargateTaskDefinition(this, 'Task', {
      cpu: settings.size.cpu,
      memoryLimitMiB: settings.size.memoryMiB,
      runtimePlatform: {
        cpuArchitecture: ecs.CpuArchitecture.ARM64,
        operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
      },
      taskRole: this.taskRole,
      executionRole: new iam.Role(this, 'ExecutionRole', { assumedBy: ecsTasks(this) }),
    });
    const container = task.addContainer('node', {
      image: imageOf(this, deployment.image),
      command: ['node', 'nodes/node/main.ts'],
      environment: {
        AWS_REGION: deployment.region,
        ...(deployment.emulator !== undefined && { AWS_ENDPOINT_URL: deployment.emulator.endpoint }),
        BROP_CONFIG: JSON.stringify(nodeConfig(props)),
        ...props.environment,
      },
      logging: ecs.LogDrivers.awsLogs({ logGroup: this.log, streamPrefix: settings.name }),
      portMappings: [{ containerPort: settings.nodePort }],
      stopTimeout: STOP_TIMEOUT,
      readonlyRootFilesystem: props.readonlyRoot ?? true,
      healthCheck: {
        command: ['CMD', 'node', '-e', lives(`http://127.0.0.1:${healthPort}/livez`)],
        interval: Duration.seconds(30),
        timeout: Duration.seconds(5),
        retries: 3,
        // The longest there is.
        startPeriod: Duration.seconds(300),
      },
    });
    for (const [i, containerPath] of WRITABLE.entries()) {
      task.addVolume({ name: `writable-${i}` });
      container.addMountPoints({ sourceVolume: `writable-${i}`, containerPath, readOnly: false });
    }
    acknowledge(task, 'AwsSolutions-ECS2', 'The environment holds the names of secrets, never a secret');
    acknowledge(
      task.executionRole!,
      'AwsSolutions-IAM5[Resource::*]',
      'ecr:GetAuthorizationToken cannot be limited to a repository',
    );
    return task;
  }
}

/** The config that the process gets as BROP_CONFIG: what nodes/config.ts reads. */
function nodeConfig({ deployment, settings, data, network, config }: NodeTaskProps): Readonly<Record<string, unknown>> {
  const { local } = settings;
  const files = `s3://${data.files.bucketName}/${FILES.slice(0, -1)}`;
  return {
    name: settings.name,
    genesis: `${files}/genesis.cbor`,
    dataFolder: local?.dataFolder ?? DATA_FOLDER,
    nodeKey: secretReference(deployment, settings, 'node-key'),
    noteKey: secretReference(deployment, settings, 'note-key'),
    listen: { host: local === undefined ? '0.0.0.0' : '127.0.0.1', port: local?.nodePort ?? settings.nodePort },
    peers: peersOf(deployment, settings, network.namespace.namespaceName),
    // A node catches up from what it has published itself before it asks anybody else.
    publish: files,
    fileSources: deployment.fileSources,
    ...config,
  };
}

/** How the config of a node names a secret of its own. */
export function secretReference(deployment: Deployment, { name }: { readonly name: string }, key: string): string {
  return `secretsmanager:${secretName(deployment, `${name}/${key}`)}`;
}

function peersOf({ validators, proxy, peers }: Deployment, own: { readonly name: string }, domain: string) {
  const others = [...validators, ...(proxy === undefined ? [] : [proxy])].filter(({ name }) => name !== own.name);
  const inside = others.map(({ name, nodeId, nodePort, local }) =>
    local === undefined
      ? { id: nodeId, host: `${name}.${domain}`, port: nodePort }
      : { id: nodeId, host: '127.0.0.1', port: local.nodePort },
  );
  return [...inside, ...peers];
}

function ecsTasks(scope: Construct): iam.ServicePrincipal {
  const { account } = Stack.of(scope);
  // The confused deputy: only tasks of this account may take the role.
  return new iam.ServicePrincipal('ecs-tasks.amazonaws.com', {
    conditions: { StringEquals: { 'aws:SourceAccount': account } },
  });
}

function imageOf(scope: Construct, image: string): ecs.ContainerImage {
  const [host, ...rest] = image.split('/');
  const [account, , , region] = host!.split('.');
  const path = rest.join('/');
  const at = path.search(/[:@]/);
  const { partition } = Stack.of(scope);
  const repositoryName = path.slice(0, at);
  const repositoryArn = `arn:${partition}:ecr:${region}:${account}:repository/${repositoryName}`;
  const repository = Repository.fromRepositoryAttributes(scope, 'Image', { repositoryArn, repositoryName });
  return ecs.ContainerImage.fromEcrRepository(repository, path.slice(at + 1));
}

/**
 * A program of one line that fails unless the URL answers with 200, or nobody listens: a node that takes its store anew from
 * a snapshot is busy with that first, for longer than a start period can be; one that has ended is no longer asked.
 */
function lives(url: string): string {
  const isEarly = "error.cause?.code==='ECONNREFUSED'";
  return `fetch('${url}').then((answer)=>process.exit(answer.ok?0:1),(error)=>process.exit(${isEarly}?0:1))`;
}
