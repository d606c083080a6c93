/** The stream of the ledger table, or a timer, as wake-ups of the index. */
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context, DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { HEAD_KEY } from '../../adapters/ledger-dynamodb/items.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import { log, logger, metrics, publishMetrics, traced } from '../shared/observe.ts';
import type { ChainIndex, Reached } from './chain-index.ts';

/** By a timer: what a lost last record of the stream would have done. */
export interface Sweep {
  readonly sweep: true;
}

/** What is under way is given so long to end before the platform ends it. */
const MARGIN_MS = 5_000;

type WakeUp = Pick<Context, 'getRemainingTimeInMillis'>;

export function indexerHandler(open: () => Promise<Pick<ChainIndex, 'catchUp'>>) {
  return async (event: DynamoDBStreamEvent | Sweep, context: Context): Promise<DynamoDBBatchResponse> => {
    logger.addContext(context);
    metrics.captureColdStartMetric();
    const processor = new BatchProcessor(EventType.DynamoDBStreams);
    try {
      if ('sweep' in event) {
        await reach(open, context).catch(unlessEmpty);
        return { batchItemFailures: [] };
      }
      let reached: Reached | undefined;
      const record = async (one: DynamoDBRecord): Promise<void> => {
        const height = heightOf(one);
        // One go serves all records of a batch, and what others have done need not be done again.
        if (height === undefined || (reached !== undefined && height <= reached.indexed && height <= reached.matched))
          return;
        reached = await reach(open, context);
        if (height > reached.height)
          throw new Error(`a record tells of height ${height}, the table ends at ${reached.height}`);
      };
      return await processPartialResponse(event, record, processor, {
        ...{ context, processInParallel: false, throwOnFullBatchFailure: false },
      });
    } finally {
      publishMetrics();
    }
  };
}

/** Until the follower has written its first block there is nothing to do, and nothing wrong. */
function unlessEmpty(error: unknown): void {
  if (!(error instanceof BropError) || error.code !== 'NOT_SYNCED') throw error;
}

async function reach(open: () => Promise<Pick<ChainIndex, 'catchUp'>>, context: WakeUp): Promise<Reached> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), Math.max(0, context.getRemainingTimeInMillis() - MARGIN_MS));
  try {
    const reached = await traced('catch up', async () => (await open()).catchUp(patience.signal));
    metrics.addMetric('IndexLagBlocks', MetricUnit.Count, reached.height - reached.indexed);
    if (patience.signal.aborted) log.warn('the index is behind, and goes on at the next record', { ...reached });
    return reached;
  } catch (error) {
    metrics.addMetric('IndexFailures', MetricUnit.Count, 1);
    log.error('the index has not caught up and is tried again', { error: String(error) });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Of a new head; undefined for every other item of the table. @throws {Error} for a head that is none. */
function heightOf({ eventName, dynamodb }: DynamoDBRecord): number | undefined {
  if (eventName === 'REMOVE' || dynamodb?.Keys?.pk?.S !== HEAD_KEY.pk!.S) return undefined;
  const height = Number(dynamodb?.NewImage?.height?.N);
  if (!Number.isSafeInteger(height) || height < 1) throw new Error('a head without a height');
  return height;
}
