/** What is kept for peers is bounded; what is passed on is passed on again, but not all the time. */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { EarlyMessages } from './early-messages.ts';
import { Inflow } from './inflow.ts';
import { Mempool, type Pending } from './mempool.ts';
import { decodeMessage, type MessageOf } from './messages.ts';
import { Relay } from './relay.ts';
import { Serial } from './serial.ts';

const MIB = 1 << 20;

describe('inflow', () => {
  it('lets go of what comes in over the bound of a peer, by number and by size, and forgets what is done', () => {
    const inflow = new Inflow();
    const accepted = Array.from({ length: 2_000 }, () => inflow.enter('a', 10)).filter(Boolean).length;
    expect(accepted).toBe(1_000);
    expect(inflow.enter('b', 10)).toBe(true);
    for (let i = 0; i < 1_000; i++) inflow.leave('a', 10);
    inflow.leave('b', 10);
    expect(inflow.messages).toBe(0);
    const large = Array.from({ length: 10 }, () => inflow.enter('a', 8 * MIB)).filter(Boolean).length;
    expect(large).toBe(4);
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
    const relay = new Relay(clock, mempool, (bytes) => {
      const message = decodeMessage(bytes);
      if (message[0] === 'transactions') sent.push(message[1]);
    });
    const run = () => {
      for (const action of due.splice(0)) action();
    };
    const at = (ms: number) => {
      now = ms;
    };
    return { relay, mempool, sent, run, at, timers: () => due.length };
  }

  function pending(id: number, bytes = Uint8Array.of(id)): Pending {
    const transaction = { sender: Uint8Array.of(id), nonce: Uint8Array.of(id), bytes };
    return { parsed: { transaction }, digest: String(id), account: {}, cost: 1, arrivedMs: 0 } as unknown as Pending;
  }

  it('gathers what comes in one turn into messages of at most 1 MiB', () => {
    const { relay, sent, run } = setUp();
    for (let i = 0; i < 40; i++) relay.forward([pending(i, new Uint8Array(60_000))]);
    run();
    expect(sent.map((part) => part.length)).toEqual([17, 17, 6]);
  });

  it('sends again every 3 s what came in here, as long as it is pending', () => {
    const { relay, mempool, sent, run, at } = setUp();
    for (const id of [1, 2, 3]) mempool.add(pending(id));
    const seen: [number, number[]][] = [];
    for (let ms = 0; ms <= 9_000; ms += 1_000) {
      at(ms);
      if (ms === 0) relay.forward([pending(1)]);
      if (ms === 2_000) relay.forward([pending(2)]);
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

  it('leaves no timer when it is stopped', () => {
    const { relay, timers } = setUp();
    relay.forward([pending(1)]);
    relay.stop();
    expect(timers()).toBe(0);
  });
});
