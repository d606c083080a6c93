/**
 * Spans in the JSON form of OTLP 1.x (opentelemetry-proto, trace/v1: ids as hexadecimal, 64-bit integers as decimal
 * strings where JavaScript could not hold them).
 */

export interface Span {
  /** 16 bytes as hexadecimal. */
  readonly traceId: string;
  /** 8 bytes as hexadecimal. */
  readonly spanId: string;
  /** Null for the root. */
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: 'internal' | 'server';
  /** Milliseconds since 1970 UTC. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Why it failed; null when it did not. */
  readonly failed: string | null;
  readonly link: { readonly traceId: string; readonly spanId: string } | null;
}

/** Who reports: the attributes of the resource. */
export interface Reporter {
  readonly instance: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly version: string;
}

const KINDS = { internal: 1, server: 2 } as const;
const STATUS_ERROR = 2;
const SAMPLED = 1;

/** Body of an ExportTraceServiceRequest. */
export function encodeSpans(reporter: Reporter, spans: readonly Span[]): string {
  const resource = { 'service.name': 'brop', 'service.instance.id': reporter.instance, ...reporter.attributes };
  const scope = { name: 'brop', version: reporter.version };
  const scopeSpans = [{ scope, spans: spans.map(encodeSpan) }];
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: keyValues(resource) }, scopeSpans }] });
}

function encodeSpan({ traceId, spanId, parentSpanId, name, kind, startMs, endMs, ...rest }: Span) {
  return {
    traceId,
    spanId,
    ...(parentSpanId !== null && { parentSpanId }),
    flags: SAMPLED,
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: keyValues(rest.attributes),
    ...(rest.link !== null && { links: [{ ...rest.link, attributes: [], flags: SAMPLED }] }),
    status: rest.failed === null ? {} : { code: STATUS_ERROR, message: rest.failed },
  };
}

function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1_000)) * 1_000n);
}

function keyValues(attributes: Readonly<Record<string, string | number>>) {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: string | number) {
  if (typeof value === 'string') return { stringValue: value };
  return Number.isSafeInteger(value) ? { intValue: value } : { doubleValue: value };
}
