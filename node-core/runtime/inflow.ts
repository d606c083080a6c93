/** How much of each peer is waiting for its turn. A peer that sends faster than we work loses messages, not us memory. */
import type { PeerId } from '../ports/transport.ts';

/** Per peer: at least one message of the largest size, and a burst of small ones. */
const MAX_MESSAGES = 1_000;
const MAX_BYTES = 32 << 20;

interface Waiting {
  messages: number;
  bytes: number;
}

export class Inflow {
  private readonly waiting = new Map<PeerId, Waiting>();

  /** Counts a message in; false when the peer is over its bound, and the message is to be forgotten. */
  enter(peer: PeerId, sizeBytes: number): boolean {
    const { messages, bytes } = this.waiting.get(peer) ?? { messages: 0, bytes: 0 };
    if (messages >= MAX_MESSAGES || bytes + sizeBytes > MAX_BYTES) return false;
    this.waiting.set(peer, { messages: messages + 1, bytes: bytes + sizeBytes });
    return true;
  }

  /** The message has been dealt with. */
  leave(peer: PeerId, sizeBytes: number): void {
    const counted = this.waiting.get(peer);
    if (counted === undefined) return;
    counted.messages -= 1;
    counted.bytes -= sizeBytes;
    if (counted.messages === 0) this.waiting.delete(peer);
  }

  get messages(): number {
    return [...this.waiting.values()].reduce((sum, { messages }) => sum + messages, 0);
  }
}
