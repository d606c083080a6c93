/** The secrets that functions share: one entry of Secrets Manager, made with the deployment. */
import { Persistence } from '../../adapters/aws/persistence.ts';
import { readSecret } from '../../adapters/secrets-aws/secrets.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { fromHex } from '../../node-core/codec/bytes.ts';
import { log } from './observe.ts';

export interface ProxySecrets {
  /** By which challenges of the API are known again, and from which what lies encrypted in tables is. */
  readonly challengeSecret: Uint8Array;
  /** From which the keys of webhooks are derived. */
  readonly webhookMaster: Uint8Array;
}

const HEX_32 = /^[0-9a-f]{64}$/;
/** Of an invocation: whoever waits longer than that has been given up. */
const PATIENCE_MS = 10_000;

/** @param id of a secret whose text is JSON of both, in hexadecimal. @throws {BropError} CONFIG_INVALID, without its text */
export async function proxySecrets(id: string): Promise<ProxySecrets> {
  const text = await readSecret(id, { persistence: new Persistence({ log, patienceMs: PATIENCE_MS }) });
  return parseProxySecrets(text);
}

export function parseProxySecrets(text: string): ProxySecrets {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The error would quote the text.
  }
  const secret = (name: keyof ProxySecrets) => {
    const value = typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>)[name] : undefined;
    if (typeof value === 'string' && HEX_32.test(value)) return fromHex(value);
    throw new BropError('CONFIG_INVALID', `The secret of BROP_SECRET_ID: ${name}: not 64 hexadecimal digits.`);
  };
  return { challengeSecret: secret('challengeSecret'), webhookMaster: secret('webhookMaster') };
}
