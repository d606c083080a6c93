/**
 * Keeps what others can cause without end from filling a disk: of each event about one subject (a peer, an address) a
 * burst and then a few lines a minute, and of each event over all subjects some more. What is left out is counted.
 */

interface Bucket {
  tokens: number;
  atMs: number;
  suppressed: number;
}

export interface FloodLimits {
  readonly burst: number;
  readonly perMinute: number;
}

export const PER_SUBJECT: FloodLimits = { burst: 20, perMinute: 6 };
export const PER_EVENT: FloodLimits = { burst: 200, perMinute: 60 };
/** The one used longest ago is forgotten. */
const MAX_BUCKETS = 1_000;

export class FloodGate {
  /** Lines left out since the start. */
  suppressed = 0;
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  /** @param now milliseconds, never running back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many lines of this event and subject were left out before this one; null when this one is to be left out. */
  enter(event: string, subject: string): number | null {
    const own = this.#bucket(`${event}\n${subject}`, PER_SUBJECT);
    const all = this.#bucket(event, PER_EVENT);
    if (own.tokens < 1 || all.tokens < 1) {
      own.suppressed += 1;
      this.suppressed += 1;
      return null;
    }
    own.tokens -= 1;
    all.tokens -= 1;
    const before = own.suppressed;
    own.suppressed = 0;
    return before;
  }

  #bucket(name: string, { burst, perMinute }: FloodLimits): Bucket {
    const nowMs = this.#now();
    const known = this.#buckets.get(name) ?? { tokens: burst, atMs: nowMs, suppressed: 0 };
    known.tokens = Math.min(burst, known.tokens + ((nowMs - known.atMs) * perMinute) / 60_000);
    known.atMs = nowMs;
    this.#buckets.delete(name);
    this.#buckets.set(name, known);
    if (this.#buckets.size > MAX_BUCKETS) this.#buckets.delete(this.#buckets.keys().next().value!);
    return known;
  }
}
