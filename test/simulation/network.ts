/**
 * The network between machines: connections that come and go, and on them messages that are delayed, dropped,
 * duplicated and overtaken. Worse than the Transport port promises (TCP keeps order): what holds here holds there.
 */
import type { PeerId, Transport, TransportHandler } from '../../node-core/ports/transport.ts';
import type { Chance } from './chance.ts';
import type { Scheduler } from './scheduler.ts';

export interface NetworkQuality {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Share of messages that are much slower, and how slow. */
  readonly slowShare: number;
  readonly slowMs: number;
  readonly dropShare: number;
  readonly duplicateShare: number;
  /** Messages may overtake each other. */
  readonly reorders: boolean;
}

export const GOOD_NETWORK: NetworkQuality = {
  minDelayMs: 0.5,
  maxDelayMs: 20,
  slowShare: 0,
  slowMs: 0,
  dropShare: 0,
  duplicateShare: 0,
  reorders: false,
};

const HANDSHAKE_MS = 30;
const RETRY_MS = 400;
/** After `drop` the peer is not let in again for this long. */
const PENALTY_MS = 2_000;

interface Line {
  readonly ends: readonly [PeerId, PeerId];
  isUp: boolean;
  generation: number;
  blockedUntilMs: number;
  isDialling: boolean;
  /** Earliest time of the next delivery, by receiver: order is kept unless the quality says otherwise. */
  free: Map<PeerId, number>;
  sent: Map<PeerId, number>;
}

/** One running process at the network. */
export interface Port {
  readonly peer: PeerId;
  readonly isAlive: () => boolean;
  handler: TransportHandler | null;
}

export interface NetworkObserver {
  sent(from: Port, to: PeerId, message: Uint8Array): void;
  delivered(from: PeerId, to: PeerId, message: Uint8Array): void;
  dropped(from: Port, peer: PeerId, reason: string): void;
  threw(peer: PeerId, error: unknown): void;
}

export class Network {
  quality: NetworkQuality = GOOD_NETWORK;
  private readonly scheduler: Scheduler;
  private readonly chance: Chance;
  private readonly observer: NetworkObserver;
  private readonly lines = new Map<string, Line>();
  private readonly ports = new Map<PeerId, Port[]>();
  /** Directed pairs through which nothing passes. */
  private readonly blocked = new Set<string>();

  constructor(scheduler: Scheduler, chance: Chance, observer: NetworkObserver) {
    this.scheduler = scheduler;
    this.chance = chance;
    this.observer = observer;
  }

  /** These two know each other's keys and dial each other. */
  pin(a: PeerId, b: PeerId): void {
    const ends = [a, b] as const;
    const line = {
      ends,
      isUp: false,
      generation: 0,
      blockedUntilMs: 0,
      isDialling: false,
      free: new Map(),
      sent: new Map(),
    };
    this.lines.set(keyOf(a, b), line);
  }

  /** Stops everything in one direction until {@link unblock}. */
  block(from: PeerId, to: PeerId): void {
    this.blocked.add(`${from}>${to}`);
  }

  unblock(from: PeerId, to: PeerId): void {
    this.blocked.delete(`${from}>${to}`);
  }

  heal(): void {
    this.blocked.clear();
  }

  /** The transport of one process; several may share a peer ID (a copy of a machine that was thought dead). */
  transport(peer: PeerId, isAlive: () => boolean): Transport {
    const port: Port = { peer, isAlive, handler: null };
    return {
      start: async (handler) => {
        port.handler = handler;
        this.ports.set(peer, [...this.portsOf(peer), port]);
        for (const line of this.linesOf(peer)) this.restart(line);
      },
      send: (to, message) => this.send(port, to, message),
      peers: () =>
        this.linesOf(peer)
          .filter((line) => line.isUp)
          .map((line) => otherEnd(line, peer)),
      drop: (to, reason) => this.drop(port, to, reason),
      close: async () => this.leave(port),
    };
  }

  /** A process is gone: its connections break, which the others notice. */
  leave(port: Pick<Port, 'peer'>): void {
    this.ports.set(
      port.peer,
      this.portsOf(port.peer).filter((other) => other !== port && other.isAlive()),
    );
    if (this.portsOf(port.peer).length > 0) return;
    for (const line of this.linesOf(port.peer)) this.hangUp(line);
  }

  private portsOf(peer: PeerId): Port[] {
    return this.ports.get(peer) ?? [];
  }

  private linesOf(peer: PeerId): Line[] {
    return [...this.lines.values()].filter(({ ends }) => ends.includes(peer));
  }

  private restart(line: Line): void {
    this.hangUp(line);
    this.dial(line, HANDSHAKE_MS);
  }

  private dial(line: Line, afterMs: number): void {
    if (line.isUp || line.isDialling) return;
    line.isDialling = true;
    this.scheduler.schedule(afterMs + this.chance.between(0, 20), () => {
      line.isDialling = false;
      this.connect(line);
    });
  }

  private connect(line: Line): void {
    const [a, b] = line.ends;
    const isPossible = [a, b].every((end) => this.portsOf(end).some((port) => port.isAlive()));
    if (line.isUp || !isPossible) return;
    const isBarred = this.isBlocked(a, b) || this.isBlocked(b, a) || this.scheduler.nowMs < line.blockedUntilMs;
    if (isBarred) {
      this.dial(line, RETRY_MS);
      return;
    }
    line.isUp = true;
    line.generation += 1;
    line.free = new Map();
    line.sent = new Map();
    for (const end of line.ends) this.tell(end, (handler) => handler.connected(otherEnd(line, end)));
  }

  private hangUp(line: Line): void {
    if (!line.isUp) return;
    line.isUp = false;
    for (const end of line.ends) {
      const { generation } = line;
      this.scheduler.schedule(this.chance.between(0, 5), () => {
        if (line.generation === generation) this.tell(end, (handler) => handler.disconnected(otherEnd(line, end)));
      });
    }
    this.dial(line, RETRY_MS);
  }

  /** Breaks the connection of two machines; they dial again. */
  breakLine(a: PeerId, b: PeerId): void {
    const line = this.lines.get(keyOf(a, b));
    if (line !== undefined) this.hangUp(line);
  }

  private drop(port: Port, peer: PeerId, reason: string): void {
    this.observer.dropped(port, peer, reason);
    const line = this.lines.get(keyOf(port.peer, peer));
    if (line === undefined) return;
    line.blockedUntilMs = this.scheduler.nowMs + PENALTY_MS;
    this.hangUp(line);
  }

  private send(port: Port, to: PeerId, message: Uint8Array): boolean {
    const line = this.lines.get(keyOf(port.peer, to));
    if (!port.isAlive() || port.handler === null || line?.isUp !== true) return false;
    this.observer.sent(port, to, message);
    const count = line.sent.get(to) ?? 0;
    line.sent.set(to, count + 1);
    // The first message of a connection is the greeting; without it the rest is void, as on a real connection.
    const isGreeting = count === 0;
    if (!isGreeting && this.chance.is(this.quality.dropShare)) return true;
    this.carry(line, port.peer, to, message.slice(), isGreeting);
    if (!isGreeting && this.chance.is(this.quality.duplicateShare))
      this.carry(line, port.peer, to, message.slice(), false);
    return true;
  }

  private carry(line: Line, from: PeerId, to: PeerId, message: Uint8Array, isGreeting: boolean): void {
    const { minDelayMs, maxDelayMs, slowShare, slowMs, reorders } = this.quality;
    const isSlow = !isGreeting && this.chance.is(slowShare);
    const delay = this.chance.between(minDelayMs, maxDelayMs) + (isSlow ? this.chance.between(0, slowMs) : 0);
    const free = line.free.get(to) ?? 0;
    const atMs = Math.max(free, this.scheduler.nowMs + delay);
    if (!reorders || isGreeting) line.free.set(to, atMs);
    const { generation } = line;
    this.scheduler.schedule(atMs - this.scheduler.nowMs, () => {
      if (!line.isUp || line.generation !== generation) return;
      if (this.isBlocked(from, to)) {
        if (isGreeting) this.hangUp(line);
        return;
      }
      this.observer.delivered(from, to, message);
      this.tell(to, (handler) => handler.received(from, message));
    });
  }

  private isBlocked(from: PeerId, to: PeerId): boolean {
    return this.blocked.has(`${from}>${to}`);
  }

  private tell(peer: PeerId, say: (handler: TransportHandler) => void): void {
    for (const port of this.portsOf(peer)) {
      if (!port.isAlive() || port.handler === null) continue;
      try {
        say(port.handler);
      } catch (error) {
        this.observer.threw(peer, error);
      }
    }
  }
}

function keyOf(a: PeerId, b: PeerId): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}

function otherEnd(line: Line, peer: PeerId): PeerId {
  return line.ends[0] === peer ? line.ends[1] : line.ends[0];
}
