/**
 * Events and webhooks of a node with an API. They stand outside consensus: whatever fails here is logged, and the node
 * goes on without webhooks.
 */
import { join } from 'node:path';
import { nativeCrypto, nativeSigner } from '../../adapters/crypto-native/native.ts';
import type { PrometheusMetrics } from '../../adapters/metrics-prometheus/metrics.ts';
import { openLmdbStore } from '../../adapters/store-lmdb/store.ts';
import { subscriptionsKv } from '../../adapters/subscriptions-kv/subscriptions-kv.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { systemRandom } from '../../adapters/system/random.ts';
import { webhookHttp } from '../../adapters/webhook-http/webhook-http.ts';
import { openWebhookSecret } from '../../adapters/webhook-secret-file/webhook-secret-file.ts';
import { Dispatcher } from '../../node-core/middleware/delivery/dispatcher.ts';
import { DispatcherDeliveries } from '../../node-core/middleware/delivery/dispatcher-deliveries.ts';
import type { Ed25519Sign } from '../../node-core/middleware/delivery/signing.ts';
import { Subscriptions } from '../../node-core/middleware/delivery/subscriptions.ts';
import { EventLog } from '../../node-core/middleware/events/event-log.ts';
import type { AuditLog } from '../../node-core/ports/audit-log.ts';
import type { ChainAccess } from '../../node-core/ports/chain-access.ts';
import type { Log } from '../../node-core/ports/log.ts';
import type { SubscriptionAccess } from '../../node-core/ports/subscription-access.ts';
import { NodeBlockFeed } from '../../node-core/runtime/block-feed.ts';
import type { Node } from '../../node-core/runtime/node.ts';
import type { NodeConfig } from '../config.ts';
import { registerDelivery } from './delivery-metrics.ts';

const SUBSCRIPTIONS_FOLDER = 'subscriptions';
const SECRET_FILE = 'webhook-secret';
/** Address space; ten thousand subscriptions with their attempts take some 300 MB of it. */
const MAP_SIZE_BYTES = 1 << 30;

export interface Delivery {
  readonly events: EventLog;
  /** undefined when this node delivers nothing, by its config or because it could not begin. */
  readonly subscriptions: SubscriptionAccess | undefined;
  stop(): Promise<void>;
}

export interface DeliveryParts extends Pick<NodeConfig, 'dataFolder' | 'webhooks'> {
  readonly node: Node;
  readonly chain: ChainAccess;
  readonly log: Log;
  readonly metrics?: PrometheusMetrics | undefined;
  readonly audit: AuditLog;
}

export async function startDelivery(parts: DeliveryParts): Promise<Delivery> {
  const { node, webhooks, log } = parts;
  const events = new EventLog(nativeCrypto, node.store.genesis.hash, new NodeBlockFeed(node));
  const nothing = { events, subscriptions: undefined, stop: async () => {} };
  if (!webhooks.deliver) return nothing;
  try {
    return await deliver(parts, events);
  } catch (error) {
    log.error('webhooks are not delivered', { error: error instanceof Error ? error.message : String(error) });
    return nothing;
  }
}

/** A key of a subscription is one object: what OpenSSL makes of it is kept as long as that is. */
function ed25519Sign(): Ed25519Sign {
  const signers = new WeakMap<Uint8Array, (message: Uint8Array) => Uint8Array>();
  return (secret, message) => {
    const signer = signers.get(secret) ?? nativeSigner('ed25519', secret);
    signers.set(secret, signer);
    return signer(message);
  };
}

async function deliver(
  { dataFolder, webhooks, chain, log, metrics, audit }: DeliveryParts,
  events: EventLog,
): Promise<Delivery> {
  const master = openWebhookSecret(join(dataFolder, SECRET_FILE));
  const folder = join(dataFolder, SUBSCRIPTIONS_FOLDER);
  const store = subscriptionsKv(await openLmdbStore({ folder, mapSizeBytes: MAP_SIZE_BYTES }));
  try {
    const transport = webhookHttp({ loopback: webhooks.loopback });
    const common = { clock: systemClock, random: systemRandom, store, events, transport, master };
    const dispatcher = await Dispatcher.open({ ...common, log, audit, sign: ed25519Sign(), receipts: chain });
    if (metrics !== undefined) registerDelivery(metrics, dispatcher);
    dispatcher.start();
    const stop = async () => {
      const stopped = dispatcher.stop();
      // Requests under way would be waited for by nobody.
      transport.close();
      await stopped;
      await store.close();
    };
    const deliveries = new DispatcherDeliveries(dispatcher, store);
    return { events, subscriptions: new Subscriptions({ ...common, deliveries }), stop };
  } catch (error) {
    await store.close();
    throw error;
  }
}
