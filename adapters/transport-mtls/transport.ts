import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { PeerId, Transport, TransportHandler } from '../../node-core/ports/transport.ts';
import { Gate, QuietLog } from './gate.ts';
import { Link, type LinkContext } from './link.ts';
import { peerOf } from './peer-of.ts';
import { checkPeers, defaults, type MtlsTransportOptions, type TransportSettings } from './settings.ts';

export interface MtlsTransport extends Transport {
  /** The port that it listens on; undefined before `start` and without `listen`. */
  readonly port: number | undefined;
}

/**
 * Messages between nodes over TLS 1.3, where both sides show a certificate and only the fingerprint of its key counts.
 * docs and limits: README.md beside this file.
 *
 * @throws {TypeError} when `peers` is wrong; one line that names the field.
 */
export function mtlsTransport(options: MtlsTransportOptions): MtlsTransport {
  checkPeers(options);
  return new MtlsTransportDriver(options);
}

const TICKS_PER_HEARTBEAT = 2;
/** Peers that are let in at a time without being in the config. */
const MAX_GUESTS = 64;

class MtlsTransportDriver implements MtlsTransport {
  readonly #options: MtlsTransportOptions;
  readonly #settings: TransportSettings;
  readonly #secureContext: SecureContext;
  readonly #gate: Gate;
  readonly #quiet: QuietLog;
  readonly #links = new Map<PeerId, Link>();
  readonly #strangers = new Set<TLSSocket>();
  #server: Server | undefined;
  #linkContext: LinkContext | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #state: 'new' | 'started' | 'closed' = 'new';

  constructor(options: MtlsTransportOptions) {
    this.#options = options;
    this.#settings = { ...defaults, ...options };
    this.#gate = new Gate(this.#settings);
    this.#quiet = new QuietLog(options.log);
    this.#secureContext = createSecureContext({
      key: options.identity.key.export({ type: 'pkcs8', format: 'pem' }),
      cert: options.identity.cert,
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
    });
  }

  get port(): number | undefined {
    const address = this.#server?.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  async start(handler: TransportHandler): Promise<void> {
    if (this.#state !== 'new') throw new Error(`the transport has been ${this.#state} already`);
    this.#state = 'started';
    if (this.#options.listen !== undefined) await this.#listen(this.#options.listen);
    const context = this.#context(handler);
    this.#linkContext = context;
    for (const peer of this.#options.peers) this.#links.set(peer.id, new Link(peer, context));
    for (const link of this.#links.values()) link.start();
    this.#ticker = this.#startTicking();
  }

  #startTicking(): NodeJS.Timeout {
    const intervalMs = this.#settings.heartbeatMs / TICKS_PER_HEARTBEAT;
    let before = performance.now();
    return setInterval(() => {
      const now = performance.now();
      // After a pause of this process itself, what has arrived meanwhile must be read before anybody is called silent.
      const late = now - before > 2 * intervalMs;
      before = now;
      if (!late) for (const link of this.#links.values()) link.tick(now);
    }, intervalMs);
  }

  send(peer: PeerId, message: Uint8Array): boolean {
    if (message.length === 0 || message.length > this.#settings.maxMessageBytes) {
      throw new RangeError(`a message of ${message.length} bytes: 1 to ${this.#settings.maxMessageBytes} can be sent`);
    }
    return this.#links.get(peer)?.send(message) ?? false;
  }

  peers(): readonly PeerId[] {
    return [...this.#links.values()].filter((link) => link.live).map((link) => link.id);
  }

  drop(peer: PeerId, reason: string): void {
    this.#links.get(peer)?.drop(reason);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearInterval(this.#ticker);
    for (const link of this.#links.values()) link.close();
    for (const socket of this.#strangers) socket.destroy();
    const server = this.#server;
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #listen({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => this.#knock(socket));
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const reason = error.code === 'EADDRINUSE' ? 'another program is listening there' : error.message;
        this.#state = 'closed';
        reject(new Error(`cannot listen on ${host}:${port}: ${reason}`, { cause: error }));
      });
      server.listen(port, host, () => {
        server.removeAllListeners('error');
        // Such as too many open files while accepting: that connection is lost, the rest goes on.
        server.on('error', (error) => this.#quiet.warn('listener', 'listening failed', { reason: error.message }));
        this.#server = server;
        resolve();
      });
    });
  }

  /** A stranger, until it has shown a key that is pinned or let in. */
  #knock(raw: Socket): void {
    const address = raw.remoteAddress ?? 'unknown';
    raw.on('error', () => {});
    if (this.#state !== 'started') {
      raw.destroy();
      return;
    }
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext: this.#secureContext,
      requestCert: true,
      // The pin decides, not a certificate authority or a date.
      rejectUnauthorized: false,
    });
    this.#strangers.add(socket);
    let failure: string | null = 'closed before the handshake was complete';
    const leave = this.#gate.enter(address, () => {
      failure = 'too many that have not identified themselves';
      socket.destroy();
    });
    const timeoutMs = this.#settings.handshakeTimeoutMs;
    const timer = setTimeout(() => {
      failure = `handshake not complete after ${timeoutMs} ms`;
      socket.destroy();
    }, timeoutMs);
    const known = () => {
      clearTimeout(timer);
      leave();
      this.#strangers.delete(socket);
    };
    socket.on('error', (error) => {
      failure &&= error.message;
    });
    socket.once('close', () => {
      known();
      if (failure !== null) this.#quiet.warn(address, 'connection refused', { address, reason: failure });
    });
    socket.once('secure', () => {
      known();
      const peer = peerOf(socket);
      const link = peer === undefined ? undefined : this.#linkOf(peer);
      failure = link !== undefined ? null : peer === undefined ? 'no certificate' : `unknown key ${peer}`;
      if (link === undefined) socket.destroy();
      else link.inbound(socket);
    });
  }

  /** Of a peer of our own choice, or of one that is let in. */
  #linkOf(peer: PeerId): Link | undefined {
    const known = this.#links.get(peer);
    if (this.#options.peers.some(({ id }) => id === peer)) return known;
    if (this.#options.admits?.(peer) !== true || peer === this.#options.identity.peerId) return undefined;
    if (known !== undefined) return known;
    if (this.#links.size - this.#options.peers.length >= MAX_GUESTS && !this.#forgetGuest()) return undefined;
    const link = new Link({ id: peer }, this.#linkContext!);
    this.#links.set(peer, link);
    link.start();
    return link;
  }

  /** Makes room for another guest; false when all that are let in are connected. */
  #forgetGuest(): boolean {
    const pinned = new Set(this.#options.peers.map(({ id }) => id));
    const gone = [...this.#links.values()].find((link) => !pinned.has(link.id) && !link.live);
    if (gone === undefined) return false;
    gone.close();
    return this.#links.delete(gone.id);
  }

  #context(handler: TransportHandler): LinkContext {
    const { log, identity } = this.#options;
    const guarded = (name: string, peer: PeerId, call: () => void): void => {
      if (this.#state !== 'started') return;
      try {
        call();
      } catch (error) {
        log.error('a transport handler failed', { handler: name, peer, error });
      }
    };
    return {
      self: identity.peerId,
      settings: this.#settings,
      budget: { maxBytes: this.#settings.maxTotalQueuedBytes, usedBytes: 0 },
      isUrgent: this.#options.isUrgent ?? (() => false),
      secureContext: this.#secureContext,
      log,
      quiet: this.#quiet,
      connected: (peer) => guarded('connected', peer, () => handler.connected(peer)),
      disconnected: (peer) => guarded('disconnected', peer, () => handler.disconnected(peer)),
      received: (peer, message) => guarded('received', peer, () => handler.received(peer, message)),
    };
  }
}
