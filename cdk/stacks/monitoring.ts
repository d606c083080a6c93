/** The dashboard, and the alarms that wake somebody. */
import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { alarm, type Condition, MINUTE } from '../constructs/alarms.ts';
import { NodeMetrics } from '../constructs/node-metrics.ts';
import type { NodeTask } from '../constructs/node-task.ts';
import type { Deployment } from '../deployment.ts';
import type { ProxyStack } from './proxy.ts';
import type { ValidatorStack } from './validator.ts';

/** A validator without a block of this age is cut off, or the chain stands: some heartbeats, a minute at least. */
const HEARTBEATS_WITHOUT_BLOCK = 4;
const BEHIND_BLOCKS = 20;
const INDEX_LAG_MS = 60_000;

export interface MonitoringProps extends StackProps {
  readonly deployment: Deployment;
  readonly validators: readonly ValidatorStack[];
  readonly proxy: ProxyStack | undefined;
}

export class MonitoringStack extends Stack {
  private readonly topic: sns.Topic;
  private readonly dashboard: cloudwatch.Dashboard;
  private readonly deployment: Deployment;

  constructor(scope: Construct, id: string, { deployment, validators, proxy, ...props }: MonitoringProps) {
    super(scope, id, props);
    this.deployment = deployment;
    this.topic = this.alarmTopic(deployment.alarmEmail);
    this.dashboard = new cloudwatch.Dashboard(this, 'Dashboard', { dashboardName: `Brop-${deployment.name}` });
    for (const { task } of validators) this.watchNode(task, true);
    if (proxy === undefined) return;
    this.watchNode(proxy.task, false);
    this.watchFunctions(proxy);
  }

  /** Encrypted with a key that CloudWatch may use: with AWS's own key of SNS it may not. */
  private alarmTopic(email: string | undefined): sns.Topic {
    const masterKey = new Key(this, 'AlarmKey', { description: 'Alarms of BROP', enableKeyRotation: true });
    masterKey.grantEncryptDecrypt(new ServicePrincipal('cloudwatch.amazonaws.com'));
    const topic = new sns.Topic(this, 'Alarms', { masterKey, enforceSSL: true });
    if (email !== undefined) topic.addSubscription(new EmailSubscription(email));
    return topic;
  }

  /** @param votes a validator; the other one writes the ledger table */
  private watchNode({ name, log, service }: NodeTask, votes: boolean): void {
    const { heartbeatSeconds, name: deployment } = this.deployment;
    const metrics = new NodeMetrics(this, `Metrics-${name}`, { log, namespace: `Brop/${deployment}/${name}` });
    const set = (id: string, condition: Condition) => alarm(this, `${id}-${name}`, this.topic, condition);
    set('NoFinality', {
      section: 'no-finality',
      says: `${name} has had no final block for too long, or says nothing.`,
      metric: metrics.blockAgeMs,
      above: Math.max(60_000, HEARTBEATS_WITHOUT_BLOCK * heartbeatSeconds * 1_000),
      periods: 3,
      silenceAlarms: true,
    });
    set('Behind', {
      section: 'node-behind',
      says: `${name} is more than ${BEHIND_BLOCKS} blocks behind its peers.`,
      metric: metrics.behindBlocks,
      above: BEHIND_BLOCKS,
      periods: 5,
    });
    this.dashboard.addWidgets(
      graph(`${name}: height`, [metrics.height]),
      graph(`${name}: age of the newest block, ms`, [metrics.blockAgeMs]),
      graph(`${name}: CPU and memory, %`, [service.metricCpuUtilization(), service.metricMemoryUtilization()]),
    );
    if (votes) this.watchSigning(metrics, set, name);
    else
      set('LedgerBehind', {
        section: 'ledger-behind',
        says: `The ledger table is more than ${BEHIND_BLOCKS} blocks behind ${name}, which writes it: what the API answers is old.`,
        metric: metrics.ledgerLagBlocks,
        above: BEHIND_BLOCKS,
        periods: 5,
      });
  }

  private watchSigning(metrics: NodeMetrics, set: (id: string, condition: Condition) => void, name: string): void {
    set('SignerFallback', {
      section: 'signer-fallback',
      says: `${name} signs with its standby key: its primary key is out of reach.`,
      metric: metrics.standby,
      above: 0,
      periods: 1,
    });
    set('SigningStopped', {
      section: 'signing-stopped',
      says: `${name} does not sign: another copy of it has its vote record, or its signer refuses.`,
      metric: metrics.notSigning,
      above: 0,
      periods: 1,
    });
    set('VoteRecordLost', {
      section: 'vote-record-lost',
      says: `${name} has lost its vote record and must come back with a new key.`,
      metric: metrics.voteRecordLost,
      above: 0,
      periods: 1,
    });
  }

  private watchFunctions({ functions, deadLetters, api }: ProxyStack): void {
    for (const [name, queue] of Object.entries(deadLetters))
      alarm(this, `DeadLetters-${name}`, this.topic, {
        section: 'dlq-not-empty',
        says: `What the function ${name} could not do, after all retries, waits in its dead-letter queue.`,
        metric: queue.metricApproximateNumberOfMessagesVisible({ period: MINUTE }),
        above: 0,
        periods: 1,
      });
    const iteratorAge = functions.indexer.metric('IteratorAge', { statistic: 'Maximum', period: MINUTE });
    alarm(this, 'IndexLag', this.topic, {
      section: 'index-lag',
      says: 'Searches and webhooks lag more than a minute behind the ledger.',
      metric: iteratorAge,
      above: INDEX_LAG_MS,
      periods: 5,
    });
    for (const [name, made] of Object.entries(functions))
      alarm(this, `Throttled-${name}`, this.topic, {
        section: 'throttle',
        says: `Calls of the function ${name} are refused for want of concurrency.`,
        metric: made.metricThrottles({ period: MINUTE }),
        above: 0,
        periods: 3,
      });
    alarm(this, 'ApiErrors', this.topic, {
      section: 'api-errors',
      says: 'The API answers with errors of its own (5xx).',
      metric: api.rest.metricServerError({ period: MINUTE }),
      above: 5,
      periods: 3,
    });
    this.dashboard.addWidgets(
      graph('API: requests', [api.rest.metricCount()]),
      graph('API: latency, ms', [
        api.rest.metricLatency({ statistic: 'p50' }),
        api.rest.metricLatency({ statistic: 'p99' }),
      ]),
      graph('Indexer: age of what it reads, ms', [iteratorAge]),
      graph(
        'Dead letters',
        Object.values(deadLetters).map((queue) => queue.metricApproximateNumberOfMessagesVisible()),
      ),
    );
  }
}

function graph(title: string, left: cloudwatch.IMetric[]): cloudwatch.GraphWidget {
  return new cloudwatch.GraphWidget({ title, left, width: 8, period: Duration.minutes(1) });
}
