/** For the tests here: the stacks of a config, with bundles that do nothing. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
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

/** Builds the stacks of a config, lets `use` look at them, and leaves no file behind. Templates are validated if asked: 7 s. */
export function withStacks<T>(
  name: string,
  use: (stacks: Stacks, app: App, outdir: string) => T,
  { validated = false } = {},
): T {
  const outdir = mkdtempSync(join(tmpdir(), 'brop-cdk-'));
  try {
    // What is in a bundle is nobody's business here.
    const bundles = join(outdir, 'functions');
    for (const name of FUNCTIONS) {
      mkdirSync(join(bundles, name), { recursive: true });
      writeFileSync(join(bundles, name, 'index.mjs'), 'export const handler = () => {};');
    }
    const app = new App({ analyticsReporting: false, outdir, builtinCloudFormationValidation: validated });
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

/** By config, and in it by the last part of the stack's name. */
export type Templates = Readonly<Record<string, Readonly<Record<string, Template>>>>;

/** Every template of all configs: some seconds. */
export function allTemplates(): Templates {
  return Object.fromEntries(Object.keys(CONFIGS).map((name) => [name, templatesOf(name)]));
}

function templatesOf(name: string): Readonly<Record<string, Template>> {
  return withStacks(name, ({ network, data, hsm, validators, site, proxy, monitoring }) => {
    const stacks = [network, data, hsm, ...validators, site, proxy, monitoring].filter((stack) => stack !== undefined);
    return Object.fromEntries(stacks.map((stack) => [stack.stackName.split('-').at(-1)!, Template.fromStack(stack)]));
  });
}

/** Resources of one type in all templates, and where each is. */
export function resourcesOf(templates: Templates, type: string) {
  return Object.entries(templates).flatMap(([config, stacks]) =>
    Object.entries(stacks).flatMap(([stack, template]) =>
      resources(template, type).map(([id, resource]) => ({
        ...{ config, stack, id, resource, properties: resource.Properties },
      })),
    ),
  );
}
