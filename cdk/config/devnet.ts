/** Four validators and the proxy in one account: for trials. The fingerprints are examples; yours come from your keys. */
import type { DeploymentInput } from '../deployment.ts';

const size = { cpu: 256, memoryMiB: 512 } as const;

const devnet: DeploymentInput = {
  name: 'devnet',
  account: '111122223333',
  region: 'us-east-1',
  availabilityZones: ['us-east-1a', 'us-east-1b'],
  vpcCidr: '10.60.0.0/20',
  image: '111122223333.dkr.ecr.us-east-1.amazonaws.com/brop:0.1.0',
  heartbeatSeconds: 15,
  validators: ['1', '2', '3', '4'].map((digit, i) => ({
    name: `validator-${i}`,
    nodeId: digit.repeat(64),
    size,
    signer: { driver: 'kms' },
    reach: { kind: 'private' },
  })),
  proxy: {
    name: 'proxy',
    nodeId: '5'.repeat(64),
    size,
    domain: {
      name: 'api.devnet.brop.example',
      certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/00000000-0000-0000-0000-000000000001',
    },
    keyForWrites: false,
    clients: [{ name: 'trial', requestsPerSecond: 50, burst: 100 }],
    hosting: { lockMode: 'GOVERNANCE', retentionDays: 1 },
    requestsPerSecond: 200,
    requestsPerAddressIn5Minutes: 10_000,
  },
  peers: [],
  fileSources: [],
  logRetentionDays: 14,
};

export default devnet;
