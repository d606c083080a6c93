import { describe, expect, it } from 'vitest';
import type { SignatureVerifier } from '../../node-core/ports/signature-verifier.ts';
import type { Transport, TransportHandler } from '../../node-core/ports/transport.ts';
import type { VoteRecord } from '../../node-core/ports/vote-record.ts';
import { measuredTransport, measuredVerifier, measuredVoteRecord } from './meters.ts';
import { type PrometheusMetrics, prometheusMetrics } from './metrics.ts';

async function linesOf({ registry }: PrometheusMetrics, name: string): Promise<string[]> {
  const text = await registry.metrics();
  return text.split('\n').filter((line) => line.startsWith(name));
}

describe('metrics', () => {
  it('count with and without a label, and show known labels from the start at 0', async () => {
    const metrics = prometheusMetrics();
    metrics.count('brop_transactions_total', 'applied', 3);
    metrics.count('brop_transactions_total', 'applied');
    metrics.count('brop_rounds_total', null);
    metrics.count('brop_transactions_refused_total', 'QUOTA_SHORT');
    expect(await linesOf(metrics, 'brop_transactions_total')).toEqual([
      'brop_transactions_total{result="applied"} 4',
      'brop_transactions_total{result="rejected"} 0',
    ]);
    expect(await linesOf(metrics, 'brop_rounds_total')).toEqual(['brop_rounds_total 1']);
    expect(await linesOf(metrics, 'brop_transactions_refused_total')).toEqual([
      'brop_transactions_refused_total{code="QUOTA_SHORT"} 1',
    ]);
  });

  it('take durations in ms and show seconds; a clock that was set back counts as nothing', async () => {
    const metrics = prometheusMetrics();
    metrics.observe('brop_commit_seconds', null, 1_500);
    metrics.observe('brop_commit_seconds', null, -40);
    expect(await linesOf(metrics, 'brop_commit_seconds_sum')).toEqual(['brop_commit_seconds_sum 1.5']);
    expect(await linesOf(metrics, 'brop_commit_seconds_count')).toEqual(['brop_commit_seconds_count 2']);
    expect(await linesOf(metrics, 'brop_execution_seconds_count')).toEqual([
      'brop_execution_seconds_count{kind="build"} 0',
      'brop_execution_seconds_count{kind="judge"} 0',
    ]);
  });

  it('read gauges and foreign counters when they are scraped; rows that are gone disappear', async () => {
    const metrics = prometheusMetrics();
    let rows = [{ labels: { part: 'a' }, value: 1 }];
    let total = 5;
    metrics.gauge('g', 'x', () => rows, ['part']);
    metrics.counter('c', 'x', async () => total);
    expect(await linesOf(metrics, 'g')).toEqual(['g{part="a"} 1']);
    expect(await linesOf(metrics, 'c ')).toEqual(['c 5']);
    rows = [{ labels: { part: 'b' }, value: 2 }];
    total = 7;
    expect(await linesOf(metrics, 'g')).toEqual(['g{part="b"} 2']);
    expect(await linesOf(metrics, 'c ')).toEqual(['c 7']);
  });
});

describe('ports that measure', () => {
  it('a transport does what the one behind it does, and counts bytes by peer and direction', async () => {
    const metrics = prometheusMetrics();
    const seen: string[] = [];
    let inner: TransportHandler | undefined;
    const behind: Transport = {
      start: async (handler) => {
        inner = handler;
      },
      send: (peer) => peer !== 'gone',
      peers: () => ['a', 'b'],
      drop: (peer, reason) => void seen.push(`drop ${peer} ${reason}`),
      close: async () => void seen.push('close'),
    };
    const transport = measuredTransport(behind, metrics);
    await transport.start({
      connected: (peer) => void seen.push(`connected ${peer}`),
      disconnected: (peer) => void seen.push(`disconnected ${peer}`),
      received: (peer, message) => void seen.push(`received ${peer} ${message.length}`),
    });
    inner!.connected('a');
    inner!.received('a', new Uint8Array(10));
    inner!.disconnected('a');
    expect([transport.send('a', new Uint8Array(7)), transport.send('gone', new Uint8Array(9))]).toEqual([true, false]);
    transport.drop('a', 'why');
    expect(transport.peers()).toEqual(['a', 'b']);
    await transport.close();
    expect(seen).toEqual(['connected a', 'received a 10', 'disconnected a', 'drop a why', 'close']);
    expect(await linesOf(metrics, 'brop_peer_bytes_total')).toEqual([
      'brop_peer_bytes_total{peer="a",direction="in"} 10',
      'brop_peer_bytes_total{peer="a",direction="out"} 7',
    ]);
    expect(await linesOf(metrics, 'brop_peer_unsent_total')).toEqual(['brop_peer_unsent_total 1']);
    expect(await linesOf(metrics, 'brop_peer_drops_total')).toEqual(['brop_peer_drops_total 1']);
  });

  it('a transport shows 64 peers and the rest together, however many come and go', async () => {
    const metrics = prometheusMetrics();
    const none = { start: async () => {}, send: () => true, peers: () => [], drop: () => {}, close: async () => {} };
    const transport = measuredTransport(none, metrics);
    for (let i = 0; i < 1_000; i++) transport.send(`peer-${String(i).padStart(6, '0')}`, new Uint8Array(1));
    const lines = (await linesOf(metrics, 'brop_peer_bytes_total')).filter((line) => line.includes('"out"'));
    expect(lines).toHaveLength(65);
    expect(lines.at(-1)).toBe('brop_peer_bytes_total{peer="others",direction="out"} 936');
  });

  it('a verifier counts what waits and what was checked, also when the one behind refuses', async () => {
    const metrics = prometheusMetrics();
    const calls: {
      readonly resolve: (results: readonly boolean[]) => void;
      readonly reject: (error: Error) => void;
    }[] = [];
    const behind: SignatureVerifier = {
      verify: () => new Promise((resolve, reject) => calls.push({ resolve, reject })),
      close: async () => {},
    };
    const verifier = measuredVerifier(behind, metrics);
    const checks = Array.from({ length: 3 }, () => ({}) as never);
    const [first, second] = [verifier.verify(checks), verifier.verify(checks)];
    expect(await linesOf(metrics, 'brop_signatures_waiting')).toEqual(['brop_signatures_waiting 6']);
    calls[0]!.resolve([true, false, true]);
    calls[1]!.reject(new Error('overloaded'));
    expect(await first).toEqual([true, false, true]);
    await expect(second).rejects.toThrow('overloaded');
    expect(await linesOf(metrics, 'brop_signatures_waiting')).toEqual(['brop_signatures_waiting 0']);
    expect(await linesOf(metrics, 'brop_signatures_checked_total')).toEqual(['brop_signatures_checked_total 3']);
    expect(await linesOf(metrics, 'brop_signature_check_seconds_count')).toEqual([
      'brop_signature_check_seconds_count 2',
    ]);
  });

  it('a vote record passes everything on, failures too, and times the writes', async () => {
    const metrics = prometheusMetrics();
    const position = { epoch: 1, version: 0 };
    const outcomes = [async () => 'lost' as const, () => Promise.reject(new Error('io'))];
    const behind: VoteRecord = {
      open: async () => ({ position, bytes: null }),
      read: async () => ({ position, bytes: Uint8Array.of(1) }),
      compareAndSwap: () => outcomes.shift()!(),
      close: async () => {},
    };
    const record = measuredVoteRecord(behind, metrics);
    expect(await record.open()).toEqual({ position, bytes: null });
    expect((await record.read()).bytes).toEqual(Uint8Array.of(1));
    expect(await record.compareAndSwap(position, Uint8Array.of(2))).toBe('lost');
    await expect(record.compareAndSwap(position, Uint8Array.of(2))).rejects.toThrow('io');
    expect(await linesOf(metrics, 'brop_vote_record_write_seconds_count')).toEqual([
      'brop_vote_record_write_seconds_count 2',
    ]);
  });
});
