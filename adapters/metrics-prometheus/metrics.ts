import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics } from '../../node-core/ports/metrics.ts';
import { COUNTERS, DURATIONS } from './catalogue.ts';

/** One row of a metric that is read when it is scraped. */
export interface Reading {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface PrometheusMetrics extends Metrics {
  readonly registry: Registry;
  /** A value that goes up and down, read when somebody scrapes; no readings, no rows. */
  gauge(name: string, help: string, read: Read, labels?: readonly string[]): void;
  /** The same for one that somebody else counts up. */
  counter(name: string, help: string, read: Read, labels?: readonly string[]): void;
}

export type Read = () => number | readonly Reading[] | Promise<number | readonly Reading[]>;

/** The Metrics port on prom-client, every registry by itself: two nodes in one process do not share what they count. */
export function prometheusMetrics(): PrometheusMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counters = mapValues(COUNTERS, ({ help, label, values }, name) => {
    const counter = new Counter({ name, help, registers, labelNames: label === null ? [] : [label] });
    for (const value of values) counter.inc({ [label!]: String(value) }, 0);
    return counter;
  });
  const durations = mapValues(DURATIONS, ({ help, label, values, buckets }, name) => {
    const labelNames = label === null ? [] : [label];
    const histogram = new Histogram({ name, help, registers, buckets: [...buckets], labelNames });
    for (const value of values) histogram.zero({ [label!]: String(value) });
    return histogram;
  });
  return {
    registry,
    count: (name, label, by = 1) => {
      const { label: labelName } = COUNTERS[name];
      if (labelName === null) counters[name].inc(by);
      else counters[name].inc({ [labelName]: String(label) }, by);
    },
    observe: (name, label, ms) => {
      const { label: labelName } = DURATIONS[name];
      // A clock that was set back must not make a duration negative.
      const seconds = Math.max(0, ms) / 1_000;
      if (labelName === null) durations[name].observe(seconds);
      else durations[name].observe({ [labelName]: String(label) }, seconds);
    },
    gauge: (name, help, read, labels = []) => {
      new Gauge({
        name,
        help,
        registers,
        labelNames: [...labels],
        async collect() {
          const rows = await readings(read);
          this.reset();
          for (const { labels: of = {}, value } of rows) this.set(of, value);
        },
      });
    },
    counter: (name, help, read, labels = []) => {
      new Counter({
        name,
        help,
        registers,
        labelNames: [...labels],
        async collect() {
          const rows = await readings(read);
          this.reset();
          for (const { labels: of = {}, value } of rows) this.inc(of, value);
        },
      });
    },
  };
}

async function readings(read: Read): Promise<readonly Reading[]> {
  const found = await read();
  return typeof found === 'number' ? [{ value: found }] : found;
}

function mapValues<K extends string, A, B>(
  record: Readonly<Record<K, A>>,
  make: (value: A, key: K) => B,
): Record<K, B> {
  const rows = Object.entries(record) as [K, A][];
  return Object.fromEntries(rows.map(([key, value]) => [key, make(value, key)])) as Record<K, B>;
}
