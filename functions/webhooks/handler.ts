/** Messages that name a subscription, and a timer, as calls of the worker that delivers. */
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Worker } from '../../node-core/middleware/delivery/worker.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { Outbox } from '../../node-core/ports/outbox.ts';
import type { SharedSubscriptionStore } from '../../node-core/ports/shared-subscription-store.ts';
import { log, logger, metrics } from '../shared/observe.ts';

/** By a timer, each minute: what no message has come for. */
export interface Sweep {
  readonly sweep: true;
}

export interface Webhooks {
  readonly worker: Pick<Worker, 'run'>;
  readonly store: Pick<SharedSubscriptionStore, 'due'>;
  readonly outbox: Outbox;
  readonly clock: Clock;
}

/** So long before the platform ends an invocation everything has been written. */
const MARGIN_MS = 5_000;
/** The longest that a queue keeps a message back; what is due later the sweep finds. */
const MAX_DELAY_MS = 900_000;

export function webhooksHandler(open: () => Promise<Webhooks>) {
  return async (event: SQSEvent | Sweep, context: Context): Promise<SQSBatchResponse> => {
    logger.addContext(context);
    metrics.captureColdStartMetric();
    try {
      const webhooks = await open();
      if ('sweep' in event) {
        await sweep(webhooks);
        return { batchItemFailures: [] };
      }
      metrics.addMetric('WebhookMessages', MetricUnit.Count, event.Records.length);
      // One endpoint that hangs keeps none of the others in the batch waiting, and fails none of them.
      return await processPartialResponse(
        event,
        (record: SQSRecord) => deliver(webhooks, subscriptionOf(record), context),
        new BatchProcessor(EventType.SQS),
        { context, throwOnFullBatchFailure: false },
      );
    } finally {
      metrics.publishStoredMetrics();
    }
  };
}

async function sweep({ store, outbox, clock }: Webhooks): Promise<void> {
  const due = await store.due(clock.now());
  metrics.addMetric('WebhooksDue', MetricUnit.Count, due.length);
  await outbox.wake(due, 0);
}

async function deliver({ worker, outbox, clock }: Webhooks, id: string, context: Context): Promise<void> {
  try {
    const again = await worker.run(id, clock.now() + context.getRemainingTimeInMillis() - MARGIN_MS);
    if (again === null) return;
    const delayMs = Math.max(0, again - clock.now());
    if (delayMs <= MAX_DELAY_MS) await outbox.wake([id], Math.ceil(delayMs / 1_000));
  } catch (error) {
    metrics.addMetric('WebhookFailures', MetricUnit.Count, 1);
    log.error('deliveries to a subscription are tried again', { subscription: id, error: String(error) });
    throw error;
  }
}

/** @throws {Error} for a message that is not ours: it ends in the dead-letter queue. */
function subscriptionOf({ body }: SQSRecord): string {
  const message: unknown = JSON.parse(body);
  const id = typeof message === 'object' && message !== null && 'subscription' in message && message.subscription;
  if (typeof id !== 'string') throw new Error('a message that names no subscription');
  return id;
}
