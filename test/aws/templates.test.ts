/** `npm run synth` on a machine without credentials, what a linter says of the result, and what adapters expect of it. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const VENV = join(ROOT, '.cache', 'venv-cfn-lint', 'bin');
const TIME_LIMIT_MS = 240_000;
const MAX_BUNDLE_BYTES = 1_000_000;

const home = mkdtempSync(join(tmpdir(), 'brop-synth-'));
let said = '';

beforeAll(() => {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  // A home without a profile: nothing to be found that could stand in for credentials.
  const env = { ...Object.fromEntries(inherited), HOME: home, AWS_EC2_METADATA_DISABLED: 'true' };
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

  test('each function is one file under 1 MB', () => {
    const bundles = globSync('cdk.out/devnet/asset.*/index.mjs', { cwd: ROOT });
    expect(bundles.length).toBeGreaterThan(0);
    for (const path of bundles) expect(statSync(join(ROOT, path)).size, path).toBeLessThan(MAX_BUNDLE_BYTES);
  });
});
