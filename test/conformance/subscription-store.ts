import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_ATTEMPTS_KEPT } from '../../node-core/middleware/delivery/limits.ts';
import type {
  Attempt,
  Progress,
  Subscribed,
  Subscription,
  SubscriptionStore,
} from '../../node-core/ports/subscription-store.ts';

export interface SubscriptionStoreHarness {
  readonly store: SubscriptionStore;
  /** Closes the store and opens its data again. */
  reopen(): Promise<SubscriptionStore>;
  cleanup(): Promise<void>;
}

const subscription = (id: string): Subscription => ({
  id,
  owner: 'brop1owner',
  url: 'https://example.com/hook',
  description: '合作方 ✓',
  types: ['evidence.registered'],
  filter: { subject: 'lot 7', applied: true, code: 0 },
  keys: [
    { scheme: 'v1', generation: 2, untilMs: null },
    { scheme: 'v1a', generation: 1, untilMs: 5 },
  ],
  createdMs: 1,
});
const progress: Progress = {
  cursor: [3, 2, 1],
  from: [4, 0, 0],
  replay: { from: [1, 0, 0], through: [2, 0, 0] },
  failing: { sinceMs: 1, attempts: 2, nextMs: 3 },
  disabled: { reason: 'gone', atMs: 4 },
  proven: true,
};
const attempt = (number: number, outcome: number | string = 200): Attempt => ({
  ...{ number, event: `evt_1_${number}`, type: 'block.final', atMs: number, durationMs: 1, outcome },
});

/** What every SubscriptionStore must do; see node-core/ports/subscription-store.ts, whose sentences the tests follow. */
export function describeSubscriptionStore(name: string, open: () => Promise<SubscriptionStoreHarness>): void {
  describe(`subscription store: ${name}`, () => {
    let harness: SubscriptionStoreHarness;
    let store: SubscriptionStore;
    beforeEach(async () => {
      harness = await open();
      store = harness.store;
    });
    afterEach(() => harness.cleanup());

    it('is empty at first', async () => {
      expect(await store.all()).toEqual([]);
      expect(await store.watermark()).toBeUndefined();
      expect(await store.attempts('sub_a', 10)).toEqual([]);
    });

    it('keeps all of it over a reopening, in the order of the IDs', async () => {
      await store.write([
        { put: subscription('sub_b') },
        { put: subscription('sub_a') },
        { progress, of: 'sub_b' },
        { attempt: attempt(0), of: 'sub_b' },
        { attempt: attempt(1, 'timeout'), of: 'sub_b' },
        { watermark: 17 },
      ]);
      store = await harness.reopen();
      const fresh = { cursor: null, from: null, replay: null, failing: null, disabled: null, proven: false };
      expect(await store.all()).toEqual([
        { subscription: subscription('sub_a'), progress: fresh, attempts: 0 },
        { subscription: subscription('sub_b'), progress, attempts: 2 },
      ]);
      expect(await store.attempts('sub_b', 10)).toEqual([attempt(1, 'timeout'), attempt(0)]);
      expect(await store.attempts('sub_b', 1)).toEqual([attempt(1, 'timeout')]);
      expect(await store.watermark()).toBe(17);
    });

    it('applies the changes of a batch in order, and the newest of each is what is read', async () => {
      const other = { ...subscription('sub_a'), url: 'https://example.com/other' };
      await store.write([{ put: subscription('sub_a') }, { put: other }, { progress, of: 'sub_a' }]);
      await store.write([{ progress: { ...progress, from: null }, of: 'sub_a' }, { watermark: 5 }, { watermark: 6 }]);
      const [found] = await store.all();
      expect(found).toEqual({ subscription: other, progress: { ...progress, from: null }, attempts: 0 });
      expect(await store.watermark()).toBe(6);
    });

    it('replaces what is there by what follows from it, and of two at once only one', async () => {
      const [before, a, b] = ['old', 'a', 'b'].map((description) => ({ ...subscription('sub_a'), description }));
      expect(await store.replace(before!, a!)).toBe(false);
      await store.write([{ put: before! }, { progress, of: 'sub_a' }]);
      const outcomes = await Promise.all([store.replace(before!, a!), store.replace(before!, b!)]);
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      const [{ subscription: there, progress: kept }] = (await store.all()) as [Subscribed];
      expect(there).toEqual(outcomes[0] ? a : b);
      expect(kept).toEqual(progress);
    });

    describe('what is taken away', () => describeRemoval(() => store));
  });
}

function describeRemoval(store: () => SubscriptionStore): void {
  it('takes progress and attempts away with their subscription, and takes none of what is not there', async () => {
    const made = [{ put: subscription('sub_a') }, { progress, of: 'sub_a' }, { attempt: attempt(0), of: 'sub_a' }];
    await store().write(made);
    await store().write([{ remove: 'sub_a' }, { progress, of: 'sub_a' }, { attempt: attempt(1), of: 'sub_a' }]);
    await store().write([
      { progress, of: 'sub_a' },
      { attempt: attempt(2), of: 'sub_a' },
    ]);
    expect(await store().all()).toEqual([]);
    await store().write([{ put: subscription('sub_a') }]);
    const [again] = await store().all();
    expect(again!.progress.cursor).toBeNull();
    expect(again!.attempts).toBe(0);
    await store().write([...made, { remove: 'sub_a' }]);
    expect(await store().all()).toEqual([]);
  });

  it('one whose ID begins with that of another is another', async () => {
    await store().write([{ put: subscription('sub_a') }, { put: subscription('sub_ab') }]);
    await store().write([{ attempt: attempt(0), of: 'sub_ab' }, { remove: 'sub_a' }]);
    expect((await store().all()).map(({ subscription: { id }, attempts }) => [id, attempts])).toEqual([['sub_ab', 1]]);
  });

  it(`keeps the newest ${MAX_ATTEMPTS_KEPT} attempts`, async () => {
    await store().write([{ put: subscription('sub_a') }]);
    for (let number = 0; number < MAX_ATTEMPTS_KEPT + 7; number++)
      await store().write([{ attempt: attempt(number), of: 'sub_a' }]);
    const numbers = (await store().attempts('sub_a', 1_000)).map((one) => one.number);
    expect(numbers).toEqual(Array.from({ length: MAX_ATTEMPTS_KEPT }, (_, i) => MAX_ATTEMPTS_KEPT + 6 - i));
    expect((await store().all())[0]!.attempts).toBe(MAX_ATTEMPTS_KEPT + 7);
  });
}
