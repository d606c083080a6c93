/**
 * The whole deployment: `cdk bootstrap`, `cdk deploy` broken off and gone on with, `npm run aws:keys`, five nodes with the
 * command and the environment of their deployed task definitions, registrations through API Gateway while
 * functions fail and records of the stream are lost, `cdk destroy`.
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { decodeGenesis } from '../../node-core/chain/genesis.ts';
import { genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { generateKeyPair } from '../../node-core/crypto/generate.ts';
import type { PublicKeys } from '../../scripts/aws-keys.ts';
import { type Client, createClient } from '../../sdk/client.ts';
import { ApiError, UnsettledError } from '../../sdk/errors.ts';
import { signerFromSecretKey } from '../../sdk/signer.ts';
import { Cdk, type Ran } from './cdk.ts';
import { type DeployedTask, deployedTasks, outputOf, statusOf } from './deployed.ts';
import { type Founded, found, freePorts, localNodes, makeKeys, random } from './deployment.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { faultyBundles } from './faulty-bundles.ts';
import { Receiver } from './receiver.ts';
import { Resources } from './tables.ts';
import { Task } from './task.ts';

/** `npm run aws:test` asks for 1,000, of which one call in 100 fails: it takes as long as all other suites on AWS. */
const REGISTRATIONS = Number(process.env.BROP_AWS_REGISTRATIONS ?? 100);
const ONE_FAILS_IN = Math.max(20, REGISTRATIONS / 10);
/** Calls at the same time are processes of the emulator's. */
const AT_ONCE = 6;
/** One after the other, for their times. */
const TIMED = 20;
const PARAMETERS = { minBlockIntervalMs: 300, blockIntervalMs: 3_000 };
const STACKS = [
  'Network',
  'Data',
  'Validator0',
  'Validator1',
  'Validator2',
  'Validator3',
  'Site',
  'Proxy',
  'Monitoring',
];
const MINUTE_MS = 60_000;

let home: string;
let emulator: Emulator;
let cdk: Cdk;
let aws: Resources;
let receiver: Receiver;
let founded: Founded;
let keys: readonly PublicKeys[];
let tasks: ReadonlyMap<string, DeployedTask>;
const running: Task[] = [];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'brop-deployment-'));
  emulator = { ...(await startEmulator()), region: 'us-east-1' };
  cdk = new Cdk(emulator, join(home, 'cdk.out'));
  aws = new Resources(emulator);
  receiver = await Receiver.start();
}, MINUTE_MS);

afterAll(async () => {
  for (const task of running) await task.end('SIGKILL');
  await receiver?.stop();
  aws?.close();
  await emulator?.stop();
  rmSync(home, { recursive: true, force: true });
}, MINUTE_MS);

function succeeded({ exitCode, output }: Ran): void {
  expect(exitCode, output.slice(-3_000)).toBe(0);
}

describe('deployment', () => {
  test('cdk bootstrap; cdk deploy of the data; keys where tasks look for them, made once', {
    timeout: 4 * MINUTE_MS,
  }, async () => {
    const [ports, bundles] = [await freePorts(10), await faultyBundles(join(home, 'bundles'), ONE_FAILS_IN)];
    const synth = (nodes: string) =>
      cdk.synth({ BROP_DEPLOYMENT: 'emulator', BROP_EMULATOR_NODES: nodes, BROP_BUNDLES: bundles });
    const nodes = localNodes(home, ports);
    succeeded(await synth(nodes));
    succeeded(await cdk.bootstrap());
    succeeded(await cdk.run('deploy', 'Brop-emulator-Data', '--exclusively'));
    keys = await makeKeys(cdk, nodes);
    expect(keys.map(({ name }) => name)).toEqual(['validator-0', 'validator-1', 'validator-2', 'validator-3', 'proxy']);
    expect(await makeKeys(cdk, nodes)).toEqual(keys);
    succeeded(await synth(localNodes(home, ports, keys)));
  });

  test('a deploy that ends half-way is completed by the next one', { timeout: 5 * MINUTE_MS }, async () => {
    const half = cdk.begin('deploy', '--all');
    let output = '';
    for (const stream of [half.stdout!, half.stderr!])
      stream.on('data', (part: Buffer) => {
        output += String(part);
        // The first stack of the nodes has begun, and others wait for it.
        if (/Brop-emulator-Validator\d: deploying/.test(output)) half.kill('SIGKILL');
      });
    const [, signal] = await once(half, 'close');
    expect(signal, output.slice(-3_000)).toBe('SIGKILL');
    const complete = async () => {
      const states = await Promise.all(STACKS.map((stack) => statusOf(emulator, `Brop-emulator-${stack}`)));
      return states.filter((state) => /^(CREATE|UPDATE)_COMPLETE$/.test(state ?? '')).length;
    };
    expect(await complete()).toBeLessThan(STACKS.length);
    succeeded(await cdk.run('deploy', '--all'));
    expect(await complete()).toBe(STACKS.length);
  });

  test('the nodes run with the command and the environment of their task definitions', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    tasks = await deployedTasks(emulator);
    expect([...tasks.keys()].sort()).toEqual(keys.map(({ name }) => name).sort());
    founded = await found(keys, PARAMETERS);
    for (const { command, environment, config } of tasks.values()) {
      expect(command).toEqual(['node', 'nodes/node/main.ts']);
      expect(Object.keys(environment).sort()).toEqual(['AWS_ENDPOINT_URL', 'AWS_REGION', 'BROP_CONFIG']);
      const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(config.genesis)!;
      await aws.object(bucket!, key!, founded.genesis);
      mkdirSync(config.dataFolder, { recursive: true });
      running.push(new Task(emulator, config));
    }
    for (const task of running) await task.runs();
  });
});

describe('end to end', () => {
  let partner: Client;
  /** By digest: when it was sent, and when its receipt was there, ms. */
  const sent = new Map<string, { readonly atMs: number; receiptMs?: number }>();

  const clientOf = async (account: string | Uint8Array, secretKey: Uint8Array) =>
    createClient({
      url: `${emulator.endpoint}/_aws/execute-api/${await outputOf(emulator, 'Brop-emulator-Proxy', 'ApiApiId')}/v1`,
      genesisHash: decodeGenesis(nativeCrypto, founded.genesis).hash,
      ...{ account, crypto: nativeCrypto, signer: signerFromSecretKey('p256', secretKey) },
    });

  async function register(i: number): Promise<void> {
    const digest = nativeCrypto.hash('sha-256', utf8(`file ${i}`));
    const times: { atMs: number; receiptMs?: number } = { atMs: performance.now() };
    sent.set(`sha-256:${toHex(digest)}`, times);
    const body = { digests: new Map([['sha-256' as const, digest]]), subject: `lot ${i % 10}` };
    await patiently(() => partner.evidence.register(body, { expiresInMs: 10 * MINUTE_MS }));
    times.receiptMs = performance.now();
  }

  test('a partner is admitted and subscribes', { timeout: 3 * MINUTE_MS }, async () => {
    const { operator } = founded;
    const admin = await clientOf(genesisAccountId(nativeCrypto, operator.publicKey), operator.secretKey);
    const pair = generateKeyPair('p256', random);
    const { account } = await patiently(() =>
      admin.governance.admitPartner({
        ...{ name: 'partner', key: pair.publicKey, permissions: ['evidence'] },
        ...{ legal: { version: '1', digest: random(32) }, quota: { max: 1_000_000_000, periodMs: 86_400_000 } },
      }),
    );
    partner = await clientOf(account, pair.secretKey);
    const made = await patiently(() =>
      partner.auth.fetch('/v1/subscriptions', 'subscriptions:manage', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ url: receiver.url, types: ['evidence.registered'] }),
      }),
    );
    expect(made.status).toBe(201);
  });

  test(`${REGISTRATIONS} registrations while one call in ${ONE_FAILS_IN} fails: each final, each delivered, none twice`, {
    timeout: 15 * MINUTE_MS,
  }, async () => {
    for (let i = 0; i < TIMED; i++) await register(i);
    const waiting = Array.from({ length: REGISTRATIONS - TIMED }, (_, i) => TIMED + i);
    const lane = async () => {
      for (let i = waiting.shift(); i !== undefined; i = waiting.shift()) await register(i);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    // A call that failed is made up for within the minute, by the sweep.
    for (const until = Date.now() + 3 * MINUTE_MS; receiver.messages.size < REGISTRATIONS && Date.now() < until; )
      await sleep(200);
    const events = [...receiver.messages.values()];
    const delivered = events.flatMap(({ event }) => event.data.digest);
    expect(delivered.sort()).toEqual([...sent.keys()].sort());
    expect(new Set(events.map(({ event }) => event.data.record)).size).toBe(REGISTRATIONS);
    report(events);
  });

  test('the index has each record once', { timeout: 3 * MINUTE_MS }, async () => {
    const keysFound: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const path: string = `/v1/records?collection=evidence&limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const response = await patiently(() => partner.auth.fetch(path, 'subscriptions:manage'));
      const page = (await response.json()) as {
        readonly records: { readonly key: string }[];
        readonly next: string | null;
      };
      keysFound.push(...page.records.map(({ key }) => key));
      cursor = page.next;
    }
    expect(keysFound).toHaveLength(REGISTRATIONS);
    expect(new Set(keysFound).size).toBe(REGISTRATIONS);
  });

  /** Printed rather than asserted: how fast this machine is at this moment is no property of the code. */
  function report(
    events: readonly { readonly event: { data: { digest: readonly string[] } }; readonly atMs: number }[],
  ) {
    const arrived = new Map(
      events.flatMap(({ event, atMs }) => event.data.digest.map((digest) => [digest, atMs] as const)),
    );
    const timed = [...sent].slice(0, TIMED);
    const receipts = median(timed.map(([, { atMs, receiptMs }]) => receiptMs! - atMs));
    const webhooks = median(timed.map(([digest, { atMs }]) => arrived.get(digest)! - atMs));
    process.stdout.write(
      `p50 of ${TIMED}: receipt ${receipts} ms, webhook ${webhooks} ms (goal 1,000 ms); ${receiver.deliveries} deliveries of ${events.length} messages\n`,
    );
  }
});

test('cdk destroy takes the stacks down; what must last stays', { timeout: 4 * MINUTE_MS }, async () => {
  for (const task of running) await task.end('SIGTERM');
  const { votes } = tasksTables();
  succeeded(await cdk.run('destroy', '--all'));
  for (const stack of STACKS)
    expect((await statusOf(emulator, `Brop-emulator-${stack}`)) ?? 'DELETE_COMPLETE', stack).toBe('DELETE_COMPLETE');
  await expect(aws.hasTable(votes)).resolves.toBe(true);
});

function tasksTables(): { readonly votes: string } {
  const { config } = tasks.get('validator-0')!;
  if (config.role !== 'validator' || config.voteRecord?.driver !== 'dynamodb') throw new Error('no vote table');
  return { votes: config.voteRecord.table };
}

function median(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!);
}

/**
 * Again after a failure of the function, a few times: one call in a hundred fails. What has been signed the client settles
 * itself, and says so by another error: it is never signed twice.
 */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let left = 8; ; left--) {
    try {
      const result = await call();
      if (!(result instanceof Response) || result.status < 500 || left === 0) return result;
    } catch (error) {
      if (left === 0 || !(isFault(error) || isUnanswered(error))) throw error;
    }
    await sleep(500);
  }
}

const isFault = (error: unknown) => error instanceof ApiError && error.status >= 500;

/** Nothing had been signed. */
const isUnanswered = (error: unknown) =>
  error instanceof BropError && error.code === 'NODE_UNREACHABLE' && !(error instanceof UnsettledError);
