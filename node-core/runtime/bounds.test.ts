/** What is kept for peers is bounded; what is passed on is passed on again, but not all the time. */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { EarlyMessages } from './early-messages.ts';
import { Inflow, TransactionAllowance } from './inflow.ts';
import { Mempool, type Pending, type Room } from './mempool.ts';
import { decodeMessage, type MessageOf } from './messages.ts';
import { Relay, roomForEach } from './relay.ts';
import { Serial } from './serial.ts';

const MIB = 1 << 20;

describe('inflow', () => {
  const accepted = (count: number, enter: () => boolean) => Array.from({ length: count }, enter).filter(Boolean).length;

  it('lets go of what comes in over the bound of a peer, by number and by size, and forgets what is done', () => {
    const inflow = new Inflow();
    expect(accepted(2_000, () => inflow.enter('a', 10, false))).toBe(1_000);
    expect(inflow.enter('b', 10, false)).toBe(true);
    for (let i = 0; i < 1_000; i++) inflow.leave('a', 10);
    inflow.leave('b', 10);
    expect(inflow.messages).toBe(0);
    expect(accepted(20, () => inflow.enter('a', 2 * MIB, false))).toBe(6);
  });

  it('bounds all together, and keeps what belongs to validators, and a little of each peer, out of a flood', () => {
    const inflow = new Inflow();
    const strangers = Array.from({ length: 50 }, (_, i) => `stranger ${i}`);
    const taken = strangers.map((peer) => accepted(12, () => inflow.enter(peer, MIB, false)));
    // One each is their own; 12 MiB are for all.
    expect(taken.reduce((sum, count) => sum + count, 0)).toBe(50 + 12);
    expect(taken.every((count) => count >= 1)).toBe(true);
    expect(inflow.enter('validator', 8 * MIB, true)).toBe(true);
    for (const [i, peer] of strangers.entries()) for (let n = 0; n < taken[i]!; n++) inflow.leave(peer, MIB);
    expect(accepted(12, () => inflow.enter('late', MIB, false))).toBe(12);
  });

  it('gives a peer as many transactions as it can use and not without end', () => {
    let now = 0;
    const allowance = new TransactionAllowance({ now: () => now, schedule: () => () => {} });
    expect(accepted(30, () => allowance.take('a', 1_000))).toBe(20);
    expect(allowance.take('b', 20_000)).toBe(true);
    now += 1_000;
    expect(accepted(30, () => allowance.take('a', 1_000))).toBe(5);
    // A peer does not pay for our clock being set back.
    now -= 3_600_000;
    expect(allowance.take('a', 1_000)).toBe(true);
  });
});

describe('early messages', () => {
  it('keeps 64 messages and 8 MiB of each peer', () => {
    const message = ['votes', []] as unknown as MessageOf<'votes'>;
    const early = new EarlyMessages();
    for (let i = 0; i < 100; i++) early.keep('a', { message, bytes: new Uint8Array(10), receivedMs: i });
    for (let i = 0; i < 100; i++) early.keep('b', { message, bytes: new Uint8Array(3 * MIB), receivedMs: i });
    early.keep('c', { message, bytes: new Uint8Array(10), receivedMs: 0 });
    early.forget('c');
    const taken = early.take();
    expect(taken.filter(({ peer }) => peer === 'a').map(({ receivedMs }) => receivedMs)).toEqual(
      Array.from({ length: 64 }, (_, i) => i),
    );
    expect(taken.filter(({ peer }) => peer === 'b')).toHaveLength(2);
    expect([taken.length, early.count]).toEqual([66, 0]);
  });
});

describe('serial', () => {
  it('goes on after a job that failed, and drops what is queued when it closes', async () => {
    const errors: unknown[] = [];
    const done: number[] = [];
    const serial = new Serial((error) => errors.push(error));
    void serial.run(() => Promise.reject(new Error('first')));
    const second = serial.run(() => void done.push(2));
    await second;
    void serial.run(async () => {
      done.push(3);
      await Promise.resolve();
    });
    void serial.run(() => void done.push(4));
    await Promise.resolve();
    await serial.close();
    await serial.run(() => void done.push(5));
    expect([errors.length, done]).toEqual([1, [2, 3]]);
  });
});

describe('the order of jobs', () => {
  it('puts consensus first, keeps each kind in order, and lets the others have a turn in a flood', async () => {
    const done: string[] = [];
    const serial = new Serial(() => {});
    const last = serial.runLater(() => void done.push('block 0'));
    void serial.runLater(() => void done.push('block 1'));
    for (let i = 0; i < 40; i++) void serial.run(() => void done.push(`vote ${i}`));
    await serial.runLater(() => void done.push('block 2'));
    await last;
    const votes = Array.from({ length: 40 }, (_, i) => `vote ${i}`);
    expect(done.filter((name) => name.startsWith('vote'))).toEqual(votes);
    expect(done.slice(0, 34)).toEqual([...votes.slice(0, 32), 'block 0', 'vote 32']);
    expect(done.slice(-2)).toEqual(['block 1', 'block 2']);
  });
});

describe('relay', () => {
  function setUp() {
    let now = 0;
    let due: (() => void)[] = [];
    const clock: Clock = {
      now: () => now,
      schedule: (_, action) => {
        due.push(action);
        return () => {
          due = due.filter((other) => other !== action);
        };
      },
    };
    const mempool = new Mempool();
    const sent: (readonly Uint8Array[])[] = [];
    const receivers = ['a', 'b', 'c', 'd'];
    const relay = new Relay({
      clock,
      mempool,
      receivers: () => receivers,
      send: (bytes) => {
        const message = decodeMessage(bytes);
        if (message[0] === 'transactions') sent.push(message[1]);
      },
    });
    const rooms = (...transactions: readonly number[]) => {
      for (const [i, room] of transactions.entries())
        relay.told(receivers[i]!, { transactions: room, operations: 9_000, bytes: 9 * MIB });
    };
    const tell = (room: Room) => {
      for (const peer of receivers) relay.told(peer, room);
    };
    rooms(100, 100, 100, 100);
    const run = () => {
      for (const action of due.splice(0)) action();
    };
    const at = (ms: number) => {
      now = ms;
    };
    return { relay, mempool, sent, run, at, rooms, tell, timers: () => due.length };
  }

  function pending(id: number, bytes = Uint8Array.of(id), sender = id, operations = 1): Pending {
    const transaction = { sender: Uint8Array.of(sender), nonce: Uint8Array.of(id), bytes };
    const parsed = { transaction, operations: new Array(operations) };
    return { parsed, digest: String(id), account: {}, cost: 1, arrivedMs: 0 } as unknown as Pending;
  }

  it('gathers what comes in one turn into messages of at most 1 MiB', () => {
    const { relay, mempool, sent, run } = setUp();
    for (let i = 0; i < 40; i++) {
      mempool.add(pending(i, new Uint8Array(60_000)));
      relay.forward([mempool.find(String(i))!]);
    }
    run();
    expect(sent.map((part) => part.length)).toEqual([17, 17, 6]);
  });

  it('sends again every 3 s what came in here, as long as it is pending', () => {
    const { relay, mempool, sent, run, at } = setUp();
    for (const id of [1, 2, 3]) mempool.add(pending(id));
    const seen: [number, number[]][] = [];
    for (let ms = 0; ms <= 9_000; ms += 1_000) {
      at(ms);
      if (ms === 0) relay.forward([mempool.find('1')!]);
      if (ms === 2_000) relay.forward([mempool.find('2')!]);
      if (ms === 7_000) mempool.remove(Uint8Array.of(1), Uint8Array.of(1));
      relay.sendAgain();
      run();
      if (sent.length > 0)
        seen.push([
          ms,
          sent
            .splice(0)
            .flat()
            .map((bytes) => bytes[0]!),
        ]);
    }
    // The third came from elsewhere: who took it in sends it again.
    expect(seen).toEqual([
      [0, [1]],
      [2_000, [2]],
      [3_000, [1]],
      [5_000, [2]],
      [6_000, [1]],
      [8_000, [2]],
    ]);
  });

  it('sends no more than half of the peers have room for, and the rest when there is room again', () => {
    const { relay, mempool, sent, run, rooms } = setUp();
    const take = () => sent.splice(0).flat().length;
    // One liar has room for everything, one for nothing.
    rooms(0, 5, 5, 1_000_000);
    for (let i = 0; i < 20; i++) mempool.add(pending(i));
    relay.forward([...mempool.all()]);
    run();
    expect([take(), relay.size]).toEqual([5, 15]);
    run();
    expect(take()).toBe(0);
    rooms(0, 8, 8);
    run();
    expect([take(), relay.size]).toEqual([8, 7]);
    // What has become final meanwhile is not sent.
    for (let i = 0; i < 20; i++) mempool.remove(Uint8Array.of(i), Uint8Array.of(i));
    rooms(0, 8, 8);
    run();
    expect([take(), relay.size]).toEqual([0, 0]);
  });

  it('counts the operations that it sends against the room for them', () => {
    const { relay, mempool, sent, run, tell } = setUp();
    for (let i = 0; i < 10; i++) mempool.add(pending(i, undefined, undefined, 64));
    relay.forward([...mempool.all()]);
    tell({ transactions: 100, operations: 200, bytes: 9 * MIB });
    run();
    expect([sent.splice(0).flat().length, relay.size]).toEqual([3, 7]);
    tell({ transactions: 100, operations: 63, bytes: 9 * MIB });
    run();
    expect([sent.splice(0).flat().length, relay.size]).toEqual([0, 7]);
  });

  it('lets the senders take turns, each in its own order', () => {
    const { relay, mempool, sent, run, rooms } = setUp();
    const of = (sender: number, nonce: number) => pending(100 * sender + nonce, undefined, sender);
    const flood = Array.from({ length: 50 }, (_, i) => of(1, i));
    for (const one of [...flood, of(2, 0), of(2, 1)]) mempool.add(one);
    rooms(6, 6, 6, 6);
    relay.forward([...flood, mempool.find('200')!, mempool.find('201')!]);
    run();
    expect(sent.flat().map((bytes) => bytes.join())).toEqual(
      [of(1, 0), of(2, 0), of(1, 1), of(2, 1), of(1, 2), of(1, 3)].map(({ parsed }) => parsed.transaction.bytes.join()),
    );
  });

  it('keeps nothing that is no longer pending, however long nobody has room', () => {
    const { relay, mempool, rooms } = setUp();
    rooms(0, 0, 0, 0);
    for (let i = 0; i < 5_000; i++) {
      const one = pending(i % 200, Uint8Array.of(i % 256, i >> 8));
      mempool.add(one);
      relay.forward([one]);
      mempool.remove(one.parsed.transaction.sender, one.parsed.transaction.nonce);
    }
    expect(relay.size).toBeLessThan(600);
  });

  it('gives each peer its part of the room, and always a little', () => {
    const room = { transactions: 9_000, operations: 16_000, bytes: 8 * MIB };
    expect(roomForEach(room, 4)).toEqual({ transactions: 2_250, operations: 4_000, bytes: 2 * MIB });
    const none = { transactions: 0, operations: 0, bytes: 0 };
    expect(roomForEach(none, 4)).toEqual({ transactions: 100, operations: 200, bytes: MIB / 4 });
  });

  it('leaves no timer when it is stopped', () => {
    const { relay, mempool, timers, run } = setUp();
    run();
    mempool.add(pending(1));
    relay.forward([...mempool.all()]);
    expect(timers()).toBe(1);
    relay.stop();
    expect(timers()).toBe(0);
  });
});
