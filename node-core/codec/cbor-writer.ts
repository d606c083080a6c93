import { allocate } from './bytes.ts';

/** A growing buffer that writes item heads in their shortest form (RFC 8949 §3, §4.2.1). */
export class Writer {
  private buffer: Uint8Array<ArrayBuffer>;
  private length = 0;

  constructor(capacity: number) {
    this.buffer = new Uint8Array(capacity);
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const bigger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + bytes));
    bigger.set(this.buffer.subarray(0, this.length));
    this.buffer = bigger;
  }

  head(major: number, argument: number): void {
    this.room(9);
    const lead = major << 5;
    if (argument < 24) this.byte(lead | argument);
    else if (argument < 0x100) this.bytesOf(lead | 24, argument, 1);
    else if (argument < 0x1_0000) this.bytesOf(lead | 25, argument, 2);
    else if (argument < 0x1_0000_0000) this.bytesOf(lead | 26, argument, 4);
    else this.bytesOf(lead | 27, argument, 8);
  }

  bigHead(major: number, argument: bigint): void {
    if (argument <= BigInt(Number.MAX_SAFE_INTEGER)) {
      this.head(major, Number(argument));
      return;
    }
    this.room(9);
    this.byte((major << 5) | 27);
    for (let shift = 56n; shift >= 0n; shift -= 8n) this.byte(Number((argument >> shift) & 0xffn));
  }

  private bytesOf(lead: number, value: number, width: number): void {
    this.byte(lead);
    if (width === 8) this.four(Math.floor(value / 0x1_0000_0000));
    if (width >= 4) this.four(value % 0x1_0000_0000);
    else for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) this.byte((value >> shift) & 0xff);
  }

  /** The store of a byte cuts what is above it. */
  private four(value: number): void {
    this.byte(value >>> 24);
    this.byte(value >>> 16);
    this.byte(value >>> 8);
    this.byte(value);
  }

  private byte(value: number): void {
    this.buffer[this.length++] = value;
  }

  simple(value: number): void {
    this.room(1);
    this.byte(value);
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** One byte per character; the caller has checked that all are below 0x80. */
  ascii(text: string): void {
    this.room(text.length);
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i));
  }

  /** Ready for another message; false when the buffer has grown beyond `capacity` and is not worth keeping. */
  reset(capacity: number): boolean {
    this.length = 0;
    return this.buffer.length <= capacity;
  }

  finish(): Uint8Array {
    const out = allocate(this.length);
    out.set(this.buffer.subarray(0, this.length));
    return out;
  }
}
