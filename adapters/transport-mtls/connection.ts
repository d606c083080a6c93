import type { TLSSocket } from 'node:tls';
import { FRAME_HEAD_BYTES, FrameReader, packFrames } from './frames.ts';
import type { TransportSettings } from './settings.ts';

export interface ConnectionEvents {
  frame(frame: Uint8Array): void;
  /** Called once. */
  closed(reason: string): void;
}

/** Handed to the operating system at a time; the rest waits here, where it is counted. */
const WRITE_BYTES = 1024 * 1024;

/** Frames over one TLS connection whose key has been checked: queue, batching, signs of life, and time limits. */
export class Connection {
  /** Whether we dialled it. */
  readonly outbound: boolean;
  readonly remote: string;
  readonly openedAt = performance.now();
  readonly #socket: TLSSocket;
  readonly #settings: TransportSettings;
  readonly #events: ConnectionEvents;
  readonly #reader: FrameReader;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #flushing = false;
  #sentAt = this.openedAt;
  #takenAt = this.openedAt;
  #receivedAt = this.openedAt;
  #frameSince: number | undefined;
  #closed = false;

  constructor(socket: TLSSocket, outbound: boolean, settings: TransportSettings, events: ConnectionEvents) {
    this.outbound = outbound;
    this.remote = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#socket = socket;
    this.#settings = settings;
    this.#events = events;
    this.#reader = new FrameReader(settings.maxMessageBytes);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', (error) => this.close(error.message));
    socket.on('end', () => this.close('closed by the peer'));
    socket.on('close', () => this.close('closed by the peer'));
  }

  /** Queues a frame; false when it does not fit into the queue any more. An empty frame is a sign of life. */
  send(message: Uint8Array): boolean {
    const size = FRAME_HEAD_BYTES + message.length;
    if (this.#closed || this.#queuedBytes + size > this.#settings.maxQueuedBytes) return false;
    if (this.#queuedBytes === 0) this.#takenAt = performance.now();
    this.#queue.push(message);
    this.#queuedBytes += size;
    if (!this.#flushing) {
      this.#flushing = true;
      // Whatever else is sent in this turn of the event loop leaves in the same write.
      setImmediate(() => this.#flush());
    }
    return true;
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#socket.destroy();
    this.#events.closed(reason);
  }

  /** To be called about once a second. */
  tick(now: number): void {
    const { heartbeatMs, silenceMs, frameTimeoutMs } = this.#settings;
    if (now - this.#receivedAt >= silenceMs) this.close(`silent for ${silenceMs} ms`);
    else if (this.#frameSince !== undefined && now - this.#frameSince >= frameTimeoutMs) {
      this.close(`a message was not complete after ${frameTimeoutMs} ms`);
    } else if (this.#queuedBytes > 0 && now - this.#takenAt >= frameTimeoutMs) {
      this.close(`took nothing of what was sent for ${frameTimeoutMs} ms`);
    } else if (now - this.#sentAt >= heartbeatMs) this.send(new Uint8Array(0));
  }

  #flush(): void {
    if (this.#closed) return;
    const { buffers, taken, bytes } = packFrames(this.#queue, WRITE_BYTES);
    this.#flushing = taken > 0;
    if (taken === 0) return;
    this.#queue = taken === this.#queue.length ? [] : this.#queue.slice(taken);
    const last = buffers.pop()!;
    this.#socket.cork();
    for (const buffer of buffers) this.#socket.write(buffer);
    this.#socket.write(last, () => {
      this.#queuedBytes -= bytes;
      this.#takenAt = performance.now();
      this.#flush();
    });
    this.#socket.uncork();
    this.#sentAt = performance.now();
  }

  #received(chunk: Buffer): void {
    this.#receivedAt = performance.now();
    let complete = false;
    try {
      this.#reader.push(chunk, (frame) => {
        complete = true;
        if (!this.#closed) this.#events.frame(frame);
      });
    } catch (error) {
      this.close((error as Error).message);
      return;
    }
    if (!this.#reader.partial) this.#frameSince = undefined;
    else if (complete || this.#frameSince === undefined) this.#frameSince = this.#receivedAt;
  }
}
