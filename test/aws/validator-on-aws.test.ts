/**
 * Four validators as ECS tasks run them, with nothing that matters on their disks: vote record and journal in DynamoDB,
 * files in S3, keys in Secrets Manager. Disks vanish, one at a time and all at once.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { openKeyFile } from '../../adapters/signer-file/signer-file.ts';
import { decodeGenesis, type Genesis, PROTOCOL_VERSION } from '../../node-core/chain/genesis.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { ADMIT_PARTNER, admitPartnerBody } from '../../node-core/chain/operations/admit-partner.ts';
import { verifyReceipt } from '../../node-core/chain/receipt.ts';
import { finishTransaction, prepareTransaction } from '../../node-core/chain/transaction.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { generateKeyPair } from '../../node-core/crypto/generate.ts';
import type { NodeConfigInput } from '../../nodes/config.ts';
import { create } from '../../nodes/devnet/create.ts';
import { Between } from './between.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { Resources } from './tables.ts';
import { Task } from './task.ts';

const VALIDATORS = 4;
const RECEIPT = 'application/vnd.brop.receipt+cbor';
const [VOTES, JOURNAL, COMMON] = ['votes', 'journal', 'common'];

let home: string;
let emulator: Emulator;
let aws: Resources;
/** What the validators take for AWS. */
let between: Between;
let endpoint: Emulator;
let genesis: Genesis;
let follower: Task;
const tasks: Task[] = [];
const started: Task[] = [];
/** Receipts that were given out: what they prove must hold for ever. */
const receipts: Uint8Array[] = [];

const random = (length: number) => new Uint8Array(randomBytes(length));
const folderOf = (i: number) => join(home, 'disks', `validator-${i}`);
const configOf = (name: string) => JSON.parse(readFileSync(join(home, 'devnet', name, 'config.json'), 'utf8'));

function launch(config: NodeConfigInput): Task {
  const task = new Task(endpoint, config);
  started.push(task);
  return task;
}

/**
 * The fields that a validator's task gets from the deployment (cdk/stacks/validator.ts), written down here again, with files
 * and snapshots that come much more often.
 */
function validatorConfig(i: number): NodeConfigInput {
  const { name, listen, peers, metrics } = configOf(`validator-${i}`);
  return {
    ...{
      role: 'validator',
      name,
      listen,
      peers,
      metrics,
      dataFolder: folderOf(i),
      genesis: `s3://${COMMON}/genesis.cbor`,
    },
    nodeKey: `secretsmanager:${name}/node-key`,
    consensusKey: `secretsmanager:${name}/consensus-key`,
    voteRecord: { driver: 'dynamodb', table: VOTES, validator: name },
    proposals: { table: JOURNAL },
    ...{ publish: `s3://files-${i}/chain`, publishEveryMs: 1_000 },
    ...{ join: 'snapshot', snapshots: { every: 5, keep: 2 } },
  };
}

async function prepare(): Promise<void> {
  const folder = join(home, 'devnet');
  const parameters = { blockIntervalMs: 600, minBlockIntervalMs: 200 };
  await create({ folder, validators: VALIDATORS, apiPort: 0, parameters });
  const bytes = readFileSync(join(folder, 'genesis.cbor'));
  genesis = decodeGenesis(nativeCrypto, bytes);
  await aws.table(VOTES, ['pk']);
  await aws.table(JOURNAL, ['pk', 'sk']);
  await aws.bucket(COMMON);
  await aws.object(COMMON, 'genesis.cbor', bytes);
  for (let i = 0; i < VALIDATORS; i++) {
    const text = (file: string) => readFileSync(join(folder, `validator-${i}`, file), 'utf8');
    await aws.bucket(`files-${i}`);
    await aws.secret(`validator-${i}/node-key`, text('node-key.pem'));
    await aws.secret(`validator-${i}/consensus-key`, text('consensus-key.json'));
  }
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'brop-validators-'));
  emulator = await startEmulator();
  between = new Between(emulator);
  endpoint = await between.open();
  aws = new Resources(emulator);
  await prepare();
  for (let i = 0; i < VALIDATORS; i++) tasks.push(launch(validatorConfig(i)));
  const { index: _, ...config } = configOf('follower');
  const at = join(home, 'devnet', 'follower');
  const paths = { genesis: join(home, 'devnet', 'genesis.cbor'), dataFolder: join(at, 'data') };
  const keys = { nodeKey: join(at, 'node-key.pem'), noteKey: join(at, 'note-key.json') };
  follower = launch({ ...config, ...paths, ...keys, index: false, log: {} });
  for (const task of started) await task.runs();
}, 120_000);

afterAll(async () => {
  for (const task of started) await task.end('SIGKILL');
  aws?.close();
  between?.close();
  await emulator?.stop();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** The operator admits a partner, and the receipt is verified from the genesis hash alone. */
async function register(): Promise<number> {
  const operator = openKeyFile(join(home, 'devnet', 'operator', 'account-key.json'));
  const body = admitPartnerBody.encode({
    name: `Partner ${randomBytes(4).toString('hex')}`,
    key: generateKeyPair('ed25519', random).publicKey,
    legal: { version: '1.0', digest: random(32) },
    permissions: ['evidence'],
    quota: { max: 1_000_000, periodMs: 86_400_000 },
  });
  const draft = {
    ...{ chain: genesis.hash, protocolVersion: PROTOCOL_VERSION, label: 'aws', nonce: random(32), expiry: 5_000 },
    sender: genesisAccountId(nativeCrypto, operator.publicKey),
    operations: [{ type: ADMIT_PARTNER, body }],
  };
  const unsigned = prepareTransaction(nativeCrypto, draft, operator.publicKey);
  const bytes = finishTransaction(unsigned, await operator.sign(unsigned.message));
  const headers = { 'Content-Type': 'application/cose', Accept: RECEIPT, Prefer: 'wait=30' };
  const answer = await fetch(follower.url('api', '/v1/transactions'), {
    method: 'POST',
    body: bytes as never,
    headers,
  });
  expect(answer.status, answer.ok ? '' : await answer.text()).toBe(200);
  const receipt = new Uint8Array(await answer.arrayBuffer());
  receipts.push(receipt);
  return heightIn(receipt);
}

function heightIn(receipt: Uint8Array): number {
  const facts = verifyReceipt(nativeCrypto, receipt, genesis.hash);
  if ('code' in facts) throw new Error(facts.code);
  return facts.trusted.header.height;
}

async function asked<T>(path: string): Promise<T> {
  return (await fetch(follower.url('api', path))).json() as Promise<T>;
}

const height = async () => (await asked<{ height: number }>('/v1/status')).height;
const votes = (task: Task) => task.metric('brop_votes_cast_total');

/** Nobody has signed two things where one is allowed, and all that was promised holds. */
async function expectNoHarm(): Promise<void> {
  for (const receipt of receipts) heightIn(receipt);
  expect(await asked('/v1/equivocations')).toMatchObject({ equivocations: [] });
  for (const task of started) {
    const wrong = task.lines.filter(({ level, message }) => level === 'error' && message !== 'not signing');
    expect(wrong, task.config.name).toEqual([]);
  }
}

test('they register and publish, with keys that are on no disk and in no log', async () => {
  await register();
  await tasks[0]!.until('publishing', async () => (await tasks[0]!.metric('brop_published_height')) >= 5);
  const key = { pk: { S: `${toHex(genesis.hash)}/validator-0` } };
  const { Item: item } = await aws.dynamo.send(new GetItemCommand({ TableName: VOTES, Key: key }));
  expect(Number(item?.version?.N)).toBeGreaterThan(0);
  expect(readdirSync(folderOf(0)).sort()).toEqual(['chain', 'files']);
  const { secretKey } = JSON.parse(readFileSync(join(home, 'devnet', 'validator-0', 'consensus-key.json'), 'utf8'));
  for (const { lines, errors } of tasks) expect(JSON.stringify(lines) + errors).not.toContain(secretKey);
  await expectNoHarm();
});

test('one whose disk is gone rejoins and votes', async () => {
  const before = await height();
  const index = { Bucket: 'files-1', Key: 'chain/snapshots/index' };
  const isThere = () => aws.s3.send(new HeadObjectCommand(index)).then(Boolean, () => false);
  await tasks[1]!.until('publishing a snapshot', isThere);
  await tasks[1]!.end('SIGKILL');
  rmSync(folderOf(1), { recursive: true });
  await register();
  tasks[1] = launch(validatorConfig(1));
  await tasks[1].until('voting', async () => (await votes(tasks[1]!)) > 2);
  expect(tasks[1].has('the store begins at a snapshot')).toBe(true);
  expect(await register()).toBeGreaterThan(before);
  await expectNoHarm();
}, 90_000);

test('all whose disks are gone at the same moment go on with the same chain', async () => {
  await register();
  await Promise.all(tasks.map((task) => task.end('SIGKILL')));
  const before = await height();
  const block = await asked(`/v1/blocks/${before}`);
  for (let i = 0; i < VALIDATORS; i++) {
    rmSync(folderOf(i), { recursive: true });
    tasks[i] = launch(validatorConfig(i));
  }
  expect(await register()).toBeGreaterThan(before);
  expect(await asked(`/v1/blocks/${before}`)).toEqual(block);
  for (const task of tasks) await task.until('voting', async () => (await votes(task)) > 0);
  expect(tasks.some((task) => task.has('blocks were taken from the journal'))).toBe(true);
  await expectNoHarm();
}, 120_000);

test('while DynamoDB is throttled they wait, sign nothing and say so; then they go on', async () => {
  await register();
  between.fate = () => 'throttle';
  for (const task of tasks) await task.until('waiting', () => task.has('AWS is waited for'));
  const [before, signed] = [await height(), await Promise.all(tasks.map(votes))];
  const { throttle } = between.counts;
  await tasks[0]!.until('asking again and again', () => between.counts.throttle > throttle + 8);
  expect([await height(), await Promise.all(tasks.map(votes))]).toEqual([before, signed]);
  between.fate = () => 'pass';
  expect(await register()).toBeGreaterThan(before);
  await expectNoHarm();
}, 90_000);

test('answers of DynamoDB that are lost after the write make nobody stop, and nobody sign twice', async () => {
  let writes = 0;
  between.fate = (operation) => (operation.startsWith('Put') && writes++ % 5 === 0 ? 'loseAnswer' : 'pass');
  const before = await height();
  for (let i = 0; i < 3; i++) await register();
  await tasks[0]!.until('ten blocks on', async () => (await height()) > before + 10);
  between.fate = () => 'pass';
  expect(between.counts.loseAnswer).toBeGreaterThan(20);
  expect(await Promise.all(tasks.map((task) => task.metric('brop_signing_stopped')))).toEqual([0, 0, 0, 0]);
  await expectNoHarm();
}, 90_000);

test('of two copies of one validator the older one cannot sign, and says so for an alarm', async () => {
  const [older] = tasks.slice(2) as [Task];
  expect(await older.metric('brop_signing_stopped')).toBe(0);
  const { listen: _, ...config } = validatorConfig(2);
  const copy = launch({ ...config, name: 'copy', dataFolder: join(home, 'disks', 'copy'), metrics: { port: 0 } });
  await copy.runs();
  await older.until('stopped from signing', () => older.has('not signing'));
  expect(await older.metric('brop_signing_stopped')).toBe(1);
  const signed = await votes(older);
  await register();
  expect(await votes(older)).toBe(signed);
  expect(copy.has('not signing')).toBe(false);
  await copy.end('SIGKILL');
  expect(await older.end('SIGTERM')).toBe(0);
  await expectNoHarm();
}, 90_000);

test('another node catches up from what one of them has published, with nobody else to ask', async () => {
  const published = await tasks[0]!.metric('brop_published_height');
  const at = join(home, 'devnet', 'follower');
  const config: NodeConfigInput = {
    ...{ role: 'follower', name: 'reader', genesis: `s3://${COMMON}/genesis.cbor`, dataFolder: join(home, 'reader') },
    ...{ nodeKey: join(at, 'node-key.pem'), fileSources: ['s3://files-0/chain'], join: 'genesis', index: false },
    metrics: { port: 0 },
  };
  const reader = launch(config);
  await reader.runs();
  await reader.until('caught up', async () => (await reader.metric('brop_height')) >= published);
  expect(reader.has('a file is wrong and was refused')).toBe(false);
  expect(await reader.end('SIGTERM')).toBe(0);
});
