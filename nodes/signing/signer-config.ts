/** Where the key that signs votes is, as the config of a validator says it. */
import { z } from 'zod';
import { isSecret } from '../aws/references.ts';

/** Where a secret is, never the secret itself: a config is read by many. */
export const secretReference = z
  .string()
  .regex(/^(env:[A-Za-z_]\w*|file:.+|secretsmanager:.+)$/, 'must be env:NAME, file:PATH or secretsmanager:ID');

const file = z.strictObject({
  driver: z.literal('file'),
  /** Of a key file, or `secretsmanager:<id>` with what such a file holds. */
  path: z.string().min(1),
});
const pkcs11 = z.strictObject({
  driver: z.literal('pkcs11'),
  /** The token's driver, such as `/opt/cloudhsm/lib/libcloudhsm_pkcs11.so`. */
  library: z.string().min(1),
  tokenLabel: z.string().min(1),
  /** CKA_LABEL of the key pair. */
  keyLabel: z.string().min(1),
  pin: secretReference,
});
const kms = z.strictObject({
  driver: z.literal('kms'),
  /** ID, ARN or alias. Region and credentials are those of the environment. */
  keyId: z.string().min(1),
});
const one = z.discriminatedUnion('driver', [file, pkcs11, kms]);
const auto = z.strictObject({
  driver: z.literal('auto'),
  /** Signs as long as it can. */
  primary: one,
  /** Signs from then on, until the operator commands the way back. */
  standby: one,
  /** The CloudHSM cluster behind the primary key: asked at every start whether it is there. */
  cluster: z
    .strictObject({ id: z.string().min(1), region: z.string().min(1).optional(), endpoint: z.url().optional() })
    .optional(),
  /** One more than before is the operator's command to go back to the primary key, carried out at the next start. */
  returns: z.number().int().min(0).max(1_000_000).default(0),
});
const signer = z.discriminatedUnion('driver', [file, pkcs11, kms, auto]);

export type OneSignerConfig = z.output<typeof one>;
export type AutoSignerConfig = z.output<typeof auto>;
export type SignerConfig = z.output<typeof signer>;
/** As written in a file: the path of a key file stands for itself. */
export type SignerConfigInput = string | z.input<typeof signer>;

/** The field `consensusKey`. The cast says what may be written, which zod cannot know of a preprocessed value. */
export const consensusKey = z.preprocess(
  (value) => (typeof value === 'string' && value !== '' ? { driver: 'file', path: value } : value),
  signer,
) as unknown as z.ZodType<SignerConfig, SignerConfigInput>;

/** The same with absolute paths; `at` resolves one. */
export function withSignerPaths(config: SignerConfig, at: (path: string) => string): SignerConfig {
  if (config.driver !== 'auto') return withPaths(config, at);
  return { ...config, primary: withPaths(config.primary, at), standby: withPaths(config.standby, at) };
}

function withPaths(config: OneSignerConfig, at: (path: string) => string): OneSignerConfig {
  if (config.driver === 'kms') return config;
  if (config.driver === 'file') return isSecret(config.path) ? config : { ...config, path: at(config.path) };
  const pin = config.pin.startsWith('file:') ? `file:${at(config.pin.slice('file:'.length))}` : config.pin;
  return { ...config, library: at(config.library), pin };
}
