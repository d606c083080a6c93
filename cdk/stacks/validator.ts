/** One validator: its task, who signs for it, and how others reach it. */
import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import { grantItems, WRITE_WHOLE_ITEMS } from '../constructs/grants.ts';
import { NodeTask, secretReference } from '../constructs/node-task.ts';
import { type Deployment, SERVICE_PORT, type ValidatorSettings } from '../deployment.ts';
import type { ValidatorData } from './data.ts';
import type { HsmStack } from './hsm.ts';
import type { NetworkStack } from './network.ts';

const PKCS11_LIBRARY = '/opt/cloudhsm/lib/libcloudhsm_pkcs11.so';
/** As many blocks as a new task executes at most, besides those since: some hours' worth on a busy chain. */
const SNAPSHOT_BLOCKS = 10_240;
/** CloudHSM has one token, of this label. */
const TOKEN_LABEL = 'hsm1';

export interface ValidatorProps extends StackProps {
  readonly deployment: Deployment;
  readonly settings: ValidatorSettings;
  readonly network: NetworkStack;
  readonly data: ValidatorData;
  readonly hsm?: HsmStack;
}

export class ValidatorStack extends Stack {
  readonly task: NodeTask;

  constructor(scope: Construct, id: string, props: ValidatorProps) {
    super(scope, id, props);
    const { deployment, settings, network, data, hsm } = props;
    const port = settings.local?.servicePort ?? SERVICE_PORT;
    // One zone: an address there is paid for by the hour, and a balancer reaches no target in a zone that it is not in.
    const balancedIn = settings.reach.kind === 'public' ? network.vpc.publicSubnets[0]! : undefined;
    this.task = new NodeTask(this, 'Node', {
      ...{ deployment, settings, network, data },
      config: {
        role: 'validator',
        consensusKey: signerOf(props),
        voteRecord: { driver: 'dynamodb', table: data.votes.tableName, validator: settings.name },
        proposals: { table: data.proposals.tableName },
        metrics: { host: '127.0.0.1', port },
        // A task begins without a store: from its own newest snapshot, not from the genesis.
        join: 'snapshot',
        snapshots: { every: SNAPSHOT_BLOCKS, keep: 2 },
      },
      healthPort: port,
      balancedIn,
      // The entry point of the image tells CloudHSM's client where the HSMs are (deploy/entrypoint.sh).
      ...(hsm !== undefined && {
        environment: {
          BROP_CLOUDHSM_CLUSTER: hsm.clusterId,
          BROP_CLOUDHSM_CA: secretReference(deployment, settings, 'hsm-ca'),
        },
        // A service takes no further group once it is made.
        extraGroups: [hsm.members],
      }),
      readonlyRoot: hsm === undefined,
    });
    this.grantSigning(data, hsm);
    // What a vote needs, no more: a scan or a deletion of the vote record is nobody's business.
    grantItems(this.task.taskRole, data.votes, ['dynamodb:GetItem', 'dynamodb:PutItem']);
    grantItems(this.task.taskRole, data.proposals, [...WRITE_WHOLE_ITEMS, 'dynamodb:Query']);
    this.task.group.addIngressRule(
      ec2.Peer.ipv4(deployment.vpcCidr),
      ec2.Port.tcp(settings.nodePort),
      'nodes of this deployment',
    );
    if (settings.reach.kind === 'public') this.openToPeers(balancedIn!, settings.nodePort, settings.reach.allowFrom);
  }

  private grantSigning({ consensusKey, standbyKey, pin, customerCa }: ValidatorData, hsm: HsmStack | undefined): void {
    const { taskRole, group } = this.task;
    consensusKey?.grant(taskRole, 'kms:Sign', 'kms:GetPublicKey');
    for (const secret of [standbyKey, pin, customerCa]) secret?.readableBy({ role: taskRole });
    if (hsm === undefined) return;
    hsm.open(group);
    // The state of the cluster and the addresses of its HSMs; the action knows no resource.
    taskRole.addToPolicy(new PolicyStatement({ actions: ['cloudhsm:DescribeClusters'], resources: ['*'] }));
    acknowledge(taskRole, 'AwsSolutions-IAM5[Resource::*]', 'cloudhsm:DescribeClusters knows no narrower resource');
  }

  /** An address that stays, for peers in other accounts; TLS ends in the node, the balancer sees none of it. */
  private openToPeers(subnet: ec2.ISubnet, port: number, allowFrom: readonly string[]): void {
    const { vpc } = this.task.service.cluster;
    const group = new ec2.SecurityGroup(this, 'PeersGroup', { vpc, allowAllOutbound: false });
    for (const range of allowFrom) group.addIngressRule(ec2.Peer.ipv4(range), ec2.Port.tcp(port), 'peers');
    group.addEgressRule(this.task.group, ec2.Port.tcp(port), 'the node');
    this.task.group.addIngressRule(group, ec2.Port.tcp(port), 'peers');
    acknowledge(
      group,
      'AwsSolutions-EC23',
      'Peers are Fargate tasks of other companies, whose addresses change: mutual TLS lets in registered keys alone',
    );
    const balancer = new elb.NetworkLoadBalancer(this, 'Peers', {
      vpc,
      internetFacing: true,
      securityGroups: [group],
      vpcSubnets: { subnets: [subnet] },
    });
    acknowledge(balancer, 'AwsSolutions-ELB2', 'A network load balancer logs TLS that ends in it, and none does');
    balancer.addListener('Nodes', { port }).addTargets('Node', {
      port,
      targets: [this.task.service.loadBalancerTarget({ containerName: 'node', containerPort: port })],
      deregistrationDelay: Duration.seconds(10),
      preserveClientIp: true,
    });
    new CfnOutput(this, 'PeerAddress', { value: balancer.loadBalancerDnsName, description: 'Where peers connect' });
  }
}

/** The field consensusKey of the node's config. */
function signerOf({ deployment, settings, data, hsm }: ValidatorProps): Readonly<Record<string, unknown>> {
  const { signer } = settings;
  const reference = (key: string) => secretReference(deployment, settings, key);
  const kms = () => ({ driver: 'kms', keyId: data.consensusKey!.keyArn });
  if (signer.driver === 'kms') return kms();
  const pkcs11 = {
    driver: 'pkcs11',
    library: PKCS11_LIBRARY,
    tokenLabel: TOKEN_LABEL,
    keyLabel: signer.keyLabel,
    pin: reference('hsm-pin'),
  };
  if (signer.driver === 'cloudhsm') return pkcs11;
  const standby = signer.standby === 'kms' ? kms() : { driver: 'file', path: reference('standby-key') };
  const cluster = { id: hsm!.clusterId, region: deployment.region };
  return { driver: 'auto', primary: pkcs11, standby, cluster, returns: signer.returns };
}
