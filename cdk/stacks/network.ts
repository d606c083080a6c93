/**
 * The network of a deployment. Nodes are in public subnets with an address of their own, which costs a tenth of a NAT
 * gateway and lets in only what their security groups name; functions that need the network are in subnets without
 * any way out but the endpoints here.
 */
import { Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { PrivateDnsNamespace } from 'aws-cdk-lib/aws-servicediscovery';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import type { Deployment } from '../deployment.ts';

export class NetworkStack extends Stack {
  readonly vpc: ec2.Vpc;
  /** Names of the nodes inside of the network: <node>.<this>. */
  readonly namespace: PrivateDnsNamespace;
  /** Of functions: nothing comes in. */
  readonly functionsGroup: ec2.SecurityGroup | undefined;

  private readonly zones: readonly string[];

  constructor(scope: Construct, id: string, deployment: Deployment, props: StackProps) {
    super(scope, id, props);
    this.zones = deployment.availabilityZones;
    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(deployment.vpcCidr),
      maxAzs: deployment.availabilityZones.length,
      natGateways: 0,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        { name: 'nodes', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        { name: 'functions', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
      ],
      // Free of charge, and what passes through them never leaves the network.
      gatewayEndpoints: {
        dynamodb: { service: ec2.GatewayVpcEndpointAwsService.DYNAMODB },
        s3: { service: ec2.GatewayVpcEndpointAwsService.S3 },
      },
    });
    acknowledge(
      this,
      'CloudFormation-Validate::W3010',
      'The zones are the config’s, so that synthesis asks AWS nothing',
    );
    // Only what was refused: what was let in is in the logs of the nodes, and a log of all of it would cost more.
    this.vpc.addFlowLog('Refused', {
      trafficType: ec2.FlowLogTrafficType.REJECT,
      destination: ec2.FlowLogDestination.toCloudWatchLogs(
        new logs.LogGroup(this, 'RefusedLog', { retention: deployment.logRetentionDays }),
      ),
    });
    this.namespace = new PrivateDnsNamespace(this, 'Namespace', {
      vpc: this.vpc,
      name: `${deployment.name}.brop.internal`,
    });
    if (deployment.proxy !== undefined) this.functionsGroup = this.openToFunctions();
  }

  /** From the config: a look-up would need credentials. */
  override get availabilityZones(): string[] {
    return [...this.zones];
  }

  /** The API function reads the secret and wakes the deliveries: two endpoints, in one zone, as each costs by the hour. */
  private openToFunctions(): ec2.SecurityGroup {
    const { vpc } = this;
    const functions = new ec2.SecurityGroup(this, 'Functions', { vpc, allowAllOutbound: false });
    const endpoints = new ec2.SecurityGroup(this, 'Endpoints', { vpc, allowAllOutbound: false });
    const https = ec2.Port.tcp(443);
    endpoints.addIngressRule(functions, https, 'functions');
    functions.addEgressRule(endpoints, https, 'interface endpoints');
    // The gateway endpoints route by prefix lists, whose ids differ by region; the subnets have no other way out.
    functions.addEgressRule(ec2.Peer.anyIpv4(), https, 'gateway endpoints');
    const subnets = { subnets: [vpc.isolatedSubnets[0]!] };
    for (const [id, service] of [
      ['SecretsManager', ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER],
      ['Sqs', ec2.InterfaceVpcEndpointAwsService.SQS],
    ] as const)
      vpc.addInterfaceEndpoint(id, { service, subnets, securityGroups: [endpoints], open: false });
    return functions;
  }
}
