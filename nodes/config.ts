/** The config file of a node: JSON, checked field by field. Relative paths are relative to the file. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { BropError } from '../node-core/chain/codes.ts';

const port = z.number().int().min(0).max(65_535);
const address = z.strictObject({ host: z.string().min(1), port });

const common = {
  /** Genesis file of the chain. */
  genesis: z.string().min(1),
  /** Where the chain, and for a validator its vote record, are kept. */
  dataFolder: z.string().min(1),
  /** TLS key of the node, PEM, mode 0600. */
  nodeKey: z.string().min(1),
  /** Where other nodes connect; without it the node only dials. */
  listen: address.optional(),
  peers: z
    .array(
      z
        .strictObject({
          id: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'),
          host: z.string().min(1).optional(),
          port: port.optional(),
        })
        .refine(({ host, port }) => (host === undefined) === (port === undefined), 'host and port belong together'),
    )
    .default([]),
  /** The HTTP API. `requestsPerSecond` bounds each client address; 0 is no bound, for machines behind a gateway. */
  api: address.extend({ requestsPerSecond: z.number().int().min(0).max(1_000_000).optional() }).optional(),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
      file: z.string().min(1).optional(),
    })
    .default({ level: 'info' }),
  /** Threads that check signatures. */
  signatureWorkers: z.number().int().min(1).max(64).default(1),
};

const schema = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('follower'), ...common }),
  z.strictObject({
    role: z.literal('validator'),
    ...common,
    /** Key file that signs votes. */
    consensusKey: z.string().min(1),
  }),
]);

export type NodeConfig = z.infer<typeof schema>;
/** As written in a file: defaults may be left out. */
export type NodeConfigInput = z.input<typeof schema>;

/** @throws {BropError} CONFIG_INVALID, one line that names the file and the field. */
export function loadConfig(path: string): NodeConfig {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'not JSON' : 'cannot be read';
    throw new BropError('CONFIG_INVALID', `${path}: ${reason}.`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path
      .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
      .join('')
      .slice(1);
    throw new BropError('CONFIG_INVALID', `${path}: ${field === '' ? '' : `${field}: `}${issue.message}.`);
  }
  return withPaths(parsed.data, dirname(resolve(path)));
}

function withPaths(config: NodeConfig, folder: string): NodeConfig {
  const at = (path: string) => resolve(folder, path);
  const paths = { genesis: at(config.genesis), dataFolder: at(config.dataFolder), nodeKey: at(config.nodeKey) };
  const log = config.log.file === undefined ? config.log : { ...config.log, file: at(config.log.file) };
  if (config.role === 'follower') return { ...config, ...paths, log };
  return { ...config, ...paths, log, consensusKey: at(config.consensusKey) };
}
