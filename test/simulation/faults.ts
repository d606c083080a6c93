/** What breaks, and when: draws faults from the scenario's weights until the network is to heal. */

import type { PeerId } from '../../node-core/ports/transport.ts';
import type { Chance } from './chance.ts';
import type { Life, Machine } from './machine.ts';
import type { Network } from './network.ts';
import { type Cut, cutsOf, SHAPES, type Shape } from './partitions.ts';
import type { Faults, Scenario } from './scenario.ts';
import type { World } from './world.ts';

export class FaultInjector {
  private readonly world: World;
  private readonly scenario: Scenario;
  private readonly network: Network;
  private readonly machines: readonly Machine[];
  private readonly chance: Chance;
  private readonly copies = new Set<Life>();
  private isOver = false;

  constructor(world: World, scenario: Scenario, network: Network, machines: readonly Machine[]) {
    this.world = world;
    this.scenario = scenario;
    this.network = network;
    this.machines = machines;
    this.chance = world.chance.fork('faults');
  }

  start(): void {
    const { everyMs } = this.scenario.faults;
    if (everyMs === 0) return;
    const next = () => {
      if (this.isOver) return;
      this.inject();
      this.world.scheduler.schedule(this.chance.between(0, 2 * everyMs), next);
    };
    this.world.scheduler.schedule(this.chance.between(0, 2 * everyMs), next);
  }

  /** From here on everything works, and everything runs. */
  heal(): void {
    this.isOver = true;
    this.network.heal();
    for (const copy of this.copies) this.endCopy(copy);
    for (const machine of this.machines) {
      machine.plannedDeath = null;
      machine.isDiskFull = false;
      machine.boot();
    }
  }

  /** Where links fail one way at all, liars may choose the moment. */
  muteSomebody(): void {
    const { mute } = this.scenario.faults;
    if (this.isOver || mute === 0 || this.chance.is(0.4)) return;
    const correct = this.machines.filter(({ options }) => !options.isByzantine && options.validator !== undefined);
    const machine = this.chance.pick(correct);
    this.world.count('fault mute at the liars’ moment');
    this.world.note(`mute ${machine.options.name}`);
    this.mute(machine, this.chance.between(1_500, 5_000));
  }

  private inject(): void {
    const kind = this.kind();
    const machine = this.chance.pick(this.machines);
    this.world.count(`fault ${kind}`);
    this.world.note(`fault ${kind} ${machine.options.name}`);
    this.world.say(`fault: ${kind} (${machine.options.name})`);
    this.faults[kind](machine);
  }

  private kind(): Exclude<keyof Faults, 'everyMs'> {
    const { everyMs: _, ...weights } = this.scenario.faults;
    const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
    let left = this.chance.unit() * total;
    for (const [kind, weight] of Object.entries(weights)) {
      left -= weight;
      if (left < 0) return kind as Exclude<keyof Faults, 'everyMs'>;
    }
    return 'crash';
  }

  private readonly faults: Record<Exclude<keyof Faults, 'everyMs'>, (machine: Machine) => void> = {
    crash: (machine) => machine.crash(this.downMs()),
    crashAtWrite: (machine) => {
      const side = this.chance.is(0.5) ? 'before' : 'after';
      machine.plannedDeath = {
        atWrite: machine.writes + 1 + this.chance.below(12),
        side,
        restartAfterMs: this.downMs(),
      };
    },
    powerFailure: () => {
      for (const machine of this.machines) machine.crash(this.downMs());
    },
    partition: () => this.partition(this.chance.pick(SHAPES), this.chance.between(500, 8_000)),
    flapping: () => this.flap(this.chance.pick(SHAPES), this.chance.between(500, 4_000)),
    mute: (machine) => this.mute(machine, this.chance.between(1_000, 10_000)),
    brokenLines: (machine) => {
      for (const other of this.machines)
        if (this.chance.is(0.6)) this.network.breakLine(machine.options.peer, other.options.peer);
    },
    clockStep: (machine) => {
      machine.skewMs = this.skewMs(machine);
    },
    secondCopy: (machine) => this.secondCopy(machine),
    emptyDisk: () => this.emptyDisk(),
    damagedDisk: (machine) => this.damage(machine),
    fullDisk: (machine) => machine.fillDisk(this.chance.between(200, 5_000)),
  };

  /** Any two clocks differ by less than the precision that the chain's parameters allow, but for the wild ones. */
  skewMs({ options }: Machine): number {
    const precision = this.scenario.parameters.precisionMs ?? 0;
    const isWild = options.validator !== undefined && this.scenario.wildClocks.includes(options.validator.index);
    if (isWild) return this.chance.pick([-1, 1]) * precision * 2 ** this.chance.between(0, 16);
    return this.chance.between(-0.45, 0.45) * precision;
  }

  private downMs(): number {
    return this.chance.is(0.7) ? this.chance.between(20, 1_500) : this.chance.between(1_000, 8_000);
  }

  partition(shape: Shape, forMs: number): void {
    this.world.count(`partitions: ${shape}`);
    const cuts = cutsOf(shape, this.machines.length, this.chance);
    this.cut(cuts, forMs);
    if (!this.chance.is(0.5)) return;
    // The connections time out while the partition lasts; otherwise they survive it and the messages alone are lost.
    this.world.scheduler.schedule(forMs / 2, () => {
      for (const [a, b] of cuts) this.network.breakLine(this.peerOf(a), this.peerOf(b));
    });
  }

  /** The same links fail and come back, again and again. */
  flap(shape: Shape, forMs: number): void {
    const endMs = this.world.nowMs + forMs;
    const cuts = cutsOf(shape, this.machines.length, this.chance);
    const fail = () => {
      if (this.isOver || this.world.nowMs >= endMs) return;
      const downMs = this.chance.between(20, 400);
      this.cut(cuts, downMs);
      this.world.scheduler.schedule(downMs + this.chance.between(20, 400), fail);
    };
    fail();
  }

  /** Nobody hears this machine for a while. */
  mute(machine: Machine, forMs: number): void {
    const from = this.machines.indexOf(machine);
    const others = this.machines.map((_, index) => index).filter((index) => index !== from);
    this.cut(
      others.map((to) => [from, to] as const),
      forMs,
    );
  }

  private cut(cuts: readonly Cut[], forMs: number): void {
    for (const [from, to] of cuts) this.network.block(this.peerOf(from), this.peerOf(to));
    this.world.scheduler.schedule(forMs, () => {
      for (const [from, to] of cuts) this.network.unblock(this.peerOf(from), this.peerOf(to));
    });
  }

  private peerOf(index: number): PeerId {
    return this.machines[index]!.options.peer;
  }

  /** An orchestrator takes a machine for dead and starts it anew; the old process goes on for a while. */
  private secondCopy(machine: Machine): void {
    if (machine.options.isByzantine || machine.options.validator === undefined) return;
    const old = machine.abandon();
    if (old === null) return;
    this.copies.add(old);
    this.world.scheduler.schedule(this.chance.between(0, 300), () => machine.boot());
    this.world.scheduler.schedule(this.chance.between(500, 6_000), () => this.endCopy(old));
  }

  private endCopy(copy: Life): void {
    copy.alive = false;
    this.copies.delete(copy);
  }

  /**
   * One at a time. A validator whose state is damaged may judge every block wrongly without noticing, for as long as
   * none is decided: it counts as one of the f that may be wrong.
   */
  private damage(machine: Machine): void {
    const { powers, liars, wildClocks } = this.scenario;
    const total = powers.reduce((sum, power) => sum + power, 0);
    const wrong = [...liars, ...wildClocks, machine.options.validator?.index ?? 0].map((index) => powers[index]!);
    const isOneTooMany = 3 * wrong.reduce((sum, power) => sum + power, 0) >= total;
    if (machine.options.isByzantine || this.machines.some(({ isDamaged }) => isDamaged)) return;
    // Where sets change, who may be wrong beside the liars changes with them.
    if (machine.options.validator !== undefined && (isOneTooMany || this.scenario.changes !== null)) return;
    machine.crash(this.downMs());
    const { durable } = machine.disk;
    const rows = durable.list().filter((row) => durable.entry(row)!.value.length > 0);
    if (rows.length === 0) return;
    // Each kind of row as often as any other, however many there are of it.
    const kind = this.chance.pick([...new Set(rows.map((row) => row.charAt(0)))]);
    machine.damage(this.chance.pick(rows.filter((row) => row.startsWith(kind))), this.chance.below(1 << 16));
  }

  /** A follower may lose its disk: it has nothing that others do not have. */
  private emptyDisk(): void {
    const machine = this.chance.pick(this.machines.filter(({ options }) => options.validator === undefined));
    machine.crash(this.downMs());
    machine.loseDisk();
  }
}
