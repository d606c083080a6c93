import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkDeployment, DeploymentError } from './deployment.ts';
import { CONFIGS } from './testing.ts';

type Json = Record<string, unknown> | unknown[];

/** Every field of an example, as a path; elements of lists by their number. */
function fields(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.entries(value).flatMap(([key, inner]) => {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    return [at, ...fields(inner, at)];
  });
  return below;
}

/** A copy with `change` made to the object that holds the last step of the path. */
function changed(
  config: unknown,
  path: readonly (string | number)[],
  change: (holder: Json, key: never) => void,
): unknown {
  // By way of text: a size that several nodes share becomes one of each.
  const copy: unknown = JSON.parse(JSON.stringify(config));
  let holder = copy as Json;
  for (const step of path.slice(0, -1)) holder = holder[step as never] as Json;
  change(holder, path.at(-1) as never);
  return copy;
}

function refusal(config: unknown): string {
  try {
    checkDeployment('x.ts', config);
  } catch (error) {
    if (error instanceof DeploymentError) return error.message;
    throw error;
  }
  return 'accepted';
}

const text = (path: readonly (string | number)[]) =>
  path.reduce<string>((sofar, part) => sofar + (typeof part === 'number' ? `[${part}]` : `${sofar && '.'}${part}`), '');

/** What may be left out, and what depends on nothing that must be there. */
const OPTIONAL =
  /^(alarmEmail|proxy|peers\[\d\]|fileSources\[\d\]|validators\[\d\]|cloudHsm)$|requestsPerMonth$|clients\[\d\]$|allowFrom\[\d\]$|availabilityZones\[\d\]$/;

describe('the config of a deployment', () => {
  test.for(Object.entries(CONFIGS))('%s: each field that is missing is named, in one line', ([, config]) => {
    const needed = fields(config).filter((path) => !OPTIONAL.test(text(path)));
    expect(needed.length).toBeGreaterThan(20);
    for (const path of needed) {
      const message = refusal(changed(config, path, (holder, key) => Reflect.deleteProperty(holder, key)));
      expect(message, text(path)).toContain(text(path));
      expect(message).not.toContain('\n');
    }
  });

  test.for(Object.entries(CONFIGS))('%s: each field of another type is named', ([, config]) => {
    for (const path of fields(config)) {
      const message = refusal(changed(config, path, (holder, key) => Reflect.set(holder, key, Symbol('no value'))));
      expect(message, text(path)).toContain(text(path));
    }
  });

  test('what only makes sense together is refused by name', () => {
    const { validator, devnet, operator } = CONFIGS;
    const of = (config: unknown, change: object) => refusal({ ...(config as object), ...change });
    const [first] = validator!.validators;
    expect(of(operator, { proxy: undefined })).toBe('x.ts: validators: there is neither a validator nor a proxy');
    expect(of(validator, { validators: [{ ...first!, signer: { driver: 'cloudhsm', keyLabel: 'k' } }] })).toBe(
      'x.ts: validators[0].signer.driver: cloudhsm needs the field cloudHsm',
    );
    expect(of(devnet, { validators: [first!, first!] })).toBe('x.ts: validators: two nodes have the same name');
    expect(of(devnet, { emulator: { endpoint: 'http://127.0.0.1:4566' } })).toBe(
      'x.ts: validators[0].local: is needed in the emulator',
    );
    expect(of(devnet, { another: 1 })).toContain('another');
    const { proxy } = operator!;
    const named = (domain: object) => of(operator, { proxy: { ...proxy!, domain: { ...proxy!.domain, ...domain } } });
    expect(named({ name: 'https://api.brop.example' })).toBe(
      'x.ts: proxy.domain.name: must be a name such as api.brop.example',
    );
    expect(named({ certificateArn: 'api.pem' })).toBe(
      'x.ts: proxy.domain.certificateArn: must be the ARN of a certificate in ACM',
    );
    expect(of(validator, { validators: [{ ...first!, size: { cpu: 256, memoryMiB: 8192 } }] })).toBe(
      'x.ts: validators[0].size: memoryMiB must be from 2 to 8 times cpu',
    );
  });

  test.for<[change: object, line: string]>([
    [{ size: { cpu: 512, memoryMiB: 1_536 } }, 'validators[0].size.memoryMiB: must be 512 or whole GiB'],
    [
      { local: { dataFolder: 'd', nodePort: 4_700, servicePort: 4_701 } },
      'validators[0].local: is for the emulator alone',
    ],
    [{ nodePort: 9_464 }, 'validators[0].nodePort: 4680 and 9464 are taken'],
    [{ nodePort: 4_680 }, 'validators[0].nodePort: 4680 and 9464 are taken'],
    [{ nodeId: '2'.repeat(64) }, 'peers[0].id: is the one of another node'],
  ])('a validator that could not be deployed, or would not work: %o', ([change, line]) => {
    const validator = CONFIGS.validator!;
    const validators = validator.validators.map((settings) => ({ ...settings, ...change }));
    expect(refusal({ ...validator, validators })).toBe(`x.ts: ${line}`);
  });

  test.for<[change: object, line: string]>([
    [{ vpcCidr: '10.60.0.0/23' }, 'vpcCidr: must be from /16 to /22: two networks of /24 in each zone'],
    [{ vpcCidr: '10.0.0.0/8' }, 'vpcCidr: must be from /16 to /22: two networks of /24 in each zone'],
    [{ vpcCidr: '999.60.0.0/20' }, 'vpcCidr: must be an IPv4 range such as 203.0.113.0/24'],
    [{ availabilityZones: ['us-east-1a', 'eu-west-1b'] }, 'availabilityZones[1]: must be a zone of us-east-1'],
    [{ availabilityZones: ['us-east-1a', 'us-east-1a'] }, 'availabilityZones[1]: is named twice'],
    [{ fileSources: ['s3://bucket/files'] }, 'fileSources[0]: must be an http(s) URL'],
    [{ cloudHsm: { hsmType: 'medium' } }, 'cloudHsm.hsmType: must be a type such as hsm2m.medium'],
    [{ name: 'operator-' }, 'name: has up to 31 lower-case letters, digits, dashes, and begins with a letter'],
  ])('a place that is none: %o', ([change, line]) => {
    expect(refusal({ ...CONFIGS.operator!, ...change })).toBe(`x.ts: ${line}`);
  });

  test('clients and the certificate of a proxy', () => {
    const { proxy, ...operator } = CONFIGS.operator!;
    const of = (change: object) => refusal({ ...operator, proxy: { ...proxy!, ...change } });
    const [client] = proxy!.clients;
    expect(of({ clients: [client, client] })).toBe('x.ts: proxy.clients[1].name: is the one of another client');
    const certificateArn = proxy!.domain.certificateArn.replace('us-east-1', 'eu-central-1');
    expect(of({ domain: { ...proxy!.domain, certificateArn } })).toBe(
      'x.ts: proxy.domain.certificateArn: must be of a certificate in us-east-1',
    );
  });

  test.for([
    ['nowhere', 'BROP_DEPLOYMENT: there is no cdk/config/nowhere.ts\n'],
    ['../devnet', 'BROP_DEPLOYMENT: must name a file of cdk/config, such as devnet\n'],
    // Without what the tests hand to it, its nodes have no place.
    ['emulator', 'cdk/config/emulator.ts: validators[0].local: is needed in the emulator\n'],
  ])('synthesis of %s ends with one line', ([deployment, line]) => {
    const { BROP_EMULATOR_NODES: _, ...env } = process.env;
    const app = join(import.meta.dirname, 'app.ts');
    const { status, stderr } = spawnSync(process.execPath, [app], {
      env: { ...env, BROP_DEPLOYMENT: deployment },
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([1, line]);
  });
});
