import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { entriesOf } from '../../node-core/middleware/index/entries.ts';
import { readAccounts } from './deployment.ts';
import { batched, delivered, fixed, networkOf, oneByOne, total, waitedFor } from './model.ts';
import { PRICES } from './prices.ts';
import { RECORD } from './usage.ts';

const CONFIGS = join(import.meta.dirname, '..', '..', 'cdk', 'config');

/** The goals, in USD. */
const FIXED_PER_MONTH = 250;
const MILLION_ONE_BY_ONE = 15;
const MILLION_BATCHED = 0.5;
/** No goal: what the documents say that a receipt in the same answer costs on top. */
const MILLION_WAITED_FOR = 6.5;

async function network(...files: readonly string[]) {
  const accounts = await Promise.all(files.map((file) => readAccounts(join(CONFIGS, file))));
  return { accounts, network: networkOf(accounts) };
}

/** The consortium as companies deploy it: the operator, and four validators in accounts of their own. */
const CONSORTIUM = ['operator.ts', 'validator.ts:4'];

describe('the goals', () => {
  test.for([CONSORTIUM, ['devnet.ts']])(
    '%s: four validators and the proxy on KMS, at the heartbeat configured',
    async (files) => {
      const { accounts, network: counted } = await network(...files);
      expect(counted).toMatchObject({ validators: 4, proxies: 1 });
      const heartbeat = Math.min(...accounts.map(({ deployment }) => deployment.heartbeatSeconds));
      expect(total(fixed(counted, heartbeat))).toBeLessThanOrEqual(FIXED_PER_MONTH);
    },
  );

  test('a million evidences one by one, answered before they are final, and in batches; receipts in the answer come on top', async () => {
    const { network: counted } = await network(...CONSORTIUM);
    expect(total(oneByOne(counted))).toBeLessThanOrEqual(MILLION_ONE_BY_ONE);
    expect(total(batched(counted))).toBeLessThanOrEqual(MILLION_BATCHED);
    expect(total(waitedFor(counted))).toBeLessThanOrEqual(MILLION_WAITED_FOR);
  });
});

describe('the model', () => {
  test('no line is free or negative where there is something to pay for', async () => {
    const { network: counted } = await network(...CONSORTIUM);
    for (const { what, usd } of [
      ...fixed(counted, 15),
      ...oneByOne(counted),
      ...waitedFor(counted),
      ...delivered(counted),
    ])
      expect(usd, what).toBeGreaterThan(0);
  });

  test('votes cost five times as much at five times the pace, and nothing else depends on it but what a block writes', async () => {
    const { network: counted } = await network(...CONSORTIUM);
    const [fast, slow] = [fixed(counted, 3), fixed(counted, 15)];
    const changed = fast.filter(({ usd }, i) => usd !== slow[i]!.usd).map(({ what }) => what);
    expect(changed).toEqual([
      'KMS: signatures of empty blocks',
      'DynamoDB: votes and journals of empty blocks',
      'DynamoDB: ledger and index of empty blocks',
      'Lambda: indexer and sweeps',
      'CloudWatch: logs of the indexer and of sweeps',
      'traffic between nodes',
    ]);
    const signatures = (lines: typeof fast) => lines.find(({ what }) => what.startsWith('KMS: sig'))!.usd;
    expect(signatures(fast)).toBeCloseTo(5 * signatures(slow), 6);
    // 876,000 blocks of nine signatures at 0.15 USD for 10,000.
    expect(signatures(fast)).toBeCloseTo(118.26, 2);
  });

  test('items of the index are as many as the index makes', () => {
    const account = accountIdToText(new Uint8Array(20));
    const at = { height: 1, transaction: 1, row: 0, timeMs: 0, key: 'k', sender: null, nonce: null };
    const items = (collection: string, fields: Record<string, string | number | readonly string[]>) =>
      1 + entriesOf({ ...at, collection, fields } as unknown as Parameters<typeof entriesOf>[0]).length;
    const digest = [`sha-256:${'0'.repeat(64)}`];
    expect(items('evidence', { registrant: account, subject: 's', digest, mediaType: 'a/b', sizeBytes: 1 })).toBe(
      RECORD.evidenceItems,
    );
    const transaction = {
      sender: account,
      code: 0,
      type: ['evidence.register'],
      operations: 1,
      expiry: 9,
      logIndex: 3,
    };
    expect(items('transactions', transaction)).toBe(RECORD.transactionItems);
  });

  test('each price says when and where it was found', () => {
    for (const [name, { usd, date, source }] of Object.entries(PRICES)) {
      expect(usd, name).toBeGreaterThan(0);
      expect(date, name).toMatch(/^\d{4}-\d\d-\d\d$/);
      expect(new URL(source).protocol, name).toBe('https:');
    }
  });
});

describe('a config that cannot be costed', () => {
  test.for([
    ['nowhere.ts', /nowhere\.ts: there is no such file$/],
    [join('..', 'build.ts'), /build\.ts: default export: /],
  ] as const)('%s', async ([file, message]) => {
    await expect(readAccounts(join(CONFIGS, file))).rejects.toThrow(message);
  });
});
