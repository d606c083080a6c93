/** The config file of a node: JSON, checked field by field. Relative paths are relative to the file. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { BropError } from '../node-core/chain/codes.ts';
import { placeOfFiles, proposals, voteRecord } from './aws/config.ts';
import { isS3, isSecret } from './aws/references.ts';
import { isUrl } from './file-sources.ts';
import { consensusKey, withSignerPaths } from './signing/signer-config.ts';

const port = z.number().int().min(0).max(65_535);
const address = z.strictObject({ host: z.string().min(1), port });

/** A collector's OTLP/HTTP endpoint for traces. */
const otlpUrl = z.url({
  protocol: /^https?$/,
  error: 'must be an http(s) URL such as http://127.0.0.1:4318/v1/traces',
});

const origin = z
  .string()
  .refine((text) => /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text, {
    error: 'must be an origin such as https://node.example, without a path',
  });

const common = {
  /** What logs, metrics and traces call this node; its role and the start of its fingerprint without it. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'has 1 to 64 letters, digits, dots, dashes or underscores')
    .optional(),
  /** Genesis file of the chain, or `s3://bucket/key`. */
  genesis: z.string().min(1),
  /** Where the chain, and for a validator its vote record, are kept. */
  dataFolder: z.string().min(1),
  /** TLS key of the node, PEM, mode 0600; or `secretsmanager:<id>`, as may be the other keys. */
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
  /** Folders, URLs or `s3://bucket/prefix` with the plain files of the chain, to catch up from; asked in this order. */
  fileSources: z.array(z.string().min(1)).max(16).default([]),
  /** Where the node puts its plain files as they become final: `s3://bucket/prefix`. It catches up from there itself. */
  publish: placeOfFiles.optional(),
  /** How often at most: each time costs a handful of requests. */
  publishEveryMs: z.number().int().min(1_000).max(86_400_000).default(60_000),
  /** Ed25519 key file that signs the checkpoints this node publishes; without it there are none. */
  noteKey: z.string().min(1).optional(),
  /**
   * The HTTP API. `requestsPerSecond` bounds each client address; 0 is no bound, for machines behind a gateway.
   * `origins`: scheme, host and port by which clients reach it (https://node.example), the first being its name; accounts
   * log in under these alone. Without them: the address it listens at, when that is a loopback one.
   */
  api: address
    .extend({
      requestsPerSecond: z.number().int().min(0).max(1_000_000).optional(),
      origins: z.array(origin).min(1).max(16).optional(),
    })
    .optional(),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
      file: z.string().min(1).optional(),
    })
    .default({ level: 'info' }),
  /**
   * Serves Prometheus metrics at http://host:port/metrics, and at /livez and /healthz whether the node lives and is up to date,
   * to whoever reaches it; a node with an API has metrics and /healthz there too.
   */
  metrics: z.strictObject({ host: z.string().min(1).default('127.0.0.1'), port }).optional(),
  /** Sends traces of this part of all transactions (the same on every node) to an OpenTelemetry collector. */
  tracing: z.strictObject({ otlpUrl, ratio: z.number().min(0).max(1).default(1) }).optional(),
  /**
   * Webhooks, of a node with an API. `loopback` lets http and https to the node's own machine through: for a devnet, never
   * where strangers may subscribe.
   */
  webhooks: z
    .strictObject({ deliver: z.boolean().default(true), loopback: z.boolean().default(false) })
    .default({ deliver: true, loopback: false }),
  /** Threads that check signatures. */
  signatureWorkers: z.number().int().min(1).max(64).default(1),
  /** How many heights of blocks are kept at least; 'all' is an archive node. */
  retain: z
    .strictObject({ blocks: z.union([z.literal('all'), z.number().int().min(1)]).default('all') })
    .default({ blocks: 'all' }),
};

/** A snapshot of the state after each block whose height `every` divides, 0: none; the newest `keep` stay. */
const snapshots = (every: number) =>
  z
    .strictObject({
      every: z.number().int().min(0).default(every),
      keep: z.number().int().min(1).max(100).default(2),
    })
    .default({ every, keep: 2 });
/** What an empty node begins from: the newest snapshot of its file sources, or the genesis, executing every block. */
const join = z.enum(['snapshot', 'genesis']);
/** Whether records can be searched by their business fields; the index lies in the data folder beside the chain. */
const index = z.boolean();

const schema = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('follower'),
    ...common,
    snapshots: snapshots(10_000),
    join: join.default('snapshot'),
    index: index.default(true),
    /** DynamoDB table into which every final block is copied: the proxy's functions answer out of it. */
    ledgerTable: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{3,255}$/, 'is no name of a DynamoDB table')
      .optional(),
  }),
  z.strictObject({
    role: z.literal('validator'),
    ...common,
    snapshots: snapshots(0),
    join: join.default('genesis'),
    index: index.default(false),
    /**
     * What signs votes: a key file, a token, KMS, or two of them (signing/README.md). The primary or the standby key of the
     * validator's entry in the set; the key says which.
     */
    consensusKey,
    voteRecord,
    proposals,
  }),
]);

export type NodeConfig = z.infer<typeof schema>;
/** As written in a file: defaults may be left out. */
export type NodeConfigInput = z.input<typeof schema>;

/** @throws {BropError} CONFIG_INVALID, one line that names the file and the field. */
export function loadConfig(path: string): NodeConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new BropError('CONFIG_INVALID', `${path}: cannot be read.`);
  }
  return parseConfig(text, path, dirname(resolve(path)));
}

/** Name of the variable of the environment that holds a config where there is no file. */
export const CONFIG_VARIABLE = 'BROP_CONFIG';

/**
 * @param path what the errors call it
 * @param folder what relative paths are relative to
 * @throws {BropError} as loadConfig
 */
export function parseConfig(text: string, path: string, folder: string): NodeConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BropError('CONFIG_INVALID', `${path}: not JSON.`);
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
  const config = withPaths(parsed.data, folder);
  const wrong = wrongTogether(config);
  if (wrong !== undefined) throw new BropError('CONFIG_INVALID', `${path}: ${wrong}.`);
  return config;
}

/** What each field allows by itself, and what makes no sense together. */
function wrongTogether(config: NodeConfig): string | undefined {
  if (config.role !== 'validator' || config.proposals === undefined) return undefined;
  if (config.voteRecord.driver !== 'dynamodb')
    return 'proposals: a disk that may vanish takes the vote record with it: voteRecord.driver must be dynamodb';
  return config.publish === undefined
    ? 'proposals: they are kept until publish has their blocks: it is missing'
    : undefined;
}

function withPaths(config: NodeConfig, folder: string): NodeConfig {
  const at = (path: string) => (isSecret(path) || isS3(path) ? path : resolve(folder, path));
  const paths = { genesis: at(config.genesis), dataFolder: at(config.dataFolder), nodeKey: at(config.nodeKey) };
  const log = config.log.file === undefined ? config.log : { ...config.log, file: at(config.log.file) };
  const fileSources = config.fileSources.map((source) => (isUrl(source) ? source : at(source)));
  const common = { ...paths, log, fileSources, ...(config.noteKey !== undefined && { noteKey: at(config.noteKey) }) };
  if (config.role === 'follower') return { ...config, ...common };
  return { ...config, ...common, consensusKey: withSignerPaths(config.consensusKey, at) };
}
