/**
 * The CDK app: `BROP_DEPLOYMENT=<name of a file in config/>` says what is deployed, BROP_BUNDLES where the functions'
 * bundles are (dist/functions).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkDeployment, type Deployment, DeploymentError } from './deployment.ts';

async function readDeployment(name: string | undefined): Promise<Deployment> {
  if (name === undefined || !/^[a-z][a-z0-9-]*$/.test(name))
    throw new DeploymentError('BROP_DEPLOYMENT: must name a file of cdk/config, such as devnet');
  const file = `cdk/config/${name}.ts`;
  const path = join(import.meta.dirname, 'config', `${name}.ts`);
  if (!existsSync(path)) throw new DeploymentError(`BROP_DEPLOYMENT: there is no ${file}`);
  const module: { readonly default?: unknown } = await import(pathToFileURL(path).href);
  return checkDeployment(file, module.default);
}

try {
  const deployment = await readDeployment(process.env.BROP_DEPLOYMENT);
  // Seconds of loading that a wrong config need not wait for.
  const [{ App }, { build }] = await Promise.all([import('aws-cdk-lib'), import('./build.ts')]);
  const app = new App();
  build(app, deployment, process.env.BROP_BUNDLES ?? join(import.meta.dirname, '..', 'dist', 'functions'));
  app.synth();
} catch (error) {
  if (!(error instanceof DeploymentError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
