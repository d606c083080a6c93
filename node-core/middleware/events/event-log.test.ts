import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crypto, evidenceBody, op, World } from '../../../test/ledger/world.ts';
import { feedOf } from '../../../test/middleware/feed.ts';
import { EventLog } from './event-log.ts';
import { startOf } from './position.ts';

async function chain(maxBytes?: number) {
  const world = await World.open();
  const partner = await world.partner('partner');
  for (let i = 0; i < 6; i++) {
    const transactions = Array.from({ length: i % 3 }, (_, n) =>
      world.transaction(partner, [op.register(evidenceBody(`${i} ${n}`, { subject: `lot ${n}` }))]),
    );
    await world.block(transactions);
  }
  let read = 0;
  const { feed } = feedOf(world);
  const counting = {
    ...{ height: feed.height, firstHeight: feed.firstHeight },
    block: (height: number) => {
      read += 1;
      return feed.block(height);
    },
    waitAbove: feed.waitAbove.bind(feed),
  };
  const log = new EventLog(crypto, world.genesis.hash, counting, maxBytes);
  return { log, reads: () => read };
}

test('pages of any size, one after the other, hold every wanted event once, in order', async () => {
  const { log } = await chain();
  const types = fc.subarray(['evidence.registered', 'block.final', 'transaction.final']);
  await fc.assert(
    fc.asyncProperty(
      types,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 4 }),
      async (types, max, most) => {
        const filter = { types, filter: {} };
        const limits = { maxEvents: max, maxBlocks: most };
        const ids: string[] = [];
        for (let position = startOf(1); position[0] <= log.height; ) {
          const { events, next } = await log.from(position, filter, limits);
          expect(events.length).toBeLessThanOrEqual(max);
          ids.push(...events.map(({ id }) => id));
          position = next;
        }
        const whole = await log.from(startOf(1), filter, { maxEvents: 1_000, maxBlocks: 1_000 });
        expect(ids).toEqual(whole.events.map(({ id }) => id));
      },
    ),
  );
});

test('filters by fields, and ends at the newest height', async () => {
  const { log } = await chain();
  const filter = { types: ['evidence.registered'], filter: { subject: 'lot 1' } };
  const { events, next } = await log.from(startOf(1), filter, { maxEvents: 100, maxBlocks: 100 });
  expect(events.map(({ data }) => data.subject)).toEqual(['lot 1', 'lot 1']);
  expect(next).toEqual(startOf(log.height + 1));
});

test('readers of the same blocks share one reading of each', async () => {
  const { log, reads } = await chain();
  const everything = { types: [], filter: {} };
  const all = () => log.from(startOf(1), everything, { maxEvents: 1_000, maxBlocks: 1_000 });
  await Promise.all([all(), all(), all()]);
  expect(reads()).toBe(log.height);
});

test('what is kept is bounded by its bytes too, but for the newest', async () => {
  const everything = { types: [], filter: {} };
  const wanted = { maxEvents: 1_000, maxBlocks: 1_000 };
  const { log, reads } = await chain(1_000);
  await log.from(startOf(1), everything, wanted);
  const once = reads();
  await log.at(log.height);
  expect(reads()).toBe(once);
  await log.from(startOf(1), everything, wanted);
  expect(reads()).toBeGreaterThan(once + 2);
  expect(once).toBe(log.height);
});
