/** One simulation from one scenario: build the world, let things break, heal, and judge. */
import { CODES } from '../../node-core/chain/codes.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { Adversary } from './adversary.ts';
import { cachedCrypto } from './cached-crypto.ts';
import { Chance } from './chance.ts';
import { checkAllStopped, checkEvidence, checkMemory, checkNoStrayErrors, wrongRole } from './checks.ts';
import { FaultInjector } from './faults.ts';
import { consortium } from './fixture.ts';
import { heightsOf, type Life, Machine, nameOfPeer } from './machine.ts';
import { GOOD_NETWORK, Network } from './network.ts';
import type { Scenario } from './scenario.ts';
import { SetChanger } from './set-changer.ts';
import { ChainWatch } from './watch-chain.ts';
import { VoteWatch } from './watch-votes.ts';
import { checkOutcome, Workload } from './workload.ts';
import { type Failure, START_MS, World } from './world.ts';

export interface Outcome {
  readonly seed: number;
  readonly failures: readonly Failure[];
  /** Hash over everything that happened. */
  readonly trace: string;
  readonly height: number;
  readonly rounds: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** After healing, everything must be done within this virtual time. */
const SETTLE_MS = 180_000;
/** How long a job that is under way may take. */
const ROLE_MS = 2_000;
const NEW_HEIGHTS = 3;

export interface SimulationOptions {
  readonly verbose?: boolean;
}

export async function simulate(scenario: Scenario, options: SimulationOptions = {}): Promise<Outcome> {
  const simulation = await Simulation.of(scenario, options);
  return simulation.watched(async () => {
    await simulation.run();
    return simulation.outcome();
  });
}

async function worldOf(scenario: Scenario, options: SimulationOptions): Promise<World> {
  const crypto = cachedCrypto();
  const keys = new Chance(`keys ${scenario.seed}`);
  const { validators, powers, parameters } = scenario;
  const members = await consortium(crypto, (length) => keys.bytes(length), {
    validators,
    powers,
    parameters,
    standbys: scenario.standbys,
    suite: 'ed25519',
    timeMs: START_MS - 5_000,
  });
  return new World(scenario.seed, crypto, members, scenario.liars, options.verbose ?? false);
}

export class Simulation {
  readonly world: World;
  readonly scenario: Scenario;
  readonly network: Network;
  readonly machines: Machine[] = [];
  readonly chain: ChainWatch;
  readonly faults: FaultInjector;
  readonly workload: Workload;
  readonly adversaries: Adversary[] = [];
  /** Sees each message that a machine hands to the network. */
  onSent: (from: Machine, message: Uint8Array) => void = () => {};
  private readonly votes: VoteWatch;
  private readonly changer: SetChanger | null;
  private rounds = 0;

  static async of(scenario: Scenario, options: SimulationOptions = {}): Promise<Simulation> {
    return new Simulation(await worldOf(scenario, options), scenario);
  }

  private constructor(world: World, scenario: Scenario) {
    this.world = world;
    this.scenario = scenario;
    this.chain = new ChainWatch(world);
    this.votes = new VoteWatch(world);
    world.sets.onKnown = (height) => this.votes.heightKnown(height);
    this.network = new Network(world.scheduler, world.chance.fork('network'), {
      sent: ({ peer }, _to, message) => this.sent(peer, message),
      delivered: (from, to, message) => world.note(`${from.slice(0, 6)} > ${to.slice(0, 6)}`, message),
      dropped: ({ peer }, other, reason) => this.checkDrop(peer, other, reason),
      threw: (peer, error) =>
        world.fail(
          'messages',
          `${nameOfPeer(this.machines, peer)} threw ${error instanceof Error ? error.stack : String(error)}`,
        ),
    });
    this.changer = scenario.changes === null ? null : new SetChanger(world, scenario.changes);
    this.addMachines();
    world.peers = this.machines.length;
    this.workload = new Workload(world, this.correct);
    this.faults = new FaultInjector(world, scenario, this.network, this.machines);
    for (const machine of this.machines) {
      machine.skewMs = this.faults.skewMs(machine);
      if (!machine.options.isByzantine) continue;
      const adversary = new Adversary(world, machine, scenario.isLoud, () => this.faults.muteSomebody());
      if (scenario.plot !== null) adversary.play(scenario.plot);
      this.adversaries.push(adversary);
    }
  }

  private sent(peer: string, message: Uint8Array): void {
    const machine = this.machines.find(({ options }) => options.peer === peer)!;
    const { options, isDamaged } = machine;
    this.votes.sent({ name: options.name, isCorrect: !options.isByzantine, isDamaged }, message);
    this.onSent(machine, message);
  }

  get correct(): Machine[] {
    return this.machines.filter(({ options }) => !options.isByzantine);
  }

  private isLiar(peer: string): boolean {
    return this.machines.some(({ options }) => options.peer === peer && options.isByzantine);
  }

  private addMachines(): void {
    const { scenario, world } = this;
    const { peerIds, validators } = world.consortium;
    const common = { maxWriteMs: scenario.maxWriteMs, lostAnswers: scenario.lostAnswers };
    for (const [index, key] of validators.entries()) {
      const isByzantine = scenario.liars.includes(index);
      const storeShowsEarly = scenario.storeShowsEarly && !isByzantine;
      const name = `${isByzantine ? 'liar' : 'validator'} ${index}`;
      const keys = { index, key, standby: world.consortium.standbys.get(index) };
      const hasVanishingDisk = scenario.vanishingDisks;
      const how = { isByzantine, storeShowsEarly, hasVanishingDisk };
      this.add({ ...common, name, peer: peerIds[index]!, validator: keys, ...how });
    }
    for (let i = 0; i < scenario.followers; i++) {
      const peer = `f${i}`.repeat(32);
      this.add({
        ...common,
        name: `follower ${i}`,
        peer,
        isByzantine: false,
        storeShowsEarly: scenario.storeShowsEarly,
        hasVanishingDisk: scenario.vanishingDisks,
      });
    }
    const isLast = (index: number) => scenario.followers === 2 && index === validators.length + 1;
    for (const { name, peer, keys } of this.changer?.spares ?? [])
      this.add({ ...common, name, peer, validator: keys, isByzantine: false, storeShowsEarly: false });
    const ids = this.machines.map(({ options }) => options.peer);
    for (const [i, a] of ids.entries()) {
      // The second follower knows nobody but the first.
      const knows = (j: number) => (!isLast(i) && !isLast(j)) || i === validators.length;
      for (const [j, b] of ids.entries()) if (i < j && knows(j)) this.network.pin(a, b);
    }
  }

  private add(options: Machine['options']): void {
    const watcher = {
      booted: (machine: Machine, life: Life) => this.booted(machine, life),
      logged: (machine: Machine, level: string, message: string, fields: Readonly<Record<string, unknown>>) =>
        this.logged(machine, level, message, fields),
      fatal: (machine: Machine, error: unknown) => this.fatal(machine, error),
    };
    this.machines.push(new Machine(this.world, this.network, watcher, options));
  }

  private booted(machine: Machine, life: Life): void {
    if (machine.options.isByzantine) return;
    const { store } = life.node!;
    this.chain.booted(machine, store);
    this.workload.booted(life, store.height);
    life.node!.onCommit((block) => {
      this.rounds = Math.max(this.rounds, store.recentBlock(block.header.height)?.certificate[0] ?? 0);
      this.chain.committed(life, store, block);
      this.workload.committed(life, store, block);
    });
  }

  private logged(machine: Machine, level: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    if (machine.options.isByzantine || level !== 'error') return;
    if (machine.isDamaged) {
      // Its operator reads the log, and does something.
      const isNoticed = String(fields.error).includes(CODES.STORE_CORRUPT.text);
      if (isNoticed) this.world.scheduler.schedule(0, () => machine.isDamaged && machine.replaceDisk());
      return;
    }
    checkNoStrayErrors(this.world, this.scenario, machine, message, fields);
  }

  /** A node gives up only when its vote record does not answer, or its disk is full; it is then started again. */
  private fatal(machine: Machine, error: unknown): void {
    const { life } = machine;
    if (machine.isDamaged) {
      machine.replaceDisk();
      return;
    }
    const isFull = hasCode(error, 'full');
    if (isFull) this.world.count('stops for a full disk');
    if (!machine.options.isByzantine && this.scenario.lostAnswers === 0 && !isFull) {
      this.world.fail(
        'fatal',
        `${machine.options.name} gave up: ${error instanceof Error ? error.stack : String(error)}`,
      );
    }
    if (life !== null) machine.crash(300);
  }

  /** A correct node never takes a correct one for a liar. */
  private checkDrop(peer: string, other: string, reason: string): void {
    if (this.isLiar(peer) || this.isLiar(other)) return;
    const [by, whom] = [nameOfPeer(this.machines, peer), nameOfPeer(this.machines, other)];
    this.world.fail('wrong accusation', `${by} dropped ${whom}: ${reason}`);
  }

  /** Runs a part of a simulation; a promise that is rejected and that nobody looks at is a failure. */
  async watched<T>(part: () => Promise<T>): Promise<T> {
    const onRejection = (error: unknown) =>
      this.world.fail('unhandled rejection', error instanceof Error ? (error.stack ?? '') : String(error));
    process.on('unhandledRejection', onRejection);
    try {
      return await part();
    } finally {
      process.off('unhandledRejection', onRejection);
    }
  }

  async run(): Promise<void> {
    const { world } = this;
    this.begin();
    await this.advance(this.scenario.faultyMs);
    if (!world.hasFailed) await this.settle();
    if (!world.hasFailed) await this.end();
  }

  begin(): void {
    const { world, scenario } = this;
    this.network.quality = scenario.quality;
    for (const machine of this.machines) world.scheduler.schedule(machine.chance.between(0, 200), () => machine.boot());
    for (const adversary of this.adversaries) adversary.start();
    if (scenario.death !== undefined) this.machines[scenario.death.machine]!.plannedDeath = scenario.death;
    this.faults.start();
    this.workload.start(scenario.transactionEveryMs);
    this.changer?.start(scenario, this.workload, this.correct);
    this.memoryCheck();
  }

  /** Lets virtual time pass until then, until a check fails, or until `isOver`. */
  async advance(forMs: number, isOver: () => boolean = () => false): Promise<void> {
    const { world } = this;
    await world.scheduler.run(world.nowMs + forMs, () => world.hasFailed || isOver());
  }

  private memoryCheck(): void {
    for (const machine of this.correct) checkMemory(this.world, machine);
    this.world.scheduler.schedule(500, () => this.memoryCheck());
  }

  /** The network heals and the machines run; now they must get on. */
  async settle(): Promise<void> {
    const { world, scenario } = this;
    world.say('healing');
    this.network.quality = GOOD_NETWORK;
    this.faults.heal();
    this.workload.end();
    this.changer?.end();
    if (!scenario.liesToTheEnd) for (const adversary of this.adversaries) adversary.retire();
    let goal = this.chain.height + NEW_HEIGHTS;
    let isResolved = false;
    const isSettled = () => {
      // Once the last transaction is through, all must come to have it.
      if (!isResolved && this.workload.unresolved.length === 0) {
        isResolved = true;
        goal = Math.max(goal, this.chain.height);
      }
      return isResolved && this.correct.every(({ node }) => node !== null && node.store.height >= goal);
    };
    await world.scheduler.run(world.nowMs + SETTLE_MS, () => world.hasFailed || isSettled());
    if (world.hasFailed || isSettled()) return;
    const open = this.workload.unresolved.map(({ what, expiry }) => `${what} (expiry ${expiry})`).slice(0, 5);
    const missing = open.length > 0 ? `; neither final nor provably expired: ${open.join(', ')}` : '';
    world.fail(
      'progress',
      `${SETTLE_MS / 1_000} s after healing not all are at height ${goal}: ${heightsOf(this.machines)}${missing}`,
    );
  }

  /** Waits until all have the same newest block, judges what is there, and stops everything in good order. */
  async end(): Promise<void> {
    const { world } = this;
    for (const machine of this.correct) {
      checkOutcome(world, this.workload, machine);
      checkEvidence(world, this.scenario, machine);
    }
    // Whoever is taking in several blocks begins its new role after the last of them.
    const areInRole = () => this.correct.every((machine) => wrongRole(world, machine) === null);
    await world.scheduler.run(world.nowMs + ROLE_MS, () => world.hasFailed || areInRole());
    for (const machine of this.correct) {
      const wrong = wrongRole(world, machine);
      if (wrong !== null) world.fail('role', wrong);
      if (machine.life !== null) this.stop(machine.life);
    }
    await world.scheduler.run(world.nowMs + 10_000, () => world.hasFailed);
    for (const machine of this.correct) checkAllStopped(world, machine);
  }

  private stop(life: Life): void {
    life.stop().then(
      () => {
        life.isStopped = true;
      },
      (error) => this.world.fail('stop', `${life.machine.options.name} threw ${String(error)} when it was stopped`),
    );
  }

  outcome(): Outcome {
    const { world, scenario } = this;
    return {
      seed: scenario.seed,
      failures: world.failures,
      trace: world.traceHash(),
      height: this.chain.height,
      rounds: this.rounds,
      events: world.scheduler.events,
      virtualMs: Math.round(world.nowMs),
      counts: Object.fromEntries([...world.counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }
}

/** Whether this is a StoreError of this code, or was caused by one. */
function hasCode(error: unknown, code: StoreError['code']): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof StoreError && cause.code === code) return true;
  }
  return false;
}
