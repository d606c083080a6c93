import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, test } from 'vitest';
import { CONFIGS, withStacks } from './testing.ts';

interface Report {
  readonly pluginReports: readonly {
    readonly violations: readonly {
      readonly ruleName: string;
      readonly violatingConstructs: readonly { readonly constructPath: string }[];
    }[];
  }[];
}

/** What cdk-nag, or CDK's own validation of templates, finds that nobody has acknowledged, as `<rule> <construct>`. */
function findings(name: string): string[] {
  const found = (_: unknown, app: App, outdir: string) => {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    app.synth();
    const report: Report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'));
    return report.pluginReports.flatMap(({ violations }) =>
      violations.flatMap(({ ruleName, violatingConstructs }) =>
        violatingConstructs.map(({ constructPath }) => `${ruleName} ${constructPath}`),
      ),
    );
  };
  return withStacks(name, found, { validated: true });
}

/** Four hundred rules and aspects over nine stacks. */
const TIME_LIMIT_MS = 180_000;

describe('cdk-nag, AwsSolutions', { timeout: TIME_LIMIT_MS }, () => {
  test.for(Object.keys(CONFIGS))('%s: nothing that is not acknowledged with a reason', (name) => {
    expect(findings(name)).toEqual([]);
  });
});
