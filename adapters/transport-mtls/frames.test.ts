import { expect, it } from 'vitest';
import { seeded } from '../../test/conformance/seeded.ts';
import { FrameReader, packFrames } from './frames.ts';
import { SendQueue } from './send-queue.ts';

const urgentOf = (message: Uint8Array) => message[1] === 1;

function packAll(messages: readonly Uint8Array[], enoughBytes = Number.POSITIVE_INFINITY): Buffer[] {
  const out: Buffer[] = [];
  const budget = { maxBytes: Number.POSITIVE_INFINITY, usedBytes: 0 };
  const queue = new SendQueue(Number.POSITIVE_INFINITY, budget);
  for (const message of messages) queue.push(message, urgentOf(message));
  for (let next = queue.take(enoughBytes); next.frames.length > 0; next = queue.take(enoughBytes)) {
    out.push(...packFrames(next.frames));
    queue.written(next.bytes);
  }
  expect([queue.bytes, budget.usedBytes]).toEqual([0, 0]);
  return out;
}

it('gives back the messages, in the order of their kind, however the stream is cut (100 seeds)', () => {
  for (let seed = 0; seed < 100; seed++) {
    const random = seeded(seed);
    const sizes = [0, 1, 3, 300, 16_383, 16_384, 70_000, 200_000];
    const messages = Array.from({ length: 1 + random(12) }, (_, n) => {
      const message = new Uint8Array(sizes[random(8)]!).fill(n + 2);
      if (random(3) === 0) message.fill(1, 1, 2);
      return message;
    });
    const stream = Buffer.concat(packAll(messages, 1 + random(100_000)));
    const reader = new FrameReader(200_000);
    const got: Uint8Array[] = [];
    for (let at = 0; at < stream.length; ) {
      const end = Math.min(stream.length, at + 1 + random(random(2) === 0 ? 5 : 50_000));
      reader.push(Uint8Array.from(stream.subarray(at, end)), (frame) => got.push(frame));
      expect(reader.partial || at < end).toBe(true);
      at = end;
    }
    expect(reader.partial, `seed ${seed}`).toBe(false);
    expect(got.length, `seed ${seed}`).toBe(messages.length);
    for (const kind of [true, false]) {
      const wanted = messages.filter((message) => urgentOf(message) === kind);
      const found = got.filter((message) => urgentOf(message) === kind);
      for (const [n, frame] of found.entries()) expect(Buffer.compare(frame, wanted[n]!), `seed ${seed}, ${n}`).toBe(0);
    }
  }
});

it('packs many small messages into one buffer, and copies no large one', () => {
  const small = Array.from({ length: 150 }, () => new Uint8Array(300));
  expect(packAll(small)).toHaveLength(1);
  const large = new Uint8Array(60_000);
  expect(packAll([small[0]!, large, small[1]!]).map(({ length }) => length)).toEqual([308, 60_000, 304]);
  expect(packAll([large])[1]!.buffer).toBe(large.buffer);
});

it('lets an urgent message through between the parts of a long one', () => {
  const queue = new SendQueue(10_000_000, { maxBytes: 10_000_000, usedBytes: 0 });
  const reader = new FrameReader(8_000_000);
  const got: Uint8Array[] = [];
  const send = (enoughBytes: number) => {
    const { frames } = queue.take(enoughBytes);
    for (const buffer of packFrames(frames)) reader.push(buffer, (message) => got.push(message));
  };
  const [long, short, vote] = [new Uint8Array(4_000_000).fill(2), Uint8Array.of(3), Uint8Array.of(4)];
  queue.push(long, false);
  queue.push(short, false);
  send(256_000);
  queue.push(vote, true);
  send(256_000);
  expect(got).toEqual([vote]);
  expect(reader.partial).toBe(true);
  send(Number.POSITIVE_INFINITY);
  expect(got.map(({ length }) => length)).toEqual([1, 4_000_000, 1]);
  expect([Buffer.compare(got[1]!, long), got[2], reader.partial]).toEqual([0, short, false]);
});

it('refuses what is over the bound of the peer or of all, and keeps room for what is urgent', () => {
  const budget = { maxBytes: 250, usedBytes: 0 };
  const [one, other] = [new SendQueue(200, budget), new SendQueue(200, budget)];
  const hundred = new Uint8Array(96);
  expect([one.push(hundred, false), one.push(hundred, false), one.push(hundred, false)]).toEqual([true, true, false]);
  expect([other.push(hundred, false), other.push(hundred, true), one.push(hundred, true)]).toEqual([false, true, true]);
  one.clear();
  expect([budget.usedBytes, other.push(hundred, false)]).toEqual([100, true]);
});

it('refuses a length over the limit as soon as it is read, also of parts together, and flags that make no sense', () => {
  const push = (...bytes: number[]) => new FrameReader(1_000).push(Uint8Array.from(bytes), () => {});
  expect(() => push(0, 0, 3, 233)).toThrow(/1001 bytes is over the limit of 1000/);
  expect(() => push(0x3f, 255, 255, 255)).toThrow(/1073741823/);
  expect(() => push(0x80, 0, 3, 233)).toThrow(/1001/);
  expect(() => push(0x40, 0, 0, 1)).toThrow(/flags/);
  expect(() => push(0x80, 0, 0, 0)).toThrow(/no bytes/);
  const reader = new FrameReader(1_000);
  reader.push(Uint8Array.of(0x80, 0, 2, 88, ...new Uint8Array(600)), () => {});
  expect(reader.partial).toBe(true);
  expect(() => reader.push(Uint8Array.of(0xc0, 0, 1, 145), () => {})).toThrow(/1001/);
});
