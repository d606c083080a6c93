import { beforeEach, describe, expect, test } from 'vitest';
import { type Actor, bytesOf, crypto, evidenceBody, legal, op, World } from '../../../test/ledger/world.ts';
import { CODES } from '../../chain/codes.ts';
import { recordId } from '../../chain/identifiers.ts';
import { registerBatchBody, registerBody } from '../../chain/operations/evidence.ts';
import { decodeSubjectHead } from '../../chain/operations/evidence-record.ts';
import { stateKey } from '../../chain/state-keys.ts';
import type { Operation } from '../../chain/transaction.ts';
import { encode } from '../../codec/cbor.ts';

let world: World;
let partner: Actor;
beforeEach(async () => {
  world = await World.open();
  partner = await world.partner('partner');
});

/** Sends the operations in one transaction; the records that they made. */
async function send(sender: Actor, ...operations: readonly Operation[]) {
  const bytes = world.transaction(sender, operations);
  await world.applied(bytes);
  const { transaction } = world.parse(bytes);
  return operations.map((_, i) => {
    const id = recordId(crypto, transaction, i);
    return { id, transaction, record: world.record(id)! };
  });
}
const headOf = (registrant: Actor, subject: string) =>
  decodeSubjectHead(world.store.get(stateKey.subject(registrant.id, subject))!);

describe('what a record keeps', () => {
  test('of a partner: where it stands, the digest of the body, and version and digest of its legal document', async () => {
    const body = evidenceBody('file', { mediaType: 'text/plain' });
    const [{ transaction, record }] = (await send(partner, op.register(body))) as [
      Awaited<ReturnType<typeof send>>[number],
    ];
    expect(record).toEqual({
      registrant: partner.id,
      nonce: transaction.nonce,
      operation: 0,
      height: world.store.height,
      timeMs: world.store.timeMs,
      body: crypto.hash('sha-256', encode(registerBody.encode(body))),
      legal,
    });
  });

  test('of a user that sends for itself: certifier, level, accepted terms, and the legal document of the certifier', async () => {
    const terms = bytesOf('the terms of the partner');
    const user = await world.user(partner, 'ann', { level: 'certificate', terms });
    const [made] = await send(user, op.register(evidenceBody('file')));
    expect(made!.record).toMatchObject({
      registrant: user.id,
      certifier: partner.id,
      level: 'certificate',
      terms,
      legal,
    });
    expect(made!.record.onBehalfOf).toBeUndefined();
  });

  test('of a partner that takes responsibility: its own legal document, and for whom', async () => {
    const user = await world.user(partner, 'ann', { level: 'anonymous' });
    const [made] = await send(partner, op.register(evidenceBody('file', { onBehalfOf: user.id })));
    expect(made!.record).toMatchObject({ registrant: partner.id, onBehalfOf: user.id, legal });
    expect(made!.record.certifier).toBeUndefined();
  });

  test('of a batch: root and count, and the digest of the whole body', async () => {
    const body = { root: bytesOf('root'), count: 1_048_576, mediaType: 'image/png' };
    const [made] = await send(partner, op.registerBatch(body));
    expect(made!.record).toMatchObject({ root: body.root, count: body.count });
    expect(made!.record.body).toEqual(crypto.hash('sha-256', encode(registerBatchBody.encode(body))));
  });
});

describe('the chain of a subject', () => {
  const subject = 'lot 7';

  test('is numbered and linked, over blocks and within a transaction, batches included', async () => {
    const [first] = await send(partner, op.register(evidenceBody('a', { subject })));
    const firstHeight = world.store.height;
    const rest = await send(
      partner,
      op.register(evidenceBody('b', { subject, previous: first!.id })),
      op.registerBatch({ root: bytesOf('root'), count: 2, subject }),
    );
    const records = [first!, ...rest];
    expect(records.map(({ record }) => [record.sequence, record.previous, record.previousHeight])).toEqual([
      [1, undefined, undefined],
      [2, first!.id, firstHeight],
      [3, rest[0]!.id, world.store.height],
    ]);
    expect(headOf(partner, subject)).toEqual({ count: 3, head: rest[1]!.id, height: world.store.height });
  });

  test('belongs to its registrant: the same name elsewhere is another chain', async () => {
    const other = await world.partner('other');
    await send(partner, op.register(evidenceBody('a', { subject })));
    const [made] = await send(other, op.register(evidenceBody('b', { subject })));
    expect(made!.record.sequence).toBe(1);
    expect(headOf(partner, subject).count).toBe(1);
  });

  test('is not moved by a rejected record, nor by one whose transaction is rejected', async () => {
    const [first] = await send(partner, op.register(evidenceBody('a', { subject })));
    const stale = op.register(evidenceBody('b', { subject, previous: bytesOf('not the head') }));
    const good = op.register(evidenceBody('b', { subject }));
    const { executed } = await world.block([
      world.transaction(partner, [stale]),
      world.transaction(partner, [good, stale]),
    ]);
    expect(executed.results.map(([code]) => code)).toEqual(Array(2).fill(CODES.PREVIOUS_MISMATCH.number));
    expect(headOf(partner, subject)).toMatchObject({ count: 1, head: first!.id });
  });

  test('of two that name the same head in one block, one is applied', async () => {
    const [first] = await send(partner, op.register(evidenceBody('a', { subject })));
    const next = (text: string) =>
      world.transaction(partner, [op.register(evidenceBody(text, { subject, previous: first!.id }))]);
    const { executed } = await world.block([next('b'), next('c')]);
    expect(executed.results.map(([code]) => code)).toEqual([0, CODES.PREVIOUS_MISMATCH.number]);
  });
});

describe('on behalf of', () => {
  test.each([
    ['certificate', 0],
    ['realname', 0],
    ['anonymous', 0],
    ['phone', 0],
    ['registered', CODES.USER_LEVEL.number],
  ] as const)('a user at level %s: code %i', async (level, code) => {
    const user = await world.user(partner, 'ann', { level });
    const { executed } = await world.block([
      world.transaction(partner, [op.register(evidenceBody('x', { onBehalfOf: user.id }))]),
    ]);
    expect(executed.results[0]![0]).toBe(code);
  });

  test('is no way for a user to speak for another', async () => {
    const [ann, bob] = [await world.user(partner, 'ann'), await world.user(partner, 'bob')];
    const { executed } = await world.block([
      world.transaction(ann, [op.register(evidenceBody('x', { onBehalfOf: bob.id }))]),
      world.transaction(ann, [op.register(evidenceBody('x', { onBehalfOf: ann.id }))]),
    ]);
    expect(executed.results.map(([code]) => code)).toEqual(Array(2).fill(CODES.USER_NOT_CERTIFIED.number));
  });
});

test('an event says which record, whose, and its place in the subject', async () => {
  const bytes = world.transaction(partner, [
    op.register(evidenceBody('a', { subject: 'lot' })),
    op.register(evidenceBody('b')),
  ]);
  const { events } = await world.applied(bytes);
  const { transaction } = world.parse(bytes);
  const record = (i: number) => recordId(crypto, transaction, i);
  expect(events).toEqual([
    [
      0,
      0,
      'evidence.registered',
      new Map<string, unknown>([
        ['record', record(0)],
        ['registrant', partner.id],
        ['subject', 'lot'],
        ['sequence', 1],
      ]),
    ],
    [
      0,
      1,
      'evidence.registered',
      new Map([
        ['record', record(1)],
        ['registrant', partner.id],
      ]),
    ],
  ]);
});
