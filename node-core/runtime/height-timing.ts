/**
 * When things happen within one height: it begins in earnest when there is work, timeouts end its rounds, and an absent
 * proposer is not waited for. Safety rests on none of this. What was scheduled for a height ends with it.
 */
import { type TimeoutStep, timeoutMs } from '../consensus/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChainStore } from './chain-store.ts';
import { Pacing } from './pacing.ts';
import { Patience } from './patience.ts';
import type { Job } from './serial.ts';

export interface HeightTimingParts {
  readonly store: ChainStore;
  readonly clock: Clock;
  /** What a node of this validator has said its height is; null when none is connected. */
  readonly heightOf: (validator: number) => number | null;
  /** Puts a job into the node's serial queue. */
  readonly run: (job: Job) => void;
}

export class HeightTiming {
  private readonly parts: HeightTimingParts;
  private readonly pacing: Pacing;
  private readonly patience: Patience;
  private cancels: (() => void)[] = [];
  private afterBegin: (() => void)[] = [];
  private begun = false;
  private stopped = false;
  /** Counts heights: what an earlier one has queued must not happen in this one. */
  private current = 0;

  constructor(parts: HeightTimingParts) {
    this.parts = parts;
    this.pacing = new Pacing(parts.clock, parts.store.genesis.document.parameters);
    this.patience = new Patience(parts.clock, parts.heightOf);
  }

  /** Whether round 0 has begun in earnest. */
  get hasBegun(): boolean {
    return this.begun;
  }

  /** Round 0 of the block after the newest begins when there is work, or when its interval is over (pacing.ts). */
  waitForWork(hasWork: () => boolean): void {
    this.pacing.wait(this.parts.store.timeMs, hasWork, () =>
      this.run(() => {
        this.begun = true;
        for (const action of this.afterBegin.splice(0)) action();
      }),
    );
  }

  /** Something to pack has come in. */
  workArrived(): void {
    this.pacing.look();
  }

  /** Round 0 waits for work; later rounds begin at once. */
  whenRoundBegins(round: number, action: () => void): void {
    if (round > 0 || this.begun) action();
    else this.afterBegin.push(action);
  }

  /** @param proposer the validator whose proposal is waited for; null when nobody else's is. */
  timeout(step: TimeoutStep, round: number, proposer: number | null, fire: Job): void {
    const { genesis, height, validators } = this.parts.store;
    const fullMs = timeoutMs(genesis.document.parameters, step, round);
    const id = proposer === null ? undefined : validators.validators[proposer]?.id;
    const isAwaited = proposer !== null && id !== undefined;
    this.later(isAwaited ? this.patience.delayMs({ id, index: proposer }, height + 1, fullMs) : fullMs, fire);
  }

  /** The connection to a validator has ended. */
  lost(validator: number): void {
    const lost = this.parts.store.validators.validators[validator];
    if (lost !== undefined) this.patience.lost(lost.id);
  }

  later(delayMs: number, job: Job): void {
    if (!this.stopped) this.cancels.push(this.parts.clock.schedule(delayMs, () => this.run(job)));
  }

  /** In the serial queue, unless the height has ended before its turn comes. */
  run(job: Job): void {
    const of = this.current;
    this.parts.run(() => (of === this.current ? job() : undefined));
  }

  end(): void {
    for (const cancel of this.cancels) cancel();
    this.cancels = [];
    this.pacing.stop();
    this.begun = false;
    this.afterBegin = [];
    this.current += 1;
  }

  /** Nothing is scheduled any more. */
  stop(): void {
    this.end();
    this.stopped = true;
  }
}
