/** A peer as the transport knows it: the fingerprint (SHA-256 of the SPKI, lower-case hex) of its TLS key. */
export type PeerId = string;

/** What a handler throws is logged and goes no further. Nothing is called before `start` or after `close` is called. */
export interface TransportHandler {
  /** The peer can be sent to. `connected` and `disconnected` take turns per peer. */
  connected(peer: PeerId): void;
  /** What was sent and not yet received may be lost; also when a new connection takes the place of the old one. */
  disconnected(peer: PeerId): void;
  /** One whole message as the peer sent it, 1 to `maxMessageBytes` bytes, which the handler may keep. */
  received(peer: PeerId, message: Uint8Array): void;
}

/**
 * Messages between nodes that know each other by their keys. Delivery is best effort: a message may be lost with a connection or when a
 * peer's queue is over its bound, and is never delivered in part. Order is kept per connection, among messages that are
 * urgent and among those that are not.
 * The transport connects and reconnects by itself; only peers that the config pins, and others that
 * whoever made the transport lets in, get through.
 */
export interface Transport {
  /** Rejects with one line that says why when it cannot listen; it is of no use then. */
  start(handler: TransportHandler): Promise<void>;
  /**
   * Queues; false when the peer is not connected or its queue is full. The bytes are not copied: do not change them
   * afterwards. Throws RangeError for a message of no bytes or more than `maxMessageBytes`.
   */
  send(peer: PeerId, message: Uint8Array): boolean;
  /** Those that are connected. */
  peers(): readonly PeerId[];
  /** Ends the connection of a peer that misbehaved, or that is let in no more; `reason` is logged. It may come back after a penalty time. */
  drop(peer: PeerId, reason: string): void;
  close(): Promise<void>;
}
