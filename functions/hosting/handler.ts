/** Objects that were put into quarantine, as uploads to judge. */
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context, S3Event } from 'aws-lambda';
import type { Quarantine } from '../../adapters/hosting-aws/quarantine.ts';
import { HOSTED_ID_PATTERN } from '../../node-core/middleware/hosting/hosted-file.ts';
import { log, logger, metrics } from '../shared/observe.ts';

const UPLOAD = new RegExp(`^incoming/(${HOSTED_ID_PATTERN.slice(1, -1)})$`);

/** Fails when one of the uploads could not be judged: then the platform calls again, and all of them are judged again. */
export function hostingHandler(open: () => Promise<Pick<Quarantine, 'judge'>>) {
  return async ({ Records }: S3Event, context: Context): Promise<void> => {
    logger.addContext(context);
    metrics.captureColdStartMetric();
    try {
      const quarantine = await open();
      for (const { s3 } of Records) {
        const [, id] = UPLOAD.exec(s3.object.key) ?? [];
        const verdict = id === undefined ? 'unknown' : await quarantine.judge(id);
        metrics.addMetric(`HostedFiles_${verdict}`, MetricUnit.Count, 1);
        if (verdict === 'unknown')
          log.warn('an object in quarantine that nobody has asked for', { key: s3.object.key });
        else log.info('an upload was judged', { file: id, verdict });
      }
    } finally {
      metrics.publishStoredMetrics();
    }
  };
}
