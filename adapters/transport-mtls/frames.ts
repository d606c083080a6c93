/*
 * A frame is a length, 4 bytes big-endian, and as many bytes. A frame of length 0 is a sign of life and the
 * acceptance of a connection; it carries no message.
 */
export const FRAME_HEAD_BYTES = 4;

/** Below this a message is copied next to its neighbours, so that many leave in one write; above, it is not copied. */
const COPY_BELOW_BYTES = 16 * 1024;
const BLOCK_BYTES = 64 * 1024;

export interface PackedFrames {
  readonly buffers: Buffer[];
  /** How many messages of the queue are in the buffers. */
  readonly taken: number;
  /** Bytes of them, heads included. */
  readonly bytes: number;
}

/** Turns queued messages into few buffers to write. Takes messages from the front until there are `enoughBytes`. */
export function packFrames(queue: readonly Uint8Array[], enoughBytes: number): PackedFrames {
  const buffers: Buffer[] = [];
  let block = Buffer.alloc(0);
  let used = 0;
  let bytes = 0;
  let taken = 0;
  const seal = () => {
    if (used > 0) buffers.push(block.subarray(0, used));
    block = block.subarray(used);
    used = 0;
  };
  for (; taken < queue.length && bytes < enoughBytes; taken++) {
    const message = queue[taken]!;
    const copied = message.length < COPY_BELOW_BYTES ? message.length : 0;
    if (block.length - used < FRAME_HEAD_BYTES + copied) {
      seal();
      block = Buffer.allocUnsafeSlow(blockSize(queue, taken));
    }
    used = block.writeUInt32BE(message.length, used);
    if (copied > 0) {
      block.set(message, used);
      used += copied;
    } else if (message.length > 0) {
      seal();
      buffers.push(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
    }
    bytes += FRAME_HEAD_BYTES + message.length;
  }
  seal();
  return { buffers, taken, bytes };
}

/** No larger than what is waiting, so that a lone small message does not take 64 KiB. */
function blockSize(queue: readonly Uint8Array[], from: number): number {
  let size = 0;
  for (let at = from; at < queue.length && size < BLOCK_BYTES; at++) {
    const { length } = queue[at]!;
    size += FRAME_HEAD_BYTES + (length < COPY_BELOW_BYTES ? length : 0);
  }
  return Math.min(size, BLOCK_BYTES);
}

/**
 * Cuts a stream of bytes into frames. Holds never more than what has arrived, and refuses a length over the limit
 * when it reads it, before any byte of it is kept.
 */
export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #held = 0;
  /** Length of the frame under way; −1 while its head is not complete. */
  #length = -1;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a frame has begun and is not complete. */
  get partial(): boolean {
    return this.#held > 0 || this.#length >= 0;
  }

  /**
   * Calls `emit` with each frame that is now complete, in order. Frames own their memory.
   *
   * @throws {RangeError} when a frame says that it is longer than allowed; the reader is of no use then.
   */
  push(chunk: Uint8Array, emit: (frame: Uint8Array) => void): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    for (;;) {
      if (this.#length < 0) {
        if (this.#held < FRAME_HEAD_BYTES) return;
        const head = this.#take(FRAME_HEAD_BYTES);
        this.#length = new DataView(head.buffer).getUint32(0);
        if (this.#length > this.#maxBytes) {
          throw new RangeError(`a frame of ${this.#length} bytes is over the limit of ${this.#maxBytes}`);
        }
      }
      if (this.#held < this.#length) return;
      const frame = this.#take(this.#length);
      this.#length = -1;
      emit(frame);
    }
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
