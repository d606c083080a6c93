/** `npm run synth` on a machine without credentials, what a linter says of the result, and what adapters expect of it. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HostingTable } from '../../adapters/hosting-aws/hosting-table.ts';
import { PROGRESS } from '../../adapters/index-dynamodb/items.ts';
import { HEAD_KEY } from '../../adapters/ledger-dynamodb/items.ts';
import { attemptsItem, attemptsName, STATE, subscriptionKey } from '../../adapters/subscriptions-dynamodb/items.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const VENV = join(ROOT, '.cache', 'venv-cfn-lint', 'bin');
const TIME_LIMIT_MS = 240_000;

const home = mkdtempSync(join(tmpdir(), 'brop-synth-'));
let said = '';

beforeAll(() => {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  // A home without a profile: nothing to be found that could stand in for credentials. CDK's own validation of templates,
  // seven seconds for each config, is on in cdk/nag.test.ts.
  const alone = { HOME: home, AWS_EC2_METADATA_DISABLED: 'true', CDK_VALIDATION: 'false' };
  const env = { ...Object.fromEntries(inherited), ...alone };
  said = execFileSync(process.execPath, ['scripts/synth.ts'], { cwd: ROOT, env, encoding: 'utf8', stdio: 'pipe' });
}, TIME_LIMIT_MS);

afterAll(() => rmSync(home, { recursive: true }));

describe('npm run synth', () => {
  test('writes the templates of all three configs', () => {
    expect(said).toBe('devnet: cdk.out/devnet\noperator: cdk.out/operator\nvalidator: cdk.out/validator\n');
    const stacks = globSync('cdk.out/{devnet,operator,validator}/Brop-*.template.json', { cwd: ROOT });
    expect(stacks.map((path) => path.split('Brop-')[1]!.replace('.template.json', '')).sort()).toEqual([
      ...['devnet-Data', 'devnet-Monitoring', 'devnet-Network', 'devnet-Proxy', 'devnet-Site'],
      ...[0, 1, 2, 3].map((i) => `devnet-Validator${i}`),
      ...['operator-Data', 'operator-Monitoring', 'operator-Network', 'operator-Proxy', 'operator-Site'],
      ...['validator-Data', 'validator-Monitoring', 'validator-Network', 'validator-Validator0'],
    ]);
  });

  test('asks AWS nothing: no value waits for a look-up', () => {
    for (const path of globSync('cdk.out/*/manifest.json', { cwd: ROOT }))
      expect(JSON.parse(readFileSync(join(ROOT, path), 'utf8')).missing, path).toBeUndefined();
  });

  test('cfn-lint finds no error', { timeout: TIME_LIMIT_MS }, () => {
    if (!existsSync(VENV)) throw new Error(`NOT TESTED: ${VENV} is missing. Run \`node scripts/setup.mjs test\`.`);
    // By its interpreter: the first line of a script in a venv names the folder that it was made in.
    const lint = [join(VENV, 'cfn-lint'), '--non-zero-exit-code', 'error', '--format', 'parseable', '--template'];
    const templates = globSync('cdk.out/{devnet,operator,validator}/*.template.json', { cwd: ROOT });
    let output: string;
    try {
      output = execFileSync(join(VENV, 'python3'), [...lint, ...templates], { cwd: ROOT, encoding: 'utf8' });
    } catch (error) {
      output = String((error as { stdout?: unknown }).stdout ?? error);
    }
    expect(output.split('\n').filter((line) => /:E\d{4}:/.test(line))).toEqual([]);
  });
});

describe('tables have the keys and the attributes that the adapters give their items', () => {
  interface Table {
    readonly Type: string;
    readonly Properties: {
      readonly AttributeDefinitions: readonly { readonly AttributeName: string; readonly AttributeType: string }[];
      readonly KeySchema: readonly { readonly AttributeName: string }[];
      readonly TimeToLiveSpecification?: { readonly AttributeName: string };
    };
  }

  /** By the beginning of its logical id. */
  function table(id: string): Table['Properties'] {
    const path = join(ROOT, 'cdk.out', 'devnet', 'Brop-devnet-Data.template.json');
    const { Resources } = JSON.parse(readFileSync(path, 'utf8')) as { readonly Resources: Record<string, Table> };
    return Object.entries(Resources).find(
      ([name, { Type }]) => Type === 'AWS::DynamoDB::Table' && name.startsWith(id),
    )![1].Properties;
  }

  // Vote records and journals are written into deployed tables by end-to-end.test.ts.
  test.for([
    ['ProxyLedger', HEAD_KEY],
    ['ProxyIndex', PROGRESS],
    ['ProxyService', STATE],
  ] as const)('%s', ([id, key]) => {
    const { AttributeDefinitions, KeySchema } = table(id);
    const types = Object.fromEntries(Object.entries(key).map(([name, value]) => [name, Object.keys(value)[0]]));
    expect(Object.fromEntries(AttributeDefinitions.map((one) => [one.AttributeName, one.AttributeType]))).toEqual(
      types,
    );
    expect(KeySchema.map(({ AttributeName }) => AttributeName)).toEqual(Object.keys(types));
  });

  test('functions that may change some partitions of the service table change no others', async () => {
    const path = join(ROOT, 'cdk.out', 'devnet', 'Brop-devnet-Proxy.template.json');
    const text = readFileSync(path, 'utf8');
    const allowed = (key: string) =>
      new Set(
        [...text.matchAll(/"dynamodb:LeadingKeys":\s*(\[[^\]]*\])/g)]
          .flatMap(([, keys]) => JSON.parse(keys!) as string[])
          .filter((pattern) => new RegExp(`^${pattern.replace('*', '.*')}$`).test(key)),
      );
    const asked: string[] = [];
    const dynamodb = {
      send: async ({ input }: { readonly input: object }) => {
        asked.push(...[...JSON.stringify(input).matchAll(/"(?:pk|:pk)":\{"S":"([^"]+)"/g)].map(([, key]) => key!));
        return {};
      },
    } as unknown as DynamoDBClient;
    const hosted = new HostingTable(dynamodb, 'service');
    await hosted.find('file_1');
    await hosted.usage('brop1partner');
    const told = ['owner/brop1partner', 'audit/brop1partner'];
    const delivering = [STATE.pk!.S!, subscriptionKey('sub_1').pk!.S!, attemptsName('sub_1'), ...told];
    expect(asked).toEqual(['hosted/file_1', 'hosting/brop1partner', 'hosting/brop1partner']);
    for (const key of [...asked, ...delivering]) expect(allowed(key).size, key).toBe(1);
    for (const key of ['token-keys', 'used/00']) expect(allowed(key).size, key).toBe(0);
  });

  test('what the service table forgets by itself', () => {
    const attempt = { atMs: 0 } as Parameters<typeof attemptsItem>[1][number];
    const { AttributeName } = table('ProxyService').TimeToLiveSpecification!;
    expect(attemptsItem('sub_1', [attempt])).toHaveProperty(AttributeName);
  });
});
