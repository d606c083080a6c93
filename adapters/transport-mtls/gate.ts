import type { Log } from '../../node-core/ports/log.ts';

/**
 * Keeps strangers from costing much: bounds the connections that have not shown a key that is let in yet. When there are too many
 * the oldest goes, of its own address or of the one that has most: a handshake takes some 10 ms, so that whoever is
 * honest is through before those that say nothing can push it out.
 */
export class Gate {
  readonly #maxHalfOpen: number;
  readonly #maxPerAddress: number;
  /** How to end each half-open connection, by address, the oldest first. */
  readonly #halfOpen = new Map<string, Set<() => void>>();
  #total = 0;

  constructor(limits: { readonly maxHalfOpen: number; readonly maxHalfOpenPerAddress: number }) {
    this.#maxHalfOpen = limits.maxHalfOpen;
    this.#maxPerAddress = limits.maxHalfOpenPerAddress;
  }

  /** A new connection, and how to end it when it has to make room. Call the result once it is no longer half-open. */
  enter(address: string, evict: () => void): () => void {
    const own = this.#halfOpen.get(address);
    if (own !== undefined && own.size >= this.#maxPerAddress) this.#evictOldest(address, own);
    else if (this.#total >= this.#maxHalfOpen) this.#evictOldest(...this.#busiest());
    this.#halfOpen.set(address, (this.#halfOpen.get(address) ?? new Set()).add(evict));
    this.#total++;
    return () => this.#leave(address, evict);
  }

  #busiest(): [string, Set<() => void>] {
    return [...this.#halfOpen].reduce((most, row) => (row[1].size > most[1].size ? row : most));
  }

  #evictOldest(address: string, connections: Set<() => void>): void {
    const [oldest] = connections;
    if (oldest === undefined) return;
    this.#leave(address, oldest);
    oldest();
  }

  #leave(address: string, evict: () => void): void {
    const connections = this.#halfOpen.get(address);
    if (connections?.delete(evict) !== true) return;
    this.#total--;
    if (connections.size === 0) this.#halfOpen.delete(address);
  }
}

const QUIET_MS = 60_000;
const REMEMBERED = 1_000;

/** Logs at most one line a minute per subject; the next line says how many were left out. */
export class QuietLog {
  readonly #log: Log;
  readonly #subjects = new Map<string, { until: number; left: number }>();

  constructor(log: Log) {
    this.#log = log;
  }

  warn(subject: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    const now = performance.now();
    const known = this.#subjects.get(subject);
    if (known !== undefined && now < known.until) {
      known.left++;
      return;
    }
    this.#subjects.delete(subject);
    this.#subjects.set(subject, { until: now + QUIET_MS, left: 0 });
    // The oldest goes: memory stays bounded however many addresses knock.
    if (this.#subjects.size > REMEMBERED) this.#subjects.delete(this.#subjects.keys().next().value!);
    this.#log.warn(message, known === undefined || known.left === 0 ? fields : { ...fields, suppressed: known.left });
  }
}
