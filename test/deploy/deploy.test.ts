/** The deployment package: linted, and its entry point run as a process. See README.md for what is not run. */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseMetrics, total } from '../../cli/top/prometheus-text.ts';
import { type NodeConfigInput, parseConfig } from '../../nodes/config.ts';
import { create } from '../../nodes/devnet/create.ts';
import { MALLOC, NODE_FLAGS } from '../../nodes/launch.ts';
import { type FakeCloudHsm, fakeCloudHsm } from '../signers/fake-cloudhsm.ts';

const project = join(import.meta.dirname, '..', '..');
const deploy = (name: string) => join(project, 'deploy', name);
const dockerfile = readFileSync(deploy('Dockerfile'), 'utf8');

let root: string;
/** What the image has in /app. */
let app: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'brop-deploy-'));
  app = join(root, 'app');
  copyAsImage(app);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Carries out the COPY lines of the last stage. */
function copyAsImage(target: string): void {
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  for (const [, line] of last.matchAll(/^COPY (.+)$/gm)) {
    const words = line!.split(/\s+/);
    const to = join(target, words.at(-1)!);
    if (words[0] === '--from=packages') {
      mkdirSync(dirname(to), { recursive: true });
      symlinkSync(join(project, 'node_modules'), to);
      continue;
    }
    const intoFolder = words.at(-1)!.endsWith('/');
    for (const from of words.slice(0, -1)) {
      cpSync(join(project, from), intoFolder ? join(to, from.split('/').at(-1)!) : to, { recursive: true });
    }
  }
}

/** @throws {Error} that says what is not tested, when the set-up could not install it. */
function tool(name: string): string {
  const path = join(project, '.cache', 'venv-deploy', 'bin', name);
  if (existsSync(path)) return path;
  throw new Error(`NOT TESTED: ${path} is missing. Run \`node scripts/setup.mjs test\`.`);
}

/** Exit code and all output of a program that ends by itself. */
async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk) => {
      output[name] += String(chunk);
    });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, ...output };
}

const entrypoint = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  run(join(app, 'deploy', 'entrypoint.sh'), args, {
    PATH: process.env.PATH,
    BROP_RUN_FOLDER: join(root, 'run'),
    ...env,
  });

describe('Dockerfile', () => {
  test('passes hadolint', async () => {
    expect(await run(tool('hadolint'), [deploy('Dockerfile')])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('runs as nobody in particular, from the entry point', () => {
    expect(dockerfile).toMatch(/^USER 10001$/m);
    expect(dockerfile).toMatch(/^ENTRYPOINT .*"\/app\/deploy\/entrypoint\.sh"\]$/m);
    const ignore = readFileSync(deploy('Dockerfile.dockerignore'), 'utf8').split('\n');
    const copied = [...dockerfile.matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, from]) => from!.split(/\s+/));
    expect(copied.filter((path) => !ignore.includes(`!${path}`))).toEqual([]);
  });
});

describe('the entry point', { timeout: 120_000 }, () => {
  test('passes shellcheck', async () => {
    expect(await run(tool('shellcheck'), [deploy('entrypoint.sh')])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('gives Node the flags and the memory settings of every node, and the pinned version', async () => {
    const script = 'console.log(JSON.stringify([process.execArgv, process.version, process.env]))';
    const [flags, version, env] = JSON.parse((await entrypoint(['node', '-e', script])).stdout) as [
      string[],
      string,
      object,
    ];
    expect(flags.slice(0, NODE_FLAGS.length)).toEqual([...NODE_FLAGS]);
    expect(version).toBe(process.version);
    expect(env).toMatchObject(MALLOC);
  });

  test('becomes any other command, and passes its exit code on', async () => {
    expect(await entrypoint(['sh', '-c', 'exit 7'])).toMatchObject({ code: 7 });
  });

  test('runs a validator with a token out of a secret: it signs blocks, and SIGTERM ends it in order', async () => {
    const { config, env, metrics } = await validator();
    const child = spawn(join(app, 'deploy', 'entrypoint.sh'), ['node', 'nodes/node/main.ts', config], {
      env: { PATH: process.env.PATH, BROP_RUN_FOLDER: join(root, 'run'), ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += String(chunk);
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    await Promise.race([signsBlocks(metrics), ended.then(() => Promise.reject(new Error(`it ended: ${errors}`)))]);
    child.kill('SIGTERM');
    expect([await ended, errors]).toEqual([0, '']);
  });

  test('says why when a secret is not to be had, and does not start', async () => {
    const ran = await entrypoint(['node', '-e', ''], { BROP_SOFT_TOKEN: 'file:/nowhere' });
    expect(ran.code).not.toBe(0);
    expect(ran.stderr).toContain('file:/nowhere: cannot be read (ENOENT)');
  });
});

/** One validator that is a chain by itself; its token is taken out of its folder and packed as the guide says. */
async function validator() {
  const folder = join(root, 'devnet');
  await create({ folder, validators: 1, apiPort: 0, signer: 'pkcs11', parameters: { blockIntervalMs: 500 } });
  const own = join(folder, 'validator-0');
  const token = join(own, 'token.b64');
  const packed = execFileSync('tar', ['-czf', '-', '-C', join(own, 'tokens'), '.']);
  writeFileSync(token, packed.toString('base64'), { mode: 0o600 });
  rmSync(join(own, 'tokens'), { recursive: true });
  const config = join(own, 'config.json');
  const { metrics } = JSON.parse(readFileSync(config, 'utf8')) as NodeConfigInput;
  return { config, metrics: `http://127.0.0.1:${metrics!.port}/metrics`, env: { BROP_SOFT_TOKEN: `file:${token}` } };
}

/** Resolves when it has made a block by its own votes. */
async function signsBlocks(url: string): Promise<void> {
  for (;;) {
    const text = await fetch(url).then(
      (response) => response.text(),
      () => '',
    );
    const samples = parseMetrics(text);
    if ((total(samples, 'brop_votes_cast_total') ?? 0) > 0 && (total(samples, 'brop_height') ?? 0) > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

describe('a CloudHSM, as the entry point sees it', { timeout: 60_000 }, () => {
  let fake: FakeCloudHsm;
  let environment: NodeJS.ProcessEnv;
  const configured = () => (existsSync(join(root, 'configured')) ? readFileSync(join(root, 'configured'), 'utf8') : '');

  beforeAll(async () => {
    fake = await fakeCloudHsm('ACTIVE');
    const client = join(root, 'cloudhsm');
    const configure = join(client, 'bin', 'configure-pkcs11');
    // As the image has it: what is written is elsewhere, and not there yet.
    for (const folder of ['bin', 'etc.dist', 'run.dist']) mkdirSync(join(client, folder), { recursive: true });
    writeFileSync(join(client, 'etc.dist', 'cloudhsm-pkcs11.cfg'), '{}');
    for (const folder of ['etc', 'run']) symlinkSync(join(root, 'run', 'cloudhsm', folder), join(client, folder));
    writeFileSync(configure, `#!/bin/sh\necho "$@" >>'${join(root, 'configured')}'\n`);
    chmodSync(configure, 0o755);
    environment = {
      ...{ AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
      ...{ BROP_CLOUDHSM_ENDPOINT: fake.endpoint, BROP_CLOUDHSM_CLUSTER: fake.clusterId },
      ...{ BROP_CLOUDHSM_CLIENT: client, BROP_CLOUDHSM_CA: '/etc/brop/customerCA.crt' },
    };
  });
  afterAll(() => fake.close());

  test('that has no HSM is said, and the node starts all the same', async () => {
    const ran = await entrypoint(['sh', '-c', 'echo started'], environment);
    expect(ran).toMatchObject({ code: 0, stdout: 'started\n' });
    expect(ran.stderr).toContain(`no HSM of the cluster ${fake.clusterId} is ACTIVE`);
    expect(ran.stderr).toContain('entrypoint: the CloudHSM client is not configured');
    expect(configured()).toBe('');
  });

  test('that cannot be asked about is no reason to fall back: nothing starts, and it is tried again', async () => {
    fake.fault = { error: 'CloudHsmAccessDeniedException' };
    const ran = await entrypoint(['sh', '-c', 'echo started'], environment);
    expect(ran).toMatchObject({ code: 75, stdout: '' });
    expect(ran.stderr).toContain(`${fake.clusterId} cannot be asked about (CloudHsmAccessDeniedException)`);
    expect(ran.stderr).toContain('entrypoint: the node does not start');
  });

  test('has its addresses and its CA told to the client', async () => {
    for (const zone of ['a', 'b']) {
      const place = { AvailabilityZone: `eu-central-1${zone}`, EniIp: `10.0.0.${zone === 'a' ? 1 : 2}` };
      fake.hsms.push({ HsmId: `hsm-${zone}`, ...place, State: 'ACTIVE' });
    }
    expect(await entrypoint(['true'], environment)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(configured()).toBe('-a 10.0.0.1 10.0.0.2 --hsm-ca-cert /etc/brop/customerCA.crt\n');
  });

  test('has the files that its client writes where one may write, and the CA from wherever its text is', async () => {
    expect(readFileSync(join(root, 'run', 'cloudhsm', 'etc', 'cloudhsm-pkcs11.cfg'), 'utf8')).toBe('{}');
    rmSync(join(root, 'configured'));
    const ca = { BROP_CLOUDHSM_CA: 'env:CA_TEXT', CA_TEXT: '-----BEGIN CERTIFICATE-----' };
    expect(await entrypoint(['true'], { ...environment, ...ca })).toMatchObject({ code: 0 });
    const copy = join(root, 'run', 'customerCA.crt');
    expect(configured()).toBe(`-a 10.0.0.1 10.0.0.2 --hsm-ca-cert ${copy}\n`);
    expect(readFileSync(copy, 'utf8')).toBe(ca.CA_TEXT);
  });

  test('with one HSM is a cluster that the client must be told to accept', async () => {
    fake.hsms.pop();
    rmSync(join(root, 'configured'), { force: true });
    expect(await entrypoint(['true'], environment)).toMatchObject({ code: 0 });
    expect(configured()).toBe('-a 10.0.0.1 --hsm-ca-cert /etc/brop/customerCA.crt\n--disable-key-availability-check\n');
  });

  test('without the certificate of its CA is a mistake that stops the start', async () => {
    const ran = await entrypoint(['true'], { ...environment, BROP_CLOUDHSM_CA: '' });
    expect(ran.code).not.toBe(0);
    expect(ran.stderr).toContain('BROP_CLOUDHSM_CA');
  });
});

describe('the systemd unit', () => {
  /** At most; 10 is a unit without any bound, and systemd calls all below 2.5 OK or better. */
  const EXPOSURE = 1.5;
  const analyze = async (...args: readonly string[]) => {
    try {
      return await run('systemd-analyze', args);
    } catch (error) {
      throw new Error('NOT TESTED: systemd-analyze is missing. Run `node scripts/setup.mjs test`.', { cause: error });
    }
  };
  /** With the program where it is here: the unit names the place where it is installed. */
  const unit = () => {
    const path = join(root, 'brop-node.service');
    writeFileSync(path, readFileSync(deploy('brop-node.service'), 'utf8').replaceAll('/opt/brop', project));
    return path;
  };

  test('passes systemd-analyze verify', async () => {
    expect(await analyze('verify', unit())).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('is as closed as a node can be', async () => {
    const ran = await analyze('security', '--offline=true', `--threshold=${EXPOSURE * 10}`, unit());
    expect(ran.code, ran.stdout.slice(-400)).toBe(0);
  });
});

describe('the compose file', () => {
  interface Service {
    readonly [name: string]: unknown;
    readonly volumes: readonly string[];
    readonly secrets?: readonly string[];
  }

  test('runs the image with nothing that it does not need', async () => {
    const script = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))';
    const { stdout } = await run(tool('python'), ['-c', script, deploy('compose.yml')]);
    const file = JSON.parse(stdout) as { services: Record<string, Service>; volumes: object; secrets: object };
    expect(Object.keys(file.services)).toEqual(['validator', 'follower']);
    for (const [name, service] of Object.entries(file.services)) {
      expect(service, name).toMatchObject({
        ...{ image: 'brop-node', read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] },
        command: ['node', 'nodes/node/main.ts', '/etc/brop/node.json'],
        stop_grace_period: '60s',
      });
      const named = service.volumes.map((volume) => volume.split(':')[0]!).filter((volume) => !volume.startsWith('.'));
      expect(Object.keys(file.volumes)).toEqual(expect.arrayContaining(named));
      expect(Object.keys(file.secrets)).toEqual(expect.arrayContaining([...(service.secrets ?? [])]));
    }
    expect(existsSync(join(app, 'nodes/node/main.ts'))).toBe(true);
  });
});

describe("the guide's example", () => {
  const guide = readFileSync(join(project, 'docs', 'on-premise.md'), 'utf8');
  const example = JSON.parse(/```json\n(.*?)```/s.exec(guide)![1]!) as NodeConfigInput;

  test('is a config that a node takes', () => {
    const peers = [{ ...example.peers![0], id: 'a'.repeat(64) }];
    const text = JSON.stringify({ ...example, peers });
    expect(parseConfig(text, 'the example', root)).toMatchObject({
      role: 'validator',
      consensusKey: { driver: 'auto' },
    });
  });

  test('names secrets that the compose file and the unit do give', () => {
    const pins = [...JSON.stringify(example).matchAll(/"pin":"([^"]+)"/g)].map(([, pin]) => pin!);
    expect(pins).toEqual(['file:/run/secrets/pin', 'file:/run/secrets/standby-pin']);
    const names = [...pins.map((pin) => pin.split('/').at(-1)!), 'token'];
    const service = readFileSync(deploy('brop-node.service'), 'utf8');
    const credentials = [...service.matchAll(/^LoadCredential=([^:]+):/gm)].map(([, name]) => name);
    expect(credentials.sort()).toEqual(names.toSorted());
    const secrets = /^ {4}secrets: \[(.+)\]$/m.exec(readFileSync(deploy('compose.yml'), 'utf8'))![1]!.split(', ');
    expect(secrets.sort()).toEqual(names.toSorted());
  });
});

test('what is not run here is said', () => {
  console.warn('NOT RUN here: the build of the image (it needs Docker), CloudHSM itself (it needs an account).');
});
