import { createHash, randomBytes } from 'node:crypto';
import type { Log } from '../../node-core/ports/log.ts';
import type { SpanName, Tracing } from '../../node-core/ports/tracing.ts';
import { Exporter } from './exporter.ts';
import type { Reporter, Span } from './otlp.ts';

export interface OtelTracingOptions {
  /** The OTLP/HTTP endpoint of traces, such as http://127.0.0.1:4318/v1/traces. */
  readonly otlpUrl: string;
  /** Part of all transactions that is traced, 0 to 1; the same on all nodes, or traces have holes. */
  readonly ratio: number;
  readonly reporter: Reporter;
  readonly log: Log;
  readonly intervalMs?: number;
}

export interface OtelTracing extends Tracing {
  /** Spans that the collector took, and those that were dropped because it did not or the queue was full. */
  readonly counts: { readonly sent: number; readonly dropped: number };
  /** Sends what is queued, once. */
  close(): Promise<void>;
}

const ROOT: SpanName = 'submit';
const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;
/** Span ids that this node has used, so that none is used twice: bytes that are submitted twice have two roots. */
const MAX_REMEMBERED = 8_192;

/**
 * The Tracing port over OTLP/HTTP. With d the SHA-256 of the transaction's bytes, the trace id is d[0..16], the root's
 * span id d[16..24], that of another span of a node the start of SHA-256(d, node, name): no span names a parent that
 * another process must have told it. Sampling looks at the last 56 bits of the trace id, as W3C Trace Context Level 2
 * has it for random trace ids.
 */
export function otelTracing({ otlpUrl, ratio, reporter, log, intervalMs }: OtelTracingOptions): OtelTracing {
  const exporter = new Exporter({
    url: new URL(otlpUrl),
    reporter,
    log,
    ...(intervalMs !== undefined && { intervalMs }),
  });
  const used = new Set<string>();
  const isSampled = sampler(ratio);
  const once = (spanId: string): string => {
    if (used.has(spanId)) return randomBytes(SPAN_DIGITS / 2).toString('hex');
    if (used.size >= MAX_REMEMBERED) used.delete(used.values().next().value!);
    used.add(spanId);
    return spanId;
  };
  return {
    counts: exporter.counts,
    close: () => exporter.close(),
    span: (digest, name, startMs, endMs, details = {}) => {
      if (!isSampled(digest)) return;
      const root = rootId(digest);
      const spanId = once(spanIdOf(digest, reporter.instance, name));
      const parent = parentOf(name);
      const parentId = parent === ROOT ? root : spanIdOf(digest, reporter.instance, parent);
      exporter.add({
        traceId: digest.slice(0, TRACE_DIGITS),
        spanId,
        parentSpanId: spanId === root ? null : parentId,
        name,
        kind: name === ROOT ? 'server' : 'internal',
        startMs,
        // Clocks may be set back while something lasts.
        endMs: Math.max(startMs, endMs),
        attributes: details.attributes ?? {},
        failed: details.failed ?? null,
        link: linkOf(details.traceparent),
      });
    },
  };
}

function sampler(ratio: number): (digest: string) => boolean {
  const DIGITS = 14;
  const threshold = BigInt(Math.round((1 - ratio) * 2 ** 53)) << 3n;
  return (digest) => BigInt(`0x${digest.slice(TRACE_DIGITS - DIGITS, TRACE_DIGITS)}`) >= threshold;
}

function rootId(digest: string): string {
  return digest.slice(TRACE_DIGITS, TRACE_DIGITS + SPAN_DIGITS);
}

function spanIdOf(digest: string, instance: string, name: SpanName): string {
  if (name === ROOT) return rootId(digest);
  return createHash('sha256').update(`${digest}/${instance}/${name}`).digest('hex').slice(0, SPAN_DIGITS);
}

function parentOf(name: SpanName): SpanName {
  return name === 'admission.decode' || name === 'admission.signature' ? 'admission' : ROOT;
}

/** Of a W3C traceparent; what is not one is no link. */
function linkOf(traceparent: string | undefined): Span['link'] {
  const [, traceId, spanId] = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId };
}
