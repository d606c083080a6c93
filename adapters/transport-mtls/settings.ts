import type { Log } from '../../node-core/ports/log.ts';
import type { PeerId } from '../../node-core/ports/transport.ts';
import type { NodeIdentity } from './identity.ts';

export interface PeerAddress {
  readonly id: PeerId;
  /** Without host and port we never dial this peer, and wait for it to dial us. */
  readonly host?: string;
  readonly port?: number;
}

/** Bounds and times; the defaults are in `defaults`. */
export interface TransportSettings {
  readonly maxMessageBytes: number;
  /** Per peer: what was given to `send` and is not yet with the operating system. Twice that with urgent messages. */
  readonly maxQueuedBytes: number;
  /** The same for all peers together. */
  readonly maxTotalQueuedBytes: number;
  /** A sign of life is sent after this time without anything else to send. */
  readonly heartbeatMs: number;
  /** A peer from which nothing has come for this long is dropped. */
  readonly silenceMs: number;
  /** From the first byte to an accepted connection with a known key. */
  readonly handshakeTimeoutMs: number;
  /** From the first byte of a frame to its last, and for the peer to take anything of what we send. */
  readonly frameTimeoutMs: number;
  /** For TCP alone: one that was not answered is better begun anew than waited for, as its packets come ever more seldom. */
  readonly connectTimeoutMs: number;
  readonly reconnectMinMs: number;
  /** Where nobody answers, which costs nothing to find out: a peer that is back is found soon. */
  readonly unreachableMaxMs: number;
  /** Where somebody answers and it comes to nothing, after some 10 ms of work on both sides. */
  readonly reconnectMaxMs: number;
  /** How long a dropped peer is neither dialled nor let in. */
  readonly penaltyMs: number;
  /** How long a second connection of a peer may wait for the first to be found dead, or for our own dial. */
  readonly holdMs: number;
  /** Connections that have not shown a key yet that is let in, over all and per remote address. */
  readonly maxHalfOpen: number;
  readonly maxHalfOpenPerAddress: number;
}

export const defaults: TransportSettings = {
  maxMessageBytes: 8 * 1024 * 1024,
  maxQueuedBytes: 16 * 1024 * 1024,
  maxTotalQueuedBytes: 64 * 1024 * 1024,
  heartbeatMs: 1_000,
  silenceMs: 5_000,
  handshakeTimeoutMs: 5_000,
  frameTimeoutMs: 30_000,
  connectTimeoutMs: 1_500,
  reconnectMinMs: 50,
  unreachableMaxMs: 1_000,
  reconnectMaxMs: 10_000,
  penaltyMs: 5_000,
  holdMs: 500,
  maxHalfOpen: 64,
  maxHalfOpenPerAddress: 8,
};

export interface MtlsTransportOptions extends Partial<TransportSettings> {
  readonly identity: NodeIdentity;
  /** Without it the node only dials. Port 0 takes a free one; see `MtlsTransport.port`. */
  readonly listen?: { readonly host: string; readonly port: number };
  readonly peers: readonly PeerAddress[];
  /** Whether a key that is not among `peers` may connect too; asked at each connection. */
  readonly admits?: (peer: PeerId) => boolean;
  /** Messages that go before all others that wait for the same peer; without it there are none. */
  readonly isUrgent?: (message: Uint8Array) => boolean;
  readonly log: Log;
}

/** @throws {TypeError} one line that names the field that is wrong. */
export function checkPeers(options: MtlsTransportOptions): void {
  const seen = new Set<PeerId>();
  for (const [index, { id, host, port }] of options.peers.entries()) {
    const field = `peers[${index}]`;
    if (!/^[0-9a-f]{64}$/.test(id)) throw new TypeError(`${field}.id must be 64 lower-case hexadecimal digits: ${id}`);
    if (id === options.identity.peerId) throw new TypeError(`${field}.id is this node itself`);
    if (seen.has(id)) throw new TypeError(`${field}.id is given twice: ${id}`);
    if ((host === undefined) !== (port === undefined))
      throw new TypeError(`${field} needs both host and port, or none`);
    seen.add(id);
  }
}
