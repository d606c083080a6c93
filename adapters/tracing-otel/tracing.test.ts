import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Log } from '../../node-core/ports/log.ts';
import { encodeSpans, type Reporter, type Span } from './otlp.ts';
import { otelTracing } from './tracing.ts';

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

const servers: Server[] = [];
const warned: string[] = [];
const quiet = () => {};
const log: Log = { debug: quiet, info: quiet, warn: (message) => void warned.push(message), error: quiet };

afterEach(async () => {
  warned.length = 0;
  await Promise.all(
    servers.splice(0).map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }),
  );
});

/** Answers with these statuses, one after the other, then with 200. */
async function collector(...statuses: readonly number[]): Promise<{ url: string; batches: SentSpan[][] }> {
  const left = [...statuses];
  const batches: SentSpan[][] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const status = left.shift() ?? 200;
      if (status === 200) batches.push(JSON.parse(body).resourceSpans[0].scopeSpans[0].spans);
      response.writeHead(status).end('{}');
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}/v1/traces`, batches };
}

function tracingOf(otlpUrl: string, instance = 'node-0', ratio = 1) {
  const reporter = { instance, version: '0', attributes: {} };
  return otelTracing({ otlpUrl, ratio, reporter, log, intervalMs: 10 });
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');
const DIGEST = digestOf('a transaction');
const NOWHERE = 'http://127.0.0.1:1/v1/traces';

it('writes the JSON that the OpenTelemetry serializer writes', () => {
  const vector = JSON.parse(readFileSync(new URL('otlp-vector.json', import.meta.url), 'utf8')) as {
    reporter: Reporter;
    spans: Span[];
    request: unknown;
  };
  // Fields at their default may be left out; flags beyond the sampled bit say what the SDK knows and we do not.
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value)
      .filter(([key, of]) => key !== 'flags' && of !== 0 && !(Array.isArray(of) && of.length === 0))
      .map(([key, of]) => [key, plain(of)]);
    return Object.fromEntries(entries);
  };
  expect(plain(JSON.parse(encodeSpans(vector.reporter, vector.spans)))).toEqual(plain(vector.request));
});

describe('ids', () => {
  it('put the spans of all nodes into the trace that the digest names, with parents that exist', async () => {
    const { url, batches } = await collector();
    const nodes = ['follower', 'validator-0', 'validator-1'].map((name) => tracingOf(url, name));
    nodes[0]!.span(DIGEST, 'submit', 1, 9);
    for (const node of nodes) {
      node.span(DIGEST, 'admission.signature', 2, 3);
      node.span(DIGEST, 'admission', 1, 3);
      node.span(DIGEST, 'commit', 4, 5);
    }
    await Promise.all(nodes.map((node) => node.close()));
    const spans = batches.flat();
    expect(spans).toHaveLength(10);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([DIGEST.slice(0, 32)]));
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(10);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const parentOf = (span: SentSpan) => (span.parentSpanId === undefined ? null : byId.get(span.parentSpanId)?.name);
    const parents = new Map(spans.map((span) => [span.name, parentOf(span)]));
    expect(Object.fromEntries(parents)).toEqual({
      submit: null,
      admission: 'submit',
      'admission.signature': 'admission',
      commit: 'submit',
    });
    expect(spans.find(({ name }) => name === 'submit')?.spanId).toBe(DIGEST.slice(32, 48));
  });

  it('are never used twice: a second submission stands below the first', async () => {
    const { url, batches } = await collector();
    const tracing = tracingOf(url);
    tracing.span(DIGEST, 'submit', 1, 2);
    tracing.span(DIGEST, 'submit', 3, 4);
    await tracing.close();
    const [first, second] = batches.flat();
    expect(first?.parentSpanId).toBeUndefined();
    expect(second?.parentSpanId).toBe(first?.spanId);
    expect(second?.spanId).not.toBe(first?.spanId);
  });

  it('are linked to the trace of the client, when it names one in the form of W3C', async () => {
    const { url, batches } = await collector();
    const tracing = tracingOf(url);
    const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
    tracing.span(DIGEST, 'submit', 1, 2, { traceparent: `00-${traceId}-${spanId}-01` });
    const bad = [`00-${'0'.repeat(32)}-${spanId}-01`, `00-${traceId}-${'0'.repeat(16)}-01`, '00-x', 'é', undefined];
    for (const traceparent of bad) tracing.span(DIGEST, 'submit', 1, 2, { traceparent });
    await tracing.close();
    const [first, ...others] = batches.flat();
    expect(first?.links).toMatchObject([{ traceId, spanId }]);
    expect(others.map(({ links }) => links)).toEqual(bad.map(() => undefined));
  });
});

describe('sampling', () => {
  /** What a node of this ratio would send, read off what it drops: nothing is queued for what is not sampled. */
  const sampled = (ratio: number, digest: string) => {
    const tracing = otelTracing({
      otlpUrl: NOWHERE,
      ratio,
      reporter: { instance: 'n', version: '', attributes: {} },
      log,
    });
    void tracing.close();
    tracing.span(digest, 'commit', 0, 1);
    return tracing.counts.dropped === 1;
  };
  const digests = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
  const ratios = fc.double({ min: 0, max: 1, noNaN: true });

  it('is nested: what a node samples, one of a higher ratio samples too', () => {
    fc.assert(
      fc.property(digests, ratios, ratios, (digest, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        if (sampled(low, digest)) expect(sampled(high, digest)).toBe(true);
        expect([sampled(0, digest), sampled(1, digest)]).toEqual([false, true]);
      }),
    );
  });

  it('begins exactly where the last 56 bits of the trace id reach (1 - ratio) of their range', () => {
    const digest = (last56: string) => `${'f'.repeat(18)}${last56}${'0'.repeat(32)}`;
    expect(sampled(0.5, digest('80000000000000'))).toBe(true);
    expect(sampled(0.5, digest('7fffffffffffff'))).toBe(false);
  });

  it('takes about as many as the ratio says', () => {
    const count = Array.from({ length: 4_000 }, (_, i) => digestOf(String(i))).filter((d) => sampled(0.25, d)).length;
    expect(count).toBeGreaterThan(850);
    expect(count).toBeLessThan(1_150);
  });
});

describe('the queue', () => {
  it('tries again what the collector was too busy for, and loses nothing', async () => {
    const { url, batches } = await collector(503, 429);
    const tracing = tracingOf(url);
    for (let i = 0; i < 600; i++) tracing.span(digestOf(String(i)), 'commit', i, i + 1);
    await expect.poll(() => batches.flat().length).toBe(600);
    expect(tracing.counts).toEqual({ sent: 600, dropped: 0 });
    expect(warned).toContain('traces cannot be sent');
    await tracing.close();
  });

  it('sends batch after batch without a pause while there are whole ones', async () => {
    const { url, batches } = await collector();
    const reporter = { instance: 'n', version: '0', attributes: {} };
    const tracing = otelTracing({ otlpUrl: url, ratio: 1, reporter, log, intervalMs: 600 });
    for (let i = 0; i < 5_200; i++) tracing.span(digestOf(String(i)), 'commit', i, i + 1);
    await expect.poll(() => batches.length, { timeout: 5_000 }).toBe(10);
    expect(batches.flat()).toHaveLength(5_120);
    await tracing.close();
    expect(batches.flat()).toHaveLength(5_200);
  });

  it('drops a batch that the collector calls wrong, and goes on', async () => {
    const { url, batches } = await collector(400);
    const tracing = tracingOf(url);
    tracing.span(DIGEST, 'commit', 1, 2);
    await expect.poll(() => tracing.counts.dropped).toBe(1);
    tracing.span(DIGEST, 'receipt', 1, 2);
    await expect.poll(() => batches.flat().map(({ name }) => name)).toEqual(['receipt']);
    await tracing.close();
  });

  it('holds a bounded number while nobody listens, and never throws', async () => {
    const tracing = tracingOf(NOWHERE);
    for (let i = 0; i < 20_000; i++) tracing.span(digestOf(String(i)), 'commit', i, i + 1);
    await expect.poll(() => warned.length).toBeGreaterThan(0);
    expect(tracing.counts.sent).toBe(0);
    expect(tracing.counts.dropped).toBeGreaterThanOrEqual(20_000 - 8_192 - 512);
    await tracing.close();
  });

  it('keeps times in order when the clock was set back', async () => {
    const { url, batches } = await collector();
    const tracing = tracingOf(url);
    tracing.span(DIGEST, 'commit', 1_700_000_000_005, 1_700_000_000_001);
    await tracing.close();
    const [span] = batches.flat();
    expect([span?.startTimeUnixNano, span?.endTimeUnixNano]).toEqual(['1700000000005000000', '1700000000005000000']);
  });
});
