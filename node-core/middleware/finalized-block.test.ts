import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blockDraw, RandomChain } from '../../test/ledger/random-chain.ts';
import { bytesOf, crypto, evidenceBody, keyPair, op, World } from '../../test/ledger/world.ts';
import { CODES } from '../chain/codes.ts';
import { recordId } from '../chain/identifiers.ts';
import { REGISTER_NODE, registerNodeBody } from '../chain/operations/register-node.ts';
import { accountIdToText } from '../codec/account-id.ts';
import { toHex } from '../codec/bytes.ts';
import { finalizedBlock, finalizedGenesis } from './finalized-block.ts';

async function newest(world: World) {
  return finalizedBlock(crypto, (await world.store.block(world.store.height))!);
}

describe('a final block', () => {
  test('says of a record what was signed about it, under the ID that the ledger gave it', async () => {
    const world = await World.open();
    const partner = await world.partner('partner');
    const user = await world.user(partner, 'ann');
    const attributes = new Map<string, string | number | boolean>([
      ['lot', '7'],
      ['weight_g', -5],
    ]);
    const previous = bytesOf('no record');
    const bytes = world.transaction(partner, [
      op.register(evidenceBody('a', { subject: 'lot 7', mediaType: 'text/plain', sizeBytes: 3, attributes })),
      op.registerBatch({ root: bytesOf('root'), count: 9, onBehalfOf: user.id, provenance: { witnesses: [user.id] } }),
    ]);
    const rejected = world.transaction(partner, [op.register(evidenceBody('b', { subject: 'lot 7', previous }))]);
    await world.block([bytes, rejected]);
    const block = await newest(world);
    const { transaction } = world.parse(bytes);
    const id = (index: number) => toHex(recordId(crypto, transaction, index));
    const sender = accountIdToText(partner.id);
    const first = {
      registrant: sender,
      digest: [`sha-256:${toHex(bytesOf('a'))}`],
      ...{ sizeBytes: 3, subject: 'lot 7', mediaType: 'text/plain' },
      ...{ 'attributes.lot': '7', 'attributes.weight_g': -5 },
    };
    const second = {
      ...{ registrant: sender, root: toHex(bytesOf('root')), count: 9, onBehalfOf: accountIdToText(user.id) },
      'provenance.witnesses': [accountIdToText(user.id)],
    };
    expect(block).toMatchObject({ height: world.store.height, timeMs: world.store.timeMs });
    expect(block.hash).toBe(toHex(world.store.parent));
    expect(block.transactions[0]).toMatchObject({
      ...{ index: 0, sender, nonce: toHex(transaction.nonce), code: 0, expiry: transaction.expiry, label: 'test' },
      id: `${sender}/${toHex(transaction.nonce)}`,
      events: [
        {
          ...{ type: 'evidence.registered', operation: 0, data: { record: id(0), ...first } },
          rows: [{ collection: 'evidence', key: id(0), fields: first }],
        },
        {
          ...{ type: 'evidence.registered', operation: 1, data: { record: id(1), ...second } },
          rows: [{ collection: 'evidence', key: id(1), fields: second }],
        },
      ],
    });
    expect(block.transactions[1]).toMatchObject({ code: CODES.PREVIOUS_MISMATCH.number, logIndex: null, events: [] });
    expect(block.transactions[1]!.operations).toHaveLength(1);
  });

  test('of the genesis names operator and validators', async () => {
    const world = await World.open({ validators: 2 });
    const { rows, height, hash } = finalizedGenesis(crypto, world.genesis);
    expect([height, hash]).toEqual([0, toHex(world.genesis.hash)]);
    const participants = rows.filter(({ collection }) => collection === 'participants');
    expect(participants.map(({ key, fields }) => [key, fields?.kind, fields?.name])).toEqual([
      [accountIdToText(world.operator.id), 'operator', 'operator'],
      [accountIdToText(world.validator.id), 'validator', 'validator 0'],
      [expect.any(String), 'validator', 'validator 1'],
    ]);
    expect(rows).toHaveLength(6);
  });

  test('writes a node that is registered and takes it away when it is not any more', async () => {
    const world = await World.open();
    const nodeKey = bytesOf('node');
    const body = registerNodeBody.encode({ nodeKey, noteKey: keyPair('note').publicKey });
    await world.applied(world.transaction(world.operator, [{ type: REGISTER_NODE, body }]));
    const account = accountIdToText(world.operator.id);
    const rows = (await newest(world)).transactions[0]!.events.map((event) => event.rows);
    expect(rows).toEqual([[{ collection: 'nodes', key: toHex(nodeKey), fields: { account } }]]);
    const gone = { type: 'governance.unregisterNode', body: new Map([['nodeKey', nodeKey]]) };
    await world.applied(world.transaction(world.operator, [gone]));
    expect((await newest(world)).transactions[0]!.events[0]!.rows[0]!.fields).toBeNull();
  });
});

test('whatever the chain, its events are those that the ledger emitted, about the same accounts and records', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(blockDraw, { minLength: 1, maxLength: 6 }), async (draws) => {
      const chain = await RandomChain.open();
      for (const draw of draws) {
        const executed = await chain.draw(draw);
        const block = await newest(chain.world);
        const found = block.transactions.flatMap(({ index, events }) =>
          events.map(({ operation, type, data }) => [index, operation, type, data.record ?? data.account]),
        );
        const emitted = executed.events.map(([index, operation, type, data]) => {
          const { record, account } = Object.fromEntries(data as Map<string, Uint8Array>);
          return [index, operation, type, record ? toHex(record) : accountIdToText(account!)];
        });
        expect(found).toEqual(emitted);
      }
    }),
    { numRuns: 15 },
  );
}, 120_000);
