/** One machine: disks that stay, and a process that comes and goes. The process is the real Node over simulated ports. */
import type { KeyPair } from '../../node-core/crypto/generate.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import type { SignatureVerifier } from '../../node-core/ports/signature-verifier.ts';
import type { PeerId, Transport } from '../../node-core/ports/transport.ts';
import { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { Node } from '../../node-core/runtime/node.ts';
import { Queries } from '../../node-core/runtime/queries.ts';
import { Voting } from '../../node-core/runtime/voting.ts';
import type { Chance } from './chance.ts';
import { Disk, DiskStore, type Fate, never, type Process } from './disk.ts';
import { DiskJournal } from './disk-journal.ts';
import { type BlobFiles, MemoryBlobs } from './memory-blobs.ts';
import { JournalRows } from './memory-journal.ts';
import type { Network } from './network.ts';
import { DiskVoteRecord, RecordDisk } from './record-disk.ts';
import { signingKeys } from './signing-keys.ts';
import { START_MS, type World } from './world.ts';

export interface ValidatorKeys {
  /** Which company: the index in the genesis, or a number above those. */
  readonly index: number;
  readonly key: KeyPair;
  /** A second one, under the same vote record. */
  readonly standby?: KeyPair | undefined;
}

export interface MachineOptions {
  readonly name: string;
  readonly peer: PeerId;
  /** Of a node with a consensus key, whether or not it is in the set. */
  readonly validator?: ValidatorKeys;
  readonly isByzantine: boolean;
  readonly storeShowsEarly: boolean;
  readonly maxWriteMs: number;
  /** Share of answers of the vote record that get lost. */
  readonly lostAnswers: number;
  /** Its disk goes with its process, each time; what must not be lost of a validator is in a journal. */
  readonly hasVanishingDisk?: boolean;
}

/** A death, or a full disk, at the write with this number (counted over the life of the machine). */
export interface PlannedDeath {
  readonly atWrite: number;
  /**
   * before: the write is lost. after: it is durable, and nobody is told. torn: it has begun; the disk decides. full: it
   * is refused, and so is every one until there is room.
   */
  readonly side: 'before' | 'after' | 'torn' | 'full';
  readonly restartAfterMs: number;
}

export interface MachineWatcher {
  booted(machine: Machine, life: Life): void;
  logged(machine: Machine, level: string, message: string, fields: Readonly<Record<string, unknown>>): void;
  fatal(machine: Machine, error: unknown): void;
}

export class Machine {
  readonly options: MachineOptions;
  readonly chance: Chance;
  disk: Disk;
  readonly record: RecordDisk;
  readonly journal = new JournalRows();
  readonly files: BlobFiles = new Map();
  life: Life | null = null;
  skewMs = 0;
  isDiskFull = false;
  /** A bit of its disk has flipped, and nobody has noticed yet. */
  isDamaged = false;
  writes = 0;
  plannedDeath: PlannedDeath | null = null;
  /** Height of the newest block that a process of this machine has told the world. */
  acknowledgedHeight = 0;
  hasRecordOpened = false;
  /** How often its operator has sent it back to its primary key. */
  private returns = 0;
  /** Lets a liar between node and network. */
  wrap: (transport: Transport, life: Life) => Transport = (transport) => transport;
  private readonly world: World;
  private readonly network: Network;
  private readonly watcher: MachineWatcher;

  constructor(world: World, network: Network, watcher: MachineWatcher, options: MachineOptions) {
    this.world = world;
    this.network = network;
    this.watcher = watcher;
    this.options = options;
    this.chance = world.chance.fork(`machine ${options.name}`);
    this.disk = new Disk((count) => this.chance.below(count + 1));
    this.record = new RecordDisk();
  }

  get node(): Node | null {
    return this.life?.node ?? null;
  }

  boot(): void {
    if (this.life !== null) return;
    this.world.note(`boot ${this.options.name}`);
    this.world.say(`${this.options.name} boots`);
    this.life = new Life(this, this.world, this.watcher);
    this.life.begin();
  }

  /** Power loss, now. */
  crash(restartAfterMs: number): void {
    const { life } = this;
    if (life === null) return;
    this.world.note(`crash ${this.options.name}`);
    this.world.count('crashes');
    this.world.say(`${this.options.name} crashes at write ${this.writes}`);
    life.alive = false;
    this.life = null;
    this.disk.crash();
    this.record.crash(this.chance.is(0.5));
    this.vanish();
    this.network.leave({ peer: this.options.peer });
    this.world.scheduler.schedule(restartAfterMs, () => this.boot());
  }

  /** What it starts with next is empty: it has nothing that others do not have, its vote record apart. */
  loseDisk(): void {
    this.disk = new Disk((count) => this.chance.below(count + 1));
    this.files.clear();
    this.acknowledgedHeight = 0;
    this.isDamaged = false;
  }

  private vanish(): void {
    if (this.options.hasVanishingDisk !== true) return;
    this.world.count('disks that vanished');
    this.loseDisk();
  }

  /** The damage was noticed: what its operator does. */
  replaceDisk(): void {
    this.world.count('damage noticed');
    this.crash(300);
    this.loseDisk();
  }

  /** While it is down a bit flips in a value that is not empty. */
  damage(row: string, bit: number): void {
    this.disk.durable.flip(row, bit);
    this.isDamaged = true;
    this.world.note(`damage ${this.options.name}`);
    this.world.say(`${this.options.name}: bit ${bit} of row ${row.charAt(0)} flips`);
  }

  /** Nothing can be written until there is room again; the node that meets it stops, and is started again and again. */
  fillDisk(forMs: number): void {
    this.isDiskFull = true;
    this.world.scheduler.schedule(forMs, () => {
      this.isDiskFull = false;
    });
  }

  /**
   * The process goes on, believed dead, while a new one starts with the same keys and the same vote record: what an
   * orchestrator does when it loses sight of a task. The disk moves to the new one; to the old one it no longer answers,
   * or a block that only the old one has would be lost with it. Ends with the old process.
   */
  abandon(): Life | null {
    const { life } = this;
    if (life === null) return null;
    this.world.note(`abandon ${this.options.name}`);
    this.world.count('second copies');
    this.disk.crash();
    this.vanish();
    this.life = null;
    return life;
  }

  async open(life: Life): Promise<Node> {
    const { world, options } = this;
    const { crypto, consortium } = world;
    const store = await ChainStore.open(
      crypto,
      new DiskStore(this.disk, life, options.storeShowsEarly),
      new MemoryBlobs(this.files, (_path, bytes, keep) => life.putBlob(bytes, keep)),
      consortium.genesis.bytes,
    );
    const log = world.logOf(options.name, (level, message, fields) =>
      this.watcher.logged(this, level, message, fields),
    );
    const parts = {
      crypto,
      store,
      log,
      transport: this.wrap(
        this.network.transport(options.peer, () => life.alive),
        life,
      ),
      verifier: life.verifier(),
      clock: life.clock,
      journal:
        options.hasVanishingDisk === true && options.validator !== undefined
          ? new DiskJournal(this.journal, life)
          : undefined,
      onFatal: (error: unknown) => {
        if (life.alive) this.watcher.fatal(this, error);
      },
    };
    return new Node(
      options.validator === undefined
        ? parts
        : { ...parts, voting: await this.openVoting(life, store, options.validator) },
    );
  }

  private async openVoting(life: Life, store: ChainStore, validator: ValidatorKeys): Promise<Voting> {
    const { crypto, consortium } = this.world;
    const record = new DiskVoteRecord(this.record, life, {
      create: !this.hasRecordOpened,
      answerOf: () => this.answer(),
    });
    const scope = { crypto, chain: consortium.genesis.hash, protocolVersion: 1 };
    // Now and then its operator sends it back to the primary key.
    if (this.chance.is(0.5)) this.returns += 1;
    const count = (what: string) => this.world.count(what);
    const { signer, standby } = signingKeys(validator, store, this.chance, this.returns, count);
    const voting = await Voting.open(scope, { index: validator.index, key: 0, signer }, record, standby);
    this.hasRecordOpened = true;
    return voting;
  }

  private answer(): 'answered' | 'lostAfter' | 'lostBefore' {
    if (!this.chance.is(this.options.lostAnswers)) return 'answered';
    this.world.count('lost answers of the vote record');
    return this.chance.is(0.5) ? 'lostAfter' : 'lostBefore';
  }
}

/** One process of a machine: alive until it crashes. What it waits for after that never comes. */
export class Life implements Process {
  readonly machine: Machine;
  alive = true;
  node: Node | null = null;
  queries: Queries | null = null;
  timers = 0;
  isStopped = false;
  readonly clock: Clock;
  private readonly world: World;
  private readonly watcher: MachineWatcher;

  constructor(machine: Machine, world: World, watcher: MachineWatcher) {
    this.machine = machine;
    this.world = world;
    this.watcher = watcher;
    this.clock = {
      now: () => Math.floor(START_MS + world.nowMs + machine.skewMs),
      schedule: (delayMs, action) => this.timer(delayMs, action),
    };
  }

  begin(): void {
    this.start().catch((error) => {
      if (this.alive) this.watcher.fatal(this.machine, error);
    });
  }

  private async start(): Promise<void> {
    const node = await this.machine.open(this);
    this.node = node;
    this.queries = new Queries(this.world.crypto, this.clock, node);
    this.watcher.booted(this.machine, this);
    await node.start();
  }

  private timer(delayMs: number, action: () => void): () => void {
    this.timers += 1;
    let isOpen = true;
    const close = () => {
      if (isOpen) this.timers -= 1;
      isOpen = false;
    };
    const cancel = this.world.scheduler.schedule(delayMs, () => {
      close();
      if (!this.alive) return;
      try {
        action();
      } catch (error) {
        this.world.fail('timers', `a timer of ${this.machine.options.name} threw ${String(error)}`);
      }
    });
    return () => {
      close();
      cancel();
    };
  }

  after(delayMs: number, action: () => void): void {
    this.world.scheduler.schedule(delayMs, () => {
      if (this.alive) action();
    });
  }

  latencyMs(): number {
    const { chance, options } = this.machine;
    return chance.is(0.05) ? chance.between(0, 4 * options.maxWriteMs) : chance.between(0, options.maxWriteMs);
  }

  beforeWrite(what: string, bytes: number): Fate {
    const { machine } = this;
    if (!this.alive || (what === 'store' && machine.life !== this)) return 'diedBefore';
    machine.writes += 1;
    this.world.note(`write ${machine.writes} of ${machine.options.name}: ${what} ${bytes}`);
    if (machine.isDiskFull) return 'full';
    if (machine.plannedDeath?.atWrite !== machine.writes) return 'goOn';
    const { side, restartAfterMs } = machine.plannedDeath;
    if (side === 'full') {
      machine.plannedDeath = null;
      machine.fillDisk(restartAfterMs);
      return 'full';
    }
    if (side !== 'before') return side === 'after' ? 'diesAfter' : 'diesDuring';
    this.die();
    return 'diedBefore';
  }

  /** A blob is durable as a whole or not at all, and only then a put resolves. */
  async putBlob(bytes: number, keep: () => void): Promise<void> {
    const fate = this.beforeWrite('store', bytes);
    if (fate === 'full') throw new StoreError('full', 'the simulated disk is full');
    if (fate === 'diedBefore') return never();
    if (fate === 'goOn') await new Promise<void>((next) => this.after(this.latencyMs(), next));
    if (fate === 'goOn' || fate === 'diesAfter') keep();
    if (fate === 'goOn') return;
    this.die();
    return never();
  }

  die(): void {
    const { machine } = this;
    const { restartAfterMs = 500 } = machine.plannedDeath ?? {};
    machine.plannedDeath = null;
    if (machine.life === this) machine.crash(restartAfterMs);
    else this.alive = false;
  }

  verifier(): SignatureVerifier {
    return {
      verify: (checks) => {
        const results = checks.map(({ key, message, signature }) => this.world.crypto.verify(key, message, signature));
        const latency = this.machine.chance.between(0.05, 3);
        return new Promise((resolve) => this.after(latency, () => resolve(results)));
      },
      close: async () => {},
    };
  }

  /** An orderly end; what is left behind by it is a finding. */
  async stop(): Promise<void> {
    const { node } = this;
    if (node === null) return never();
    await node.stop();
  }
}

export function heightsOf(machines: readonly Machine[]): string {
  return machines
    .map(({ options, node }) => {
      const at = node?.consensus;
      const where = node === null ? 'down' : `${node.store.height}${at ? ` (at ${at.height}/${at.round})` : ''}`;
      return `${options.name}: ${where}`;
    })
    .join(', ');
}

export function nameOfPeer(machines: readonly Machine[], peer: PeerId): string {
  return machines.find(({ options }) => options.peer === peer)?.options.name ?? peer.slice(0, 8);
}
