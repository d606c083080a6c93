/**
 * Ports that measure what goes through them: each does what the one behind it does, and nothing else. Only numbers are
 * kept; they become metrics when somebody scrapes.
 */
import type { Metrics } from '../../node-core/ports/metrics.ts';
import type { SignatureVerifier } from '../../node-core/ports/signature-verifier.ts';
import type { PeerId, Transport } from '../../node-core/ports/transport.ts';
import type { VoteRecord } from '../../node-core/ports/vote-record.ts';
import type { PrometheusMetrics } from './metrics.ts';

/** Peers whose traffic is shown one by one; that of further ones is shown together. */
const MAX_PEERS_SHOWN = 64;
/** Of a peer's fingerprint: enough to tell 64 apart, short enough for a legend. */
const PEER_DIGITS = 12;
const OTHERS = 'others';

export function measuredVoteRecord(record: VoteRecord, metrics: Metrics): VoteRecord {
  return {
    open: () => record.open(),
    read: () => record.read(),
    compareAndSwap: async (expected, bytes) => {
      const start = performance.now();
      try {
        return await record.compareAndSwap(expected, bytes);
      } finally {
        metrics.observe('brop_vote_record_write_seconds', null, performance.now() - start);
      }
    },
    close: () => record.close(),
  };
}

export function measuredVerifier(verifier: SignatureVerifier, metrics: PrometheusMetrics): SignatureVerifier {
  let waiting = 0;
  let checked = 0;
  metrics.gauge('brop_signatures_waiting', 'Signatures that wait for a worker or are with one.', () => waiting);
  metrics.counter('brop_signatures_checked_total', 'Signatures that were checked.', () => checked);
  return {
    verify: async (checks, urgent) => {
      const start = performance.now();
      waiting += checks.length;
      try {
        const results = await verifier.verify(checks, urgent);
        checked += checks.length;
        return results;
      } finally {
        waiting -= checks.length;
        metrics.observe('brop_signature_check_seconds', null, performance.now() - start);
      }
    },
    close: () => verifier.close(),
  };
}

type Direction = 'in' | 'out';

interface Traffic {
  readonly bytes: Record<Direction, number>;
  readonly messages: Record<Direction, number>;
}

export function measuredTransport(transport: Transport, metrics: PrometheusMetrics): Transport {
  const traffic = new Map<string, Traffic>();
  let unsent = 0;
  let drops = 0;
  const of = (peer: PeerId): Traffic => {
    const short = peer.slice(0, PEER_DIGITS);
    const name = traffic.has(short) || traffic.size < MAX_PEERS_SHOWN ? short : OTHERS;
    const known = traffic.get(name) ?? { bytes: { in: 0, out: 0 }, messages: { in: 0, out: 0 } };
    traffic.set(name, known);
    return known;
  };
  const count = (peer: PeerId, direction: Direction, sizeBytes: number) => {
    const { bytes, messages } = of(peer);
    bytes[direction] += sizeBytes;
    messages[direction] += 1;
  };
  const rows = (what: keyof Traffic) =>
    [...traffic].flatMap(([peer, counted]) =>
      (['in', 'out'] as const).map((direction) => ({ labels: { peer, direction }, value: counted[what][direction] })),
    );
  const labels = ['peer', 'direction'];
  metrics.counter('brop_peer_bytes_total', 'Bytes of messages, by peer and direction.', () => rows('bytes'), labels);
  metrics.counter('brop_peer_messages_total', 'Messages, by peer and direction.', () => rows('messages'), labels);
  metrics.counter('brop_peer_unsent_total', 'Messages that a full queue or no connection kept back.', () => unsent);
  metrics.counter('brop_peer_drops_total', 'Connections that were ended because the peer misbehaved.', () => drops);
  return {
    start: (handler) =>
      transport.start({
        connected: (peer) => handler.connected(peer),
        disconnected: (peer) => handler.disconnected(peer),
        received: (peer, message) => {
          count(peer, 'in', message.length);
          handler.received(peer, message);
        },
      }),
    send: (peer, message) => {
      const isSent = transport.send(peer, message);
      if (isSent) count(peer, 'out', message.length);
      else unsent += 1;
      return isSent;
    },
    peers: () => transport.peers(),
    drop: (peer, reason) => {
      drops += 1;
      transport.drop(peer, reason);
    },
    close: () => transport.close(),
  };
}
