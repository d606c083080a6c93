/** The metrics of one node at one moment, as far as `brop top` shows them. */
import { parseMetrics, type Samples } from './prometheus-text.ts';

export interface Scrape {
  /** Milliseconds on a clock that never runs back. */
  readonly atMs: number;
  readonly samples: Samples;
}

const TIMEOUT_MS = 2_000;
/** Some hundred lines are usual; what is longer is no node. */
const MAX_BYTES = 4 << 20;

/** null when the node does not answer, or not with metrics. */
export async function scrape(url: string): Promise<Scrape | null> {
  try {
    const response = await fetch(new URL('/metrics', url), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok || response.body === null) return null;
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body) {
      size += chunk.length;
      if (size > MAX_BYTES) return null;
      chunks.push(chunk);
    }
    const samples = parseMetrics(Buffer.concat(chunks).toString('utf8'));
    return samples.has('brop_height') ? { atMs: performance.now(), samples } : null;
  } catch {
    return null;
  }
}
