/** What owners do to subscriptions to which the function `webhooks` delivers. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { sqsOutbox } from '../../adapters/outbox-sqs/outbox-sqs.ts';
import { DynamoDbSubscriptionStore } from '../../adapters/subscriptions-dynamodb/subscriptions-dynamodb.ts';
import { webhookHttp } from '../../adapters/webhook-http/webhook-http.ts';
import { SharedDeliveries } from '../../node-core/middleware/delivery/shared-deliveries.ts';
import { Subscriptions } from '../../node-core/middleware/delivery/subscriptions.ts';
import type { EventLog } from '../../node-core/middleware/events/event-log.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { Random } from '../../node-core/ports/random.ts';
import type { SubscriptionAccess } from '../../node-core/ports/subscription-access.ts';

export interface SubscriptionsOptions {
  readonly dynamodb: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly serviceTable: string;
  readonly queueUrl: string;
  /** Whose height is looked up for each request. */
  readonly events: EventLog;
  readonly master: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  /** Lets http and this machine through: for tests alone. */
  readonly loopback?: boolean;
}

export function openSubscriptions(options: SubscriptionsOptions): SubscriptionAccess {
  const { dynamodb, sqs, serviceTable, queueUrl, loopback = false, events, master, clock, random } = options;
  const common = { events, clock, random };
  const store = new DynamoDbSubscriptionStore(dynamodb, serviceTable);
  const deliveries = new SharedDeliveries({ ...common, store, outbox: sqsOutbox(sqs, queueUrl) });
  // Its URLs are judged here; requests to them are the business of the function `webhooks`, which alone has a way out.
  return new Subscriptions({ ...common, master, transport: webhookHttp({ loopback }), deliveries });
}
