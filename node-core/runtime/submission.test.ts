/** What is checked once, what is not checked at all, and when those who are turned away should come back. */
import { describe, expect, it } from 'vitest';
import { signedTransaction } from '../../test/simulation/fixture.ts';
import { rig } from '../../test/simulation/rig.ts';
import { ADMIT_PARTNER, admitPartnerBody } from '../chain/operations/admit-partner.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { type SignatureVerifier, SignatureVerifierError } from '../ports/signature-verifier.ts';
import { operationsOf } from '../protocol/table.ts';
import { Mempool } from './mempool.ts';
import { Submission } from './submission.ts';
import type { Telemetry } from './telemetry.ts';
import { Throughput } from './throughput.ts';

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

async function setUp(maxTransactions: number) {
  const { members, store } = await rig({ validators: 4 });
  const now = members.genesis.document.timeMs + 1;
  const clock = { now: () => now, schedule: () => () => {} };
  const waiting: { readonly count: number; readonly answer: (valid: boolean | Error) => void }[] = [];
  const verifier: SignatureVerifier = {
    verify: (checks) =>
      new Promise((resolve, reject) => {
        const answer = (valid: boolean | Error) =>
          valid instanceof Error ? reject(valid) : resolve(checks.map(() => valid));
        waiting.push({ count: checks.length, answer });
      }),
    close: async () => {},
  };
  const mempool = new Mempool({ maxTransactions, maxOperations: 1_000, maxBytes: 1 << 20 });
  const telemetry = { now: () => now, admitted: () => {} } as unknown as Telemetry;
  const table = operationsOf(1);
  const submission = new Submission({ crypto, store, mempool, verifier, table, clock, log: QUIET, telemetry });
  const transaction = (fill: number) => {
    const body = admitPartnerBody.encode({
      name: `partner ${fill}`,
      key: { suite: 'ed25519', bytes: new Uint8Array(32).fill(fill) },
      legal: { version: '1.0', digest: new Uint8Array(32) },
      permissions: ['evidence'],
      quota: { max: 1_000, periodMs: 86_400_000 },
    });
    const fields = { nonce: new Uint8Array(32).fill(fill), expiry: 100, operations: [{ type: ADMIT_PARTNER, body }] };
    return signedTransaction(crypto, members.genesis, members.operator, fields);
  };
  return { submission, mempool, waiting, transaction };
}

describe('a signature', () => {
  it('is checked once, however often the same bytes come while it is being checked', async () => {
    const { submission, waiting, transaction } = await setUp(10);
    const [one, two] = [transaction(1), transaction(2)];
    const calls = [submission.submitAll([one, one]), submission.submit(one), submission.submitAll([two, one])];
    expect(waiting.map(({ count }) => count)).toEqual([1, 1]);
    for (const { answer } of waiting) answer(true);
    const outcomes = (await Promise.all(calls)).flat();
    expect(outcomes.map((outcome) => 'isNew' in outcome && outcome.isNew)).toEqual([true, false, false, true, false]);
    expect(await submission.submit(one)).toMatchObject({ isNew: false });
    expect(waiting).toHaveLength(2);
  });

  it('that does not verify, or cannot be checked now, is the same for all who sent it, and is forgotten', async () => {
    const { submission, waiting, transaction, mempool } = await setUp(10);
    for (const [answer, code] of [
      [false, 'SIGNATURE_INVALID'],
      [new SignatureVerifierError('overloaded', 'x'), 'MEMPOOL_FULL'],
    ] as const) {
      const calls = [submission.submit(transaction(1)), submission.submit(transaction(1))];
      waiting.pop()!.answer(answer);
      expect(await Promise.all(calls)).toMatchObject([{ code }, { code }]);
    }
    const again = submission.submit(transaction(1));
    waiting.pop()!.answer(true);
    expect([await again, mempool.size]).toMatchObject([{ isNew: true }, 1]);
  });

  it('is not checked for what there is no room for, and who sends it hears when there may be', async () => {
    const { submission, waiting, transaction, mempool } = await setUp(2);
    const taken = submission.submitAll([transaction(1), transaction(2)]);
    waiting.pop()!.answer(true);
    await taken;
    expect([await submission.submit(transaction(3)), waiting.length, mempool.size]).toEqual([
      { code: 'MEMPOOL_FULL', detail: expect.stringMatching(/^2 transactions/), retryAfterSeconds: 60 },
      0,
      2,
    ]);
  });

  it('keeps no more memory than its own bytes', async () => {
    const { submission, waiting, transaction, mempool } = await setUp(10);
    const bytes = transaction(1);
    const message = new Uint8Array(1_000_000);
    message.set(bytes, 500);
    const call = submission.submit(message.subarray(500, 500 + bytes.length));
    waiting.pop()!.answer(true);
    await call;
    const [pending] = [...mempool.all()];
    expect(pending!.parsed.transaction.bytes.buffer.byteLength).toBe(bytes.length);
    expect(pending!.parsed.transaction.nonce.buffer.byteLength).toBe(bytes.length);
  });
});

it('tells the time that so many take at the rate of the last seconds, within bounds', () => {
  let now = 0;
  const throughput = new Throughput({ now: () => now, schedule: () => () => {} });
  expect([throughput.secondsFor(0), throughput.secondsFor(1)]).toEqual([1, 60]);
  for (let i = 0; i < 300; i++) {
    now += 100;
    throughput.committed(100);
  }
  // 1,000 a second.
  expect([100, 5_000, 5_100, 1_000_000].map((count) => throughput.secondsFor(count))).toEqual([1, 6, 6, 60]);
  // Ten seconds without a transaction leave a quarter of it.
  now += 10_000;
  throughput.committed(0);
  expect(throughput.secondsFor(5_000)).toBe(21);
});
