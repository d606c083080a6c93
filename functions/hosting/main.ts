/** Lambda: an upload in quarantine → the bucket of hosted files, when it is what was said. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { CLIENT_SETTINGS, pathStyle } from '../../adapters/aws/client-settings.ts';
import { HostingTable } from '../../adapters/hosting-aws/hosting-table.ts';
import { Quarantine } from '../../adapters/hosting-aws/quarantine.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { environment, once } from '../shared/environment.ts';
import { log, tracer } from '../shared/observe.ts';
import { hostingHandler } from './handler.ts';

const MAX_DAYS = 36_500;

const open = once(async () => {
  const dynamodb = tracer.captureAWSv3Client(new DynamoDBClient(CLIENT_SETTINGS));
  const s3 = tracer.captureAWSv3Client(new S3Client({ ...CLIENT_SETTINGS, ...pathStyle(process.env) }));
  return new Quarantine({
    ...{ s3, log, clock: systemClock, table: new HostingTable(dynamodb, environment('BROP_SERVICE_TABLE')) },
    quarantineBucket: environment('BROP_QUARANTINE_BUCKET'),
    hostingBucket: environment('BROP_HOSTING_BUCKET'),
    ...retention(environment('BROP_HOSTING_LOCK_MODE'), Number(environment('BROP_HOSTING_RETENTION_DAYS'))),
  });
});

function retention(lockMode: string, retentionDays: number) {
  if (lockMode !== 'GOVERNANCE' && lockMode !== 'COMPLIANCE')
    throw new BropError('CONFIG_INVALID', 'BROP_HOSTING_LOCK_MODE: GOVERNANCE or COMPLIANCE.');
  if (!Number.isInteger(retentionDays) || retentionDays < 1 || retentionDays > MAX_DAYS)
    throw new BropError('CONFIG_INVALID', `BROP_HOSTING_RETENTION_DAYS: 1 to ${MAX_DAYS}.`);
  return { lockMode, retentionDays } as const;
}

export const handler = hostingHandler(open);
