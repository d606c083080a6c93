/** The HTTP API over the tables of a proxy. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { opensslCrypto } from '../../adapters/crypto-native/openssl.ts';
import { Table } from '../../adapters/dynamodb/table.ts';
import { DynamoDbIndexStore } from '../../adapters/index-dynamodb/index-dynamodb.ts';
import { LedgerFeed } from '../../adapters/ledger-dynamodb/ledger-feed.ts';
import { LedgerReader } from '../../adapters/ledger-dynamodb/ledger-reader.ts';
import { dynamoDbAuditLog } from '../../adapters/service-dynamodb/audit-log.ts';
import { dynamoDbSingleUse } from '../../adapters/service-dynamodb/single-use.ts';
import { dynamoDbTokenKeys } from '../../adapters/service-dynamodb/token-keys.ts';
import { createApi } from '../../api/app.ts';
import type { ApiLimits } from '../../api/limits.ts';
import type { Genesis } from '../../node-core/chain/genesis.ts';
import { EventLog } from '../../node-core/middleware/events/event-log.ts';
import { indexIdentity } from '../../node-core/middleware/index/indexer.ts';
import { type RecordSearch, runQuery } from '../../node-core/middleware/query/query.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { Hosting } from '../../node-core/ports/hosting.ts';
import type { Log } from '../../node-core/ports/log.ts';
import type { SubscriptionAccess } from '../../node-core/ports/subscription-access.ts';
import { cloudChain } from './cloud-chain.ts';
import type { Served } from './gateway.ts';
import type { Upstream } from './upstream.ts';

export interface ProxyApiParts {
  readonly dynamodb: DynamoDBClient;
  readonly tables: { readonly ledger: string; readonly index: string; readonly service: string };
  readonly upstream: Upstream;
  /** Under which accounts log in; the first is the proxy's name. */
  readonly origins: readonly string[];
  readonly challengeSecret: Uint8Array;
  readonly subscriptions?: (events: EventLog) => SubscriptionAccess;
  readonly hosting?: Hosting | undefined;
  readonly limits: Partial<ApiLimits>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Answers to these begin at the newest block, which an instance that has slept does not know. */
const ABOUT_NOW = /^\/v1\/(events|subscriptions)(\/|$)/;

/** @throws {BropError} NOT_SYNCED while the follower has written nothing. */
export async function proxyApi(parts: ProxyApiParts): Promise<Served> {
  const { dynamodb, tables, upstream, origins, challengeSecret, limits, clock, log } = parts;
  const crypto = opensslCrypto;
  const reader = await LedgerReader.open(crypto, dynamodb, tables.ledger);
  const feed = await LedgerFeed.open(reader);
  const events = new EventLog(crypto, reader.genesis.hash, feed);
  const service = new Table(dynamodb, tables.service);
  const audit = dynamoDbAuditLog(service, log);
  const api = createApi({
    chain: cloudChain(reader, upstream),
    events,
    subscriptions: parts.subscriptions?.(events),
    hosting: parts.hosting,
    records: recordSearch(dynamodb, tables.index, reader.genesis),
    ...{ clock, log, crypto, limits, audit },
    authentication: {
      ...{ origins, challengeSecret },
      tokenKeys: dynamoDbTokenKeys(service, challengeSecret, crypto, clock),
      singleUse: dynamoDbSingleUse(service, clock),
    },
  });
  return {
    fetch: async (request, bindings) => {
      if (ABOUT_NOW.test(new URL(request.url).pathname)) await feed.refresh();
      return api.fetch(request, bindings);
    },
    flush: () => audit.flush(),
  };
}

/** The indexer may have begun the index anew since the last search. */
function recordSearch(dynamodb: DynamoDBClient, table: string, genesis: Genesis): RecordSearch {
  const store = new DynamoDbIndexStore(dynamodb, table);
  const identity = indexIdentity(opensslCrypto, genesis);
  return {
    search: async (query) => {
      await store.attach(identity);
      return runQuery(opensslCrypto, store, query);
    },
  };
}
