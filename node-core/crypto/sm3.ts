/**
 * SM3 (GB/T 32905-2016, ISO/IEC 10118-3:2018; English text: draft-sca-cfrg-sm3-02): 256-bit hash of the 国密 suites.
 * Built on the Merkle–Damgård frame of @noble/hashes, which does padding and buffering.
 */
import { HashMD } from '@noble/hashes/_md.js';
import { type CHash, clean, createHasher, rotl } from '@noble/hashes/utils.js';

const IV = [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e] as const;

/** T_j of §4.2, already rotated left by j mod 32 as §5.3.3 asks. */
const T = Uint32Array.from({ length: 64 }, (_, j) => rotl(j < 16 ? 0x79cc4519 : 0x7a879d8a, j % 32));

/** The expanded message W_0 … W_67 (§5.3.2); shared, as in noble: JavaScript runs one block at a time. */
const W = new Uint32Array(68);

function expand(view: DataView, offset: number): void {
  for (let j = 0; j < 16; j++) W[j] = view.getUint32(offset + 4 * j);
  for (let j = 16; j < 68; j++) {
    const x = W[j - 16]! ^ W[j - 9]! ^ rotl(W[j - 3]!, 15);
    // P_1(x) = x ⊕ (x ⋘ 15) ⊕ (x ⋘ 23), §4.4.
    W[j] = x ^ rotl(x, 15) ^ rotl(x, 23) ^ rotl(W[j - 13]!, 7) ^ W[j - 6]!;
  }
}

class Sm3 extends HashMD<Sm3> {
  private readonly state = new Int32Array(IV);

  constructor() {
    super(64, 32, 8, false);
  }

  protected get(): number[] {
    return [...this.state];
  }

  protected set(...words: number[]): void {
    this.state.set(words);
  }

  /** The compression function CF (§5.3.3): 16 rounds with xor, then 48 with majority and choice. */
  protected process(view: DataView, offset: number): void {
    expand(view, offset);
    const v = this.state;
    let a = v[0]!,
      b = v[1]!,
      c = v[2]!,
      d = v[3]!,
      e = v[4]!,
      f = v[5]!,
      g = v[6]!,
      h = v[7]!;
    for (let j = 0; j < 64; j++) {
      const a12 = rotl(a, 12);
      const ss1 = rotl((a12 + e + T[j]!) | 0, 7);
      const ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
      const gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g);
      const tt1 = (ff + d + (ss1 ^ a12) + (W[j]! ^ W[j + 4]!)) | 0;
      const tt2 = (gg + h + ss1 + W[j]!) | 0;
      d = c;
      c = rotl(b, 9);
      b = a;
      a = tt1;
      h = g;
      g = rotl(f, 19);
      f = e;
      e = tt2 ^ rotl(tt2, 9) ^ rotl(tt2, 17); // P_0, §4.4
    }
    v[0]! ^= a;
    v[1]! ^= b;
    v[2]! ^= c;
    v[3]! ^= d;
    v[4]! ^= e;
    v[5]! ^= f;
    v[6]! ^= g;
    v[7]! ^= h;
  }

  protected roundClean(): void {
    clean(W);
  }

  destroy(): void {
    this.destroyed = true;
    clean(this.state, this.buffer);
  }

  _cloneInto(to: Sm3 = new Sm3()): Sm3 {
    to.set(...this.get());
    to.buffer.set(this.buffer);
    to.length = this.length;
    to.pos = this.pos;
    to.finished = this.finished;
    to.destroyed = this.destroyed;
    return to;
  }
}

/** `sm3(bytes)` or `sm3.create().update(…).digest()`, as any hash of @noble/hashes. */
export const sm3: CHash = createHasher(() => new Sm3());
