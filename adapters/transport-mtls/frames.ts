/*
 * A frame is a head, 4 bytes big-endian, and as many bytes as its lower 30 bits say. A frame of length 0 is a sign of
 * life and the acceptance of a connection; it carries no message. A head without flags is that of a whole message. With
 * PART the frame is a part of a long one, and with LAST_PART beside it the last; whole messages may come in between.
 */
export const FRAME_HEAD_BYTES = 4;
export const PART = 2 ** 31;
export const LAST_PART = 2 ** 30;

export interface Frame {
  readonly head: number;
  readonly bytes: Uint8Array;
}

/** Below this a message is copied next to its neighbours, so that many leave in one write; above, it is not copied. */
const COPY_BELOW_BYTES = 16 * 1024;
const BLOCK_BYTES = 64 * 1024;

/** Turns frames into few buffers to write. */
export function packFrames(frames: readonly Frame[]): Buffer[] {
  const buffers: Buffer[] = [];
  let block = Buffer.alloc(0);
  let used = 0;
  const seal = () => {
    if (used > 0) buffers.push(block.subarray(0, used));
    block = block.subarray(used);
    used = 0;
  };
  for (const [at, { head, bytes }] of frames.entries()) {
    const copied = bytes.length < COPY_BELOW_BYTES ? bytes.length : 0;
    if (block.length - used < FRAME_HEAD_BYTES + copied) {
      seal();
      block = Buffer.allocUnsafeSlow(blockSize(frames, at));
    }
    used = block.writeUInt32BE(head, used);
    if (copied > 0) {
      block.set(bytes, used);
      used += copied;
    } else if (bytes.length > 0) {
      seal();
      buffers.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    }
  }
  seal();
  return buffers;
}

/** No larger than what is waiting, so that a lone small message does not take 64 KiB. */
function blockSize(frames: readonly Frame[], from: number): number {
  let size = 0;
  for (let at = from; at < frames.length && size < BLOCK_BYTES; at++) {
    const { length } = frames[at]!.bytes;
    size += FRAME_HEAD_BYTES + (length < COPY_BELOW_BYTES ? length : 0);
  }
  return Math.min(size, BLOCK_BYTES);
}

/**
 * Cuts a stream of bytes into messages. Holds never more than what has arrived, and refuses a length over the limit
 * when it reads it, before any byte of it is kept.
 */
export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #held = 0;
  /** Length of the frame under way; −1 while its head is not complete. */
  #length = -1;
  #flags = 0;
  /** Of a long message, so far. */
  #parts: Uint8Array[] = [];
  #partBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a message has begun and is not complete. */
  get partial(): boolean {
    return this.#held > 0 || this.#length >= 0 || this.#parts.length > 0;
  }

  /**
   * Calls `emit` with each message that is now complete, in order; a sign of life is one of no bytes. Messages own
   * their memory.
   *
   * @throws {RangeError} when a message says that it is longer than allowed; the reader is of no use then.
   */
  push(chunk: Uint8Array, emit: (message: Uint8Array) => void): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    for (;;) {
      if (this.#length < 0) {
        if (this.#held < FRAME_HEAD_BYTES) return;
        this.#begin(new DataView(this.#take(FRAME_HEAD_BYTES).buffer).getUint32(0));
      }
      if (this.#held < this.#length) return;
      const frame = this.#take(this.#length);
      this.#length = -1;
      if (this.#flags === 0) emit(frame);
      else this.#addPart(frame, emit);
    }
  }

  #begin(head: number): void {
    this.#length = head % LAST_PART;
    this.#flags = head - this.#length;
    const isPart = this.#flags !== 0;
    if (this.#flags === LAST_PART) throw new RangeError('a frame with flags that do not go together');
    if (isPart && this.#length === 0) throw new RangeError('a part of no bytes');
    const bytes = this.#length + (isPart ? this.#partBytes : 0);
    if (bytes > this.#maxBytes) {
      throw new RangeError(`a message of ${bytes} bytes is over the limit of ${this.#maxBytes}`);
    }
  }

  #addPart(part: Uint8Array, emit: (message: Uint8Array) => void): void {
    this.#parts.push(part);
    this.#partBytes += part.length;
    if (this.#flags < PART + LAST_PART) return;
    const message = new Uint8Array(this.#partBytes);
    let at = 0;
    for (const one of this.#parts) {
      message.set(one, at);
      at += one.length;
    }
    this.#parts = [];
    this.#partBytes = 0;
    emit(message);
  }

  #take(size: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const chunk = this.#chunks[0]!;
      const part = chunk.subarray(0, size - filled);
      out.set(part, filled);
      filled += part.length;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    this.#held -= size;
    return out;
  }
}
