/** Lambda: a subscription for which there is something to do → requests to its endpoint. */
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { CLIENT_SETTINGS } from '../../adapters/aws/client-settings.ts';
import { opensslCrypto } from '../../adapters/crypto-native/openssl.ts';
import { Table } from '../../adapters/dynamodb/table.ts';
import { LedgerFeed } from '../../adapters/ledger-dynamodb/ledger-feed.ts';
import { LedgerReader } from '../../adapters/ledger-dynamodb/ledger-reader.ts';
import { sqsOutbox } from '../../adapters/outbox-sqs/outbox-sqs.ts';
import { dynamoDbAuditLog } from '../../adapters/service-dynamodb/audit-log.ts';
import { DynamoDbSubscriptionStore } from '../../adapters/subscriptions-dynamodb/subscriptions-dynamodb.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { systemRandom } from '../../adapters/system/random.ts';
import { TIME_LIMIT_MS, webhookHttp } from '../../adapters/webhook-http/webhook-http.ts';
import { tellingOwner } from '../../node-core/middleware/delivery/owner-notice.ts';
import { Pinger } from '../../node-core/middleware/delivery/pinger.ts';
import { outcomeOf } from '../../node-core/middleware/delivery/tally.ts';
import { Worker } from '../../node-core/middleware/delivery/worker.ts';
import { EventLog } from '../../node-core/middleware/events/event-log.ts';
import { environment, once } from '../shared/environment.ts';
import { log, metrics, tracer } from '../shared/observe.ts';
import { proxySecrets } from '../shared/secrets.ts';
import { webhooksHandler } from './handler.ts';

const open = once(async () => {
  const dynamodb = tracer.captureAWSv3Client(new DynamoDBClient(CLIENT_SETTINGS));
  const sqs = tracer.captureAWSv3Client(new SQSClient(CLIENT_SETTINGS));
  const { webhookMaster: master } = await proxySecrets(environment('BROP_SECRET_ID'));
  const reader = await LedgerReader.open(opensslCrypto, dynamodb, environment('BROP_LEDGER_TABLE'));
  const feed = await LedgerFeed.open(reader);
  const store = new DynamoDbSubscriptionStore(dynamodb, environment('BROP_SERVICE_TABLE'));
  const outbox = sqsOutbox(sqs, environment('BROP_WEBHOOK_QUEUE_URL'));
  const transport = webhookHttp({ loopback: process.env.BROP_WEBHOOK_LOOPBACK === '1' });
  const common = { store, master, transport, clock: systemClock };
  const pinger = new Pinger({ ...common, outbox });
  const audit = dynamoDbAuditLog(new Table(dynamodb, environment('BROP_SERVICE_TABLE')), log);
  const tell = tellingOwner({ store, outbox, audit, random: systemRandom, clock: systemClock });
  const worker = new Worker({
    ...{ ...common, log, random: systemRandom, receipts: reader },
    events: new EventLog(opensslCrypto, reader.genesis.hash, feed),
    attemptMs: TIME_LIMIT_MS,
    attempted: (attempt) => metrics.addMetric(`WebhookAttempts_${outcomeOf(attempt)}`, MetricUnit.Count, 1),
    refresh: () => feed.refresh(),
    tellOwner: async (subscription, reason) => {
      await tell(subscription, reason);
      await audit.flush();
    },
  });
  return { worker, pinger, store, outbox, clock: systemClock };
});

export const handler = webhooksHandler(open);
