/** The pinned CDK command line against an emulator, as an operator calls it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Emulator } from './emulator.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CLI = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');
export const ACCOUNT = '000000000000';

export interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
}

export class Cdk {
  /** What processes of this deployment get to find the emulator. */
  readonly env: Readonly<Record<string, string>>;
  private readonly assembly: string;

  /** @param assembly where templates are written */
  constructor({ endpoint, region, credentials }: Emulator, assembly: string) {
    this.assembly = assembly;
    this.env = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      // Seven seconds of each synthesis; cdk/nag.test.ts has it on.
      CDK_VALIDATION: 'false',
      CI: 'true',
    };
  }

  /** Runs the app alone. */
  synth(env: Readonly<Record<string, string>>): Promise<Ran> {
    const vars = { ...env, CDK_OUTDIR: this.assembly, CDK_DEFAULT_REGION: this.env.AWS_REGION! };
    return ended(this.start([join(ROOT, 'cdk', 'app.ts')], { ...this.env, ...vars }));
  }

  bootstrap(): Promise<Ran> {
    const target = `aws://${ACCOUNT}/${this.env.AWS_REGION}`;
    return ended(this.start([CLI, 'bootstrap', target, '--app', this.assembly, '--no-notices'], this.env));
  }

  run(command: 'deploy' | 'destroy', ...args: readonly string[]): Promise<Ran> {
    return ended(this.begin(command, ...args));
  }

  /** Of a process group of its own: to be ended half-way. */
  begin(command: 'deploy' | 'destroy', ...args: readonly string[]): ChildProcess {
    const yes = command === 'deploy' ? ['--require-approval', 'never', '--concurrency', '4'] : ['--force'];
    return this.start([CLI, command, '--app', this.assembly, '--no-notices', ...yes, ...args], this.env);
  }

  private start(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
    const inherited = Object.fromEntries(
      Object.entries({ PATH, HOME, NODE_COMPILE_CACHE }).filter(([, value]) => value),
    );
    return spawn(process.execPath, args, {
      ...{ cwd: ROOT, env: { ...inherited, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
    });
  }
}

async function ended(child: ChildProcess): Promise<Ran> {
  let output = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (part: Buffer) => {
      output += String(part);
    });
  const [exitCode] = await once(child, 'close');
  return { exitCode, output };
}
