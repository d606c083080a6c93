/** For the tests here: the stacks of a config, with bundles that do nothing. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { build, type Stacks } from './build.ts';
import devnet from './config/devnet.ts';
import operator from './config/operator.ts';
import validator from './config/validator.ts';
import { checkDeployment, type DeploymentInput } from './deployment.ts';

/** As `validator`, with its key in a CloudHSM and a standby key: the one config that is an example, not a file. */
const hsmValidator: DeploymentInput = {
  ...validator,
  name: 'hsm',
  cloudHsm: { hsmType: 'hsm2m.medium' },
  validators: validator.validators.map((settings) => ({
    ...settings,
    signer: { driver: 'auto', keyLabel: 'consensus', standby: 'file' },
  })),
};

export const CONFIGS: Readonly<Record<string, DeploymentInput>> = { devnet, operator, validator, hsm: hsmValidator };

const FUNCTIONS = ['api', 'indexer', 'webhooks', 'hosting'];

/** Builds the stacks of a config, lets `use` look at them, and leaves no file behind. */
export function withStacks<T>(name: string, use: (stacks: Stacks, app: App, outdir: string) => T): T {
  const outdir = mkdtempSync(join(tmpdir(), 'brop-cdk-'));
  try {
    // What is in a bundle is nobody's business here.
    const bundles = join(outdir, 'functions');
    for (const name of FUNCTIONS) {
      mkdirSync(join(bundles, name), { recursive: true });
      writeFileSync(join(bundles, name, 'index.mjs'), 'export const handler = () => {};');
    }
    const app = new App({ analyticsReporting: false, outdir });
    return use(build(app, checkDeployment(name, CONFIGS[name]), bundles), app, outdir);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

type Resource = { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> };

/** Resources of one type in a template, by logical id. */
export function resources(template: Template, type: string): readonly (readonly [string, Resource])[] {
  return Object.entries(template.findResources(type) as Record<string, Resource>);
}
