/** One validator company, alone in its account; the other validators and the proxy are its peers. */
import type { DeploymentInput } from '../deployment.ts';

const validator: DeploymentInput = {
  name: 'validator',
  account: '444455556666',
  region: 'us-east-1',
  availabilityZones: ['us-east-1a', 'us-east-1b'],
  vpcCidr: '10.62.0.0/20',
  image: '444455556666.dkr.ecr.us-east-1.amazonaws.com/brop:0.1.0',
  heartbeatSeconds: 15,
  validators: [
    {
      name: 'validator-0',
      nodeId: '1'.repeat(64),
      size: { cpu: 256, memoryMiB: 512 },
      signer: { driver: 'kms' },
      reach: { kind: 'public', allowFrom: ['0.0.0.0/0'] },
    },
  ],
  peers: [
    ...['2', '3', '4'].map((digit, i) => ({
      id: digit.repeat(64),
      host: `validator-${i + 1}.brop.example`,
      port: 4700,
    })),
    { id: '5'.repeat(64), host: 'proxy.brop.example', port: 4700 },
  ],
  fileSources: ['https://brop.example/files/'],
  alarmEmail: 'operations@company.example',
  logRetentionDays: 90,
};

export default validator;
