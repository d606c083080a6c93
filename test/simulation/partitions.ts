/** Shapes in which a network falls apart: for each, which machine does not hear which. */
import type { Chance } from './chance.ts';

/** `from` sends, and `to` hears nothing of it. Machines by their index. */
export type Cut = readonly [from: number, to: number];

/**
 * halves: two groups of about the same size. isolated: one machine alone. oneWay: a group is heard by nobody and hears
 * everybody. bridge: two groups, and one machine that sees both. ring: each sees its two neighbours alone. star: all see
 * one machine alone. random: any two groups.
 */
export const SHAPES = ['halves', 'isolated', 'oneWay', 'bridge', 'ring', 'star', 'random'] as const;
export type Shape = (typeof SHAPES)[number];

/** What is cut among machines 0 to `count` − 1; who is where is drawn. */
export function cutsOf(shape: Shape, count: number, chance: Chance): Cut[] {
  const order = shuffled(chance, count);
  const half = Math.floor(count / 2);
  switch (shape) {
    case 'halves':
      return between(order.slice(0, half), order.slice(half));
    case 'isolated':
      return between(order.slice(0, 1), order.slice(1));
    case 'oneWay': {
      const mute = order.slice(0, 1 + chance.below(Math.max(1, half)));
      return mute.flatMap((from) => order.filter((to) => to !== from).map((to) => [from, to] as const));
    }
    case 'bridge': {
      const rest = order.slice(1);
      return between(rest.slice(0, half), rest.slice(half));
    }
    case 'ring':
      return pairsOf(order).filter(([a, b]) => !isNeighbour(order.indexOf(a), order.indexOf(b), count));
    case 'star':
      return pairsOf(order).filter(([a, b]) => a !== order[0] && b !== order[0]);
    case 'random': {
      const some = chance.some(order, 0.5);
      return between(
        some,
        order.filter((index) => !some.includes(index)),
      );
    }
  }
}

/** Cuts in both directions between two groups. */
export function between(some: readonly number[], others: readonly number[]): Cut[] {
  return some.flatMap((a) => others.flatMap((b) => [[a, b] as const, [b, a] as const]));
}

function isNeighbour(a: number, b: number, count: number): boolean {
  const distance = Math.abs(a - b);
  return distance === 1 || distance === count - 1;
}

function pairsOf(order: readonly number[]): Cut[] {
  return order.flatMap((a) => order.filter((b) => b !== a).map((b) => [a, b] as const));
}

function shuffled(chance: Chance, count: number): number[] {
  const left = Array.from({ length: count }, (_, index) => index);
  return Array.from({ length: count }, () => left.splice(chance.below(left.length), 1)[0]!);
}
