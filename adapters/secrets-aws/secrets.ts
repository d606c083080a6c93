/** Secrets of AWS Secrets Manager, read when a node starts. */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CLIENT_SETTINGS } from '../aws/client-settings.ts';
import { nameOf, type Persistence } from '../aws/persistence.ts';

/** Says which secret and what kind of failure, never what is in it. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
  /** AWS's name of the failure, or what is wrong with the text. */
  readonly code: string;

  constructor(id: string, code: string, what: string) {
    super(`the secret ${id} ${what}`);
    this.code = code;
  }
}

export interface SecretsOptions {
  readonly client?: Pick<SecretsManagerClient, 'send'>;
  /** Waits for a service that is throttled or away. */
  readonly persistence: Persistence;
}

/** Secrets hold at most 65,536 bytes (Secrets Manager quotas); keys and PINs are much shorter. */
const MAX_CHARACTERS = 16_384;

/**
 * The text of a secret, as it was stored.
 * @param id name or ARN.
 * @throws {SecretError} when there is none, when it may not be read, holds bytes instead of text, nothing, or too much.
 */
export async function readSecret(id: string, { client, persistence }: SecretsOptions): Promise<string> {
  const secrets = client ?? new SecretsManagerClient(CLIENT_SETTINGS);
  const text = await persistence
    .run(`the secret ${id}`, () => secrets.send(new GetSecretValueCommand({ SecretId: id })))
    .then(
      ({ SecretString }) => SecretString,
      (error: unknown) => {
        // Without the cause: its text may quote what it was about.
        throw new SecretError(id, nameOf(error), `cannot be read: ${nameOf(error)}`);
      },
    );
  if (text === undefined || text.trim() === '') throw new SecretError(id, 'no text', 'holds no text');
  if (text.length > MAX_CHARACTERS)
    throw new SecretError(id, 'too long', `is longer than ${MAX_CHARACTERS} characters`);
  return text;
}
