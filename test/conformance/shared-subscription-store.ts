import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lease, SharedSubscriptionStore, Work } from '../../node-core/ports/shared-subscription-store.ts';
import type { Attempt, Progress, Subscription } from '../../node-core/ports/subscription-store.ts';

export interface SharedSubscriptionStoreHarness {
  readonly store: SharedSubscriptionStore;
  /** Another process at the same data. */
  another(): SharedSubscriptionStore;
  cleanup(): Promise<void>;
}

const PLENTY = { ofOwner: 100, ofAll: 1_000 };
const NOTHING: Progress = { cursor: null, from: null, replay: null, failing: null, disabled: null, proven: false };
const subscription = (id: string, owner = 'brop1owner'): Subscription => ({
  ...{ id, owner, url: 'https://example.com/hook', description: '', types: [], filter: {}, createdMs: 1 },
  keys: [{ scheme: 'v1a', generation: 1, untilMs: null }],
});
const attempt = (number: number): Attempt => ({
  ...{ number, event: `evt_1_${number}`, type: 'block.final', atMs: number, durationMs: 1, outcome: 200 },
});
const work = (work: Partial<Work>): Work => ({ progress: NOTHING, attempts: [], isMailRead: false, ...work });

/** What every SharedSubscriptionStore must do beyond a SubscriptionStore; see its port, whose sentences the tests follow. */
export function describeSharedSubscriptionStore(
  name: string,
  open: () => Promise<SharedSubscriptionStoreHarness>,
): void {
  describe(`shared subscription store: ${name}`, () => {
    let harness: SharedSubscriptionStoreHarness;
    let store: SharedSubscriptionStore;
    beforeEach(async () => {
      harness = await open();
      store = harness.store;
    });
    afterEach(() => harness.cleanup());
    const make = (...ids: readonly string[]) =>
      Promise.all(ids.map((id) => store.create({ subscription: subscription(id), progress: NOTHING }, PLENTY)));

    describe('leases', () =>
      describeLeases(
        () => store,
        () => harness.another(),
        make,
      ));
    describe('mail', () => describeMail(() => store, make));
    describe('what is wanted', () =>
      describeWanted(
        () => store,
        () => harness.another(),
        make,
      ));

    it('creates as many as an owner, and all, may have, however many ask at once', async () => {
      const most = { ofOwner: 3, ofAll: 5 };
      const create = (id: string, owner: string) =>
        store.create({ subscription: subscription(id, owner), progress: NOTHING }, most);
      const five = ['1', '2', '3', '4', '5'];
      const ofAnn = await Promise.all(five.map((n) => create(`sub_a${n}`, 'ann')));
      expect(ofAnn.sort()).toEqual(['created', 'created', 'created', 'owner-full', 'owner-full']);
      expect((await store.ofOwner('ann')).map(({ subscription: { owner } }) => owner)).toEqual(['ann', 'ann', 'ann']);
      await create('sub_b1', 'bob');
      expect(await Promise.all(['c', 'd'].map((owner) => create(`sub_${owner}`, owner)))).toContain('full');
      const [first] = await store.ofOwner('ann');
      await store.write([{ remove: first!.subscription.id }]);
      expect(await create('sub_e', 'ann')).toBe('created');
      expect((await store.all()).length).toBe(5);
    });
  });
}

type Stores = () => SharedSubscriptionStore;
type Make = (...ids: readonly string[]) => Promise<unknown>;

function describeLeases(store: Stores, another: Stores, make: Make): void {
  it('go to one of many who ask, and to another once they are over or given back', async () => {
    await make('sub_a');
    const stores = [store(), another(), another(), another()];
    const taken = await Promise.all(stores.map((one) => one.take('sub_a', 1_000, 2_000)));
    expect(taken.filter((lease) => lease !== undefined)).toHaveLength(1);
    expect(await store().take('sub_a', 1_999, 3_000)).toBeUndefined();
    expect((await store().find('sub_a'))!.leasedUntilMs).toBe(2_000);
    const second = await another().take('sub_a', 2_000, 3_000);
    expect(await store().release(second!)).toBe(false);
    expect(await store().take('sub_a', 2_001, 3_000)).toBeDefined();
    expect(await store().take('sub_none', 1, 2)).toBeUndefined();
  });

  it('that are over change nothing, whatever their holder thinks the time is', async () => {
    await make('sub_a');
    const late = (await store().take('sub_a', 1_000, 2_000))!;
    const newer = (await another().take('sub_a', 2_000, 9_000))!;
    expect(newer.token).toBeGreaterThan(late.token);
    const progress: Progress = { ...NOTHING, cursor: [7, 0, 0] };
    expect(await store().keep(late, work({ progress, attempts: [attempt(0)] }))).toBe(false);
    expect(await store().release(late)).toBe(false);
    expect(await another().take('sub_a', 3_000, 9_000)).toBeUndefined();
    expect(await store().attempts('sub_a', 9)).toEqual([]);
    expect((await store().find('sub_a'))!.progress).toEqual(NOTHING);
    expect(await another().keep(newer, work({ progress, attempts: [attempt(0), attempt(1)] }))).toBe(true);
    expect(await store().attempts('sub_a', 9)).toEqual([attempt(1), attempt(0)]);
    expect(await store().find('sub_a')).toMatchObject({ progress, attempts: 2 });
  });

  it('end with their subscription', async () => {
    await make('sub_a');
    const lease = (await store().take('sub_a', 1, 2))!;
    await another().write([{ remove: 'sub_a' }]);
    expect(await store().keep(lease, work({ attempts: [attempt(0)] }))).toBe(false);
    expect(await store().release(lease)).toBe(false);
    expect(await store().find('sub_a')).toBeUndefined();
    expect(await store().attempts('sub_a', 9)).toEqual([]);
  });

  it('see a change of what is subscribed to, which is no change of progress', async () => {
    await make('sub_a');
    const lease = (await store().take('sub_a', 1, 2))!;
    const after = { ...lease.subscription, url: 'https://example.com/new' };
    expect(await another().replace(lease.subscription, after)).toBe(true);
    expect(await store().keep(lease, work({ progress: { ...NOTHING, proven: true } }))).toBe(true);
    expect(await store().find('sub_a')).toMatchObject({ subscription: after, progress: { proven: true } });
  });
}

function describeMail(store: Stores, make: Make): void {
  it('wakes tell of the first place until they are read, and of the next one after that', async () => {
    await make('sub_a');
    expect(await store().wake('sub_a', [3, 0, 0])).toBe(true);
    expect(await store().wake('sub_a', [4, 0, 0])).toBe(false);
    expect(await store().wake('sub_none', [4, 0, 0])).toBe(false);
    const lease = (await store().take('sub_a', 1, 2))!;
    expect(lease.mail.wake).toEqual([3, 0, 0]);
    expect(await store().keep(lease, work({ isMailRead: true }))).toBe(true);
    expect((await store().find('sub_a'))!.mail.wake).toBeNull();
    expect(await store().wake('sub_a', [5, 0, 0])).toBe(true);
    expect(await store().keep(lease, work({}))).toBe(true);
    expect(await store().release(lease)).toBe(true);
    expect((await store().find('sub_a'))!.mail.wake).toEqual([5, 0, 0]);
  });

  it('orders add up, and none that came after they were read is taken away', async () => {
    await make('sub_a');
    await Promise.all([
      store().order('sub_a', { set: { failing: null } }),
      store().order('sub_a', { accepted: true }),
      store().order('sub_a', { set: { from: [1, 0, 0] } }),
    ]);
    expect(await store().order('sub_none', { accepted: true })).toBe(false);
    const lease: Lease = (await store().take('sub_a', 1, 2))!;
    expect(lease.mail).toEqual({ wake: null, set: { failing: null, from: [1, 0, 0] }, accepted: true });
    await store().order('sub_a', { set: { from: [2, 0, 0] } });
    expect(await store().keep(lease, work({ isMailRead: true }))).toBe(false);
    expect(await store().release(lease)).toBe(true);
    const again = (await store().take('sub_a', 3, 4))!;
    expect(again.mail.set.from).toEqual([2, 0, 0]);
    expect(await store().keep(again, work({ isMailRead: true }))).toBe(true);
    expect(await store().release(again)).toBe(false);
  });

  it('whatever is to be done is found, but for what somebody holds', async () => {
    await make('sub_idle', 'sub_woken', 'sub_held', 'sub_behind', 'sub_failing', 'sub_off', 'sub_on');
    const progress = (of: string, changed: Partial<Progress>) => ({ of, progress: { ...NOTHING, ...changed } });
    const failing = { sinceMs: 1, attempts: 1, nextMs: 5_000 };
    const disabled = { reason: 'owner', atMs: 1 } as const;
    await store().write([
      progress('sub_behind', { from: [1, 0, 0] }),
      progress('sub_failing', { from: [1, 0, 0], failing }),
      progress('sub_off', { from: [1, 0, 0], disabled }),
      progress('sub_on', { from: [1, 0, 0], disabled }),
    ]);
    for (const id of ['sub_woken', 'sub_held', 'sub_failing']) await store().wake(id, [1, 0, 0]);
    await store().take('sub_held', 1, 3_000);
    await store().order('sub_on', { set: { disabled: null } });
    expect(await store().due(2_000)).toEqual(['sub_behind', 'sub_on', 'sub_woken']);
    expect(await store().due(5_000)).toEqual(['sub_behind', 'sub_failing', 'sub_held', 'sub_on', 'sub_woken']);
  });
}

function describeWanted(store: Stores, another: Stores, make: Make): void {
  it('has all subscriptions, and says when they have changed', async () => {
    expect(await store().wanted()).toMatchObject({ watermark: undefined, subscriptions: [] });
    await make('sub_b', 'sub_a');
    const first = await store().wanted();
    expect(first.subscriptions.map(({ id }) => id)).toEqual(['sub_a', 'sub_b']);
    expect((await store().wanted()).subscriptions).toBe(first.subscriptions);
    const changed = { ...first.subscriptions[0]!, types: ['block.final'] };
    await another().replace(first.subscriptions[0]!, changed);
    const second = await store().wanted();
    expect(second.version).not.toBe(first.version);
    expect(second.subscriptions[0]).toEqual(changed);
    await another().write([{ remove: 'sub_a' }]);
    expect((await store().wanted()).subscriptions.map(({ id }) => id)).toEqual(['sub_b']);
  });

  it('the watermark moves forward, and not past a subscription that was not there', async () => {
    const { version } = await store().wanted();
    expect(await store().moveWatermark(version, 5)).toBe(true);
    expect(await another().moveWatermark(version, 4)).toBe(false);
    expect(await store().watermark()).toBe(5);
    await make('sub_a');
    expect(await store().moveWatermark(version, 6)).toBe(false);
    const later = await store().wanted();
    expect(later.watermark).toBe(5);
    expect(await store().moveWatermark(later.version, 6)).toBe(true);
    expect(await another().watermark()).toBe(6);
  });
}
