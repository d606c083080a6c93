import { beforeEach, expect, test } from 'vitest';
import { type Actor, bytesOf, crypto, evidenceBody, op, World } from '../../../test/ledger/world.ts';
import { CODES } from '../../chain/codes.ts';
import { type RegisterSchema, registeredSchema, schemaId } from '../../chain/operations/record-schema.ts';
import { stateKey } from '../../chain/state-keys.ts';
import { decode } from '../../codec/cbor.ts';

const goods: RegisterSchema = {
  name: 'goods',
  schema: {
    type: 'object',
    properties: new Map([['lot', { type: 'string', maxLength: 8, 'x-indexed': true }]]),
    required: ['lot'],
    additionalProperties: false,
  },
};
let world: World;
let partner: Actor;
let schema: Uint8Array;
beforeEach(async () => {
  world = await World.open();
  partner = await world.partner('partner');
  schema = schemaId(crypto, partner.id, goods);
});

const record = (lot: string, own = schema) =>
  op.register(evidenceBody('x', { schema: own, attributes: new Map([['lot', lot]]) }));

test('a schema is kept under its ID, for ever, and told', async () => {
  const { events } = await world.applied(world.transaction(partner, [op.registerSchema(goods)]));
  const kept = registeredSchema.decode(decode(world.store.get(stateKey.schema(schema))!), '');
  expect(kept).toEqual({ registrant: partner.id, ...goods });
  expect(events).toEqual([
    [
      0,
      0,
      'evidence.schemaRegistered',
      new Map([
        ['schema', schema],
        ['registrant', partner.id],
      ]),
    ],
  ]);
});

test('records are held to it from the next operation on, whoever sends them', async () => {
  const other = await world.partner('other');
  await world.applied(world.transaction(partner, [op.registerSchema(goods), record('7')]));
  const { executed } = await world.block([
    world.transaction(other, [record('8')]),
    world.transaction(other, [record('too long for it')]),
    world.transaction(other, [op.register(evidenceBody('x', { schema }))]),
    world.transaction(other, [record('8', bytesOf('no schema'))]),
    world.transaction(other, [op.registerBatch({ root: bytesOf('root'), count: 2, schema })]),
  ]);
  const { SCHEMA_MISMATCH, SCHEMA_UNKNOWN } = CODES;
  expect(executed.results.map(([code]) => code)).toEqual([
    0,
    SCHEMA_MISMATCH.number,
    SCHEMA_MISMATCH.number,
    SCHEMA_UNKNOWN.number,
    SCHEMA_MISMATCH.number,
  ]);
});

test('the same again is refused; another partner may register the same, as its own', async () => {
  const other = await world.partner('other');
  const { executed } = await world.block([
    world.transaction(partner, [op.registerSchema(goods)]),
    world.transaction(partner, [op.registerSchema(goods)]),
    world.transaction(other, [op.registerSchema(goods)]),
    world.transaction(partner, [op.registerSchema({ ...goods, name: 'goods 2' })]),
  ]);
  expect(executed.results.map(([code]) => code)).toEqual([0, CODES.SCHEMA_KNOWN.number, 0, 0]);
});
