/** Lambda: the stream of the ledger table → index → subscriptions that want to be told. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { CLIENT_SETTINGS } from '../../adapters/aws/client-settings.ts';
import { opensslCrypto } from '../../adapters/crypto-native/openssl.ts';
import { DynamoDbIndexStore } from '../../adapters/index-dynamodb/index-dynamodb.ts';
import { LedgerFeed } from '../../adapters/ledger-dynamodb/ledger-feed.ts';
import { LedgerReader } from '../../adapters/ledger-dynamodb/ledger-reader.ts';
import { sqsOutbox } from '../../adapters/outbox-sqs/outbox-sqs.ts';
import { DynamoDbSubscriptionStore } from '../../adapters/subscriptions-dynamodb/subscriptions-dynamodb.ts';
import { notify } from '../../node-core/middleware/delivery/notify.ts';
import { EventLog } from '../../node-core/middleware/events/event-log.ts';
import { environment, once } from '../shared/environment.ts';
import { log, tracer } from '../shared/observe.ts';
import { ChainIndex } from './chain-index.ts';
import { indexerHandler } from './handler.ts';

const open = once(async () => {
  const dynamodb = tracer.captureAWSv3Client(new DynamoDBClient(CLIENT_SETTINGS));
  const sqs = tracer.captureAWSv3Client(new SQSClient(CLIENT_SETTINGS));
  const reader = await LedgerReader.open(opensslCrypto, dynamodb, environment('BROP_LEDGER_TABLE'));
  const feed = await LedgerFeed.open(reader);
  const store = new DynamoDbIndexStore(dynamodb, environment('BROP_INDEX_TABLE'));
  const subscribed = {
    store: new DynamoDbSubscriptionStore(dynamodb, environment('BROP_SERVICE_TABLE')),
    events: new EventLog(opensslCrypto, reader.genesis.hash, feed),
    outbox: sqsOutbox(sqs, environment('BROP_WEBHOOK_QUEUE_URL')),
  };
  return new ChainIndex({
    ...{ crypto: opensslCrypto, genesis: reader.genesis, feed, store, log },
    notify: (signal) => notify({ ...subscribed, signal }),
  });
});

export const handler = indexerHandler(open);
