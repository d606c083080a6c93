import { expect, it } from 'vitest';
import { seeded } from '../../test/conformance/seeded.ts';
import { FrameReader, packFrames } from './frames.ts';

function packAll(messages: Uint8Array[], enoughBytes = Number.POSITIVE_INFINITY): Buffer[] {
  const out: Buffer[] = [];
  for (let queue = messages; queue.length > 0; ) {
    const { buffers, taken, bytes } = packFrames(queue, enoughBytes);
    expect(buffers.reduce((sum, { length }) => sum + length, 0)).toBe(bytes);
    out.push(...buffers);
    queue = queue.slice(taken);
  }
  return out;
}

it('gives back the messages, in order, however the stream is cut (100 seeds)', () => {
  for (let seed = 0; seed < 100; seed++) {
    const random = seeded(seed);
    const sizes = [0, 1, 3, 300, 16_383, 16_384, 70_000, 200_000];
    const messages = Array.from({ length: 1 + random(12) }, (_, n) => new Uint8Array(sizes[random(8)]!).fill(n + 1));
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
    for (const [n, frame] of got.entries()) expect(Buffer.compare(frame, messages[n]!), `seed ${seed}, ${n}`).toBe(0);
  }
});

it('packs many small messages into one buffer, and copies no large one', () => {
  const small = Array.from({ length: 150 }, () => new Uint8Array(300));
  expect(packAll(small)).toHaveLength(1);
  const large = new Uint8Array(100_000);
  expect(packAll([small[0]!, large, small[1]!]).map(({ length }) => length)).toEqual([308, 100_000, 304]);
  expect(packAll([large])[1]!.buffer).toBe(large.buffer);
});

it('refuses a length over the limit as soon as it is read', () => {
  const reader = new FrameReader(1_000);
  expect(() => reader.push(Uint8Array.of(0, 0, 3, 233), () => {})).toThrow(/1001 bytes is over the limit of 1000/);
  expect(() => new FrameReader(1_000).push(Uint8Array.of(255, 255, 255, 255), () => {})).toThrow(/4294967295/);
});
