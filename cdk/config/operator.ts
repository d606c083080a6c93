/** The platform operator: the proxy and what hangs on it. The validators are in the accounts of their companies. */
import type { DeploymentInput } from '../deployment.ts';

const operator: DeploymentInput = {
  name: 'operator',
  account: '111122223333',
  region: 'us-east-1',
  availabilityZones: ['us-east-1a', 'us-east-1b'],
  vpcCidr: '10.61.0.0/20',
  image: '111122223333.dkr.ecr.us-east-1.amazonaws.com/brop:0.1.0',
  heartbeatSeconds: 15,
  validators: [],
  proxy: {
    name: 'proxy',
    nodeId: '5'.repeat(64),
    size: { cpu: 512, memoryMiB: 1024 },
    domain: {
      name: 'api.brop.example',
      certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/00000000-0000-0000-0000-000000000002',
    },
    keyForWrites: true,
    clients: [
      { name: 'partner-a', requestsPerSecond: 100, burst: 200, requestsPerMonth: 10_000_000 },
      { name: 'partner-b', requestsPerSecond: 20, burst: 40, requestsPerMonth: 1_000_000 },
    ],
    hosting: { lockMode: 'COMPLIANCE', retentionDays: 3650 },
    requestsPerSecond: 500,
    requestsPerAddressIn5Minutes: 3_000,
  },
  peers: ['1', '2', '3', '4'].map((digit, i) => ({
    id: digit.repeat(64),
    host: `validator-${i}.brop.example`,
    port: 4700,
  })),
  fileSources: [],
  alarmEmail: 'operations@brop.example',
  logRetentionDays: 90,
};

export default operator;
