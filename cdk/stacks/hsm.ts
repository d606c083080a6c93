/** A CloudHSM cluster without an HSM in it: `scripts/cloudhsm-ceremony.ts` makes the first one, initialises and activates it. */
import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { CfnCluster } from 'aws-cdk-lib/aws-cloudhsm';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { NetworkStack } from './network.ts';

/** Where clients reach an HSM (AWS CloudHSM User Guide, "Client SDK configuration"). */
const HSM_PORTS = ec2.Port.tcpRange(2223, 2225);

export interface HsmProps extends StackProps {
  readonly settings: NonNullable<Deployment['cloudHsm']>;
  readonly network: NetworkStack;
}

export class HsmStack extends Stack {
  readonly clusterId: string;
  /** The group that CloudHSM has made with the cluster: what is in it reaches the HSMs. */
  readonly members: ec2.ISecurityGroup;

  constructor(scope: Construct, id: string, { settings, network, ...props }: HsmProps) {
    super(scope, id, props);
    const cluster = new CfnCluster(this, 'Cluster', {
      hsmType: settings.hsmType,
      mode: 'FIPS',
      subnetIds: network.vpc.isolatedSubnets.map(({ subnetId }) => subnetId),
    });
    cluster.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    this.clusterId = cluster.ref;
    new CfnOutput(this, 'ClusterId', { value: cluster.ref, description: 'For scripts/cloudhsm-ceremony.ts' });
    this.members = ec2.SecurityGroup.fromSecurityGroupId(this, 'Members', cluster.attrSecurityGroup, {
      mutable: false,
    });
  }

  /** Lets out to the HSMs what is in `group`, and in `members`. */
  open(group: ec2.SecurityGroup): void {
    group.addEgressRule(this.members, HSM_PORTS, 'CloudHSM');
  }
}
