import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blockDraw, RandomChain } from '../../../test/ledger/random-chain.ts';
import { bytesOf, crypto, evidenceBody, op, partnerBody, World } from '../../../test/ledger/world.ts';
import { accountIdToText } from '../../codec/account-id.ts';
import { toHex } from '../../codec/bytes.ts';
import type { EventDeclaration, EventField } from '../../ledger/event-declaration.ts';
import type { FieldValue } from '../../ledger/projection.ts';
import { finalizedBlock } from '../finalized-block.ts';
import { declarationOf, EVENT_TYPES } from './catalogue.ts';
import { type Event, eventsOf } from './event.ts';
import { comparePositions, cursorBefore, cursorOf, eventId } from './position.ts';

async function newest(world: World): Promise<readonly Event[]> {
  const block = (await world.store.block(world.store.height))!;
  return eventsOf(world.genesis.hash, finalizedBlock(crypto, block));
}

const FORMS: Readonly<Record<EventField['type'], (value: FieldValue) => boolean>> = {
  text: (value) => typeof value === 'string',
  integer: (value) => Number.isSafeInteger(value),
  boolean: (value) => typeof value === 'boolean',
  account: (value) => /^brop1[a-z0-9]{38}$/.test(String(value)),
  hash: (value) => /^[0-9a-f]{64}$/.test(String(value)),
  digest: (value) => /^[a-z0-9-]+:[0-9a-f]+$/.test(String(value)),
};

/** What is wrong with an event by its own declaration; the AsyncAPI file is made of the same. */
function faults({ type, data }: Event, { fields, open = '\0' }: EventDeclaration): string[] {
  const wrong: string[] = [];
  for (const [name, { optional = false, list = false, type: form }] of Object.entries(fields)) {
    const value = data[name];
    if (value === undefined) {
      if (!optional) wrong.push(`${type} lacks ${name}`);
      continue;
    }
    if (Array.isArray(value) !== list) wrong.push(`${type}: ${name} is ${list ? 'no' : 'a'} list`);
    const values = (Array.isArray(value) ? value : [value]) as readonly FieldValue[];
    if (!values.every(FORMS[form])) wrong.push(`${type}: ${name} is no ${form}: ${values}`);
  }
  const extra = Object.keys(data).filter((name) => !(name in fields) && !name.startsWith(open));
  return [...wrong, ...extra.map((name) => `${type} has ${name}, which is not declared`)];
}

describe('events of a block', () => {
  test('transactions with what they brought, in order, and then the block', async () => {
    const world = await World.open();
    const partner = await world.partner('partner');
    const previous = bytesOf('no record');
    await world.block([
      world.transaction(partner, [
        op.register(evidenceBody('a', { subject: 'lot 7' })),
        op.register(evidenceBody('b')),
      ]),
      world.transaction(partner, [op.register(evidenceBody('c', { subject: 'lot 7', previous }))]),
      world.transaction(world.operator, [op.admit(partnerBody('acme'))]),
    ]);
    const { height, timeMs } = world.store;
    const events = await newest(world);
    expect(events.map(({ position, type, transaction }) => [...position, type, transaction?.operation])).toEqual([
      [height, 0, 0, 'transaction.final', null],
      [height, 0, 1, 'evidence.registered', 0],
      [height, 0, 2, 'evidence.registered', 1],
      [height, 1, 0, 'transaction.final', null],
      [height, 2, 0, 'transaction.final', null],
      [height, 2, 1, 'governance.partnerAdmitted', 0],
      [height, 3, 0, 'block.final', undefined],
    ]);
    const registrant = accountIdToText(partner.id);
    const id = `evt_${toHex(world.genesis.hash).slice(0, 8)}_${height}_0_1`;
    expect(events[1]).toMatchObject({ id, height, timeMs, data: { registrant, subject: 'lot 7' } });
    expect(events[1]!.subject).toBe(JSON.stringify(['evidence', registrant, 'lot 7']));
    expect(events[2]!.subject).toBeNull();
    expect(events[3]!.data).toMatchObject({ applied: false, operations: ['evidence.register'] });
    expect(events.at(-1)!.data).toMatchObject({ hash: toHex(world.store.parent), transactions: 3 });
  });

  test('whatever the chain: ascending, of declared types and forms, and the same again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(blockDraw, { minLength: 1, maxLength: 6 }), async (draws) => {
        const chain = await RandomChain.open();
        const { hash } = chain.world.genesis;
        for (const draw of draws) {
          await chain.draw(draw);
          const events = await newest(chain.world);
          expect(events.flatMap((event) => faults(event, declarationOf(event.type)!))).toEqual([]);
          for (const [i, { id, position }] of events.entries()) {
            expect(id).toBe(eventId(hash, position));
            if (i > 0) expect(comparePositions(events[i - 1]!.position, position)).toBeLessThan(0);
          }
          expect(await newest(chain.world)).toEqual(events);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('the catalogue', () => {
  test('names each type once, in the form that Standard Webhooks asks for', () => {
    const types = EVENT_TYPES.map(({ type }) => type);
    expect(new Set(types).size).toBe(types.length);
    for (const type of types) expect(type).toMatch(/^[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)+$/);
  });

  test('orders only by fields that are declared', () => {
    for (const { fields, subject } of EVENT_TYPES)
      for (const name of subject ?? []) expect(Object.keys(fields)).toContain(name);
  });
});

describe('cursors', () => {
  const hash = new Uint8Array(32).fill(0xab);

  test('go on after the event that they name, or after a height', () => {
    expect(cursorOf(hash, eventId(hash, [7, 2, 1]))).toEqual([7, 2, 2]);
    expect(cursorOf(hash, '7')).toEqual([8, 0, 0]);
    expect(cursorOf(hash, '0')).toEqual([1, 0, 0]);
  });

  test.each([[[7, 0, 0]], [[7, 0, 3]], [[7, 4, 0]], [[7, 4, 2]]] as const)('lead on to exactly %j', (position) => {
    const from = cursorOf(hash, cursorBefore(hash, position))!;
    const before =
      position[2] > 0 ? [position[0], position[1], position[2] - 1] : [position[0], position[1] - 1, 99_999];
    expect(comparePositions(from, position)).toBeLessThanOrEqual(0);
    expect(comparePositions(from, before as [number, number, number])).toBeGreaterThan(0);
  });

  test.each([
    '',
    ' ',
    '-1',
    '1.5',
    '07',
    '1e3',
    'evt_abababab_1_2',
    'evt_abababac_1_2_3',
    'evt_abababab_01_2_3',
    '9'.repeat(16),
  ])('one that is neither is refused: %j', (text) => expect(cursorOf(hash, text)).toBeUndefined());
});
