/** Hosted files as the API asks for them; whatever is uploaded the function `hosting` judges. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { opensslCrypto } from '../../adapters/crypto-native/openssl.ts';
import { HostingAws } from '../../adapters/hosting-aws/hosting-aws.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import type { Hosting } from '../../node-core/ports/hosting.ts';
import { environment } from './environment.ts';

/** undefined where nothing is hosted: without BROP_HOSTING_URL. Forms and links are signed with the function's own role. */
export function openHosting(dynamodb: DynamoDBClient, serviceTable: string): Hosting | undefined {
  if ((process.env.BROP_HOSTING_URL ?? '') === '') return undefined;
  return new HostingAws({
    ...{ crypto: opensslCrypto, clock: systemClock, dynamodb, serviceTable },
    quarantineBucket: environment('BROP_QUARANTINE_BUCKET'),
    hostingBucket: environment('BROP_HOSTING_BUCKET'),
    baseUrl: environment('BROP_HOSTING_URL').replace(/\/+$/, ''),
    region: environment('AWS_REGION'),
    endpoint: process.env.AWS_ENDPOINT_URL,
    credentials: () => dynamodb.config.credentials(),
  });
}
