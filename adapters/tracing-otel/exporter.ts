/** Sends spans to an OpenTelemetry collector in batches: a bounded queue, and never a word to whoever reports. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Log } from '../../node-core/ports/log.ts';
import { encodeSpans, type Reporter, type Span } from './otlp.ts';

export interface ExporterOptions {
  /** Where traces are posted, such as http://127.0.0.1:4318/v1/traces. */
  readonly url: URL;
  readonly reporter: Reporter;
  readonly log: Log;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly maxQueued?: number;
}

const BATCH = 512;
const DEFAULTS = { intervalMs: 1_000, timeoutMs: 5_000, maxQueued: 8_192 };
/** After failures the pause doubles up to this. */
const MAX_PAUSE_MS = 60_000;
/** Answers after which the same batch may be tried again (OTLP specification, "Retryable Response Codes"). */
const RETRYABLE = [429, 502, 503, 504];

export class Exporter {
  readonly #options: Required<ExporterOptions>;
  #queue: Span[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #pauseMs = 0;
  #closed = false;
  readonly counts = { sent: 0, dropped: 0 };

  constructor(options: ExporterOptions) {
    this.#options = { ...DEFAULTS, ...options };
  }

  /** Queues; what does not fit is dropped and counted. */
  add(span: Span): void {
    if (this.#closed || this.#queue.length >= this.#options.maxQueued) {
      this.counts.dropped += 1;
      return;
    }
    this.#queue.push(span);
    this.#schedule();
  }

  /** What is queued is tried once more; nothing is waited for beyond one timeout. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#sending;
    const last: Promise<unknown>[] = [];
    while (this.#queue.length > 0) last.push(this.#post(this.#queue.splice(0, BATCH)));
    await Promise.all(last.map((sending) => sending.catch(() => {})));
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== undefined || this.#sending !== undefined) return;
    // A whole batch goes at once, unless the collector is in trouble.
    const delayMs = this.#queue.length < BATCH ? this.#options.intervalMs : 0;
    this.#timer = setTimeout(() => void this.#send(), Math.max(delayMs, this.#pauseMs));
    // A process that has nothing else to do must not stay for this.
    this.#timer.unref();
  }

  #send(): Promise<void> {
    this.#timer = undefined;
    const batch = this.#queue.splice(0, BATCH);
    this.#sending = this.#post(batch)
      .then(
        (mayRetry) => this.#settle(batch, mayRetry),
        (error: unknown) => this.#settle(batch, true, error instanceof Error ? error.message : String(error)),
      )
      .finally(() => {
        this.#sending = undefined;
        if (this.#queue.length > 0) this.#schedule();
      });
    return this.#sending;
  }

  /** @param outcome null for success; otherwise whether the batch may be tried again. */
  #settle(batch: readonly Span[], outcome: boolean | null, reason = 'refused by the collector'): void {
    if (outcome === null) {
      this.counts.sent += batch.length;
      this.#pauseMs = 0;
      return;
    }
    this.#pauseMs = Math.min(MAX_PAUSE_MS, Math.max(this.#options.intervalMs, this.#pauseMs) * 2);
    const room = outcome ? Math.max(0, this.#options.maxQueued - this.#queue.length) : 0;
    this.#queue = [...batch.slice(0, room), ...this.#queue];
    this.counts.dropped += Math.max(0, batch.length - room);
    this.#options.log.warn('traces cannot be sent', { host: this.#options.url.host, reason });
  }

  /** null when the collector took them; otherwise whether it may be asked again. Rejects when it cannot be reached. */
  #post(batch: readonly Span[]): Promise<boolean | null> {
    const { url, reporter, timeoutMs } = this.#options;
    const body = encodeSpans(reporter, batch);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const sent = request(url, { method: 'POST', headers, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
        const { statusCode = 0 } = response;
        response.on('error', reject);
        // What it says is of no interest, however much it is: the time is up in any case.
        response.resume().once('end', () => resolve(statusCode < 300 ? null : RETRYABLE.includes(statusCode)));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
