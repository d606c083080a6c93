/** Deliveries by functions: nothing lost whatever is lost on the way, one at a time to an endpoint, nobody in another's way. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Answer, ATTEMPT_MS, START_MS, WorkerRig } from '../../../test/middleware/worker-rig.ts';
import type { SharedSubscriptionStore } from '../../ports/shared-subscription-store.ts';
import { notify } from './notify.ts';

const HOUR_MS = 3_600_000;

let rig: WorkerRig;
beforeEach(async () => {
  rig = await WorkerRig.open();
});

/** Dies at its n-th request, before or after it has taken effect: the caller never knows which. */
function mortal(store: SharedSubscriptionStore, requests: number, isDone: boolean): SharedSubscriptionStore {
  let left = requests;
  return new Proxy(store, {
    get:
      (target, name: keyof SharedSubscriptionStore) =>
      async (...args: readonly never[]) => {
        const call = target[name].bind(target) as (...all: readonly never[]) => Promise<unknown>;
        if (left-- > 0) return call(...args);
        if (left === -1 && isDone) await call(...args);
        throw new Error('the function is gone');
      },
  });
}

describe('a worker', () => {
  it('delivers what is wanted, once, in the order of the chain, and leaves nothing due', async () => {
    await rig.subscribe('all');
    await rig.subscribe('lot', { filter: { subject: 'lot 2' } });
    await rig.register('lot 1', 'lot 2');
    await rig.notify();
    await rig.work();
    await rig.register('lot 2', 'lot 3');
    await rig.notify();
    await rig.work();
    expect(rig.told('all').sort()).toEqual(['lot 1', 'lot 2', 'lot 2', 'lot 3']);
    expect(rig.told('lot')).toEqual(['lot 2', 'lot 2']);
    expect(await rig.store.due(rig.clock.now())).toEqual([]);
    expect(rig.queue).toEqual([]);
    expect(rig.posted[0]!.event.receipt).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('many blocks and many messages cost a subscription one message until it has been looked at', async () => {
    await rig.subscribe('a');
    await rig.work();
    for (let i = 0; i < 5; i++) {
      await rig.register('x');
      await rig.notify();
    }
    expect(rig.queue).toHaveLength(1);
    await rig.work();
    expect(rig.told('a')).toHaveLength(5);
  });

  it('is told of nothing by a matcher whose time is over, and of everything by the next one', async () => {
    await rig.subscribe('a');
    await rig.work();
    const watermark = (await rig.store.watermark())!;
    await rig.register('x');
    const signal = { aborted: true, addEventListener() {}, removeEventListener() {} };
    const parts = { store: rig.store, events: rig.events, outbox: rig.outbox };
    expect(await notify({ ...parts, signal })).toBe(watermark);
    expect(rig.queue).toEqual([]);
    expect(await notify(parts)).toBe(rig.events.height);
    await rig.work();
    expect(rig.told('a')).toEqual(['x']);
  });

  it('an owner whose endpoint is disabled is told, in the audit log and at the other endpoints', async () => {
    const gone = await rig.subscribe('gone');
    await rig.subscribe('other', { types: ['identity.certified'] });
    rig.behave('gone', () => 410);
    await rig.register('x');
    await rig.notify();
    await rig.work();
    expect(rig.audited).toMatchObject([
      { account: 'owner', action: 'subscription.disabled', target: gone, outcome: 'gone' },
    ]);
    expect(rig.told('other')).toEqual(['webhook.disabled']);
    expect(rig.posted.at(-1)!.event.data).toEqual({ subscription: gone, reason: 'gone' });
    expect(rig.queue).toEqual([]);
  });

  it('is the only one at an endpoint: others that are called leave it alone', async () => {
    const id = await rig.subscribe('a');
    rig.behave('a', () => rig.hang());
    await rig.register('x');
    await rig.notify();
    for (let i = 0; i < 5; i++) rig.queue.push({ id, atMs: 0 });
    await rig.work(ATTEMPT_MS - 1);
    expect(rig.told('a')).toHaveLength(1);
  });

  it('tells of what comes while it is at work, without another message', async () => {
    await rig.subscribe('a');
    await rig.work();
    const open: ((answer: Answer) => void)[] = [];
    rig.behave('a', () => new Promise((resolve) => open.push(resolve)));
    await rig.register('x');
    await rig.notify();
    await rig.work(100);
    await rig.register('x');
    await rig.notify();
    rig.queue.length = 0;
    rig.behaviours.clear();
    open[0]!(200);
    await rig.work(100);
    expect(rig.told('a')).toEqual(['x', 'x']);
  });

  it('hands over what is left when its time is over, and begins no request that it could not see the end of', async () => {
    await rig.subscribe('a');
    await rig.work();
    rig.behave('a', () => new Promise((resolve) => rig.clock.schedule(10_000, () => resolve(200))));
    await rig.register(...Array.from({ length: 12 }, () => 'x'));
    await rig.notify();
    const [message] = rig.queue.splice(0);
    const run = rig.invoke(message!.id);
    await rig.work(59_999);
    await run;
    const early = rig.posted.length;
    expect(early).toBeGreaterThan(2);
    expect(early).toBeLessThan(7);
    await rig.work(120_000);
    expect(rig.told('a')).toHaveLength(12);
    expect(new Set(rig.posted.map(({ id }) => id)).size).toBe(12);
  });
});

describe('endpoints that fail', () => {
  it('cost one request now and then, are tried by the schedule, and nobody else notices', async () => {
    const bad = await rig.subscribe('bad');
    await rig.subscribe('good');
    rig.behave('bad', () => rig.hang());
    for (let i = 0; i < 20; i++) {
      await rig.register('x');
      await rig.notify();
      await rig.work(1_000);
    }
    expect(rig.told('good')).toHaveLength(20);
    await rig.work(60_000);
    const times = rig.posted.filter(({ url }) => url.includes('bad')).map(({ atMs }) => atMs - START_MS);
    expect(times).toHaveLength(2);
    expect((await rig.store.find(bad))!.progress.failing).toMatchObject({ attempts: 2 });
    rig.behaviours.clear();
    await rig.work(HOUR_MS);
    expect(rig.told('bad').length - 2).toBe(20);
  });

  it('later retries are found by the sweep alone', async () => {
    const id = await rig.subscribe('a');
    rig.behave('a', () => 500);
    await rig.register('x');
    await rig.notify();
    await rig.work(HOUR_MS / 10);
    const { nextMs } = (await rig.store.find(id))!.progress.failing!;
    expect(nextMs - rig.clock.now()).toBeGreaterThan(900_000);
    expect(rig.queue).toEqual([]);
    const before = rig.posted.length;
    await rig.work(nextMs - rig.clock.now());
    expect(rig.posted).toHaveLength(before);
    await rig.sweep();
    await rig.work();
    expect(rig.posted).toHaveLength(before + 1);
  });
});

describe('whatever is lost on the way', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.array(fc.constantFrom('x', 'y', 'z'), { minLength: 1, maxLength: 4 }) },
    { weight: 3, arbitrary: fc.constantFrom('notify', 'work', 'lose', 'double', 'sweep', 'pass') },
    {
      weight: 3,
      arbitrary: fc.record({ dies: fc.constantFrom('notify', 'work'), after: fc.nat(7), isDone: fc.boolean() }),
    },
  );
  const outcome = fc.constantFrom<(Answer | 'hang')[]>(200, 204, 200, 500, 'timeout', 'hang');

  it('each event arrives, the first arrivals of a subject in order, and no two workers are at one endpoint', async () => {
    const run = async (steps: readonly unknown[], outcomes: readonly (Answer | 'hang')[]) => {
      rig = await WorkerRig.open();
      let draws = 0;
      const accepted: { readonly id: string; readonly subject: string }[] = [];
      rig.behave('a', async ({ id, event }) => {
        const drawn = outcomes[draws++] ?? 200;
        const answer = drawn === 'hang' ? await rig.hang() : drawn;
        if (typeof answer === 'number' && answer < 300) accepted.push({ id, subject: String(event.data.subject) });
        return answer;
      });
      await rig.subscribe('a');
      const registered: string[] = [];
      const dying = (after: number, isDone: boolean) => mortal(rig.store, after, isDone);
      for (const taken of steps) {
        if (Array.isArray(taken)) {
          await rig.register(...(taken as string[]));
          registered.push(...(taken as string[]));
        } else if (typeof taken === 'object' && taken !== null) {
          const { dies, after, isDone } = taken as { dies: string; after: number; isDone: boolean };
          if (dies === 'notify') await rig.notify(dying(after, isDone)).catch(() => {});
          else await rig.work(20_000, () => dying(after, isDone));
        } else if (taken === 'notify') await rig.notify();
        else if (taken === 'work') await rig.work(2_000);
        else if (taken === 'lose') rig.queue.length = 0;
        else if (taken === 'double') rig.queue.push(...rig.queue);
        else if (taken === 'sweep') await rig.sweep();
        else await rig.work(70_000);
      }
      await rig.notify();
      for (let hour = 0; hour < 90; hour++) {
        await rig.sweep();
        await rig.work(20_000);
        await rig.scheduler.run(rig.scheduler.nowMs + HOUR_MS, () => false);
      }
      const first = [...new Map(accepted.map((one) => [one.id, one])).values()];
      expect(first.map(({ subject }) => subject).sort()).toEqual([...registered].sort());
      for (const subject of ['x', 'y', 'z']) {
        const heights = first
          .filter((one) => one.subject === subject)
          .map(({ id }) => id.split('_').slice(2).map(Number));
        const ordered = [...heights].sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]! || a[2]! - b[2]!);
        expect(heights).toEqual(ordered);
      }
      expect(await rig.store.due(rig.clock.now())).toEqual([]);
      expect(rig.clashes).toBe(0);
    };
    const input = [fc.array(step, { minLength: 1, maxLength: 12 }), fc.array(outcome, { maxLength: 8 })] as const;
    await fc.assert(fc.asyncProperty(...input, run), { numRuns: 25 });
  }, 120_000);
});
