import { describe, expect, it } from 'vitest';
import { equal } from '../../node-core/codec/bytes.ts';
import { seeded } from '../../test/conformance/seeded.ts';
import { zstdPacking } from './packing.ts';

/** Some hundred rows that are alike, as transactions of one sender are. */
function rows(): Uint8Array {
  const random = seeded(1);
  const head = Uint8Array.from({ length: 200 }, () => random(256));
  const bytes = new Uint8Array(300 * 260);
  for (let row = 0; row < 300; row++) {
    bytes.set(head, row * 260);
    for (let i = 200; i < 260; i++) bytes[row * 260 + i] = random(256);
  }
  return bytes;
}

describe('packing with zstd', () => {
  it('makes what is alike shorter, and is a frame of RFC 8878 with a checksum', () => {
    const packed = zstdPacking.pack(rows());
    expect(packed.length).toBeLessThan(300 * 75);
    expect([...packed.subarray(0, 4)]).toEqual([0x28, 0xb5, 0x2f, 0xfd]);
    expect(packed[4]! & 4, 'Content_Checksum_flag').toBe(4);
  });

  it('makes bytes that are not alike longer by some bytes at most', () => {
    const random = seeded(2);
    const noise = Uint8Array.from({ length: 100_000 }, () => random(256));
    expect(zstdPacking.pack(noise).length).toBeLessThan(noise.length + 40);
  });

  it('gives null for every beginning, and for what never was packed', () => {
    const packed = zstdPacking.pack(rows().subarray(0, 2_000));
    for (let length = 0; length < packed.length; length++)
      expect(zstdPacking.unpack(packed.subarray(0, length)), `${length} bytes`).toBeNull();
    expect(zstdPacking.unpack(rows())).toBeNull();
  });

  it('gives null for every flipped bit, or the same bytes: two bits of a head mean nothing', () => {
    const bytes = rows().subarray(0, 1_500);
    const packed = zstdPacking.pack(bytes);
    let same = 0;
    for (let bit = 0; bit < packed.length * 8; bit++) {
      const damaged = packed.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const unpacked = zstdPacking.unpack(damaged);
      if (unpacked === null) continue;
      expect(equal(unpacked, bytes), `bit ${bit} gives other bytes`).toBe(true);
      same += 1;
    }
    expect(same).toBeLessThanOrEqual(2);
  });

  it('gives null when a head asks for a window of more than 8 MiB', () => {
    // A head with a Window_Descriptor of 64 MiB, and one empty last block (RFC 8878 section 3.1.1).
    const frame = (exponent: number) => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3, 1, 0, 0);
    expect(zstdPacking.unpack(frame(13))).toEqual(new Uint8Array(0));
    expect(zstdPacking.unpack(frame(16))).toBeNull();
  });
});
