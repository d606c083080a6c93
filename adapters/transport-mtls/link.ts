import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import type { Log } from '../../node-core/ports/log.ts';
import type { PeerId } from '../../node-core/ports/transport.ts';
import { Connection } from './connection.ts';
import type { QuietLog } from './gate.ts';
import { peerOf } from './peer-of.ts';
import type { QueueBudget } from './send-queue.ts';
import type { PeerAddress, TransportSettings } from './settings.ts';

/** What the links of one transport share. */
export interface LinkContext {
  readonly self: PeerId;
  readonly settings: TransportSettings;
  readonly budget: QueueBudget;
  readonly isUrgent: (message: Uint8Array) => boolean;
  readonly secureContext: SecureContext;
  readonly log: Log;
  readonly quiet: QuietLog;
  connected(peer: PeerId): void;
  disconnected(peer: PeerId): void;
  received(peer: PeerId, message: Uint8Array): void;
}

/** A connection that has lived this long was a success, and the next dial comes at once. */
const STABLE_MS = 10_000;
const SIGN_OF_LIFE = new Uint8Array(0);

/**
 * The one live connection to a peer, whoever dials.
 *
 * The side that is dialled decides, and says so by a first, empty frame; only then is the connection live for the
 * side that dialled. Of a pair whose both sides dial, the dial of the lower PeerId wins:
 * - The higher side takes a dial of the lower at once, gives up its own, and replaces what it had: the lower dials
 *   only when it has nothing.
 * - The lower side lets a dial of the higher wait for `holdMs` while its own is under way or live: in a race the higher
 *   side gives it up by itself; if it does not, then our own is dead and we have not noticed yet. It takes it before
 *   that if its own fails; and at once if its own dial has not been answered at all, though the other side is there:
 *   that happens when a partition ends.
 */
export class Link {
  readonly id: PeerId;
  readonly #address: PeerAddress;
  readonly #context: LinkContext;
  #live: Connection | undefined;
  #held: Connection | undefined;
  #dialling: TLSSocket | undefined;
  /** On `#dialling`, once the pin is checked and until the other side accepts. */
  #dialled: Connection | undefined;
  #retry: NodeJS.Timeout | undefined;
  #hold: NodeJS.Timeout | undefined;
  /** In a row: connections that came to nothing, and dials that nobody answered. */
  #failures = 0;
  #unanswered = 0;
  #penaltyUntil = 0;
  #closed = false;

  constructor(address: PeerAddress, context: LinkContext) {
    this.id = address.id;
    this.#address = address;
    this.#context = context;
  }

  get live(): boolean {
    return this.#live !== undefined;
  }

  start(): void {
    if (this.#address.host !== undefined) this.#dial();
  }

  send(message: Uint8Array): boolean {
    return this.#live?.send(message, this.#context.isUrgent(message)) ?? false;
  }

  drop(reason: string): void {
    const { log, settings } = this.#context;
    log.warn('peer dropped', { peer: this.id, reason, penaltyMs: settings.penaltyMs });
    this.#penaltyUntil = performance.now() + settings.penaltyMs;
    this.#abandon(`dropped: ${reason}`);
    this.#redial();
  }

  tick(now: number): void {
    this.#live?.tick(now);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#abandon('closing');
  }

  /** A connection that the peer has dialled and on which it has shown the pinned key. */
  inbound(socket: TLSSocket): void {
    const { settings, self, log } = this.#context;
    if (this.#closed || performance.now() < this.#penaltyUntil) {
      log.debug('connection of a dropped peer refused', { peer: this.id });
      socket.destroy();
      return;
    }
    const connection = this.#connection(socket, false);
    const ours = self < this.id && (this.#dialling !== undefined || this.#live?.outbound === true);
    if (!ours || this.#dialling?.connecting === true) {
      this.#accept(connection);
      return;
    }
    this.#held?.close('replaced by a newer connection');
    this.#held = connection;
    clearTimeout(this.#hold);
    this.#hold = setTimeout(() => this.#acceptHeld(), settings.holdMs);
  }

  #connection(socket: TLSSocket, outbound: boolean): Connection {
    const connection: Connection = new Connection(socket, outbound, this.#context.settings, this.#context.budget, {
      frame: (frame) => this.#frame(connection, frame),
      closed: (reason) => this.#connectionClosed(connection, reason),
    });
    return connection;
  }

  #frame(connection: Connection, frame: Uint8Array): void {
    if (connection === this.#live) {
      if (frame.length > 0) this.#context.received(this.id, frame);
    } else if (connection === this.#dialled && frame.length === 0) {
      this.#dialling = undefined;
      this.#becomeLive(connection);
    } else if (frame.length > 0) connection.close('sent a message before the connection was accepted');
  }

  #accept(connection: Connection): void {
    connection.send(SIGN_OF_LIFE, true);
    this.#becomeLive(connection);
  }

  #acceptHeld(): void {
    const held = this.#held;
    this.#releaseHold();
    if (held !== undefined) this.#accept(held);
  }

  #releaseHold(): void {
    clearTimeout(this.#hold);
    this.#held = undefined;
  }

  #becomeLive(connection: Connection): void {
    const { log } = this.#context;
    const [held, dialling, before] = [this.#held, this.#dialling, this.#live];
    this.#releaseHold();
    this.#dialling = undefined;
    this.#dialled = undefined;
    this.#live = undefined;
    clearTimeout(this.#retry);
    if (held !== connection) held?.close('another connection is live');
    dialling?.destroy();
    if (before !== undefined) {
      before.close('replaced by a newer connection');
      this.#context.disconnected(this.id);
      if (performance.now() < this.#penaltyUntil) {
        connection.close('dropped meanwhile');
        return;
      }
    }
    this.#live = connection;
    this.#unanswered = 0;
    log.info('peer connected', { peer: this.id, remote: connection.remote, outbound: connection.outbound });
    this.#context.connected(this.id);
  }

  #connectionClosed(connection: Connection, reason: string): void {
    if (connection === this.#held) this.#releaseHold();
    if (connection !== this.#live) return;
    this.#live = undefined;
    this.#failures = performance.now() - connection.openedAt > STABLE_MS ? 0 : this.#failures + 1;
    if (this.#closed) return;
    this.#context.log.info('peer disconnected', { peer: this.id, remote: connection.remote, reason });
    this.#context.disconnected(this.id);
    // The handler may have dropped the peer, or the held connection may have taken over.
    if (this.#live !== undefined || this.#dialling !== undefined) return;
    if (this.#held !== undefined) this.#acceptHeld();
    else this.#redial();
  }

  #dial(): void {
    const { settings, secureContext } = this.#context;
    const socket = connect({
      host: this.#address.host!,
      port: this.#address.port!,
      secureContext,
      // The pin decides, not a certificate authority, a name or a date.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    this.#dialling = socket;
    let failure = 'closed before it was accepted';
    let isAnswered = false;
    const endAfter = (ms: number) =>
      setTimeout(() => {
        if (this.#dialling !== socket) return;
        failure = `no connection after ${ms} ms`;
        socket.destroy();
      }, ms);
    let timer = endAfter(settings.connectTimeoutMs);
    socket.once('connect', () => {
      isAnswered = true;
      clearTimeout(timer);
      timer = endAfter(settings.handshakeTimeoutMs);
    });
    socket.once('secureConnect', () => {
      const found = peerOf(socket);
      if (found === this.id) this.#dialled = this.#connection(socket, true);
      else {
        failure = `the node there has another key: ${found ?? 'none'}`;
        socket.destroy();
      }
    });
    socket.on('error', (error) => {
      failure = error.message || (error as NodeJS.ErrnoException).code || failure;
    });
    socket.once('close', () => {
      clearTimeout(timer);
      if (this.#dialling === socket) this.#dialFailed(failure, isAnswered);
    });
  }

  #dialFailed(reason: string, isAnswered: boolean): void {
    const { host, port } = this.#address;
    this.#dialling = undefined;
    this.#dialled = undefined;
    if (isAnswered) this.#failures++;
    this.#unanswered = isAnswered ? 0 : this.#unanswered + 1;
    if (this.#closed) return;
    this.#context.quiet.warn(`dial ${this.id}`, 'cannot connect to peer, trying on', {
      peer: this.id,
      host,
      port,
      reason,
    });
    if (this.#held !== undefined) this.#acceptHeld();
    else this.#redial();
  }

  /** Doubling from the least to the greatest delay, a random half of it taken off, so that nodes do not dial in step. */
  #redial(): void {
    const { reconnectMinMs, reconnectMaxMs, unreachableMaxMs } = this.#context.settings;
    if (this.#closed || this.#address.host === undefined) return;
    const [most, times] =
      this.#unanswered > 0 ? [unreachableMaxMs, this.#unanswered] : [reconnectMaxMs, this.#failures];
    const delay = Math.min(most, reconnectMinMs * 2 ** times) * (0.5 + Math.random() / 2);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(
      () => {
        if (this.#live === undefined && this.#dialling === undefined) this.#dial();
      },
      Math.max(delay, this.#penaltyUntil - performance.now()),
    );
  }

  /** Ends everything there is, and tells the handler if that was a live connection. */
  #abandon(reason: string): void {
    const [live, held, dialling] = [this.#live, this.#held, this.#dialling];
    this.#releaseHold();
    this.#live = undefined;
    this.#dialling = undefined;
    this.#dialled = undefined;
    held?.close(reason);
    dialling?.destroy();
    live?.close(reason);
    if (live !== undefined && !this.#closed) this.#context.disconnected(this.id);
  }
}
