/** Secrets by reference: `env:NAME`, `file:PATH` or `secretsmanager:ID`. */
import { readFileSync } from 'node:fs';
import { BropError } from '../../node-core/chain/codes.ts';
import { SECRET } from '../aws/references.ts';

/**
 * The text of a secret, without the line break at its end.
 * @throws {BropError} CONFIG_INVALID, naming where it was looked for and never what was found.
 */
export async function readSecret(reference: string): Promise<string> {
  const colon = reference.indexOf(':');
  const [kind, name] = [reference.slice(0, colon), reference.slice(colon + 1)];
  const text = await lookUp(kind, name).catch((error: unknown) => {
    throw new BropError('CONFIG_INVALID', `${reference}: cannot be read (${reasonOf(error)}).`);
  });
  if (text === undefined || text.trim() === '') throw new BropError('CONFIG_INVALID', `${reference}: holds nothing.`);
  return text.replace(/\r?\n$/, '');
}

async function lookUp(kind: string, name: string): Promise<string | undefined> {
  if (kind === 'env') return process.env[name];
  if (kind === 'file') return readFileSync(name, 'utf8');
  // Loaded when it is wanted: a node elsewhere is smaller without the SDK.
  const { secretText } = await import('../aws/secrets.ts');
  return secretText(`${SECRET}${name}`);
}

/** ENOENT …: what kind of failure; of Secrets Manager its own line, which quotes nothing. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  if (error.name === 'SecretError') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}
