/** Virtual time: a queue of events ordered by (time, sequence). Nothing else makes time pass. */
interface Event {
  readonly atMs: number;
  readonly sequence: number;
  action: (() => void) | null;
}

export class Scheduler {
  private readonly heap: Event[] = [];
  private sequence = 0;
  private time = 0;
  private processed = 0;

  /** Virtual milliseconds since the start; fractions are possible. */
  get nowMs(): number {
    return this.time;
  }

  get events(): number {
    return this.processed;
  }

  /** Runs `action` once after `delayMs`; the result cancels it. */
  schedule(delayMs: number, action: () => void): () => void {
    const event: Event = { atMs: this.time + Math.max(0, delayMs), sequence: this.sequence++, action };
    push(this.heap, event);
    return () => {
      event.action = null;
    };
  }

  /**
   * Runs events until `isOver` says so after one, or none is left up to `untilMs`; time then stands at `untilMs`.
   * After each event all that it started in promises runs to its end before the next one: setImmediate comes after
   * every microtask, and nothing here waits for threads, sockets or files. So a seed has exactly one history.
   */
  async run(untilMs: number, isOver: () => boolean): Promise<void> {
    for (let next = this.heap[0]; next !== undefined && next.atMs <= untilMs; next = this.heap[0]) {
      pop(this.heap);
      if (next.action === null) continue;
      this.time = next.atMs;
      this.processed += 1;
      next.action();
      await new Promise((resolve) => setImmediate(resolve));
      if (isOver()) return;
    }
    this.time = Math.max(this.time, untilMs);
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

function push(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(event, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
    if (!isBefore(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}
