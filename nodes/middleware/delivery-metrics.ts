/** What a node shows of its webhooks when it is scraped. */
import type { PrometheusMetrics, Reading } from '../../adapters/metrics-prometheus/metrics.ts';
import type { Dispatcher } from '../../node-core/middleware/delivery/dispatcher.ts';
import { OUTCOMES } from '../../node-core/middleware/delivery/tally.ts';

export function registerDelivery(metrics: PrometheusMetrics, dispatcher: Dispatcher): void {
  metrics.counter(
    'brop_webhook_attempts_total',
    'Attempts to deliver a webhook, by what came of them.',
    () => OUTCOMES.map((outcome): Reading => ({ labels: { outcome }, value: dispatcher.attempted[outcome] })),
    ['outcome'],
  );
  metrics.gauge(
    'brop_webhook_subscriptions',
    'Subscriptions, by how they are: disabled, failing, behind with something undelivered, or idle.',
    () => Object.entries(dispatcher.standing).map(([state, value]): Reading => ({ labels: { state }, value })),
    ['state'],
  );
  metrics.gauge(
    'brop_webhook_matched_height',
    'Up to which block whoever wants its events has been found.',
    () => dispatcher.matchedHeight,
  );
  metrics.gauge('brop_webhook_store_failing', '1 while the progress of deliveries cannot be written: they wait.', () =>
    dispatcher.isWaiting ? 1 : 0,
  );
}
