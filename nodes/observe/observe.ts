/** Metrics and traces of a node in this process: loaded when the config asks for them, nothing at all otherwise. */
import type { PrometheusMetrics } from '../../adapters/metrics-prometheus/metrics.ts';
import type { SystemLog } from '../../adapters/system/log.ts';
import type { OtelTracing } from '../../adapters/tracing-otel/tracing.ts';
import type { SignatureVerifier } from '../../node-core/ports/signature-verifier.ts';
import type { Transport } from '../../node-core/ports/transport.ts';
import type { VoteRecord } from '../../node-core/ports/vote-record.ts';
import type { Node } from '../../node-core/runtime/node.ts';
import type { NodeConfig } from '../config.ts';
import { type NodeIndex, registerIndex } from '../middleware/node-index.ts';
import { VERSION } from '../version.ts';

/** What a node process tells of itself, and the ports through which it can see what it tells. */
export interface Observation {
  /** Undefined when nobody can ask for them. */
  readonly metrics: PrometheusMetrics | undefined;
  readonly tracing: OtelTracing | undefined;
  verifier(behind: SignatureVerifier): SignatureVerifier;
  transport(behind: Transport): Transport;
  voteRecord(behind: VoteRecord): VoteRecord;
  /** Serves what the config asks for. @throws {BropError} PORT_IN_USE or CONFIG_INVALID */
  serve(node: Node, index: NodeIndex | undefined): Promise<void>;
  /** Where metrics are served besides the API; null when nowhere. */
  readonly metricsUrl: string | null;
  close(): Promise<void>;
}

export async function observe(config: NodeConfig, name: string, log: SystemLog): Promise<Observation> {
  const tracing = config.tracing === undefined ? undefined : await startTracing(config, name, log);
  const wanted = config.metrics !== undefined || config.api !== undefined;
  const kit = wanted ? await import('./metering.ts') : undefined;
  const metrics = kit?.prometheusMetrics();
  let server: { readonly url: string; close(): Promise<void> } | undefined;
  return {
    metrics,
    tracing,
    verifier: (behind) => (metrics === undefined ? behind : kit!.measuredVerifier(behind, metrics)),
    transport: (behind) => (metrics === undefined ? behind : kit!.measuredTransport(behind, metrics)),
    voteRecord: (behind) => (metrics === undefined ? behind : kit!.measuredVoteRecord(behind, metrics)),
    serve: async (node, index) => {
      if (metrics === undefined) return;
      kit!.registerProcess(metrics, { config, name, log, node, tracing });
      if (index !== undefined) registerIndex(metrics, index);
      if (config.api === undefined) kit!.registerChain(metrics, node);
      if (config.metrics === undefined) return;
      const { serveMetrics } = await import('./serve-metrics.ts');
      server = await serveMetrics(config.metrics, metrics.registry, () => kit!.healthOfNode(node));
    },
    get metricsUrl() {
      return server?.url ?? null;
    },
    close: async () => {
      await Promise.all([server?.close(), tracing?.close()]);
    },
  };
}

async function startTracing(config: NodeConfig, name: string, log: SystemLog): Promise<OtelTracing> {
  const { otelTracing } = await import('../../adapters/tracing-otel/tracing.ts');
  const reporter = { instance: name, version: VERSION, attributes: { 'brop.role': config.role } };
  return otelTracing({ ...config.tracing!, reporter, log });
}
