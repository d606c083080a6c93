/** Alarms of a stack: each tells the same topic, and says where the runbook goes on. */
import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** Sections of docs/runbook.md (a test looks for each). */
export type Section =
  | 'signer-fallback'
  | 'signing-stopped'
  | 'vote-record-lost'
  | 'node-behind'
  | 'no-finality'
  | 'dlq-not-empty'
  | 'ledger-behind'
  | 'index-lag'
  | 'throttle'
  | 'api-errors';

export interface Condition {
  readonly section: Section;
  /** One sentence: what is the matter. */
  readonly says: string;
  readonly metric: cloudwatch.IMetric;
  /** Alarms when the metric is above. */
  readonly above: number;
  /** For how many periods of the metric in a row. */
  readonly periods: number;
  /** Whether silence is alarming too. */
  readonly silenceAlarms?: boolean;
}

export const MINUTE = Duration.minutes(1);

export function alarm(scope: Construct, id: string, topic: ITopic, condition: Condition): cloudwatch.Alarm {
  const { section, says, metric, above, periods, silenceAlarms = false } = condition;
  const made = new cloudwatch.Alarm(scope, id, {
    metric,
    threshold: above,
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: periods,
    treatMissingData: silenceAlarms ? cloudwatch.TreatMissingData.BREACHING : cloudwatch.TreatMissingData.NOT_BREACHING,
    alarmDescription: `${says} Runbook: docs/runbook.md#${section}`,
  });
  const action = new SnsAction(topic);
  made.addAlarmAction(action);
  made.addOkAction(action);
  return made;
}
