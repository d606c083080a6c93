/** Waits for AWS: what is throttled, out of reach or failing there is tried again, with back-off, and the log says so. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../node-core/ports/log.ts';

export interface PersistenceOptions {
  readonly log: Log;
  /** Ends all waiting: what failed last is thrown then. */
  readonly signal?: AbortSignal | undefined;
  /** How long is waited for one answer; without it for ever. */
  readonly patienceMs?: number;
  /** The first wait between two tries, ms; each is twice the one before, to 100 times the first. */
  readonly firstWaitMs?: number;
}

const FIRST_WAIT_MS = 100;
const MAX_GROWTH = 100;
/** Between two lines of the log about the same wait. */
const SAY_EVERY_MS = 30_000;

/** Throttling, by the names that services give it (DynamoDB answers it with status 400). */
const THROTTLES: readonly string[] = [
  'ThrottlingException',
  'ThrottledException',
  'RequestThrottled',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'LimitExceededException',
  'SlowDown',
  'TooManyRequestsException',
  'TransactionInProgressException',
];
const TIMEOUTS: readonly string[] = ['TimeoutError', 'RequestTimeout', 'RequestTimeoutException'];
/** A role's credentials are renewed while a node runs: their endpoint may be away, or a request be on its way for too long. */
const CREDENTIALS: readonly string[] = ['CredentialsProviderError', 'ExpiredToken', 'ExpiredTokenException'];
const NETWORK =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ERR_STREAM_PREMATURE_CLOSE)$/;

export class Persistence {
  private readonly options: PersistenceOptions;

  constructor(options: PersistenceOptions) {
    this.options = options;
  }

  /**
   * The outcome of `attempt`, made again until it resolves or fails with something that does not pass by itself.
   * @param what is said in the log while it is waited for.
   */
  async run<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const { log, signal, patienceMs = Number.POSITIVE_INFINITY, firstWaitMs = FIRST_WAIT_MS } = this.options;
    const startMs = performance.now();
    let saidMs = Number.NEGATIVE_INFINITY;
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, MAX_GROWTH * firstWaitMs)) {
      try {
        const outcome = await attempt();
        if (saidMs > 0) log.info('AWS answers again', { what, waitedMs: Math.round(performance.now() - startMs) });
        return outcome;
      } catch (error) {
        const now = performance.now();
        if (!passes(error) || signal?.aborted === true || now - startMs + waitMs > patienceMs) throw error;
        if (now - saidMs >= SAY_EVERY_MS) {
          saidMs = now;
          log.warn('AWS is waited for', { what, error: nameOf(error), waitedMs: Math.round(now - startMs) });
        }
        // Jitter: nodes that were throttled together do not come back together.
        await sleep(waitMs * (0.5 + Math.random() / 2), undefined, signal && { signal }).catch(() =>
          Promise.reject(error),
        );
      }
    }
  }
}

/** Whether a failure of the AWS SDK passes by itself. */
export function passes(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata, $retryable, code } = error as {
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly $retryable?: unknown;
    readonly code?: unknown;
  };
  const status = $metadata?.httpStatusCode ?? 0;
  if (status >= 500 || status === 429 || $retryable !== undefined) return true;
  return [...THROTTLES, ...TIMEOUTS, ...CREDENTIALS].includes(error.name) || NETWORK.test(String(code ?? error.name));
}

/** The SDK's whole text, without a name or a code, where nothing of the environment says which region. */
const NO_REGION = 'Region is missing';

/** The name that AWS gives a failure, or the system's: never its text, which may quote the request. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.message === NO_REGION) return 'AWS_REGION is not set';
  const { code } = error as { readonly code?: unknown };
  return error.name === 'Error' && typeof code === 'string' ? code : error.name;
}
