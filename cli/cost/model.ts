/** Cost of a network by line: what stands still costs by the month, what is registered by the million. */
import type { Accounts, CostedDeployment } from './deployment.ts';
import { PRICES, type PriceName } from './prices.ts';
import {
  ACCOUNT,
  BLOCK,
  HOURS_PER_MONTH,
  LEAVES_OF_TILE,
  MORE,
  NODE,
  PROXY,
  RECORD,
  RECORDS_PER_BATCH,
  RECORDS_PER_BLOCK,
  SECONDS_PER_MONTH,
  TRACED,
  VALIDATOR,
} from './usage.ts';

export interface Line {
  readonly what: string;
  readonly usd: number;
  /** Of its prices at least one is unconfirmed. */
  readonly unconfirmed: boolean;
}

type Use = readonly (readonly [units: number, price: PriceName])[];

const KIB = 1_024;
/** Of one read unit; the proxy reads what it has just written, which costs a whole one. */
const KIB_OF_READ = 4;
const GB = 1e9;
const MILLION = 1_000_000;

function line(what: string, ...uses: Use): Line {
  return {
    what,
    usd: uses.reduce((sum, [units, price]) => sum + units * PRICES[price].usd, 0),
    unconfirmed: uses.some(([, price]) => !PRICES[price].confirmed),
  };
}

export function total(lines: readonly Line[]): number {
  return lines.reduce((sum, { usd }) => sum + usd, 0);
}

/** How many there are of what costs by the month. */
export interface Network {
  readonly accounts: number;
  readonly validators: number;
  readonly proxies: number;
  readonly publicValidators: number;
  readonly vcpu: number;
  readonly memoryGb: number;
}

export function networkOf(all: readonly Accounts[]): Network {
  const sum = (of: (deployment: CostedDeployment) => number) =>
    all.reduce((sofar, { deployment, count }) => sofar + count * of(deployment), 0);
  const nodes = ({ validators, proxy }: CostedDeployment) => [...validators, ...(proxy === undefined ? [] : [proxy])];
  return {
    accounts: sum(() => 1),
    validators: sum(({ validators }) => validators.length),
    proxies: sum(({ proxy }) => (proxy === undefined ? 0 : 1)),
    publicValidators: sum(({ validators }) => validators.filter(({ reach }) => reach.kind === 'public').length),
    vcpu: sum((deployment) => nodes(deployment).reduce((cpu, { size }) => cpu + size.cpu / 1_024, 0)),
    memoryGb: sum((deployment) => nodes(deployment).reduce((gb, { size }) => gb + size.memoryMiB / 1_024, 0)),
  };
}

/** Signatures of all validators under one block. */
function signatures({ validators }: Network): number {
  return validators === 0 ? 0 : validators * BLOCK.votesOfEach + BLOCK.proposals;
}

/** By the month, when nothing is registered and a block comes every `heartbeatSeconds`. */
export function fixed(network: Network, heartbeatSeconds: number): Line[] {
  const { accounts, validators, proxies, publicValidators } = network;
  const nodes = validators + proxies;
  const blocks = SECONDS_PER_MONTH / heartbeatSeconds;
  const signed = blocks * signatures(network);
  const publications = SECONDS_PER_MONTH / Math.max(NODE.publicationSeconds, heartbeatSeconds);
  const hours = HOURS_PER_MONTH;
  const sweeps = (proxies * PROXY.sweepsPerMinute * SECONDS_PER_MONTH) / 60;
  const functionGbSeconds = PROXY.functionGb * (blocks * proxies * BLOCK.indexerSeconds + sweeps * PROXY.sweepSeconds);
  return [
    line(
      'Fargate tasks, arm64',
      [network.vcpu * hours, 'fargateArmVcpuHour'],
      [network.memoryGb * hours, 'fargateArmGbHour'],
    ),
    line('addresses of tasks and balancers', [(nodes + publicValidators) * hours, 'publicIpv4Hour']),
    line(
      'network load balancers of validators',
      [publicValidators * hours, 'networkLoadBalancerHour'],
      [publicValidators * hours * VALIDATOR.balancerUnits, 'networkLoadBalancerUnitHour'],
    ),
    line('KMS: signatures of empty blocks', [signed, 'kmsSign']),
    line(
      'KMS: keys, and requests for data at rest',
      [accounts * ACCOUNT.keys + validators, 'kmsKeyMonth'],
      [(nodes * NODE.dataKeyRequestsPerHour + proxies * PROXY.dataKeyRequestsPerHour) * hours, 'kmsRequest'],
    ),
    line('DynamoDB: votes and journals of empty blocks', [
      signed * BLOCK.writesOfVote + blocks * validators * BLOCK.journalWrites,
      'dynamoDbWrite',
    ]),
    line(
      'DynamoDB: ledger and index of empty blocks',
      [blocks * proxies * (BLOCK.ledgerWrites + BLOCK.indexWrites + BLOCK.matchWrites), 'dynamoDbWrite'],
      [blocks * proxies * BLOCK.indexerReads, 'dynamoDbRead'],
    ),
    line('S3: plain files once a minute', [nodes * publications * NODE.putsOfPublication, 's3Put']),
    line(
      'Lambda: indexer and sweeps',
      [blocks * proxies + sweeps, 'lambdaRequest'],
      [functionGbSeconds, 'lambdaArmGbSecond'],
    ),
    line('SQS: asked while it is empty', [proxies * PROXY.queuePollsPerHour * hours, 'sqsRequest']),
    line('VPC endpoints of the API function', [proxies * PROXY.interfaceEndpoints * hours, 'interfaceEndpointHour']),
    line('WAF', [proxies, 'wafAclMonth'], [proxies * PROXY.firewallRules, 'wafRuleMonth']),
    line('secrets', [nodes * NODE.secrets + proxies * PROXY.secrets, 'secretMonth']),
    line(
      'CloudWatch: alarms, metrics, logs',
      [nodes * NODE.alarms + validators * VALIDATOR.alarms + proxies * PROXY.alarms, 'alarmMonth'],
      [nodes * NODE.metrics + proxies * PROXY.metrics, 'metricMonth'],
      [nodes * NODE.logGbPerMonth + accounts * ACCOUNT.flowLogGbPerMonth, 'logGb'],
    ),
    line('CloudWatch: logs of the indexer and of sweeps', [
      ((blocks * proxies + sweeps) * BLOCK.indexerLogBytes) / GB,
      'logGb',
    ]),
    line('names of nodes', [accounts, 'hostedZoneMonth']),
    line('traffic between nodes', [(blocks * validators * BLOCK.bytesToPeers) / GB, 'dataOutGb']),
  ];
}

/** What `blocks` with `transactions` and `items` of index cost, on top of what stands still. */
function registered(network: Network, blocks: number, transactions: number, items: number): Line[] {
  const { validators, proxies } = network;
  const nodes = validators + proxies;
  const signed = blocks * signatures(network);
  const journaledKib = (transactions * RECORD.journaledBytes) / KIB;
  const contentKib = (transactions * RECORD.packedBytes) / KIB;
  const apiGbSeconds = transactions * RECORD.apiSeconds * PROXY.functionGb;
  const indexerGbSeconds = PROXY.functionGb * (blocks * BLOCK.indexerSeconds + transactions * RECORD.indexerSeconds);
  const apiLogBytes = transactions * RECORD.accessLogBytes;
  // To each validator, which proposes it by its name, and in the block to the proxy.
  const bytesBetween = nodes * transactions * RECORD.transactionBytes + blocks * validators * BLOCK.bytesToPeers;
  return [
    line('API Gateway and WAF', [transactions * proxies, 'apiRequest'], [transactions * proxies, 'wafRequest']),
    line(
      'Lambda: API and indexer',
      [(transactions + blocks) * proxies, 'lambdaRequest'],
      [(apiGbSeconds + indexerGbSeconds) * proxies, 'lambdaArmGbSecond'],
    ),
    line('KMS: signatures', [signed, 'kmsSign']),
    line('DynamoDB: votes and journals', [
      // Put before it is voted for, and forgotten when its segment is in S3.
      signed * BLOCK.writesOfVote + validators * (blocks * BLOCK.journalWrites + 2 * journaledKib),
      'dynamoDbWrite',
    ]),
    line('DynamoDB: ledger', [
      proxies * (blocks * BLOCK.ledgerWrites + contentKib + transactions * RECORD.ledgerItems),
      'dynamoDbWrite',
    ]),
    line(
      'DynamoDB: index',
      [proxies * (blocks * (BLOCK.indexWrites + BLOCK.matchWrites) + items), 'dynamoDbWrite'],
      [proxies * (blocks * BLOCK.indexerReads + contentKib / KIB_OF_READ), 'dynamoDbRead'],
    ),
    line('S3: tiles and bundles', [nodes * 2 * (transactions / LEAVES_OF_TILE), 's3Put']),
    line(
      'logs and traces',
      [(proxies * (apiLogBytes + blocks * BLOCK.indexerLogBytes)) / GB, 'logGb'],
      [proxies * transactions * TRACED, 'xrayTrace'],
    ),
    line('traffic between nodes', [bytesBetween / GB, 'dataOutGb']),
  ];
}

/** A million evidences, each in a transaction and a request of its own. */
export function oneByOne(network: Network, perBlock: number = RECORDS_PER_BLOCK): Line[] {
  return registered(network, MILLION / perBlock, MILLION, MILLION * (RECORD.evidenceItems + RECORD.transactionItems));
}

/** A million evidences in batches, the leaves of which stay with the partner. */
export function batched(network: Network): Line[] {
  const batches = MILLION / RECORDS_PER_BATCH;
  return registered(network, batches, batches, batches * (RECORD.evidenceItems + RECORD.transactionItems));
}

/** A million receipts that are waited for in the request that registers, as the SDK and the command line do. */
export function waitedFor({ proxies }: Network, perBlock: number = RECORDS_PER_BLOCK): Line[] {
  const blockKib = (perBlock * RECORD.packedBytes) / KIB;
  const reads = MORE.waitReads + blockKib / KIB_OF_READ;
  return [
    line('Lambda: the API waits', [proxies * MILLION * MORE.waitSeconds * PROXY.functionGb, 'lambdaArmGbSecond']),
    line('DynamoDB: until it is there, and its block', [proxies * MILLION * reads, 'dynamoDbRead']),
  ];
}

/** A million deliveries by webhook: one record for each of its subscribers. */
export function delivered({ proxies }: Network): Line[] {
  const gbSeconds = MORE.deliverySeconds * PROXY.functionGb;
  return [
    line('DynamoDB: what is due, attempted and done', [proxies * MILLION * MORE.deliveryWrites, 'dynamoDbWrite']),
    line('SQS', [proxies * MILLION * MORE.deliveryMessages * MORE.requestsOfMessage, 'sqsRequest']),
    line('Lambda', [proxies * MILLION, 'lambdaRequest'], [proxies * MILLION * gbSeconds, 'lambdaArmGbSecond']),
  ];
}

/** By the month, from then on, for each million that is kept searchable. */
export function kept({ proxies, validators }: Network): Line[] {
  const gb = (proxies * MILLION * RECORD.storedBytes) / GB;
  // Once in segments, once in bundles.
  const filesGb = ((proxies + validators) * MILLION * 2 * RECORD.transactionBytes) / GB;
  return [
    line('tables and their recovery', [gb, 'dynamoDbGbMonth'], [gb, 'dynamoDbBackupGbMonth']),
    line('S3: plain files of all nodes', [filesGb, 's3GbMonth']),
  ];
}
