import type { TLSSocket } from 'node:tls';
import { FrameReader, packFrames } from './frames.ts';
import { type QueueBudget, SendQueue } from './send-queue.ts';
import type { TransportSettings } from './settings.ts';

export interface ConnectionEvents {
  frame(frame: Uint8Array): void;
  /** Called once. */
  closed(reason: string): void;
}

/** Handed to the operating system at a time; the rest waits here, where it is counted. */
const WRITE_BYTES = 256 * 1024;

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
  readonly #queue: SendQueue;
  #flushing = false;
  #sentAt = this.openedAt;
  #takenAt = this.openedAt;
  #receivedAt = this.openedAt;
  #frameSince: number | undefined;
  #closed = false;

  constructor(
    socket: TLSSocket,
    outbound: boolean,
    settings: TransportSettings,
    budget: QueueBudget,
    events: ConnectionEvents,
  ) {
    this.outbound = outbound;
    this.remote = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#socket = socket;
    this.#settings = settings;
    this.#events = events;
    this.#queue = new SendQueue(settings.maxQueuedBytes, budget);
    this.#reader = new FrameReader(settings.maxMessageBytes);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', (error) => this.close(error.message));
    socket.on('end', () => this.close('closed by the peer'));
    socket.on('close', () => this.close('closed by the peer'));
  }

  /** Queues a message; false when it does not fit into the queue any more. One of no bytes is a sign of life. */
  send(message: Uint8Array, isUrgent: boolean): boolean {
    const wasEmpty = this.#queue.bytes === 0;
    if (this.#closed || !this.#queue.push(message, isUrgent)) return false;
    if (wasEmpty) this.#takenAt = performance.now();
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
    this.#queue.clear();
    this.#socket.destroy();
    this.#events.closed(reason);
  }

  /** To be called about once a second. */
  tick(now: number): void {
    const { heartbeatMs, silenceMs, frameTimeoutMs } = this.#settings;
    if (now - this.#receivedAt >= silenceMs) this.close(`silent for ${silenceMs} ms`);
    else if (this.#frameSince !== undefined && now - this.#frameSince >= frameTimeoutMs) {
      this.close(`a message was not complete after ${frameTimeoutMs} ms`);
    } else if (this.#queue.bytes > 0 && now - this.#takenAt >= frameTimeoutMs) {
      this.close(`took nothing of what was sent for ${frameTimeoutMs} ms`);
    } else if (now - this.#sentAt >= heartbeatMs) this.send(new Uint8Array(0), true);
  }

  #flush(): void {
    if (this.#closed) return;
    const { frames, bytes } = this.#queue.take(WRITE_BYTES);
    this.#flushing = frames.length > 0;
    if (frames.length === 0) return;
    const buffers = packFrames(frames);
    const last = buffers.pop()!;
    this.#socket.cork();
    for (const buffer of buffers) this.#socket.write(buffer);
    this.#socket.write(last, () => {
      if (this.#closed) return;
      this.#queue.written(bytes);
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
        // Signs of life do not complete a long message that is under way.
        complete ||= frame.length > 0;
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
