/**
 * Looks at all nodes ten times a second: who is how far, whether two ever show different blocks at one height, how much
 * memory they take, and since when enough validators are whole and connected for the chain to go on.
 */
import { isValidator, type NodeProcess } from './cluster.ts';
import { blockOf, heightOf, memoryMbOf } from './look.ts';
import { VALIDATORS } from './plan.ts';

const LOOK_MS = 100;
/** So far behind the highest, a node counts as in step; two looks are never at the same moment. */
const IN_STEP = 2;
const OUT_OF_STEP = 10;
const QUORUM = Math.floor((2 * VALIDATORS) / 3) + 1;

/** A time, by the machine's clock, in which a quorum was whole and connected, from its first new block on. */
export interface Span {
  readonly fromMs: number;
  toMs: number;
}

export class Watch {
  readonly spans: Span[] = [];
  /** From a quorum being back to the next block, in ms. */
  readonly recoveries: number[] = [];
  readonly violations: string[] = [];
  maxMemoryMb = 0;
  best = 0;
  /** Links "from to" that are cut. */
  readonly cuts = new Set<string>();
  /** Nodes that are up but hindered. */
  readonly hindered = new Set<number>();
  private readonly nodes: readonly NodeProcess[];
  private readonly heights = new Map<number, number>();
  private readonly inStep = new Set<number>();
  private readonly hashes = new Map<number, string>();
  private quorumSince: { readonly atMs: number; readonly height: number } | null = null;
  private span: Span | null = null;
  private looking: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | null = null;
  private isBusy = false;

  constructor(nodes: readonly NodeProcess[]) {
    this.nodes = nodes;
  }

  start(): void {
    this.timer = setInterval(() => {
      this.judgeQuorum();
      if (this.isBusy) return;
      this.isBusy = true;
      this.looking = this.look().finally(() => {
        this.isBusy = false;
      });
    }, LOOK_MS);
  }

  async stop(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    await this.looking;
    if (this.span !== null) this.span.toMs = Date.now();
  }

  private async look(): Promise<void> {
    await Promise.all(this.nodes.map((node) => this.lookAt(node)));
  }

  private async lookAt(node: NodeProcess): Promise<void> {
    if (node.state !== 'up') {
      this.inStep.delete(node.node);
      return;
    }
    this.maxMemoryMb = Math.max(this.maxMemoryMb, memoryMbOf(node));
    const block = await blockOf(node, 'latest');
    if (block === undefined) return;
    this.notice(node, block.height, block.hash);
  }

  private notice(node: NodeProcess, height: number, hash: string): void {
    const known = this.hashes.get(height);
    if (known === undefined) this.hashes.set(height, hash);
    else if (known !== hash) this.violations.push(`${node.name} shows ${hash} at height ${height}, another ${known}`);
    this.heights.set(node.node, height);
    this.best = Math.max(this.best, height);
    if (height >= this.best - IN_STEP) this.inStep.add(node.node);
    else if (height < this.best - OUT_OF_STEP) this.inStep.delete(node.node);
  }

  private judgeQuorum(): void {
    const now = Date.now();
    if (!this.hasQuorum()) {
      if (this.span !== null) this.span.toMs = now;
      this.span = null;
      this.quorumSince = null;
      return;
    }
    this.quorumSince ??= { atMs: now, height: this.best };
    if (this.span !== null || this.best <= this.quorumSince.height) return;
    this.recoveries.push(now - this.quorumSince.atMs);
    this.span = { fromMs: now, toMs: Number.POSITIVE_INFINITY };
    this.spans.push(this.span);
  }

  private hasQuorum(): boolean {
    const whole = this.nodes
      .filter((node) => isValidator(node) && node.state === 'up')
      .map(({ node }) => node)
      .filter((node) => this.inStep.has(node) && !this.hindered.has(node));
    const joined = (a: number, b: number) => !this.cuts.has(`${a} ${b}`) && !this.cuts.has(`${b} ${a}`);
    const grow = (clique: readonly number[], rest: readonly number[]): boolean =>
      clique.length >= QUORUM ||
      rest.some(
        (node, i) => clique.every((other) => joined(node, other)) && grow([...clique, node], rest.slice(i + 1)),
      );
    return grow([], whole);
  }

  /** Waits until this node is in step with the highest; the time from `sinceMs` on. */
  async untilInStep(node: NodeProcess, sinceMs: number, withinMs: number): Promise<number> {
    for (const endMs = Date.now() + withinMs; Date.now() < endMs; ) {
      const height = node.state === 'up' ? await heightOf(node) : undefined;
      if (height !== undefined && height >= this.best - 1) {
        node.isServing = true;
        return Date.now() - sinceMs;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const height = this.heights.get(node.node) ?? 0;
    throw new Error(
      `${node.name} is at height ${height}, the chain at ${this.best}, ${withinMs} ms after it could go on`,
    );
  }

  /** Waits until all nodes have a block that did not exist when this was called. */
  untilAllGoOn(withinMs: number): Promise<void> {
    return this.untilAllReach(this.best + 1, withinMs);
  }

  /** Waits until all nodes have this height. */
  async untilAllReach(goal: number, withinMs: number): Promise<void> {
    for (const endMs = Date.now() + withinMs; Date.now() < endMs; ) {
      const heights = await Promise.all(this.nodes.map((node) => (node.state === 'up' ? heightOf(node) : undefined)));
      if (heights.every((height) => height !== undefined && height >= goal)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const shown = this.nodes.map(({ name, node, state }) => `${name} ${state} at ${this.heights.get(node) ?? 0}`);
    throw new Error(`not all reach height ${goal} within ${withinMs} ms: ${shown.join(', ')}`);
  }
}

/** The longest time without a new block inside the spans, from the times of all blocks, ascending; and when it began. */
export function longestGap(
  timesMs: readonly number[],
  spans: readonly Span[],
): { readonly ms: number; readonly atMs: number } {
  let longest = { ms: 0, atMs: 0 };
  for (const [i, from] of timesMs.entries()) {
    const to = timesMs[i + 1] ?? Number.POSITIVE_INFINITY;
    for (const span of spans) {
      const begin = Math.max(from, span.fromMs);
      const ms = Math.min(to, span.toMs) - begin;
      if (ms > longest.ms) longest = { ms, atMs: begin };
    }
  }
  return longest;
}

/** The parts of the spans inside a window. */
export function within(spans: readonly Span[], window: Span): Span[] {
  return spans
    .map(({ fromMs, toMs }) => ({ fromMs: Math.max(fromMs, window.fromMs), toMs: Math.min(toMs, window.toMs) }))
    .filter(({ fromMs, toMs }) => fromMs < toMs);
}
