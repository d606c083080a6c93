import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, evidenceBody, op, World } from '../../test/ledger/world.ts';
import { MemoryStore } from '../../test/simulation/memory-store.ts';
import { compare, concat, toHex } from '../codec/bytes.ts';
import { DeferredRows } from './deferred-rows.ts';

const key = fc.uint8Array({ minLength: 1, maxLength: 3, max: 3 });
const change = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 4 })) });
const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), writes: fc.array(change, { maxLength: 5 }) }),
  fc.record({ kind: fc.constant('flush' as const), awaited: fc.boolean() }),
);
const range = fc.record({ from: key, to: key, limit: fc.option(fc.nat(4), { nil: undefined }) });

describe('rows that wait', () => {
  test('read as a sorted map would, whatever has been flushed, is being flushed, or waits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.array(range, { maxLength: 5 }), async (steps, ranges) => {
        const rows = new DeferredRows(new MemoryStore());
        const model = new Map<string, Uint8Array>();
        const flushes: Promise<void>[] = [];
        for (const one of steps) {
          if (one.kind === 'add') {
            rows.add(one.writes);
            for (const { key, value } of one.writes) {
              if (value === null) model.delete(toHex(key));
              else model.set(toHex(key), value);
            }
          } else {
            flushes.push(rows.flush([]));
            if (one.awaited) await flushes.at(-1);
          }
          for (const [hex, value] of model) expect(rows.get(Uint8Array.from(Buffer.from(hex, 'hex')))).toEqual(value);
          for (const { from, to, limit } of ranges) {
            const expected = [...model]
              .map(([hex, value]) => ({ key: Uint8Array.from(Buffer.from(hex, 'hex')), value }))
              .filter((row) => compare(row.key, from) >= 0 && compare(row.key, to) < 0)
              .sort((a, b) => compare(a.key, b.key))
              .slice(0, limit);
            const got = [...rows.range(from, to, limit === undefined ? {} : { limit })];
            expect(got.map(({ key, value }) => [toHex(key), toHex(value)])).toEqual(
              expected.map(({ key, value }) => [toHex(key), toHex(value)]),
            );
          }
        }
        await Promise.all(flushes);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a store that was not flushed before it died', () => {
  async function died(): Promise<World> {
    const world = await World.open();
    const partner = await world.partner('acme');
    for (let i = 0; i < 5; i++) {
      await world.applied(world.transaction(partner, [op.register(evidenceBody(`file ${i}`, { subject: 'lot' }))]));
      if (i === 2) await world.store.flush();
    }
    expect([world.store.height, world.store.flushedHeight]).toEqual([6, 4]);
    return world;
  }

  test('executes the blocks since again, and is where it was', async () => {
    const world = await died();
    const again = await world.copy();
    expect([again.store.height, again.store.parent, again.store.frontier.root()]).toEqual([
      world.store.height,
      world.store.parent,
      world.store.frontier.root(),
    ]);
    await Promise.all([world.store.flush(), again.store.flush()]);
    const all = (kv: MemoryStore) => [...kv.range(new Uint8Array(0), Uint8Array.of(0xff))];
    expect(all(again.kv)).toEqual(all(world.kv));
  });

  test('refuses a block that does not execute to its own header, and names it', async () => {
    const world = await died();
    const row = [...world.kv.range(Uint8Array.of('b'.charCodeAt(0)), Uint8Array.of('b'.charCodeAt(0) + 1))].at(-1)!;
    const value = row.value.slice();
    value[value.length - 70]! ^= 1;
    await world.kv.write([{ key: row.key, value }]);
    await expect(world.copy()).rejects.toThrow(/block 6 does not execute|block 6 does not decode/);
    await world.kv.write([{ key: row.key, value: concat(row.value, bytesOf('more', 1)) }]);
    await expect(world.copy()).rejects.toThrow(/block 6 does not decode/);
  });
});
