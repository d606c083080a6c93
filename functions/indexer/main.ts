/** Lambda: the stream of the ledger table → index → subscriptions that want to be told. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { opensslCrypto } from '../../adapters/crypto-native/openssl.ts';
import { DynamoDbIndexStore } from '../../adapters/index-dynamodb/index-dynamodb.ts';
import { LedgerFeed } from '../../adapters/ledger-dynamodb/ledger-feed.ts';
import { LedgerReader } from '../../adapters/ledger-dynamodb/ledger-reader.ts';
import { environment, once } from '../shared/environment.ts';
import { log, tracer } from '../shared/observe.ts';
import { ChainIndex } from './chain-index.ts';
import { indexerHandler } from './handler.ts';

const open = once(async () => {
  const dynamodb = tracer.captureAWSv3Client(new DynamoDBClient({}));
  const reader = await LedgerReader.open(opensslCrypto, dynamodb, environment('BROP_LEDGER_TABLE'));
  const feed = await LedgerFeed.open(reader);
  const store = new DynamoDbIndexStore(dynamodb, environment('BROP_INDEX_TABLE'));
  const notify = async () => feed.height;
  return new ChainIndex({ crypto: opensslCrypto, genesis: reader.genesis, feed, store, notify, log });
});

export const handler = indexerHandler(open);
