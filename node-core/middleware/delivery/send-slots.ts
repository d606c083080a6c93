/**
 * How many requests are under way at once. Endpoints that have failed, or have never accepted anything, share slots of
 * their own: however many of them hang, those that work have theirs. And no owner has more than an eighth of either,
 * however many endpoints it has: who can make its endpoints hang together holds up nobody else.
 */
export type Standing = 'working' | 'doubtful';

export const SLOTS: Readonly<Record<Standing, number>> = { working: 256, doubtful: 64 };
const OWNERS_SHARE = 8;

interface Waiting {
  readonly owner: string;
  readonly begin: () => void;
}

interface Line {
  free: number;
  readonly eachOwner: number;
  readonly underWay: Map<string, number>;
  readonly waiting: Waiting[];
}

function lineOf(slots: number): Line {
  return { free: slots, eachOwner: Math.ceil(slots / OWNERS_SHARE), underWay: new Map(), waiting: [] };
}

export class SendSlots {
  private readonly lines: Readonly<Record<Standing, Line>>;

  constructor(slots: Readonly<Record<Standing, number>> = SLOTS) {
    this.lines = { working: lineOf(slots.working), doubtful: lineOf(slots.doubtful) };
  }

  /** Runs the work as soon as there is a slot for its owner, in the order of the calls. */
  async run<T>(standing: Standing, owner: string, work: () => Promise<T>): Promise<T> {
    const line = this.lines[standing];
    if (mayBegin(line, owner)) take(line, owner);
    else await new Promise<void>((begin) => line.waiting.push({ owner, begin }));
    try {
      return await work();
    } finally {
      giveBack(line, owner);
      const next = line.waiting.findIndex((one) => mayBegin(line, one.owner));
      const [waiting] = next === -1 ? [] : line.waiting.splice(next, 1);
      if (waiting !== undefined) {
        take(line, waiting.owner);
        waiting.begin();
      }
    }
  }
}

function mayBegin({ free, eachOwner, underWay }: Line, owner: string): boolean {
  return free > 0 && (underWay.get(owner) ?? 0) < eachOwner;
}

function take(line: Line, owner: string): void {
  line.free -= 1;
  line.underWay.set(owner, (line.underWay.get(owner) ?? 0) + 1);
}

function giveBack(line: Line, owner: string): void {
  const left = line.underWay.get(owner)! - 1;
  line.free += 1;
  if (left === 0) line.underWay.delete(owner);
  else line.underWay.set(owner, left);
}
