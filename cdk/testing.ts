/** For the tests here: the stacks of a config, synthesized without their bundles. */
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

export function newApp(outdir?: string): App {
  return new App({ context: { 'aws:cdk:bundling-stacks': [] }, analyticsReporting: false, ...(outdir && { outdir }) });
}

export function stacksOf(name: keyof typeof CONFIGS, app = newApp()): Stacks {
  return build(app, checkDeployment(String(name), CONFIGS[name]));
}

type Resource = { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> };

/** Resources of one type in a template, by logical id. */
export function resources(template: Template, type: string): readonly (readonly [string, Resource])[] {
  return Object.entries(template.findResources(type) as Record<string, Resource>);
}
