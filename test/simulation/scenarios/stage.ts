/**
 * The words in which scripted scenarios are written. A stage is a whole simulated consortium: real nodes, simulated
 * world, every check of a seed's simulation on. What is scripted is what breaks, and when.
 *
 * @example
 * const chain = await given(4).validators();
 * await chain.runs(seconds(3));
 * chain.partition('halves').for(seconds(20));
 * await chain.runs(seconds(20));
 * await chain.heals();
 */
import { expect } from 'vitest';
import { type EquivocationName, verifyEquivocation } from '../../../node-core/chain/equivocation.ts';
import { verifyReceipt } from '../../../node-core/chain/receipt.ts';
import { equal } from '../../../node-core/codec/bytes.ts';
import { proposerIndex } from '../../../node-core/consensus/index.ts';
import { fsck } from '../../../node-core/runtime/fsck.ts';
import { decodeMessage, type Message } from '../../../node-core/runtime/messages.ts';
import type { Strategy } from '../adversary.ts';
import { heightsOf, type Machine } from '../machine.ts';
import { MemoryBlobs } from '../memory-blobs.ts';
import { MemoryStore } from '../memory-store.ts';
import type { Shape } from '../partitions.ts';
import { quietScenario, type Scenario } from '../scenario.ts';
import { Simulation } from '../simulate.ts';

export const seconds = (count: number) => count * 1_000;
export const minutes = (count: number) => count * 60_000;

const NEVER_MS = 1e12;

/** `await given(4).validators({ liars: [0] })` */
export function given(count: number) {
  return {
    validators: async (change: Partial<Scenario> = {}): Promise<Stage> => {
      const simulation = await Simulation.of({ ...quietScenario(count), ...change });
      simulation.begin();
      return new Stage(simulation);
    },
  };
}

export class Stage {
  private readonly simulation: Simulation;
  /** Those that the script has switched off. */
  private readonly dead = new Set<Machine>();

  constructor(simulation: Simulation) {
    this.simulation = simulation;
  }

  /** Time passes. */
  async runs(forMs: number): Promise<void> {
    await this.watch(() => this.simulation.advance(forMs));
  }

  /** Time passes until it is so. */
  async until(what: string, isSo: () => boolean, withinMs = minutes(2)): Promise<void> {
    await this.watch(() => this.simulation.advance(withinMs, isSo));
    expect(isSo(), `${what}, within ${withinMs / 1_000} s; ${this.heights}`).toBe(true);
  }

  /** Time passes until these machines, or all that the script leaves on, have so many blocks more than the chain now. */
  async grows(blocks: number, who: readonly Machine[] = this.alive): Promise<void> {
    const goal = this.height + blocks;
    await this.until(`height ${goal}`, () => who.every((machine) => heightOf(machine) >= goal));
  }

  /**
   * Everything works again, and everything runs: all good transactions become final or provably expire, all correct
   * machines get to new heights with one history, what was acknowledged is everywhere, all evidence holds, and nothing
   * is left when they stop.
   */
  async heals(): Promise<void> {
    await this.watch(async () => {
      await this.simulation.settle();
      if (!this.simulation.world.hasFailed) await this.simulation.end();
    });
  }

  private async watch(part: () => Promise<void>): Promise<void> {
    await this.simulation.watched(part);
    expect(this.simulation.world.failures).toEqual([]);
  }

  get height(): number {
    return this.simulation.chain.height;
  }

  private get heights(): string {
    return heightsOf(this.simulation.machines);
  }

  private get alive(): Machine[] {
    return this.simulation.correct.filter((machine) => !this.dead.has(machine));
  }

  /** Longest time between two blocks above `height`, by their headers. */
  longestGapMs(height: number): number {
    const { store } = this.follower.node!;
    const timeOf = (at: number) => store.recentBlock(at)!.header.timeMs;
    const gaps = Array.from({ length: store.height - height }, (_, i) => timeOf(height + i + 1) - timeOf(height + i));
    return Math.max(...gaps);
  }

  validator(index: number): Machine {
    return this.simulation.machines[index]!;
  }

  get follower(): Machine {
    return this.simulation.machines[this.simulation.scenario.validators]!;
  }

  /** Who proposes first at the next height. */
  get leader(): Machine {
    const { validators } = this.simulation.world.consortium.genesis.validators;
    return this.validator(proposerIndex(validators, this.height + 1, 0));
  }

  partition(shape: Shape) {
    return { for: (ms: number) => this.simulation.faults.partition(shape, ms) };
  }

  flapping(shape: Shape) {
    return { for: (ms: number) => this.simulation.faults.flap(shape, ms) };
  }

  /** Dead until `restart`, or for so long. */
  crash(...machines: readonly Machine[]) {
    for (const machine of machines) {
      this.dead.add(machine);
      machine.crash(NEVER_MS);
    }
    return { for: (ms: number) => this.simulation.world.scheduler.schedule(ms, () => this.restart(...machines)) };
  }

  restart(...machines: readonly Machine[]): void {
    for (const machine of machines) {
      this.dead.delete(machine);
      machine.boot();
    }
  }

  losesPower() {
    return this.crash(...this.simulation.machines);
  }

  /** The next time that this machine sends such a message, it dies right after it. */
  async diesAfterSending(machine: Machine, isSuch: (message: Message) => boolean): Promise<void> {
    let isDead = false;
    this.simulation.onSent = (from, bytes) => {
      if (isDead || from !== machine || !isSuch(decodeMessage(bytes))) return;
      isDead = true;
      this.simulation.world.scheduler.schedule(0, () => this.crash(machine));
    };
    await this.until('it sends it', () => isDead && machine.node === null);
  }

  diskIsFull(machine: Machine) {
    return { for: (ms: number) => machine.fillDisk(ms) };
  }

  /** A follower's disk is lost: what it starts with is empty. */
  losesDisk(machine: Machine): void {
    this.crash(machine);
    machine.loseDisk();
  }

  /** Rows of its store that have a value, by the letter that they begin with. */
  rowsOf(machine: Machine): Map<string, string[]> {
    const rows = new Map<string, string[]>();
    const { durable } = machine.disk;
    for (const row of durable.list()) {
      if (durable.entry(row)!.value.length === 0) continue;
      rows.set(row.charAt(0), [...(rows.get(row.charAt(0)) ?? []), row]);
    }
    return rows;
  }

  /** While it is dead a bit of one row flips. */
  damages(machine: Machine, row: string, bit: number): void {
    machine.damage(row, bit);
  }

  /** What `brop fsck` says of the store of a machine that is down. */
  async fsck(machine: Machine): Promise<readonly string[]> {
    const { crypto, consortium } = this.simulation.world;
    const kv = new MemoryStore();
    const { durable } = machine.disk;
    await kv.write(durable.list().map((row) => durable.entry(row)!));
    const blobs = new MemoryBlobs(machine.files);
    const parts = { crypto, kv, blobs, genesis: consortium.genesis, progress: () => {} };
    return (await fsck(parts)).findings;
  }

  /** Every receipt that this machine gives verifies; what it cannot prove it refuses. */
  async answersHold(machine: Machine): Promise<void> {
    const { workload, world } = this.simulation;
    const queries = machine.life?.queries;
    for (const { sender, nonce, state, what } of workload.sent) {
      if (state !== 'final' || queries == null) continue;
      const receipt = await queries.receipt(sender, nonce).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'STORE_CORRUPT' });
        return undefined;
      });
      if (receipt === undefined) continue;
      expect(verifyReceipt(world.crypto, receipt, world.consortium.genesis.hash), what).not.toHaveProperty('code');
    }
  }

  clockJumps(machine: Machine, byMs: number): void {
    machine.skewMs += byMs;
  }

  liarsPlay(strategy: Strategy): void {
    for (const adversary of this.simulation.adversaries) adversary.play(strategy);
  }

  /** How often something has happened, as the simulation counts it. */
  count(what: string): number {
    return this.simulation.world.counts.get(what) ?? 0;
  }

  /** The evidence that this machine keeps against a validator; each piece is verified. */
  evidence(machine: Machine, against: Machine): readonly EquivocationName[] {
    const { world } = this.simulation;
    const { genesis } = world.consortium;
    const { id } = genesis.validators.validators[against.options.validator!.index]!;
    const equivocations = machine.node?.store.equivocations;
    if (equivocations === undefined) return [];
    return equivocations.list().filter((name) => {
      const facts = verifyEquivocation(world.crypto, equivocations.get(name)!, genesis.hash);
      return !('code' in facts) && equal(facts.validator, id);
    });
  }
}

export function heightOf(machine: Machine): number {
  return machine.node?.store.height ?? 0;
}
