/** Fairness among senders: nobody is kept out, nobody waits for more than a turn of each other one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mempool, type Pending } from './mempool.ts';

const LIMITS = { maxTransactions: 20, maxOperations: 40, maxBytes: 2_000 };

let made = 0;
function pending(sender: number, sizeBytes = 10, operations = 1): Pending {
  const nonce = Uint8Array.of(made >> 16, made >> 8, made);
  const transaction = { sender: Uint8Array.of(sender), nonce, bytes: new Uint8Array(sizeBytes) };
  const parsed = { transaction, operations: new Array(operations) };
  return { parsed, digest: `${made++}`, cost: 3, arrivedMs: 0 } as unknown as Pending;
}

const senderOf = ({ parsed }: Pending) => parsed.transaction.sender[0]!;
const offer = (mempool: Mempool, one: Pending): boolean => {
  if (!mempool.takes(one.parsed)) return false;
  mempool.add(one);
  return true;
};
const drop = (mempool: Mempool, { parsed: { transaction } }: Pending) =>
  mempool.remove(transaction.sender, transaction.nonce);

describe('room', () => {
  it('goes to who holds less, from the newest of who holds most; never to who holds as much', () => {
    const mempool = new Mempool({ ...LIMITS, maxTransactions: 21 });
    const flood = Array.from({ length: 21 }, () => pending(1));
    for (const one of flood) expect(offer(mempool, one)).toBe(true);
    expect(offer(mempool, pending(1))).toBe(false);
    const others = Array.from({ length: 12 }, () => pending(2));
    expect(others.map((one) => offer(mempool, one))).toEqual([...Array(10).fill(true), false, false]);
    expect([...mempool.of(Uint8Array.of(1))]).toEqual(flood.slice(0, 11));
    expect([...mempool.of(Uint8Array.of(2))]).toEqual(others.slice(0, 10));
    expect([mempool.size, mempool.sizeBytes, mempool.reservedBy(Uint8Array.of(1))]).toEqual([21, 210, 33]);
  });

  it('is a matter of bytes as much as of number', () => {
    const mempool = new Mempool(LIMITS);
    for (let i = 0; i < 4; i++) expect(offer(mempool, pending(1, 500))).toBe(true);
    expect(offer(mempool, pending(1, 10))).toBe(false);
    expect(offer(mempool, pending(2, 600))).toBe(true);
    expect([mempool.size, mempool.sizeBytes]).toEqual([3, 1_600]);
  });
});

it('has room by operations, too: decoded they are what a transaction weighs', () => {
  const mempool = new Mempool(LIMITS);
  for (let i = 0; i < 4; i++) expect(offer(mempool, pending(1, 10, 9))).toBe(true);
  expect(mempool.room).toEqual({ transactions: 16, operations: 4, bytes: 1_960 });
  expect(offer(mempool, pending(1, 10, 5))).toBe(false);
  const small = pending(1, 10, 4);
  expect(offer(mempool, small)).toBe(true);
  // Another's takes the place of the newest of who holds most.
  expect(offer(mempool, pending(2, 10, 9))).toBe(true);
  expect([mempool.size, mempool.room.operations]).toEqual([4, 4]);
  for (const one of [...mempool.all()]) drop(mempool, one);
  expect(mempool.room).toEqual({ transactions: 20, operations: 40, bytes: 2_000 });
});

describe('turns', () => {
  it('are taken one transaction each, over all blocks, whoever sends how much', () => {
    const mempool = new Mempool({ maxTransactions: 1_000, maxOperations: 1_000, maxBytes: 1_000_000 });
    for (let i = 0; i < 500; i++) offer(mempool, pending(1));
    for (const sender of [2, 3, 4]) for (let i = 0; i < 3; i++) offer(mempool, pending(sender));
    const packed: number[] = [];
    // Blocks of two: fewer than there are senders.
    for (let block = 0; block < 6; block++) {
      const chosen = [...mempool.all()].slice(0, 2);
      for (const one of chosen) drop(mempool, one);
      packed.push(...chosen.map(senderOf));
    }
    expect(packed).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
  });

  it('may go on while what is met is removed', () => {
    const mempool = new Mempool(LIMITS);
    for (const sender of [1, 1, 2, 1, 3]) offer(mempool, pending(sender));
    const met: number[] = [];
    for (const one of mempool.all()) {
      met.push(senderOf(one));
      drop(mempool, one);
    }
    expect([met, mempool.size, mempool.sizeBytes]).toEqual([[1, 2, 3, 1, 1], 0, 0]);
  });
});

it('holds its bounds, its sums and the order of each sender, and starves nobody, whatever comes and goes', () => {
  const step = fc.record({ sender: fc.nat(5), sizeBytes: fc.integer({ min: 1, max: 700 }), packs: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const mempool = new Mempool(LIMITS);
      for (const { sender, sizeBytes, packs } of steps) {
        const one = pending(sender, sizeBytes);
        const share = (list: readonly Pending[]) =>
          Math.max(
            list.length / 20,
            list.reduce((sum, { parsed }) => sum + parsed.transaction.bytes.length, 0) / 2_000,
          );
        const before = [...mempool.all()];
        const own = before.filter((other) => senderOf(other) === sender);
        const taken = offer(mempool, one);
        // Refused only where nobody holds more than this sender would.
        const largest = Math.max(
          0,
          ...before.map((other) => share(before.filter((o) => senderOf(o) === senderOf(other)))),
        );
        if (!taken) expect(largest).toBeLessThanOrEqual(Math.max(share([...own, one]), share(own)));
        const all = [...mempool.all()];
        expect(mempool.size).toBe(all.length);
        expect(all.length).toBeLessThanOrEqual(20);
        expect(mempool.sizeBytes).toBe(all.reduce((sum, { parsed }) => sum + parsed.transaction.bytes.length, 0));
        expect(mempool.sizeBytes).toBeLessThanOrEqual(2_000);
        for (let s = 0; s <= 5; s++) {
          const queue = all.filter((other) => senderOf(other) === s);
          expect(queue).toEqual([...mempool.of(Uint8Array.of(s))]);
          expect(mempool.reservedBy(Uint8Array.of(s))).toBe(3 * queue.length);
          expect(queue.map(({ digest }) => Number(digest))).toEqual(
            queue.map(({ digest }) => Number(digest)).sort((a, b) => a - b),
          );
        }
        // Each sender is among the first so many as there are senders.
        const senders = new Set(all.map(senderOf));
        expect(new Set(all.slice(0, senders.size).map(senderOf))).toEqual(senders);
        for (const packed of all.slice(0, packs)) expect(drop(mempool, packed)).toBe(packed);
      }
    }),
    { numRuns: 60 },
  );
});
