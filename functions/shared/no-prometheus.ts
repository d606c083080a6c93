/**
 * In place of `prom-client` in bundles: nobody scrapes one instance among many, which CloudWatch counts instead. What the
 * API uses of it is here, and does nothing (scripts/bundle-functions.ts).
 */
export class Registry {
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';

  async metrics(): Promise<string> {
    return '# Metrics of the functions are in CloudWatch.\n';
  }
}

class Nothing {
  inc(): void {}
  set(): void {}
  observe(): void {}
}

export { Nothing as Counter, Nothing as Gauge, Nothing as Histogram };
