/** Deliveries over a real chain on virtual time: nothing lost, in order per subject, and nobody in another's way. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { DeliveryRig, START_MS } from '../../../test/middleware/delivery-rig.ts';
import { BropError } from '../../chain/codes.ts';
import type { BlockFeed } from '../../ports/block-feed.ts';
import { startOf } from '../events/position.ts';
import { SendSlots } from './send-slots.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let rig: DeliveryRig;
beforeEach(async () => {
  rig = await DeliveryRig.open();
});

describe('deliveries', () => {
  it('an event goes to whoever wants it, at once and once', async () => {
    await rig.subscribe('all', { types: [] });
    await rig.subscribe('evidence');
    await rig.subscribe('lot', { filter: { subject: 'lot 2' } });
    await rig.subscribe('users', { types: ['identity.certified'] });
    await rig.register('lot 1', 'lot 2');
    expect(rig.told('evidence')).toEqual(['lot 1', 'lot 2']);
    expect(rig.told('lot')).toEqual(['lot 2']);
    expect(rig.told('users')).toEqual([]);
    expect(rig.told('all').sort()).toEqual(['block.final', 'lot 1', 'lot 2', 'transaction.final', 'transaction.final']);
    await rig.pass(DAY_MS);
    expect(rig.deliveries).toHaveLength(8);
    expect(rig.errors).toEqual([]);
  });

  it('a body is type, timestamp and data, with the event ID of the chain and the receipt inside', async () => {
    await rig.subscribe('a');
    await rig.register('lot 1');
    const [{ id, event, headers }] = rig.deliveries as [(typeof rig.deliveries)[number]];
    const { height, timeMs } = rig.world.store;
    expect(event).toMatchObject({
      ...{ id, type: 'evidence.registered', timestamp: new Date(timeMs).toISOString(), height },
      data: { subject: 'lot 1' },
      receipt: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      links: { receipt: expect.stringMatching(/^\/v1\/transactions\/brop1\w+\/[0-9a-f]{64}\/receipt$/) },
    });
    expect(headers).toMatchObject({
      'webhook-timestamp': String(START_MS / 1_000),
      'content-type': 'application/json',
    });
  });

  it('a receipt that would make it longer than 20 kB is left to its link', async () => {
    rig.receipts = { receipt: async () => new Uint8Array(20_000) };
    await rig.crash();
    await rig.subscribe('a');
    await rig.register('lot 1');
    expect(rig.deliveries[0]!.event.receipt).toBeNull();
    expect(rig.deliveries[0]!.event.links.receipt).toBeDefined();
  });

  it('who subscribes from a place on gets what has been since', async () => {
    const height = rig.world.next;
    await rig.register('lot 1');
    await rig.idle(100);
    await rig.register('lot 2', 'lot 3');
    await rig.subscribe('past', {}, { from: startOf(height) });
    await rig.register('lot 4');
    expect(rig.told('past')).toEqual(['lot 1', 'lot 2', 'lot 3', 'lot 4']);
    expect(rig.progress('past').from).toBeNull();
  });
});

describe('order', () => {
  it('what is about one subject goes one after the other; other subjects do not wait', async () => {
    const open: (() => void)[] = [];
    await rig.subscribe('a', {}, { proven: true });
    await rig.register('warm', 'warm', 'warm', 'warm');
    rig.behave('a', () => new Promise((resolve) => open.push(() => resolve(200))));
    await rig.register('x', 'x', 'y', 'x', 'z');
    expect(rig.told('a').slice(4)).toEqual(['x', 'y', 'z']);
    open.shift()!();
    await rig.settle();
    expect(rig.told('a').slice(4)).toEqual(['x', 'y', 'z', 'x']);
    for (let i = 0; i < 5; i++) {
      for (const answer of open.splice(0)) answer();
      await rig.settle();
    }
    expect(rig.told('a').slice(4)).toEqual(['x', 'y', 'z', 'x', 'x']);
  });

  it('whatever fails and whenever it dies: each event arrives, and the first arrivals of a subject are in order', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.array(fc.constantFrom('x', 'y', 'z'), { minLength: 1, maxLength: 5 }) },
      { weight: 2, arbitrary: fc.constantFrom('crash' as const, 'pass' as const, 'idle' as const) },
    );
    const outcome = fc.constantFrom(200, 204, 500, 'timeout' as const, 429, 'hang' as const);
    const run = async (steps: readonly (readonly string[] | string)[], outcomes: readonly (number | string)[]) => {
      rig = await DeliveryRig.open();
      let draws = 0;
      const accepted: string[] = [];
      rig.behave('a', ({ id }) => {
        const drawn = outcomes[draws++] ?? 200;
        if (typeof drawn === 'number' && drawn < 300) accepted.push(id);
        if (drawn === 'hang') return new Promise((resolve) => rig.clock.schedule(15_000, () => resolve('timeout')));
        return drawn as number | 'timeout';
      });
      await rig.subscribe('a');
      let expected = 0;
      for (const taken of steps) {
        if (Array.isArray(taken)) {
          await rig.register(...taken);
          expected += taken.length;
        } else if (taken === 'crash') await rig.crash();
        else if (taken === 'idle') await rig.idle(3);
        else await rig.pass(7_000);
      }
      await rig.pass(4 * DAY_MS);
      const first = [...new Set(accepted)];
      expect(first).toHaveLength(expected);
      const bySubject = new Map<string, string[]>();
      for (const id of first) {
        const { subject } = rig.deliveries.find((delivery) => delivery.id === id)!.event.data;
        bySubject.set(String(subject), [...(bySubject.get(String(subject)) ?? []), id]);
      }
      const place = (id: string) => id.split('_').slice(2).map(Number);
      for (const ids of bySubject.values()) {
        const sorted = [...ids].sort((a, b) => place(a)[0]! - place(b)[0]! || place(a)[1]! - place(b)[1]!);
        expect(ids).toEqual(sorted);
      }
      expect(rig.progress('a').from).toBeNull();
    };
    const steps = fc.array(step, { minLength: 1, maxLength: 8 });
    await fc.assert(fc.asyncProperty(steps, fc.array(outcome, { maxLength: 8 }), run), { numRuns: 40 });
  });
});

describe('endpoints that fail', () => {
  it('is tried by the schedule, for its oldest event alone, and gets everything once it is back after three days', async () => {
    await rig.subscribe('a');
    rig.behave('a', () => 500);
    await rig.register('x');
    for (let hour = 0; hour < 72; hour++) {
      await rig.register('x', 'y');
      await rig.pass(HOUR_MS);
    }
    const tries = rig.deliveries.map(({ atMs }) => Math.floor((atMs - START_MS) / 1_000));
    expect(new Set(rig.idsTold('a')).size).toBe(1);
    expect(tries.length).toBe(9);
    for (const [i, least] of [0, 5, 305, 2_105, 9_305, 27_305, 63_305, 113_705, 185_705].entries()) {
      expect(tries[i]).toBeGreaterThanOrEqual(least);
      expect(tries[i]).toBeLessThanOrEqual(least * 1.1 + 1);
    }
    expect(rig.progress('a').failing).toMatchObject({ sinceMs: START_MS, attempts: 9 });
    rig.behave('a', () => 200);
    rig.deliveries.length = 0;
    await rig.pass(DAY_MS);
    expect(new Set(rig.idsTold('a')).size).toBe(145);
    expect(rig.deliveries).toHaveLength(145);
    expect(rig.told('a').filter((subject) => subject === 'x')).toHaveLength(73);
    expect(rig.progress('a').failing).toBeNull();
  });

  it('is disabled when the whole schedule has failed, and goes on where it was when its owner enables it', async () => {
    await rig.subscribe('a');
    rig.behave('a', () => 'timeout');
    await rig.register('x');
    await rig.pass(5 * DAY_MS);
    expect(rig.deliveries).toHaveLength(10);
    expect(rig.progress('a').disabled?.reason).toBe('failing');
    await rig.register('y');
    await rig.pass(DAY_MS);
    expect(rig.deliveries).toHaveLength(10);
    rig.behave('a', () => 200);
    rig.dispatcher.endpoint('sub_a')!.enable();
    await rig.settle();
    expect(rig.told('a').slice(10)).toEqual(['x', 'y']);
  });

  it.each([
    ['gone', 410],
    ['address', 'address'],
  ] as const)('is disabled at once: %s', async (reason, answer) => {
    await rig.subscribe('a');
    rig.behave('a', () => answer);
    await rig.register('x', 'y');
    await rig.pass(DAY_MS);
    expect(rig.deliveries).toHaveLength(1);
    expect(rig.progress('a').disabled).toEqual({ reason, atMs: START_MS });
    await rig.crash();
    await rig.pass(DAY_MS);
    expect(rig.progress('a').disabled?.reason).toBe(reason);
    expect(rig.deliveries).toHaveLength(1);
  });

  it('its owner is told: in the audit log, and at the other endpoints that take anything', async () => {
    await rig.subscribe('gone');
    await rig.subscribe('other', { types: ['identity.certified'] });
    await rig.subscribe('off', {}, { disabled: { reason: 'owner', atMs: START_MS } });
    await rig.subscribe('stranger', { owner: 'somebody else', types: ['identity.certified'] });
    rig.behave('gone', () => 410);
    await rig.register('x');
    expect(rig.audited).toEqual([
      {
        timeMs: START_MS,
        account: 'owner',
        tokenId: '',
        action: 'subscription.disabled',
        target: 'sub_gone',
        outcome: 'gone',
      },
    ]);
    expect(rig.told('other')).toEqual(['webhook.disabled']);
    expect(rig.deliveries.at(-1)!.event).toMatchObject({ data: { subscription: 'sub_gone', reason: 'gone' } });
    expect([...rig.told('off'), ...rig.told('stranger')]).toEqual([]);
    // What the owner does itself it knows.
    rig.dispatcher.endpoint('sub_other')!.disable('owner');
    await rig.settle();
    expect(rig.audited).toHaveLength(1);
  });

  it('Retry-After is waited for when it is longer than the schedule', async () => {
    await rig.subscribe('a');
    rig.behave('a', () => ({ kind: 'answered', status: 429, retryAfterSeconds: 600 }));
    await rig.register('x');
    await rig.pass(599_000);
    expect(rig.deliveries).toHaveLength(1);
    await rig.pass(100_000);
    expect(rig.deliveries).toHaveLength(2);
  });

  it('redirects and other answers are failures', async () => {
    for (const status of [199, 301, 307, 404, 500]) {
      await rig.subscribe(`s${status}`);
      rig.behave(`s${status}`, () => status);
    }
    await rig.register('x');
    for (const status of [199, 301, 307, 404, 500]) expect(rig.progress(`s${status}`).failing?.attempts).toBe(1);
  });

  it('a test ping that succeeds ends the wait', async () => {
    await rig.subscribe('a');
    rig.behave('a', () => 503);
    await rig.register('x');
    await rig.pass(400_000);
    rig.behave('a', () => 200);
    expect(await rig.dispatcher.endpoint('sub_a')!.ping()).toMatchObject({ type: 'webhook.ping', outcome: 200 });
    await rig.settle();
    expect(rig.told('a').slice(-2)).toEqual(['webhook.ping', 'x']);
    expect(rig.progress('a').failing).toBeNull();
  });
});

describe('isolation', () => {
  it('however often a ping is asked for, one is under way', async () => {
    await rig.subscribe('a', {}, { proven: true });
    rig.behave('a', () => new Promise((resolve) => rig.clock.schedule(15_000, () => resolve(200))));
    const endpoint = rig.dispatcher.endpoint('sub_a')!;
    const pings = Array.from({ length: 300 }, () => endpoint.ping());
    await rig.pass(20_000);
    expect(new Set(await Promise.all(pings)).size).toBe(1);
    expect(rig.deliveries).toHaveLength(1);
  });

  it('a change that comes after the removal leaves nothing behind', async () => {
    await rig.subscribe('a');
    const { subscription } = rig.dispatcher.endpoint('sub_a')!;
    rig.dispatcher.remove('sub_a');
    rig.dispatcher.change({ ...subscription, types: [] });
    await rig.register('lot 1');
    expect(rig.dispatcher.count).toBe(0);
    expect(rig.told('a')).toEqual([]);
    expect(rig.errors).toEqual([]);
  });

  it('blocks that are gone stop nobody but those who lack them, and they are told', async () => {
    await rig.subscribe('behind');
    await rig.dispatcher.write();
    const { feed } = (rig as unknown as { readonly feed: { readonly feed: BlockFeed } }).feed;
    await rig.dispatcher.stop();
    await rig.register('lost 1');
    await rig.register('lost 2');
    const kept = rig.world.next;
    const block = feed.block.bind(feed);
    vi.spyOn(feed, 'firstHeight', 'get').mockReturnValue(kept);
    vi.spyOn(feed, 'block').mockImplementation(async (height) => {
      if (height < kept) throw new BropError('PRUNED', `Height ${height}.`);
      return block(height);
    });
    await rig.start();
    await rig.subscribe('new');
    await rig.register('lot 3');
    expect(rig.told('new')).toEqual(['lot 3']);
    expect(rig.progress('behind').disabled).toMatchObject({ reason: 'pruned' });
  });

  it('endpoints that hang for ever delay nobody, however many they are', async () => {
    rig.slots = new SendSlots({ working: 2, doubtful: 3 });
    await rig.crash();
    for (let i = 0; i < 50; i++) {
      await rig.subscribe(`hangs${i}`);
      rig.behave(`hangs${i}`, () => new Promise((resolve) => rig.clock.schedule(15_000, () => resolve('timeout'))));
    }
    await rig.subscribe('works', {}, { proven: true });
    for (let i = 0; i < 20; i++) {
      await rig.register('x');
      expect(rig.told('works')).toHaveLength(i + 1);
      await rig.pass(100);
    }
  });

  it('one that hangs has at most its own few requests under way', async () => {
    let most = 0;
    let open = 0;
    await rig.subscribe('a', {}, { proven: true });
    rig.behave('a', () => {
      open += 1;
      most = Math.max(most, open);
      return new Promise((resolve) => {
        rig.clock.schedule(50, () => {
          open -= 1;
          resolve(200);
        });
      });
    });
    for (let i = 0; i < 10; i++) await rig.register(...Array.from({ length: 10 }, (_, n) => `s ${i} ${n}`));
    await rig.pass(10_000);
    expect(rig.deliveries).toHaveLength(100);
    expect(most).toBe(8);
  });
});

describe('crashes', () => {
  it('between sending and recording: delivered again under the same ID', async () => {
    await rig.subscribe('a');
    await rig.register('x');
    expect(rig.told('a')).toEqual(['x']);
    await rig.crash();
    const [first, second] = rig.idsTold('a');
    expect(second).toBe(first);
    expect(rig.told('a')).toEqual(['x', 'x']);
  });

  it('while an endpoint has it: delivered again under the same ID', async () => {
    await rig.subscribe('a');
    rig.behave('a', () => new Promise(() => {}));
    await rig.register('x');
    rig.behave('a', () => 200);
    await rig.crash();
    expect(new Set(rig.idsTold('a')).size).toBe(1);
    expect(rig.told('a')).toEqual(['x', 'x']);
  });

  it('what was recorded is not delivered again', async () => {
    await rig.subscribe('a');
    await rig.register('x');
    await rig.pass(2_000);
    await rig.crash();
    await rig.register('y');
    expect(rig.told('a')).toEqual(['x', 'y']);
  });

  it('what became final while the node was away is delivered when it is back', async () => {
    await rig.subscribe('a');
    await rig.dispatcher.stop();
    await rig.register('x');
    await rig.idle(5);
    await rig.register('y');
    expect(rig.told('a')).toEqual([]);
    await rig.start();
    await rig.pass(100);
    expect(rig.told('a')).toEqual(['x', 'y']);
  });

  it('one that stops while it is behind stops', async () => {
    await rig.subscribe('a');
    await rig.dispatcher.stop();
    for (let i = 0; i < 5; i++) await rig.register('x');
    await rig.openDispatcher();
    rig.dispatcher.start();
    await rig.dispatcher.stop();
    expect(rig.told('a')).toEqual([]);
    await rig.start();
    await rig.pass(100);
    expect(rig.told('a')).toEqual(Array(5).fill('x'));
  });

  it('a store that cannot be written makes deliveries wait, and nothing else; then all is told and recorded', async () => {
    await rig.subscribe('a');
    const { write } = rig.kv;
    rig.kv.write = () => Promise.reject(new Error('the disk is full'));
    await rig.register('x');
    await rig.pass(2_000);
    expect(rig.errors.join()).toContain('deliveries wait');
    await rig.register('y');
    await rig.pass(HOUR_MS);
    expect(rig.told('a')).toEqual(['x']);
    // Each wait is twice the one before, up to a minute.
    expect(rig.errors.length).toBeGreaterThan(50);
    expect(rig.errors.length).toBeLessThan(75);
    expect(rig.dispatcher.isWaiting).toBe(true);
    rig.kv.write = write;
    await rig.pass(61_000);
    expect(rig.dispatcher.isWaiting).toBe(false);
    expect(rig.told('a')).toEqual(['x', 'y']);
    await rig.pass(2_000);
    expect((await rig.store.attempts('sub_a', 10)).map(({ number }) => number)).toEqual([1, 0]);
    expect((await rig.store.all())[0]!.progress.from).toBeNull();
    await rig.crash();
    expect(rig.told('a')).toEqual(['x', 'y']);
  });

  it('what is in the way of one write is recorded by the next, also when nothing comes after it', async () => {
    await rig.subscribe('a');
    await rig.pass(2_000);
    const { write } = rig.kv;
    rig.kv.write = async () => {
      rig.kv.write = write;
      throw new Error('once');
    };
    await rig.register('x');
    await rig.pass(5_000);
    const { height } = rig.world.store;
    expect(await rig.store.watermark()).toBe(height);
    expect((await rig.store.all())[0]).toMatchObject({ attempts: 1, progress: { cursor: [height, 0, 1] } });
  });
});

it('counts attempts by what came of them, and subscriptions by how they are', async () => {
  for (const name of ['a', 'b', 'c']) await rig.subscribe(name);
  rig.behave('b', () => 500);
  rig.behave('c', () => 'timeout');
  await rig.register('x');
  expect(rig.dispatcher.attempted).toEqual({ accepted: 1, refused: 1, unanswered: 1 });
  expect(rig.dispatcher.standing).toEqual({ disabled: 0, failing: 2, behind: 0, idle: 1 });
  rig.dispatcher.endpoint('sub_b')!.disable('owner');
  rig.behave('a', () => new Promise(() => {}));
  await rig.register('y');
  expect(rig.dispatcher.standing).toEqual({ disabled: 1, failing: 1, behind: 1, idle: 0 });
});

describe('replay', () => {
  it('delivers a range again under the same IDs, beside what is new, and survives a crash', async () => {
    await rig.subscribe('a');
    const first = rig.world.next;
    for (const subject of ['a', 'b', 'c', 'd']) await rig.register(subject);
    await rig.pass(2_000);
    const ids = rig.idsTold('a');
    rig.behave('a', () => new Promise(() => {}));
    rig.dispatcher.endpoint('sub_a')!.again(startOf(first + 1), [first + 2, 99_999, 0]);
    await rig.pass(2_000);
    rig.behave('a', () => 200);
    await rig.crash();
    await rig.register('e');
    expect(rig.told('a').slice(4)).toEqual(['b', 'c', 'b', 'c', 'e']);
    expect(new Set(rig.idsTold('a').slice(4, 8))).toEqual(new Set([ids[1], ids[2]]));
    await rig.pass(2_000);
    expect(rig.progress('a')).toMatchObject({ replay: null, from: null });
  });
});
