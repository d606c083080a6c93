/** What breaks, and when: draws faults from the scenario's weights until the network is to heal. */
import type { Chance } from './chance.ts';
import { Disk } from './disk.ts';
import type { Life, Machine } from './machine.ts';
import type { Network } from './network.ts';
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
    this.cut([machine], this.machines, this.chance.between(1_500, 5_000), false);
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
    partition: () => this.partition(this.chance.some(this.machines, 0.5)),
    mute: (machine) => this.cut([machine], this.machines, this.chance.between(1_000, 10_000), false),
    brokenLines: (machine) => {
      for (const other of this.machines)
        if (this.chance.is(0.6)) this.network.breakLine(machine.options.peer, other.options.peer);
    },
    clockStep: (machine) => {
      machine.skewMs = this.skewMs();
    },
    secondCopy: (machine) => this.secondCopy(machine),
    emptyDisk: () => this.emptyDisk(),
  };

  /** Any two clocks differ by less than the precision that the chain's parameters allow. */
  skewMs(): number {
    const precision = this.scenario.parameters.precisionMs ?? 0;
    return this.chance.between(-0.45, 0.45) * precision;
  }

  private downMs(): number {
    return this.chance.is(0.7) ? this.chance.between(20, 1_500) : this.chance.between(1_000, 8_000);
  }

  private partition(some: readonly Machine[]): void {
    const others = this.machines.filter((machine) => !some.includes(machine));
    const forMs = this.chance.between(500, 8_000);
    this.cut(some, others, forMs, true);
    if (!this.chance.is(0.5)) return;
    // The connections time out while the partition lasts; otherwise they survive it and the messages alone are lost.
    this.world.scheduler.schedule(forMs / 2, () => {
      for (const a of some) for (const b of others) this.network.breakLine(a.options.peer, b.options.peer);
    });
  }

  private cut(from: readonly Machine[], to: readonly Machine[], forMs: number, isMutual: boolean): void {
    const pairs = from.flatMap((a) => to.filter((b) => b !== a).map((b) => [a.options.peer, b.options.peer] as const));
    for (const [a, b] of pairs) {
      this.network.block(a, b);
      if (isMutual) this.network.block(b, a);
    }
    this.world.scheduler.schedule(forMs, () => {
      for (const [a, b] of pairs) {
        this.network.unblock(a, b);
        if (isMutual) this.network.unblock(b, a);
      }
    });
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

  /** A follower may lose its disk: it has nothing that others do not have. */
  private emptyDisk(): void {
    const machine = this.chance.pick(this.machines.filter(({ options }) => options.validator === undefined));
    machine.crash(this.downMs());
    machine.disk = new Disk((count) => machine.chance.below(count + 1));
    machine.acknowledgedHeight = 0;
  }
}
