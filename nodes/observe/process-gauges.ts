/** What can be read off a running node, its process and its disk whenever somebody asks. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { PrometheusMetrics } from '../../adapters/metrics-prometheus/metrics.ts';
import type { SystemLog } from '../../adapters/system/log.ts';
import type { OtelTracing } from '../../adapters/tracing-otel/tracing.ts';
import type { Node } from '../../node-core/runtime/node.ts';
import type { NodeConfig } from '../config.ts';
import { VERSION } from '../version.ts';
import { DataFolder } from './data-folder.ts';

export interface Observed {
  readonly config: NodeConfig;
  readonly name: string;
  readonly log: SystemLog;
  readonly node: Node;
  readonly tracing: OtelTracing | undefined;
}

export function registerProcess(metrics: PrometheusMetrics, { config, name, log, node, tracing }: Observed): void {
  const build = { node: name, role: config.role, version: VERSION };
  metrics.gauge('brop_build_info', 'Always 1; the labels say what runs.', () => [{ labels: build, value: 1 }], [
    'node',
    'role',
    'version',
  ]);
  registerLoad(metrics, node);
  if (config.role === 'validator') {
    metrics.gauge('brop_signer_fallback', '1 while the standby key signs in place of the primary one; an alarm.', () =>
      node.isOnStandby === true ? 1 : 0,
    );
    metrics.gauge('brop_signing_stopped', '1 when this validator must not sign any more; an alarm.', () =>
      node.signingStopped === null ? 0 : 1,
    );
  }
  registerMachine(metrics);
  registerDisk(metrics, new DataFolder(config.dataFolder));
  metrics.counter('brop_log_suppressed_total', 'Log lines left out because they came too often.', () => log.suppressed);
  if (tracing === undefined) return;
  metrics.counter(
    'brop_trace_spans_total',
    'Spans that were sent, and those that were dropped.',
    () => [
      { labels: { outcome: 'sent' }, value: tracing.counts.sent },
      { labels: { outcome: 'dropped' }, value: tracing.counts.dropped },
    ],
    ['outcome'],
  );
}

function registerLoad(metrics: PrometheusMetrics, node: Node): void {
  metrics.gauge(
    'brop_inbox_messages',
    'Messages of peers that wait for their turn.',
    () => node.load.waiting + node.load.early,
  );
  metrics.counter(
    'brop_inbox_overflow_total',
    'Messages let go because their peer was over its bound.',
    () => node.load.overflow,
  );
  metrics.counter(
    'brop_garbage_total',
    'Connections that were ended because the peer sent garbage.',
    () => node.garbageMessages,
  );
  metrics.gauge('brop_kept_votes', 'Votes kept for the height being decided.', () => node.load.votes);
  metrics.gauge('brop_kept_proposals', 'Executed proposals kept for the height being decided.', () => node.load.blocks);
}

/** Often enough to see what holds up a vote; rarer than would cost anything. */
const LOOP_RESOLUTION_MS = 50;
const QUANTILES = [0.5, 0.99, 1];

function registerMachine(metrics: PrometheusMetrics): void {
  const startSeconds = Date.now() / 1_000 - process.uptime();
  metrics.gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  metrics.gauge('process_start_time_seconds', 'Start of the process, seconds since 1970 UTC.', () => startSeconds);
  metrics.counter('process_cpu_seconds_total', 'User and system time.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  delay.enable();
  metrics.gauge(
    'brop_event_loop_delay_seconds',
    'How late the event loop was since the last scrape.',
    () => {
      const late = (quantile: number) => Math.max(0, delay.percentile(quantile * 100) / 1e6 - LOOP_RESOLUTION_MS);
      const rows = QUANTILES.map((quantile) => ({
        labels: { quantile: String(quantile) },
        value: delay.count === 0 ? 0 : late(quantile) / 1_000,
      }));
      delay.reset();
      return rows;
    },
    ['quantile'],
  );
}

function registerDisk(metrics: PrometheusMetrics, folder: DataFolder): void {
  const part = ['part'];
  metrics.gauge(
    'brop_store_bytes',
    'Room that the data folder takes on disk, by part.',
    async () => {
      const { bytes } = await folder.look();
      return [...bytes].map(([name, value]) => ({ labels: { part: name }, value }));
    },
    part,
  );
  metrics.gauge('brop_sealed_segments', 'Sealed segments of blocks.', async () => (await folder.look()).segments);
  metrics.gauge('brop_snapshots', 'Snapshots of the state that are kept.', async () => (await folder.look()).snapshots);
  metrics.gauge('brop_disk_free_bytes', 'Room left on the volume of the data folder.', async () => {
    return (await folder.volume()).freeBytes;
  });
  metrics.gauge('brop_disk_size_bytes', 'Size of the volume of the data folder.', async () => {
    return (await folder.volume()).sizeBytes;
  });
}
