import { beforeEach, describe, expect, test } from 'vitest';
import {
  type Actor,
  bytesOf,
  crypto,
  evidenceBody,
  op,
  partnerBody,
  userBody,
  World,
} from '../../test/ledger/world.ts';
import { CODES } from '../chain/codes.ts';
import { createdAccountId, recordId } from '../chain/identifiers.ts';
import { stateKey } from '../chain/state-keys.ts';
import { leafHash, MerkleTree } from '../crypto/merkle-log.ts';
import { accountOf, quotaOf } from './accounts.ts';
import { BlockExecution } from './execute-block.ts';
import { prunedThroughOf } from './nonces.ts';

const sha256 = (bytes: Uint8Array) => crypto.hash('sha-256', bytes);
let world: World;
let partner: Actor;
beforeEach(async () => {
  world = await World.open({
    parameters: { expiryWindow: 20, nonceRetention: 2, maxBlockTransactions: 3, maxPruned: 3 },
  });
  partner = await world.partner('partner', { quota: { max: 10_000, periodMs: 1_000_000_000 } });
});

const register = (text: string) => op.register(evidenceBody(text));
const bad = op.register(evidenceBody('x', { previous: bytesOf('no record') }));

describe('all operations or none', () => {
  test('the third breaks a rule: nothing of the first two remains', async () => {
    const operations = [op.certify(userBody('ann', { name: 'Ann' })), register('a'), bad];
    const bytes = world.transaction(partner, operations);
    const { executed } = await world.block([bytes]);
    expect(executed.results[0]!.slice(0, 2)).toEqual([CODES.SUBJECT_MISSING.number, 2]);
    const { transaction } = world.parse(bytes);
    expect(accountOf(world.store, createdAccountId(crypto, transaction, 0))).toBeUndefined();
    expect(world.store.get(stateKey.accountByName('ann'))).toBeUndefined();
    expect(world.record(recordId(crypto, transaction, 1))).toBeUndefined();
    expect([executed.events, executed.logLeafHashes, executed.header.eventCount]).toEqual([[], [], 0]);
  });

  test('a later operation sees what an earlier one did', async () => {
    const name = 'Ann';
    const operations = [op.certify(userBody('ann', { name })), op.certify(userBody('other', { name: 'ANN' }))];
    const { executed } = await world.block([world.transaction(partner, operations)]);
    expect(executed.results[0]!.slice(0, 2)).toEqual([CODES.NAME_TAKEN.number, 1]);
  });

  test('a later transaction sees nothing of a rejected one, and all of an applied one', async () => {
    const first = world.transaction(partner, [op.certify(userBody('ann', { name: 'Ann' })), bad]);
    const second = world.transaction(partner, [op.certify(userBody('ann', { name: 'ann' }))]);
    const third = world.transaction(partner, [op.certify(userBody('ann'))]);
    const { executed } = await world.block([first, second, third]);
    expect(executed.results.map(([code]) => code)).toEqual([CODES.SUBJECT_MISSING.number, 0, CODES.KEY_IN_USE.number]);
  });
});

describe('charge', () => {
  const pointsOf = (actor: Actor) => quotaOf(world.store, actor.id);

  test('a rejected transaction costs what the same one costs when it is applied', async () => {
    const nonce = bytesOf('n');
    const price = (operation: Parameters<World['transaction']>[1][number]) =>
      world.execute([world.transaction(partner, [operation], { nonce })]).executed.results[0]!;
    const applied = price(op.certify(userBody('ann', { validUntil: 2_000_000_000_000 })));
    const rejected = price(op.certify(userBody('ann', { validUntil: 1_500_000_000_000 })));
    expect([applied[0], rejected[0]]).toEqual([0, CODES.VALIDITY_PASSED.number]);
    expect(rejected[2]).toBe(applied[2]);
  });

  test.each([
    ['applied', () => register('a')],
    ['rejected', () => bad],
  ] as const)('what is charged is what the quota loses, and the time of the block is kept: %s', async (_what, make) => {
    const before = pointsOf(partner);
    const { executed } = await world.block([world.transaction(partner, [make()])], 250_000);
    const [, , cost] = executed.results[0]!;
    // The quota was full: time at the cap earns nothing.
    expect(before.points).toBe(10_000);
    expect(pointsOf(partner)).toEqual({ points: 10_000 - cost, remainder: 0, timeMs: world.store.timeMs });
  });

  test('two transactions in one block are charged one after the other; the third finds too little', async () => {
    const poor = await world.partner('poor', { quota: { max: 1_500, periodMs: 1_000_000_000 } });
    const three = ['a', 'b', 'c'].map((text) => world.transaction(poor, [register(text)]));
    const { executed, refusals } = world.execute(three);
    const [, , cost] = executed.results[0]!;
    expect(1_500 - 2 * cost).toBeLessThan(cost);
    expect(refusals.map((refusal) => refusal?.code)).toEqual([undefined, undefined, 'QUOTA_SHORT']);
    expect(refusals[2]?.detail).toBe(`cost ${cost}, available ${1_500 - 2 * cost}`);
  });

  test('exactly enough is enough', async () => {
    const bytes = world.transaction(partner, [register('a')], { nonce: bytesOf('n') });
    const [, , cost] = world.execute([bytes]).executed.results[0]!;
    for (const [max, expected] of [
      [cost, undefined],
      [cost - 1, 'QUOTA_SHORT'],
    ] as const) {
      const actor = await world.partner(`partner with ${max}`, { quota: { max, periodMs: 1_000_000_000 } });
      const same = world.transaction(actor, [register('a')], { nonce: bytesOf('n') });
      expect(same.length).toBe(bytes.length);
      expect(world.execute([same]).refusals[0]?.code).toBe(expected);
    }
  });
});

describe('a refusal leaves no trace', () => {
  test('the block is the same with and without the refused one', () => {
    const good = world.transaction(partner, [register('a')]);
    const refused = [
      world.transaction(partner, [register('b')], { expiry: 0 }),
      world.transaction(partner, [register('b')], { expiry: 999 }),
      world.transaction(partner, [op.admit(partnerBody('x'))]),
      world.transaction({ id: bytesOf('nobody', 20), key: partner.key }, [register('b')]),
    ];
    const { executed, refusals } = world.execute([...refused, good, good]);
    expect(refusals.map((r) => r?.code)).toEqual([
      'EXPIRED',
      'EXPIRY_TOO_FAR',
      'NOT_PERMITTED',
      'SENDER_UNKNOWN',
      undefined,
      'NONCE_USED',
    ]);
    expect(executed.headerBytes).toEqual(world.execute([good]).executed.headerBytes);
  });

  test('not even of a sender that nothing else in the block is from', async () => {
    const other = await world.partner('other');
    await world.applied(world.transaction(other, [register('z')]));
    const good = world.transaction(partner, [register('a')]);
    const { executed } = world.execute([world.transaction(other, [register('b')], { expiry: 0 }), good]);
    expect(executed.headerBytes).toEqual(world.execute([good]).executed.headerBytes);
  });

  test('a full block takes no more', () => {
    const four = ['a', 'b', 'c', 'd'].map((text) => world.transaction(partner, [register(text)]));
    const { executed, refusals } = world.execute(four);
    expect(executed.header.transactionCount).toBe(3);
    expect(refusals[3]).toEqual({ code: 'MEMPOOL_FULL', detail: 'the block is full' });
  });
});

describe('an account that the block creates', () => {
  test('sends nothing before the next block', async () => {
    const admit = world.transaction(world.operator, [op.admit(partnerBody('new', { name: 'New' }))]);
    const fresh = { id: createdAccountId(crypto, world.parse(admit).transaction, 0), key: partnerBody('new').key };
    const first = world.transaction(fresh, [register('a')]);
    const { refusals } = await world.block([admit, first]);
    expect(refusals.map((refusal) => refusal?.code)).toEqual([undefined, 'SENDER_UNKNOWN']);
    await world.applied(first);
  });

  test('is refused by the execution itself', () => {
    const admit = world.transaction(world.operator, [op.admit(partnerBody('new'))]);
    const execution = world.execution();
    expect(world.addTo(execution, admit)).toBeNull();
    const fresh = { id: createdAccountId(crypto, world.parse(admit).transaction, 0), key: partnerBody('new').key };
    const parsed = world.parse(world.transaction(fresh, [register('a')]));
    expect(execution.add(parsed)?.code).toBe('SENDER_UNKNOWN');
  });

  test('can be named by others at once', async () => {
    const certified = world.transaction(partner, [op.certify(userBody('ann', { level: 'anonymous' }))]);
    const ann = createdAccountId(crypto, world.parse(certified).transaction, 0);
    await world.applied(certified, world.transaction(partner, [op.register(evidenceBody('x', { onBehalfOf: ann }))]));
  });
});

describe('results, log and events', () => {
  test('only applied transactions are in the log, in order, by their exact bytes', async () => {
    const [a, b, c] = [[register('a')], [bad], [register('c')]].map((operations) =>
      world.transaction(partner, operations),
    );
    const size = world.store.frontier.size;
    const { executed } = await world.block([a!, b!, c!]);
    expect(executed.results.map(([code, , , index]) => [code, index])).toEqual([
      [0, size],
      [CODES.SUBJECT_MISSING.number, null],
      [0, size + 1],
    ]);
    expect(executed.logLeafHashes).toEqual([leafHash(sha256, a!), leafHash(sha256, c!)]);
    expect(executed.header.logSize).toBe(size + 2);
  });

  test('an event names its transaction by its place among the packed, and its operation', async () => {
    const refused = world.transaction(partner, [register('x')], { expiry: 0 });
    const first = world.transaction(partner, [bad]);
    const second = world.transaction(partner, [register('a'), register('b')]);
    const { executed } = await world.block([refused, first, second]);
    expect(executed.events.map(([transaction, operation, type]) => [transaction, operation, type])).toEqual([
      [1, 0, 'evidence.registered'],
      [1, 1, 'evidence.registered'],
    ]);
  });

  test("a result names the sender's record as it was before the block, by digest", async () => {
    const before = world.store.get(stateKey.account(partner.id))!;
    const { executed } = await world.block([world.transaction(partner, [register('a')])]);
    expect(executed.results[0]![4]).toEqual(sha256(before));
    expect(executed.senders).toEqual([before]);
  });

  test('an empty block: the roots of nothing, the state and the log as they were', async () => {
    const { executed } = await world.block([]);
    const { header } = executed;
    const empty = new MerkleTree(sha256, []).root();
    expect([header.blockRoot, header.eventsRoot]).toEqual([empty, empty]);
    expect([header.transactionCount, header.eventCount, executed.changes.length]).toEqual([0, 0, 0]);
    const next = await world.block([]);
    expect(next.executed.header.stateRoot).toEqual(header.stateRoot);
    expect(next.executed.header.logRoot).toEqual(header.logRoot);
    expect(next.executed.header.parent).toEqual(executed.headerHash);
  });

  test('the header says where the block stands and who made it', () => {
    const { header } = world.execute([], 1_234).executed;
    expect(header).toMatchObject({
      protocolVersion: 1,
      chain: world.genesis.hash,
      height: world.next,
      timeMs: world.store.timeMs + 1_234,
      parent: world.store.parent,
      validatorsHash: world.genesis.validators.hash,
      nextValidatorsHash: world.genesis.validators.hash,
      round: 0,
      proposer: world.validator.id,
    });
  });
});

describe('assertions', () => {
  test.each([0, -1])('time must ascend: %i ms after the parent stops the execution', (step) => {
    const proposing = { timeMs: world.store.timeMs + step, round: 0, proposer: world.validator.id };
    expect(() => new BlockExecution(crypto, world.store, proposing)).toThrow('block time does not ascend');
  });
});

describe('a pair (sender, nonce) signed again with a later expiry', () => {
  const nonce = bytesOf('again');

  test('is refused as long as the state remembers the first', async () => {
    await world.applied(world.transaction(partner, [register('a')], { nonce, expiry: world.next + 1 }));
    await world.idle(2);
    const again = world.transaction(partner, [register('b')], { nonce });
    expect(world.execute([again]).refusals[0]?.code).toBe('NONCE_USED');
  });

  test('once it has forgotten, makes things of its own and overwrites nothing', async () => {
    const certify = (key: string) => [op.certify(userBody(key))];
    const first = world.transaction(partner, certify('ann'), { nonce, expiry: world.next + 1 });
    await world.applied(first);
    const { transaction } = world.parse(first);
    const id = createdAccountId(crypto, transaction, 0);
    const account = world.store.get(stateKey.account(id));
    await world.idle(5);
    const second = world.transaction(partner, certify('mallory'), { nonce });
    await world.applied(second);
    expect(world.store.get(stateKey.account(id))).toEqual(account);
    expect(createdAccountId(crypto, world.parse(second).transaction, 0)).not.toEqual(id);
  });

  test('is never forgotten when the transaction has left records', async () => {
    const first = world.transaction(partner, [op.register(evidenceBody('a'))], { nonce, expiry: world.next + 1 });
    await world.applied(first);
    const id = recordId(crypto, world.parse(first).transaction, 0);
    const record = world.record(id);
    await world.idle(5);
    const second = world.transaction(partner, [op.register(evidenceBody('b'))], { nonce });
    expect(world.execute([second]).refusals[0]?.code).toBe('NONCE_USED');
    expect(world.record(id)).toEqual(record);
    expect(prunedThroughOf(world.store)).toBeNull();
  });
});
