/**
 * `npm run aws:test [-- --endpoint URL]`: all that is tested against an AWS emulator, ours or whatever speaks the same at
 * the URL. Says at the end what none of it can show.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..');
/** Parts of the names of test files. */
const SUITES = ['test/aws/', 'test/functions/', 'cdk/', 'dynamodb.test', 'blobs-s3.test', 'journal.test'];
const EMULATOR = /^ministack==(.+)$/m.exec(readFileSync(join(import.meta.dirname, 'requirements.txt'), 'utf8'))![1];

/** What no emulator shows, and what shows it instead; docs/aws.md says more. */
const NOT_TESTED = [
  'Object Lock: buckets of CloudFormation lose it in the emulator (template assertions; the calls of the adapter)',
  'CloudHSM and its control plane (a fake of that API; SoftHSM2 by PKCS#11)',
  'IAM, KMS and bucket policies: not enforced (template assertions, cdk-nag)',
  'ECS: no container runs; its tasks are processes with the deployed command and environment',
  'security groups, VPC endpoints, load balancers, Cloud Map, CloudFront, WAF, X-Ray, alarms (template assertions)',
  'response streaming of API Gateway (handler tests)',
  'single failures of a batch, bisecting and dead letters of a stream: ignored there (handler tests)',
  'latencies, quotas and prices of AWS',
];

interface Result {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

function run(endpoint: string | undefined): number {
  const folder = mkdtempSync(join(tmpdir(), 'brop-aws-test-'));
  try {
    const outputFile = join(folder, 'result.json');
    const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${outputFile}`, ...SUITES];
    const { status } = spawnSync(process.execPath, [join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'), ...args], {
      cwd: ROOT,
      stdio: 'inherit',
      env: {
        BROP_AWS_REGISTRATIONS: '1000',
        ...process.env,
        ...(endpoint !== undefined && { BROP_AWS_ENDPOINT_URL: endpoint }),
      },
    });
    const { numPassedTests, numFailedTests, numPendingTests }: Result = JSON.parse(readFileSync(outputFile, 'utf8'));
    const emulator = endpoint === undefined ? `ministack ${EMULATOR}` : `the endpoint ${endpoint}`;
    process.stdout.write(
      `\nRan against ${emulator}.\nNOT TESTED here:\n${NOT_TESTED.map((line) => `- ${line}\n`).join('')}`,
    );
    process.stdout.write(
      `\n${numPassedTests} passed, ${numFailedTests} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''}\n`,
    );
    return status ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const { values } = parseArgs({ options: { endpoint: { type: 'string' } } });
process.exitCode = run(values.endpoint);
