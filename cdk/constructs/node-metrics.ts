/** What CloudWatch knows of a node: read off the lines of its log (docs/monitoring/logs.md), so that nodes need no AWS. */
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type IFilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { MINUTE } from './alarms.ts';

/** The line that a node writes every minute. */
export const STANDING = 'how the node stands';
export const NOT_SIGNING = ['not signing', 'a vote of this validator that is not in its vote record: it stops signing'];
export const VOTE_RECORD_LOST = 'the vote record is lost: this validator does not sign';

export class NodeMetrics extends Construct {
  readonly height: cloudwatch.Metric;
  readonly blockAgeMs: cloudwatch.Metric;
  readonly behindBlocks: cloudwatch.Metric;
  /** Final blocks that are not in the ledger table yet, of the node that writes it. */
  readonly ledgerLagBlocks: cloudwatch.Metric;
  /** 1 while the standby key signs. */
  readonly standby: cloudwatch.Metric;
  readonly notSigning: cloudwatch.Metric;
  readonly voteRecordLost: cloudwatch.Metric;

  constructor(scope: Construct, id: string, { log, namespace }: { log: ILogGroup; namespace: string }) {
    super(scope, id);
    const filter = (metricName: string, filterPattern: IFilterPattern, metricValue: string, statistic: string) =>
      new MetricFilter(this, metricName, {
        ...{ logGroup: log, metricNamespace: namespace, metricName, filterPattern, metricValue },
      }).metric({ statistic, period: MINUTE });
    const standing = (field: string) => filter(capital(field), message(STANDING), `$.${field}`, 'Maximum');
    this.height = standing('height');
    this.blockAgeMs = standing('blockAgeMs');
    this.behindBlocks = standing('behindBlocks');
    this.ledgerLagBlocks = standing('ledgerLagBlocks');
    this.standby = standing('standby');
    this.notSigning = filter('NotSigning', FilterPattern.any(...NOT_SIGNING.map(message)), '1', 'Sum');
    this.voteRecordLost = filter('VoteRecordLost', message(VOTE_RECORD_LOST), '1', 'Sum');
  }
}

function message(text: string) {
  return FilterPattern.stringValue('$.message', '=', text);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
