/** Validators do not end a height at the same moment: what is one height ahead waits here for us, within bounds. */
import type { PeerId } from '../ports/transport.ts';
import type { MessageOf } from './messages.ts';

export interface EarlyMessage {
  readonly message: MessageOf<'proposal' | 'compactProposal' | 'votes'>;
  /** The whole message as it came. */
  readonly bytes: Uint8Array;
  /** Timeliness is judged by when it came, not by when it is looked at. */
  readonly receivedMs: number;
}

/** Per peer. Enough for one proposal of the largest size and the votes of a few rounds. */
const MAX_MESSAGES = 64;
const MAX_BYTES = 8 << 20;

export class EarlyMessages {
  private readonly waiting = new Map<PeerId, EarlyMessage[]>();

  /** Keeps it, unless this peer has sent too much already: it will send again what we need. */
  keep(peer: PeerId, early: EarlyMessage): void {
    const before = this.waiting.get(peer) ?? [];
    if (before.length >= MAX_MESSAGES || sizeOf(before) + early.bytes.length > MAX_BYTES) return;
    this.waiting.set(peer, [...before, early]);
  }

  /** Everything, peer by peer in the order in which it came; nothing is left. */
  take(): (EarlyMessage & { readonly peer: PeerId })[] {
    const all = [...this.waiting].flatMap(([peer, list]) => list.map((early) => ({ ...early, peer })));
    this.waiting.clear();
    return all;
  }

  forget(peer: PeerId): void {
    this.waiting.delete(peer);
  }

  get count(): number {
    return [...this.waiting.values()].reduce((sum, list) => sum + list.length, 0);
  }
}

function sizeOf(list: readonly EarlyMessage[]): number {
  return list.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
