/** Lambda: the HTTP API of the proxy. `handler` answers as a whole, `stream` as it comes (Server-Sent Events). */
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CLIENT_SETTINGS } from '../../adapters/aws/client-settings.ts';
import { Persistence } from '../../adapters/aws/persistence.ts';
import { readSecret } from '../../adapters/secrets-aws/secrets.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import type { ApiLimits } from '../../api/limits.ts';
import { environment, once } from '../shared/environment.ts';
import { log, logger, metrics, tracer } from '../shared/observe.ts';
import { proxyApi } from './compose.ts';
import { type GatewayOptions, gatewayHandler, gatewayStream } from './gateway.ts';
import { proxySecrets } from './secrets.ts';
import { Upstream } from './upstream.ts';

const SECRETS_PATIENCE_MS = 5_000;

/** An answer as a whole is 6 MB at most, and nobody sees any of it before its end. */
const WHOLE: Partial<ApiLimits> = { maxStreamMs: 2_000, maxStreamBytes: 3 << 20 };
/** The platform ends a stream after 15 minutes; the client comes back before that with the last event it has. */
const STREAMED: Partial<ApiLimits> = { maxStreamMs: 14 * 60_000 };

const open = (limits: Partial<ApiLimits>) =>
  once(async () => {
    const dynamodb = tracer.captureAWSv3Client(new DynamoDBClient(CLIENT_SETTINGS));
    const secretId = environment('BROP_SECRET_ID');
    const persistence = new Persistence({ log, patienceMs: SECRETS_PATIENCE_MS });
    const text = await readSecret(secretId, { client: new SecretsManagerClient(CLIENT_SETTINGS), persistence });
    const { challengeSecret } = proxySecrets(secretId, text);
    return proxyApi({
      tables: {
        ledger: environment('BROP_LEDGER_TABLE'),
        index: environment('BROP_INDEX_TABLE'),
        service: environment('BROP_SERVICE_TABLE'),
      },
      upstream: new Upstream(environment('BROP_UPSTREAM_URL')),
      origins: environment('BROP_ORIGINS').split(','),
      ...{ dynamodb, challengeSecret, limits, log, clock: systemClock },
    });
  });

function options(limits: Partial<ApiLimits>): GatewayOptions {
  return {
    open: open(limits),
    log,
    answered: (status, ms) => {
      logger.info('answered', { status, ms: Math.round(ms) });
      metrics.captureColdStartMetric();
      if (status >= 500) metrics.addMetric('ServerErrors', MetricUnit.Count, 1);
      metrics.publishStoredMetrics();
    },
  };
}

export const handler = gatewayHandler(options(WHOLE));
export const stream = gatewayStream(options(STREAMED));
