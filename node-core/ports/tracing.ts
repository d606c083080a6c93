/**
 * The parts of a transaction's way, as docs/monitoring/traces.md explains them. `submit` is the root; what stands
 * behind a dot is a part of what stands before it.
 */
export type SpanName =
  | 'submit'
  | 'admission'
  | 'admission.decode'
  | 'admission.signature'
  | 'mempool'
  | 'proposal.build'
  | 'proposal.judge'
  | 'consensus'
  | 'commit'
  | 'receipt';

export interface SpanDetails {
  /** Numbers and names of the protocol; never payload, never personal data. */
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** Name of the code with which it went wrong. */
  readonly failed?: string;
  /** The caller's own trace, as in the header `traceparent` (W3C Trace Context). */
  readonly traceparent?: string | undefined;
}

/**
 * Spans of transactions. The trace of a transaction follows from the SHA-256 of its exact bytes, so that all nodes
 * write into one trace without a word between them, and all of one sampling ratio trace the same ones.
 */
export interface Tracing {
  /**
   * Reports a part that is over; what is not sampled or does not fit is dropped. Never throws, never waits.
   * @param digest SHA-256 of the transaction's bytes, hexadecimal. Times are in ms since 1970 UTC.
   */
  span(digest: string, name: SpanName, startMs: number, endMs: number, details?: SpanDetails): void;
}
