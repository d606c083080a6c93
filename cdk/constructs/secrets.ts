/** Secrets of a deployment: named by us, so that configs can name them and people find them. */
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { PLACEHOLDER } from '../deployment.ts';
import { acknowledge } from './acknowledge.ts';

/** `what` is <node>/<key>. */
export function secretName({ name }: { readonly name: string }, what: string): string {
  return `brop/${name}/${what}`;
}

export class KeptSecret extends Secret {
  private readonly key: IKey;

  constructor(scope: Construct, id: string, secretName: string, encryptionKey: IKey) {
    super(scope, id, {
      secretName,
      description: 'A placeholder until npm run aws:keys, or its owner, puts the key in',
      encryptionKey,
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ [PLACEHOLDER]: true }),
        generateStringKey: 'random',
      },
      // A create that is rolled back takes it along: its name would be in the way of the next one.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    this.key = encryptionKey;
    acknowledge(this, 'AwsSolutions-SMG4', 'Keys of a chain change by a transaction on it, never by a timer');
  }

  /** To the reader alone: what CDK adds to the key's policy would make the data depend on those who read it. */
  readableBy({ role }: { readonly role: iam.IRole }): void {
    const { region } = Stack.of(this);
    role.addToPrincipalPolicy(
      new iam.PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [this.secretArn] }),
    );
    role.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['kms:Decrypt'],
        resources: [this.key.keyArn],
        conditions: { StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` } },
      }),
    );
  }
}
