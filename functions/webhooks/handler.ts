/** Messages that name a subscription, and a timer, as calls of the worker that delivers. */
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Pinger } from '../../node-core/middleware/delivery/pinger.ts';
import type { Worker } from '../../node-core/middleware/delivery/worker.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { DisabledEndpoint, Outbox } from '../../node-core/ports/outbox.ts';
import type { SharedSubscriptionStore } from '../../node-core/ports/shared-subscription-store.ts';
import { log, logger, metrics } from '../shared/observe.ts';

/** By a timer, each minute: what no message has come for. */
export interface Sweep {
  readonly sweep: true;
}

export interface Webhooks {
  readonly worker: Pick<Worker, 'run'>;
  readonly pinger: Pick<Pinger, 'send'>;
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
        (record: SQSRecord) => deliver(webhooks, messageOf(record), context),
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

async function deliver(
  { worker, pinger, outbox, clock }: Webhooks,
  { id, ping, about }: Message,
  context: Context,
): Promise<void> {
  try {
    if (ping !== null) return await pinger.send(id, ping, about);
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

interface Message {
  /** Of a subscription. */
  readonly id: string;
  /** Of the test message that its owner wants sent; null: what is due. */
  readonly ping: string | null;
  /** What it says instead of being a test. */
  readonly about?: DisabledEndpoint;
}

/** @throws {Error} for a message that is not ours: it ends in the dead-letter queue. */
function messageOf({ body }: SQSRecord): Message {
  const message = (JSON.parse(body) ?? {}) as Partial<Record<keyof Message | 'subscription', unknown>>;
  const { subscription: id, ping = null, about } = message;
  if (typeof id !== 'string' || (ping !== null && typeof ping !== 'string'))
    throw new Error('a message that names no subscription');
  return { id, ping, ...(typeof about === 'object' && about !== null && { about: about as DisabledEndpoint }) };
}
