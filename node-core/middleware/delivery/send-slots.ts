/**
 * How many requests are under way at once. Endpoints that have failed, or have never accepted anything, share slots of
 * their own: however many of them hang, those that work have theirs.
 */
export type Standing = 'working' | 'doubtful';

export const SLOTS: Readonly<Record<Standing, number>> = { working: 256, doubtful: 64 };

interface Line {
  free: number;
  readonly waiting: (() => void)[];
}

export class SendSlots {
  private readonly lines: Readonly<Record<Standing, Line>>;

  constructor(slots: Readonly<Record<Standing, number>> = SLOTS) {
    this.lines = {
      working: { free: slots.working, waiting: [] },
      doubtful: { free: slots.doubtful, waiting: [] },
    };
  }

  /** Runs the work as soon as there is a slot, in the order of the calls. Each endpoint bounds how often it calls. */
  async run<T>(standing: Standing, work: () => Promise<T>): Promise<T> {
    const line = this.lines[standing];
    if (line.free > 0) line.free -= 1;
    else await new Promise<void>((turn) => line.waiting.push(turn));
    try {
      return await work();
    } finally {
      const next = line.waiting.shift();
      if (next === undefined) line.free += 1;
      else next();
    }
  }
}
