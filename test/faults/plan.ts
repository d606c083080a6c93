/** The faults of a run, drawn from its seed and from nothing else, so that a failing run can be made again. */
import { Chance } from '../simulation/chance.ts';

export const VALIDATORS = 4;
/** Index of the follower; the validators are 0 to 3. */
export const FOLLOWER = VALIDATORS;
/** Whose data are on the small disk. */
export const SMALL_DISK = VALIDATORS - 1;

export const KINDS = [
  'kill',
  'kill-two',
  'kill-all',
  'kill-starting',
  'kill-follower',
  'stop',
  'stop-long',
  'stop-two',
  'full-disk',
  'isolate',
  'halves',
  'one-way',
  'slow',
  'corrupt-follower',
  'corrupt-validator',
  'corrupt-record',
  'strangers',
] as const;
export type Kind = (typeof KINDS)[number];

/** How the bytes of a file are damaged. */
export const DAMAGES = ['flipped bits', 'a page of zeros', 'cut off'] as const;
export type Damage = (typeof DAMAGES)[number];

export interface Fault {
  /** From 1. */
  readonly number: number;
  readonly kind: Kind;
  /** Whom it meets, in this order. */
  readonly nodes: readonly number[];
  /** Quiet time before it. */
  readonly pauseMs: number;
  /** How long it lasts. */
  readonly holdMs: number;
  /** Between the first node and the next, where it meets several in turn. */
  readonly staggerMs: number;
  readonly damage: Damage;
  /** In [0, 1): where in a file the damage begins. */
  readonly where: number;
}

/** Shortest and longest, in ms. */
const HOLDS: Readonly<Record<Kind, readonly [number, number]>> = {
  kill: [300, 5_000],
  'kill-two': [300, 3_000],
  'kill-all': [200, 2_000],
  'kill-starting': [500, 2_000],
  'kill-follower': [300, 4_000],
  stop: [200, 4_000],
  // Longer than the transport's silence (5 s), and than every timeout of consensus by far.
  'stop-long': [16_000, 18_000],
  'stop-two': [1_000, 5_000],
  'full-disk': [200, 2_000],
  isolate: [1_000, 7_000],
  halves: [1_000, 6_000],
  'one-way': [1_000, 6_000],
  slow: [2_000, 6_000],
  'corrupt-follower': [200, 1_000],
  'corrupt-validator': [200, 1_000],
  'corrupt-record': [200, 1_000],
  strangers: [2_000, 5_000],
};

const NODES = [0, 1, 2, 3, 4];

/**
 * Faults without end. Every kind of `kinds` comes once, in an order of its own, before any comes again.
 * @param seed a whole number.
 */
export function* plan(seed: number, kinds: readonly Kind[]): Generator<Fault, never> {
  const chance = new Chance(`faults ${seed}`);
  for (let number = 1; ; ) {
    for (const kind of shuffled(chance, kinds)) {
      const [least, most] = HOLDS[kind];
      yield {
        number: number++,
        kind,
        nodes: nodesOf(kind, chance),
        pauseMs: Math.round(chance.between(300, 1_500)),
        holdMs: Math.round(chance.between(least, most)),
        staggerMs: Math.round(chance.between(0, 1_500)),
        damage: chance.pick(DAMAGES),
        where: chance.unit(),
      };
    }
  }
}

function nodesOf(kind: Kind, chance: Chance): number[] {
  const validators = shuffled(chance, NODES.slice(0, VALIDATORS));
  const all = shuffled(chance, NODES);
  switch (kind) {
    case 'kill-follower':
    case 'corrupt-follower':
      return [FOLLOWER];
    case 'full-disk':
      return [SMALL_DISK];
    case 'kill-two':
    case 'stop-two':
    case 'halves':
      return validators.slice(0, 2);
    case 'kill-all':
      return all;
    case 'stop':
    case 'stop-long':
    case 'kill-starting':
    case 'strangers':
      return all.slice(0, 1);
    default:
      return validators.slice(0, 1);
  }
}

function shuffled<T>(chance: Chance, items: readonly T[]): T[] {
  const rest = [...items];
  return items.map(() => rest.splice(chance.below(rest.length), 1)[0]!);
}

export function nameOf(node: number): string {
  return node === FOLLOWER ? 'follower' : `validator-${node}`;
}

/** One line for people. */
export function describe({ number, kind, nodes, holdMs, damage }: Fault): string {
  const names = nodes.map(nameOf).join(', ');
  const how = kind.startsWith('corrupt') ? `, ${damage}` : '';
  return `#${number} ${kind}: ${names}, ${holdMs} ms${how}`;
}
