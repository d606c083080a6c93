/** Lambda: the HTTP API of the proxy. `handler` answers as a whole, `stream` as it comes (Server-Sent Events). */
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { CLIENT_SETTINGS } from '../../adapters/aws/client-settings.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { systemRandom } from '../../adapters/system/random.ts';
import type { ApiLimits } from '../../api/limits.ts';
import { environment, once } from '../shared/environment.ts';
import { explaining } from '../shared/explaining.ts';
import { openHosting } from '../shared/hosting.ts';
import { log, logger, metrics, publishMetrics, tracer } from '../shared/observe.ts';
import { proxySecrets } from '../shared/secrets.ts';
import { openSubscriptions } from '../shared/subscriptions.ts';
import { proxyApi } from './compose.ts';
import { type GatewayOptions, gatewayHandler, gatewayStream } from './gateway.ts';
import { Upstream } from './upstream.ts';

/** An answer as a whole is 6 MB at most, and nobody sees any of it before its end. */
const WHOLE: Partial<ApiLimits> = { maxStreamMs: 2_000, maxStreamBytes: 3 << 20 };
/** The platform ends a stream after 15 minutes; the client comes back before that with the last event it has. */
const STREAMED: Partial<ApiLimits> = { maxStreamMs: 14 * 60_000 };

const open = (limits: Partial<ApiLimits>) =>
  once(async () => {
    const dynamodb = explaining('DynamoDB', tracer.captureAWSv3Client(new DynamoDBClient(CLIENT_SETTINGS)));
    const sqs = explaining('SQS', tracer.captureAWSv3Client(new SQSClient(CLIENT_SETTINGS)));
    const serviceTable = environment('BROP_SERVICE_TABLE');
    const queueUrl = environment('BROP_WEBHOOK_QUEUE_URL');
    const { challengeSecret, webhookMaster: master } = await proxySecrets(environment('BROP_SECRET_ID'));
    const common = { dynamodb, clock: systemClock };
    const loopback = process.env.BROP_WEBHOOK_LOOPBACK === '1';
    return proxyApi({
      ...{ ...common, challengeSecret, limits, log },
      tables: {
        ledger: environment('BROP_LEDGER_TABLE'),
        index: environment('BROP_INDEX_TABLE'),
        service: serviceTable,
      },
      upstream: new Upstream(environment('BROP_UPSTREAM_URL')),
      origins: environment('BROP_ORIGINS').split(','),
      hosting: openHosting(dynamodb, serviceTable),
      subscriptions: (events) =>
        openSubscriptions({ ...common, sqs, serviceTable, queueUrl, events, master, random: systemRandom, loopback }),
    });
  });

function options(limits: Partial<ApiLimits>): GatewayOptions {
  return {
    open: open(limits),
    log,
    answered: (status, ms) => {
      // The gateway's access log has a line for each request: a second one would cost as much as the function's time.
      if (status >= 500) logger.warn('answered', { status, ms: Math.round(ms) });
      metrics.captureColdStartMetric();
      if (status >= 500) metrics.addMetric('ServerErrors', MetricUnit.Count, 1);
      publishMetrics();
    },
  };
}

export const handler = gatewayHandler(options(WHOLE));
export const stream = gatewayStream(options(STREAMED));
