/** What of a deployment's config (cdk/config) decides its cost. The file is data here: nothing of cdk is imported. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { ExitError, exit } from '../exit-codes.ts';

const size = z.object({ cpu: z.number(), memoryMiB: z.number() });

const schema = z.object({
  name: z.string(),
  region: z.string(),
  heartbeatSeconds: z.number().min(1),
  validators: z.array(
    z.object({
      size,
      signer: z.object({ driver: z.enum(['kms', 'cloudhsm', 'auto']) }),
      reach: z.object({ kind: z.enum(['private', 'public']) }),
    }),
  ),
  proxy: z.object({ size }).optional(),
  cloudHsm: z.object({}).optional(),
});

export type CostedDeployment = z.infer<typeof schema>;

/** As many accounts deploy it. */
export interface Accounts {
  readonly deployment: CostedDeployment;
  readonly count: number;
}

/** @param given `<file>` or `<file>:<count>` @throws {ExitError} config, one line that names file and field */
export async function readAccounts(given: string): Promise<Accounts> {
  const [, file = given, count = '1'] = /^(.+?)(?::(\d{1,2}))?$/.exec(given) ?? [];
  const path = resolve(file);
  if (!existsSync(path)) throw new ExitError(exit.unreadable, `${file}: there is no such file`);
  const module: { readonly default?: unknown } = await import(pathToFileURL(path).href);
  const parsed = schema.safeParse(module.default);
  if (!parsed.success) {
    const { path: field, message } = parsed.error.issues[0]!;
    throw new ExitError(exit.config, `${file}: ${field.join('.') || 'default export'}: ${message}`);
  }
  if (parsed.data.cloudHsm !== undefined)
    throw new ExitError(
      exit.config,
      `${file}: cloudHsm: the model knows KMS alone; an HSM costs some 1,000 USD a month`,
    );
  return { deployment: parsed.data, count: Number(count) };
}
