/** Everything that a node with metrics loads and one without does not. */
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import type { PrometheusMetrics } from '../../adapters/metrics-prometheus/metrics.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { registerChainGauges } from '../../api/chain-gauges.ts';
import { type Health, healthOf } from '../../api/health.ts';
import type { Node } from '../../node-core/runtime/node.ts';
import { Queries } from '../../node-core/runtime/queries.ts';

export { measuredTransport, measuredVerifier, measuredVoteRecord } from '../../adapters/metrics-prometheus/meters.ts';
export { prometheusMetrics } from '../../adapters/metrics-prometheus/metrics.ts';
export { registerProcess } from './process-gauges.ts';

/** What the API shows of the chain, in a node without one. */
export function registerChain(metrics: PrometheusMetrics, node: Node): void {
  registerChainGauges(metrics.registry, new Queries(nativeCrypto, systemClock, node), systemClock);
}

/** Whether the node is up to date. */
export async function healthOfNode(node: Node): Promise<Health> {
  return healthOf(await new Queries(nativeCrypto, systemClock, node).status(), systemClock.now());
}
