/**
 * Writes the CloudFormation templates of the deployments in cdk/config, or of those named, into cdk.out/<name>. Needs no
 * credentials and asks AWS nothing.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { bundleFunctions } from './bundle-functions.ts';

const ROOT = join(import.meta.dirname, '..');
const DEPLOYMENTS = ['devnet', 'operator', 'validator'];

/** The exit code of the CDK app; what it has to say goes to standard error. */
function synth(deployment: string): number {
  const outdir = join('cdk.out', deployment);
  const env = { ...process.env, BROP_DEPLOYMENT: deployment, CDK_OUTDIR: join(ROOT, outdir) };
  const { status } = spawnSync(process.execPath, [join('cdk', 'app.ts')], { cwd: ROOT, env, stdio: 'inherit' });
  if (status === 0) process.stdout.write(`${deployment}: ${outdir}\n`);
  return status ?? 1;
}

await bundleFunctions();
const named = process.argv.slice(2);
for (const deployment of named.length > 0 ? named : DEPLOYMENTS) process.exitCode ||= synth(deployment);
