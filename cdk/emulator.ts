/** What the AWS emulator of the tests cannot deploy is left out there; docs/aws.md lists what that leaves untested. */
import { CfnResource, type IAspect } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Types that its CloudFormation does not know. Nothing refers to a resource of these. */
export const UNKNOWN_TYPES: readonly string[] = [
  'AWS::EC2::FlowLog',
  'AWS::EC2::SecurityGroupIngress',
  'AWS::EC2::SecurityGroupEgress',
  'AWS::WAFv2::WebACLAssociation',
  'AWS::XRay::SamplingRule',
];

export class LeaveOutUnknown implements IAspect {
  visit(node: IConstruct): void {
    if (node instanceof CfnResource && UNKNOWN_TYPES.includes(node.cfnResourceType))
      node.node.scope?.node.tryRemoveChild(node.node.id);
  }
}
