/** What a deployment is: the config files of `config/`, checked field by field before anything is synthesized. */
import { z } from 'zod';

/** Where a node serves its metrics and /livez, to itself alone, and the follower its API, inside of the network. */
export const SERVICE_PORT = 9464;
export const API_PORT = 4680;

/** The one member that tells what a secret holds until somebody puts the key in: JSON with this and something random. */
export const PLACEHOLDER = 'placeholder';

const port = z.number().int().min(1).max(65_535);
const hex64 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');
const cidr = z.cidrv4('must be an IPv4 range such as 203.0.113.0/24');
const name = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,29}[a-z0-9])?$/,
    'has up to 31 lower-case letters, digits, dashes, and begins with a letter',
  );
const hostName = z
  .string()
  .regex(
    /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
    'must be a name such as api.brop.example',
  );
/** API Gateway takes those of its own region alone; which that is CloudFormation says. */
const certificateArn = z
  .string()
  .regex(/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/, 'must be the ARN of a certificate in ACM');

/** Sizes of a Fargate task (Amazon ECS, Task CPU and memory): vCPU in 1,024ths and the memory, in MiB, that goes with it. */
const size = z
  .strictObject({
    cpu: z.union([z.literal(256), z.literal(512), z.literal(1024), z.literal(2048)], '256, 512, 1024 or 2048'),
    memoryMiB: z
      .number()
      .int()
      .max(16_384)
      .refine((mib) => mib === 512 || mib % 1_024 === 0, 'must be 512 or whole GiB'),
  })
  .refine(({ cpu, memoryMiB }) => memoryMiB >= cpu * 2 && memoryMiB <= cpu * 8, {
    error: 'memoryMiB must be from 2 to 8 times cpu',
  });

/**
 * Who signs votes. `kms`: a key in KMS. `cloudhsm`: a key in the CloudHSM cluster of this deployment. `auto`: the same
 * with a registered standby key, in KMS or as a key file in Secrets Manager, for when the cluster is out of reach.
 */
const signer = z.discriminatedUnion(
  'driver',
  [
    z.strictObject({ driver: z.literal('kms') }),
    z.strictObject({ driver: z.literal('cloudhsm'), keyLabel: z.string().min(1) }),
    z.strictObject({
      driver: z.literal('auto'),
      keyLabel: z.string().min(1),
      standby: z.enum(['kms', 'file']),
      /** One more than before is the command to go back to the primary key (docs/runbook.md, signer-fallback). */
      returns: z.number().int().min(0).default(0),
    }),
  ],
  'driver must be kms, cloudhsm or auto',
);

/** A node of somebody else. */
const peer = z.strictObject({
  id: hex64,
  host: z.string().regex(/^[A-Za-z0-9.:-]+$/, 'must be a name or an address'),
  port,
});

/** Where a node runs in the emulator: as a process of this machine. */
const local = z.strictObject({ dataFolder: z.string().min(1), nodePort: port, servicePort: port });

const node = {
  /** Fingerprint of the node's TLS key: `npm run aws:keys` prints it. */
  nodeId: hex64,
  size,
  nodePort: port.default(4700),
  local: local.optional(),
};

const validator = z.strictObject({
  name,
  ...node,
  signer,
  /**
   * `private`: found by name inside the deployment's network. `public`: behind a network load balancer of its own, for
   * a company that is alone in its account. `allowFrom` are the addresses of the other nodes: those of Fargate tasks
   * change, so with such peers it is 0.0.0.0/0, and mutual TLS with registered keys decides who gets in.
   */
  reach: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('private') }),
    z.strictObject({ kind: z.literal('public'), allowFrom: z.array(cidr).min(1) }),
  ]),
});

/** A client of the API with a key of its own. */
const client = z.strictObject({
  name,
  requestsPerSecond: z.number().int().min(1).max(10_000),
  burst: z.number().int().min(1).max(10_000),
  requestsPerMonth: z.number().int().min(1).optional(),
});

const proxy = z.strictObject({
  name,
  ...node,
  /**
   * By which name clients reach the API: accounts log in under it alone, and addresses of hosted files, which are on chain,
   * begin with it. The certificate is for it.
   */
  domain: z.strictObject({ name: hostName, certificateArn }),
  /** Whether requests that write need the key of a client; reading never does. */
  keyForWrites: z.boolean(),
  clients: z.array(client).min(1),
  /** Hosted files cannot be deleted for so long: by nobody (COMPLIANCE), or by whom IAM allows it (GOVERNANCE). */
  hosting: z.strictObject({
    lockMode: z.enum(['GOVERNANCE', 'COMPLIANCE']),
    retentionDays: z.number().int().min(1).max(36_500),
  }),
  /** Of all clients together, and of one address (WAF counts in five minutes). */
  requestsPerSecond: z.number().int().min(1).max(10_000),
  requestsPerAddressIn5Minutes: z.number().int().min(10).max(2_000_000_000),
});

const fields = z.strictObject({
  name,
  account: z.string().regex(/^\d{12}$/, 'must be the 12 digits of an AWS account'),
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region such as eu-central-1'),
  /** Two at least: said here, so that synthesis needs no look-up and no credentials. */
  availabilityZones: z.array(z.string().min(1)).min(2).max(3),
  vpcCidr: cidr,
  /** Image of the nodes in ECR, by tag or digest. */
  image: z
    .string()
    .regex(
      /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/[a-z0-9/_.-]+(:[\w.-]+|@sha256:[0-9a-f]{64})$/,
      'must be an image in ECR such as 111122223333.dkr.ecr.eu-central-1.amazonaws.com/brop:0.1.0',
    ),
  /** Block interval of the chain when nothing is to be packed: what idle votes cost follows from it. */
  heartbeatSeconds: z.number().int().min(1).max(60),
  validators: z.array(validator).max(10),
  proxy: proxy.optional(),
  /** Nodes outside of this deployment. */
  peers: z.array(peer),
  /** Public files of the chain to catch up from, such as the proxy's. By http(s): a node's role reads its own bucket alone. */
  fileSources: z.array(z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' })).max(16),
  /** A CloudHSM cluster, for the signers that name one. */
  cloudHsm: z
    .strictObject({ hsmType: z.string().regex(/^hsm\d[a-z]*\.[a-z]+$/, 'must be a type such as hsm2m.medium') })
    .optional(),
  /** Whom alarms tell. */
  alarmEmail: z.email().optional(),
  logRetentionDays: z.union([z.literal(7), z.literal(14), z.literal(30), z.literal(90), z.literal(365)]),
  /** Deploys to an AWS emulator, less what that does not have; nodes and functions find AWS there. */
  emulator: z.strictObject({ endpoint: z.url() }).optional(),
});

export type Deployment = z.output<typeof fields>;
/** As written in a config file: defaults may be left out. */
export type DeploymentInput = z.input<typeof fields>;
export type ValidatorSettings = Deployment['validators'][number];
export type ProxySettings = NonNullable<Deployment['proxy']>;

/** The origin of the API, such as https://api.brop.example. In the emulator it has no name. */
export function originOf({ domain }: ProxySettings, { emulator }: Deployment): string {
  return emulator === undefined ? `https://${domain.name}` : new URL(emulator.endpoint).origin;
}

const schema = fields.superRefine((deployment, context) => {
  for (const [path, message] of wrongTogether(deployment)) context.addIssue({ code: 'custom', path, message });
});

type Problem = readonly [path: (string | number)[], message: string];

/** What each field allows by itself, and what would fail at CloudFormation, or later, together. */
function* wrongTogether(deployment: Deployment): Generator<Problem> {
  const { validators, proxy, peers, emulator, cloudHsm } = deployment;
  if (validators.length === 0 && proxy === undefined)
    yield [['validators'], 'there is neither a validator nor a proxy'];
  yield* wrongPlaces(deployment);
  for (const [i, { signer }] of validators.entries())
    if (signer.driver !== 'kms' && cloudHsm === undefined)
      yield [['validators', i, 'signer', 'driver'], `${signer.driver} needs the field cloudHsm`];
  const nodes = [
    ...validators.map((node, i) => [node, ['validators', i]] as const),
    ...(proxy === undefined ? [] : [[proxy, ['proxy']] as const]),
  ];
  for (const field of ['name', 'nodeId'] as const)
    if (new Set(nodes.map(([node]) => node[field])).size < nodes.length)
      yield [['validators'], `two nodes have the same ${field}`];
  const ids = [...nodes.map(([{ nodeId }]) => nodeId), ...peers.map(({ id }) => id)];
  for (const [i, { id }] of peers.entries())
    if (ids.indexOf(id) < nodes.length + i) yield [['peers', i, 'id'], 'is the one of another node'];
  for (const [{ local, nodePort }, path] of nodes) {
    if (emulator !== undefined && local === undefined) yield [[...path, 'local'], 'is needed in the emulator'];
    if (emulator === undefined && local !== undefined) yield [[...path, 'local'], 'is for the emulator alone'];
    if (nodePort === API_PORT || nodePort === SERVICE_PORT)
      yield [[...path, 'nodePort'], `${API_PORT} and ${SERVICE_PORT} are taken`];
  }
  const clients = proxy?.clients.map(({ name }) => name) ?? [];
  for (const [i, name] of clients.entries())
    if (clients.indexOf(name) < i) yield [['proxy', 'clients', i, 'name'], 'is the one of another client'];
}

/** Networks of 256 addresses, two in each zone (stacks/network.ts), in a VPC of at most 65,536 (Amazon VPC quotas). */
function* wrongPlaces({ vpcCidr, availabilityZones: zones, region, proxy }: Deployment): Generator<Problem> {
  const bits = Number(vpcCidr.split('/')[1]);
  if (bits < 16 || 2 ** (24 - bits) < 2 * zones.length)
    yield [['vpcCidr'], `must be from /16 to /${zones.length > 2 ? 21 : 22}: two networks of /24 in each zone`];
  for (const [i, zone] of zones.entries()) {
    if (!zone.startsWith(region)) yield [['availabilityZones', i], `must be a zone of ${region}`];
    if (zones.indexOf(zone) < i) yield [['availabilityZones', i], 'is named twice'];
  }
  if (proxy !== undefined && proxy.domain.certificateArn.split(':')[3] !== region)
    yield [['proxy', 'domain', 'certificateArn'], `must be of a certificate in ${region}`];
}

/** One line for people, that names the field. */
export class DeploymentError extends Error {}

/** @throws {DeploymentError} */
export function checkDeployment(file: string, value: unknown): Deployment {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const field = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .slice(1);
  throw new DeploymentError(`${file}: ${field === '' ? '' : `${field}: `}${message}`);
}
