/** Secrets as a config names them. */
import { Persistence } from '../../adapters/aws/persistence.ts';
import { readSecret } from '../../adapters/secrets-aws/secrets.ts';
import { createLog } from '../../adapters/system/log.ts';
import { SECRET } from './references.ts';

/** A node that starts without its keys waits this long for the service; then its process ends, and is started anew. */
const PATIENCE_MS = 60_000;

/** @param name `secretsmanager:<id>`. @throws {SecretError} */
export async function secretText(name: string): Promise<string> {
  // The name of the node, which its own log has in every line, may depend on the secret.
  const log = createLog({ level: 'warn', fields: { of: 'secrets' } });
  return readSecret(name.slice(SECRET.length), { persistence: new Persistence({ log, patienceMs: PATIENCE_MS }) });
}
