/** What owners do, while functions deliver: what has been answered is so, and no change takes another one away. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type Answer, WorkerRig } from '../../../test/middleware/worker-rig.ts';
import { startOf } from '../events/position.ts';
import { PING_PATIENCE_MS } from './shared-deliveries.ts';

const OWNER = 'owner';
let rig: WorkerRig;
let id: string;
beforeEach(async () => {
  rig = await WorkerRig.open();
  id = await rig.subscribe('a');
  await rig.work();
});
const view = async () => (await rig.subscriptions.get(OWNER, id))!;
const registered = async (...subjects: readonly string[]) => {
  await rig.register(...subjects);
  await rig.notify();
  await rig.work();
};

describe('what owners do', () => {
  it('nobody else sees or changes it', async () => {
    expect(await rig.subscriptions.get('other', id)).toBeUndefined();
    expect(await rig.subscriptions.update('other', id, { description: 'x' })).toBeUndefined();
    expect(await rig.subscriptions.rotate('other', id, 'v1')).toBeUndefined();
    expect(await rig.subscriptions.ping('other', id)).toBeUndefined();
    expect(await rig.subscriptions.remove('other', id)).toBe(false);
    expect((await rig.subscriptions.list(OWNER)).map(({ subscription }) => subscription.id)).toEqual([id]);
  });

  it('a new one misses nothing that becomes final after it, whoever was matching meanwhile', async () => {
    await rig.register('x');
    const { store } = rig;
    const wanted = store.wanted.bind(store);
    // Somebody subscribes, and is told of all there is, between the reading of the subscriptions and their matching.
    store.wanted = async () => {
      store.wanted = wanted;
      const found = await wanted();
      await rig.subscribe('b');
      await rig.work();
      await rig.register('y');
      return found;
    };
    await rig.notify();
    await rig.work();
    expect(rig.told('b')).toEqual(['y']);
    expect(rig.told('a')).toEqual(['x', 'y']);
  });

  it('changes of different fields at once, and a new key, are all in force afterwards', async () => {
    const changes = [
      rig.subscriptions.update(OWNER, id, { description: 'mine' }),
      rig.subscriptions.rotate(OWNER, id, 'v1'),
      rig.subscriptions.update(OWNER, id, { filter: { subject: 'y' } }),
    ];
    for (const changed of await Promise.all(changes)) expect(changed).not.toHaveProperty('code');
    const { subscription } = await view();
    expect(subscription).toMatchObject({ description: 'mine', filter: { subject: 'y' } });
    expect(subscription.keys.map(({ generation }) => generation)).toEqual([2, 1]);
    await registered('x', 'y');
    expect(rig.told('a')).toEqual(['y']);
  });

  it('disabled at once, enabled where it was, or from a place on', async () => {
    const { height } = rig.events;
    expect(await rig.subscriptions.update(OWNER, id, { enabled: false })).toMatchObject({
      progress: { disabled: { reason: 'owner' } },
    });
    await registered('x', 'y');
    expect(rig.posted).toEqual([]);
    expect(await rig.subscriptions.replay(OWNER, id, startOf(1), 2)).toMatchObject({ code: 'SUBSCRIPTION_DISABLED' });
    await rig.subscriptions.update(OWNER, id, { enabled: true });
    await rig.work();
    expect(rig.told('a')).toEqual(['x', 'y']);
    await rig.subscriptions.update(OWNER, id, { enabled: false });
    await registered('z');
    await rig.subscriptions.update(OWNER, id, { enabled: true, from: startOf(rig.events.height + 1) });
    await registered('after');
    expect(rig.told('a')).toEqual(['x', 'y', 'after']);
    await rig.subscriptions.update(OWNER, id, { enabled: true, from: startOf(height + 1) });
    await rig.work();
    expect(rig.told('a').slice(3)).toEqual(['x', 'y', 'z', 'after']);
  });

  it('in the middle of deliveries it is heard once what is under way is over', async () => {
    const open: ((answer: Answer) => void)[] = [];
    rig.behave('a', () => new Promise((resolve) => open.push(resolve)));
    await registered('x', 'x', 'x');
    await rig.subscriptions.update(OWNER, id, { enabled: false });
    expect((await view()).progress.disabled).not.toBeNull();
    await rig.work(3_000);
    open[0]!(200);
    await rig.work(3_000);
    expect(rig.told('a')).toEqual(['x']);
    expect((await rig.store.find(id))!.progress).toMatchObject({ disabled: { reason: 'owner' } });
  });

  it('delivered again, in a range, under the same IDs', async () => {
    await registered('x');
    const { height } = rig.events;
    await registered('y');
    const replayed = await rig.subscriptions.replay(OWNER, id, startOf(height), height);
    expect(replayed).toMatchObject({ progress: { replay: { from: startOf(height) } } });
    await rig.work();
    expect(rig.told('a')).toEqual(['x', 'y', 'x']);
    expect(rig.posted[2]!.id).toBe(rig.posted[0]!.id);
    expect((await view()).progress.replay).toBeNull();
  });

  it('a test message that is accepted ends the wait for the next retry, and stands among the attempts', async () => {
    rig.behave('a', () => 500);
    await registered('x');
    await rig.work(60_000);
    const { failing } = (await view()).progress;
    expect(failing!.nextMs).toBeGreaterThan(rig.clock.now() + 60_000);
    rig.behaviours.clear();
    const asked = rig.subscriptions.ping(OWNER, id);
    await rig.work(1_000);
    expect(await asked).toMatchObject({ type: 'webhook.ping', outcome: 204 });
    await rig.work();
    expect((await view()).progress).toMatchObject({ failing: null, from: null, proven: true });
    const attempts = (await rig.subscriptions.attempts(OWNER, id, 10))!;
    expect(attempts.map(({ type, outcome }) => [type, outcome])).toEqual([
      ['evidence.registered', 204],
      ['webhook.ping', 204],
      ['evidence.registered', 500],
      ['evidence.registered', 500],
    ]);
  });

  it('a test message is sent by whoever delivers, once, and by nobody else', async () => {
    const asked = rig.subscriptions.ping(OWNER, id);
    await rig.settle();
    expect(rig.posted).toEqual([]);
    expect(rig.queue).toMatchObject([{ id, ping: expect.stringMatching(/^ping_[0-9a-f]{32}$/) }]);
    // The queue tells twice.
    rig.queue.push(rig.queue[0]!);
    const again = rig.queue[0]!;
    await rig.work(1_000);
    rig.queue.push(again);
    await rig.work(1_000);
    expect(await asked).toMatchObject({ event: again.ping, outcome: 204 });
    expect(new Set(rig.posted.map((posted) => posted.id))).toEqual(new Set([again.ping]));
    expect(rig.posted.length).toBeLessThanOrEqual(2);
  });

  it('a test message that nobody sends, or to which no answer comes in time, has no outcome yet', async () => {
    const lost = rig.subscriptions.ping(OWNER, id);
    await rig.settle();
    rig.queue.length = 0;
    await rig.work(PING_PATIENCE_MS + 1_000);
    expect(await lost).toBeNull();
    rig.behave('a', () => rig.hang());
    const hanging = rig.subscriptions.ping(OWNER, id);
    await rig.work(PING_PATIENCE_MS + 1_000);
    expect(await hanging).toMatchObject({ outcome: 'timeout' });
  });

  it('removed: nothing more is sent, and nothing of it is left', async () => {
    rig.behave('a', () => rig.hang());
    await registered('x');
    expect(await rig.subscriptions.remove(OWNER, id)).toBe(true);
    await rig.work(120_000);
    await registered('y');
    expect(rig.told('a')).toEqual(['x']);
    expect(await rig.store.all()).toEqual([]);
    expect(rig.errors).toEqual([]);
  });
});
