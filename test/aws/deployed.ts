/** What has been deployed, as the emulator tells: outputs of stacks, and task definitions with all values filled in. */
import type { NodeConfigInput } from '../../nodes/config.ts';
import type { Emulator } from './emulator.ts';

export interface DeployedTask {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly config: NodeConfigInput;
}

interface ContainerDefinition {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: readonly { readonly name: string; readonly value: string }[];
}

/** The task definitions, by the name of their node. ECS has no client here: its protocol is JSON with a target. */
export async function deployedTasks(emulator: Emulator): Promise<ReadonlyMap<string, DeployedTask>> {
  const ecs = <T>(action: string, body: object) =>
    post<T>(emulator, 'ecs', JSON.stringify(body), {
      'Content-Type': 'application/x-amz-json-1.1',
      'X-Amz-Target': `AmazonEC2ContainerServiceV20141113.${action}`,
    });
  const { taskDefinitionArns } = await ecs<{ taskDefinitionArns: string[] }>('ListTaskDefinitions', {});
  const tasks = new Map<string, DeployedTask>();
  for (const taskDefinition of taskDefinitionArns) {
    const described = await ecs<{ taskDefinition: { containerDefinitions: ContainerDefinition[] } }>(
      'DescribeTaskDefinition',
      { taskDefinition },
    );
    const [{ command, environment }] = described.taskDefinition.containerDefinitions as [ContainerDefinition];
    const named = Object.fromEntries(environment.map(({ name, value }) => [name, value]));
    const config: NodeConfigInput = JSON.parse(named.BROP_CONFIG!);
    tasks.set(config.name!, { command, environment: named, config });
  }
  return tasks;
}

/** An output of a stack, by the beginning of its logical id. @throws {Error} when there is none, or no such stack */
export async function outputOf(emulator: Emulator, stack: string, name: string): Promise<string> {
  const xml = await describeStack(emulator, stack);
  const found = new RegExp(`<OutputKey>${name}[^<]*</OutputKey>\\s*<OutputValue>([^<]*)`).exec(xml)?.[1];
  if (found === undefined) throw new Error(`${stack} has no output ${name}`);
  return found;
}

/** Such as CREATE_COMPLETE; undefined when there is no such stack. */
export async function statusOf(emulator: Emulator, stack: string): Promise<string | undefined> {
  const xml = await describeStack(emulator, stack).catch(() => '');
  return /<StackStatus>([^<]*)/.exec(xml)?.[1];
}

function describeStack(emulator: Emulator, stack: string): Promise<string> {
  const query = new URLSearchParams({ Action: 'DescribeStacks', Version: '2010-05-15', StackName: stack });
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  return post<string>(emulator, 'cloudformation', String(query), headers);
}

/** The emulator tells services apart by the scope of the signature, which it does not check. */
async function post<T>(
  { endpoint, region, credentials }: Emulator,
  service: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<T> {
  const scope = `${credentials.accessKeyId}/20260101/${region}/${service}/aws4_request`;
  const Authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=${'0'.repeat(64)}`;
  const response = await fetch(endpoint, { method: 'POST', body, headers: { ...headers, Authorization } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${service}: ${response.status} ${text.slice(0, 300)}`);
  return (text.startsWith('{') ? JSON.parse(text) : text) as T;
}
