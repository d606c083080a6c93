import { CHUNK_BYTES, INLINE_BYTES, LARGEST_SHARED } from './bytes.ts';

/**
 * A growing buffer that writes item heads in their shortest form (RFC 8949 §3, §4.2.1). One message after the other is
 * written into it; those of middle length are given out as parts of it, without a copy (as `allocate` does).
 */
export class Writer {
  private buffer = new Uint8Array(CHUNK_BYTES);
  /** Where the message begins, and the end of what has been written of it. */
  private start = 0;
  private end = 0;

  private room(bytes: number): void {
    if (this.end + bytes <= this.buffer.length) return;
    const written = this.end - this.start;
    const bigger = new Uint8Array(Math.max(CHUNK_BYTES, 2 * written, written + bytes));
    bigger.set(this.buffer.subarray(this.start, this.end));
    this.buffer = bigger;
    this.start = 0;
    this.end = written;
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
    this.buffer[this.end++] = value;
  }

  simple(value: number): void {
    this.room(1);
    this.byte(value);
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.buffer.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** One byte per character; the caller has checked that all are below 0x80. */
  ascii(text: string): void {
    this.room(text.length);
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i));
  }

  /** The message; the writer is ready for another one. */
  finish(): Uint8Array {
    const { buffer, start, end } = this;
    const isShared = end - start > INLINE_BYTES && end - start <= LARGEST_SHARED;
    if (isShared) this.start = end;
    else if (buffer.length > CHUNK_BYTES) this.buffer = new Uint8Array(CHUNK_BYTES);
    this.end = this.start;
    return isShared ? buffer.subarray(start, end) : buffer.slice(start, end);
  }
}
