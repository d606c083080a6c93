import { expect, test } from 'vitest';
import { World } from '../../test/ledger/world.ts';
import { NodeBlockFeed } from './block-feed.ts';
import type { CommitListener } from './node.ts';

/** A node as far as the feed knows one. */
async function feedOf(world: World) {
  const listeners = new Set<CommitListener>();
  const onCommit = (listener: CommitListener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const commit = async () => {
    const { executed } = await world.block([]);
    for (const listener of [...listeners]) listener(executed);
  };
  return { feed: new NodeBlockFeed({ store: world.store, onCommit }), commit, listeners };
}

test('gives every block there is, again and again, and nothing above', async () => {
  const { feed, commit } = await feedOf(await World.open());
  for (let i = 0; i < 5; i++) await commit();
  for (const height of [3, 1, 5, 3]) expect((await feed.block(height))!.header.height).toBe(height);
  expect(await feed.block(6)).toBeUndefined();
  expect([feed.firstHeight, feed.height]).toEqual([1, 5]);
});

test('a block that is no longer kept is said to be pruned, not left out', async () => {
  const { feed, commit } = await feedOf(await World.open());
  await commit();
  await expect(feed.block(0)).rejects.toMatchObject({ code: 'PRUNED' });
});

test('who waits is woken by the block above its place, and by its own signal', async () => {
  const { feed, commit, listeners } = await feedOf(await World.open());
  const stop = new AbortController();
  const [first, second] = [feed.waitAbove(0, stop.signal), feed.waitAbove(1, stop.signal)];
  await commit();
  expect(await first).toBe(true);
  expect(await feed.waitAbove(0, stop.signal)).toBe(true);
  stop.abort();
  expect(await second).toBe(false);
  expect(await feed.waitAbove(5, stop.signal)).toBe(false);
  expect(listeners.size).toBe(0);
});
