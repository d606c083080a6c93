/** The devnet as the tests deploy it to an AWS emulator; its nodes run as processes of this machine. */
import type { DeploymentInput } from '../deployment.ts';
import devnet from './devnet.ts';

/** Given by the tests, in BROP_EMULATOR_NODES as JSON: one for each node, the proxy last. */
interface LocalNode {
  readonly nodeId: string;
  readonly dataFolder: string;
  readonly nodePort: number;
  readonly servicePort: number;
}

const nodes: readonly LocalNode[] = JSON.parse(process.env.BROP_EMULATOR_NODES ?? '[]');

function at(i: number) {
  const node = nodes[i];
  if (node === undefined) return {};
  const { nodeId, ...local } = node;
  return { nodeId, local };
}

const endpoint = process.env.AWS_ENDPOINT_URL ?? 'http://127.0.0.1:4566';
const proxy = devnet.proxy!;
const last = devnet.validators.length;

const emulator: DeploymentInput = {
  ...devnet,
  name: 'emulator',
  account: '000000000000',
  image: '000000000000.dkr.ecr.us-east-1.amazonaws.com/brop:0.1.0',
  validators: devnet.validators.map((settings, i) => ({ ...settings, ...at(i) })),
  proxy: { ...proxy, ...at(last) },
  emulator: { endpoint },
};

export default emulator;
