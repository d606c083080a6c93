/** What a seed stands for: the consortium, who lies, what breaks how often. */
import type { Parameters } from '../../node-core/chain/parameters.ts';
import type { Strategy } from './adversary.ts';
import { Chance } from './chance.ts';
import type { PlannedDeath } from './machine.ts';
import { GOOD_NETWORK, type NetworkQuality } from './network.ts';

export interface Faults {
  /** Mean time between two faults, ms; 0 for none. */
  readonly everyMs: number;
  /** Weights of the kinds of fault. */
  readonly crash: number;
  readonly crashAtWrite: number;
  readonly powerFailure: number;
  readonly partition: number;
  /** Links that fail and come back several times a second. */
  readonly flapping: number;
  /** One machine is heard by nobody, but hears the others: one-way failures of links. */
  readonly mute: number;
  readonly brokenLines: number;
  readonly clockStep: number;
  readonly secondCopy: number;
  readonly emptyDisk: number;
  /** Nothing can be written for a while. */
  readonly fullDisk: number;
  /** A bit flips in what is stored. */
  readonly damagedDisk: number;
}

export interface Scenario {
  readonly seed: number;
  readonly validators: number;
  readonly powers: readonly number[];
  /** 1, or 2 in a chain: the second knows only the first. */
  readonly followers: number;
  readonly liars: readonly number[];
  readonly isLoud: boolean;
  /** The one part that the liars play, or null: another at each height. */
  readonly plot: Strategy | null;
  /** Correct validators whose clocks are wrong by more than the precision; with the liars at most f. */
  readonly wildClocks: readonly number[];
  /** The liars go on after the network has healed. */
  readonly liesToTheEnd: boolean;
  readonly parameters: Partial<Parameters>;
  readonly quality: NetworkQuality;
  readonly faults: Faults;
  readonly faultyMs: number;
  readonly transactionEveryMs: number;
  readonly maxWriteMs: number;
  readonly storeShowsEarly: boolean;
  readonly lostAnswers: number;
  /** Validators of the genesis that have a standby key, which may sign after any of their restarts. */
  readonly standbys: readonly number[];
  /** Disks go with their processes; the vote records and journals of validators do not. */
  readonly vanishingDisks: boolean;
  /** How the validator set changes; null: it does not. */
  readonly changes: SetChanges | null;
  /** For the sweep: one machine dies at one write. */
  readonly death?: { readonly machine: number } & PlannedDeath;
}

/** Companies that come, go and change their keys. */
export interface SetChanges {
  /** Mean time between two that are proposed, ms. */
  readonly everyMs: number;
  /** Companies that are no validators at first; each has a node. */
  readonly joiners: number;
  /** Validators of the genesis that have a second node, with the consensus key that is to come. */
  readonly successors: readonly number[];
}

const NO_FAULTS: Faults = {
  everyMs: 0,
  crash: 0,
  crashAtWrite: 0,
  powerFailure: 0,
  partition: 0,
  flapping: 0,
  mute: 0,
  brokenLines: 0,
  clockStep: 0,
  secondCopy: 0,
  emptyDisk: 0,
  fullDisk: 0,
  damagedDisk: 0,
};

const FAULT_PROFILES: readonly Partial<Faults>[] = [
  {
    everyMs: 1_500,
    crash: 2,
    crashAtWrite: 4,
    powerFailure: 0.5,
    secondCopy: 0.7,
    emptyDisk: 0.2,
    fullDisk: 1,
    damagedDisk: 2,
  },
  { everyMs: 2_500, partition: 3, flapping: 1, mute: 3, brokenLines: 1 },
  { everyMs: 3_000, mute: 1 },
  {
    everyMs: 1_500,
    crash: 1,
    crashAtWrite: 2,
    powerFailure: 0.2,
    partition: 1.5,
    mute: 2,
    brokenLines: 1,
    clockStep: 1,
    secondCopy: 0.4,
    emptyDisk: 0.2,
    fullDisk: 0.4,
    damagedDisk: 1,
    flapping: 0.5,
  },
  {},
];

const QUALITIES: readonly Partial<NetworkQuality>[] = [
  {},
  { maxDelayMs: 60, dropShare: 0.05, duplicateShare: 0.05, reorders: true },
  { maxDelayMs: 40, slowShare: 0.05, slowMs: 1_500 },
  { maxDelayMs: 150, slowShare: 0.1, slowMs: 800, dropShare: 0.2, duplicateShare: 0.1, reorders: true },
];

/** How large a consortium is, and how often. Five is where a quorum of one half is wrong with a single liar. */
const SIZES: readonly { readonly validators: number; readonly weight: number; readonly faultyMs: number }[] = [
  { validators: 1, weight: 6, faultyMs: 14_000 },
  { validators: 4, weight: 54, faultyMs: 14_000 },
  { validators: 5, weight: 20, faultyMs: 14_000 },
  { validators: 7, weight: 12, faultyMs: 8_000 },
  { validators: 10, weight: 8, faultyMs: 4_000 },
];

/** Shares of the seeds. */
const STANDBY_SHARE = 0.3;
const CHANGING_SHARE = 0.4;
const VANISHING_SHARE = 0.25;
/** Larger consortia do not change their set: their seeds take long enough as they are. */
const MAX_CHANGING = 5;

/** Small enough that many heights, rounds, expiries and removals fit into a minute of virtual time. */
const PARAMETERS: Partial<Parameters> = {
  blockIntervalMs: 1_000,
  minBlockIntervalMs: 100,
  expiryWindow: 40,
  nonceRetention: 12,
  precisionMs: 300,
  messageDelayMs: 800,
  timeoutProposeMs: 500,
  timeoutVoteMs: 250,
  timeoutDeltaMs: 120,
};

export function scenarioOf(seed: number): Scenario {
  const scenario = { ...scenarioWithOneSet(seed), standbys: [], changes: null };
  const chance = new Chance(`set changes ${seed}`);
  const correct = Array.from({ length: scenario.validators }, (_, i) => i).filter((i) => !scenario.liars.includes(i));
  const standbys = chance.is(STANDBY_SHARE) ? chance.some(correct, 0.7) : [];
  if (new Chance(`vanishing disks ${seed}`).is(VANISHING_SHARE)) return withVanishingDisks({ ...scenario, standbys });
  if (scenario.validators > MAX_CHANGING || !chance.is(CHANGING_SHARE)) return { ...scenario, standbys };
  const changes = {
    everyMs: chance.pick([700, 1_500]),
    joiners: 1 + chance.below(2),
    successors: chance.some(correct, 1 / correct.length),
  };
  return { ...scenario, standbys, changes };
}

/** One at a time, others have what a disk had: what counts is when all are gone. */
export function withVanishingDisks(scenario: Scenario): Scenario {
  const { powerFailure } = scenario.faults;
  return { ...scenario, vanishingDisks: true, faults: { ...scenario.faults, powerFailure: 6 * powerFailure } };
}

function scenarioWithOneSet(seed: number): Omit<Scenario, 'standbys' | 'changes'> {
  const chance = new Chance(`scenario ${seed}`);
  const { validators, faultyMs } = sizeOf(chance.unit());
  const maxLiars = Math.floor((validators - 1) / 3);
  const hasLiars = maxLiars > 0 && chance.is(0.6);
  const wrong = distinct(chance, validators, maxLiars);
  const honest = chance.is(0.25) ? 1 + chance.below(maxLiars) : 0;
  const liars = hasLiars ? wrong.slice(0, wrong.length - honest) : [];
  const wildClocks = wrong.slice(wrong.length - honest);
  const isWeighted = liars.length === 0 && wildClocks.length === 0 && validators > 1 && chance.is(0.2);
  return {
    seed,
    validators,
    powers: Array.from({ length: validators }, () => (isWeighted ? 1 + chance.below(4) : 1)),
    followers: chance.is(0.25) ? 2 : 1,
    liars,
    wildClocks,
    isLoud: chance.is(0.4),
    plot: chance.is(0.2) ? 'divide' : null,
    liesToTheEnd: chance.is(0.5),
    parameters: { ...PARAMETERS, ...(chance.is(0.3) && { minBlockIntervalMs: 10 }) },
    quality: { ...GOOD_NETWORK, ...chance.pick(QUALITIES) },
    faults: { ...NO_FAULTS, ...chance.pick(FAULT_PROFILES) },
    faultyMs: faultyMs + chance.below(faultyMs),
    transactionEveryMs: chance.pick([60, 250, 600]),
    maxWriteMs: chance.pick([2, 10, 60]),
    storeShowsEarly: chance.is(0.5),
    lostAnswers: chance.is(0.1) ? 0.01 : 0,
    vanishingDisks: false,
  };
}

/** Nothing breaks but what is scripted, and nobody lies but who is told to. */
export function quietScenario(validators: number): Scenario {
  return {
    ...scenarioOf(1),
    validators,
    powers: Array.from({ length: validators }, () => 1),
    followers: 1,
    liars: [],
    wildClocks: [],
    isLoud: false,
    plot: null,
    liesToTheEnd: true,
    quality: GOOD_NETWORK,
    faults: NO_FAULTS,
    faultyMs: 2_500,
    transactionEveryMs: 150,
    maxWriteMs: 10,
    lostAnswers: 0,
    standbys: [],
    vanishingDisks: false,
    changes: null,
    parameters: PARAMETERS,
  };
}

/** A short, quiet run in which one machine dies at one write: half of the sweep's axis is here, half in the test. */
export function deathAtWrite(validators: number, death: { readonly machine: number } & PlannedDeath): Scenario {
  return { ...quietScenario(validators), death };
}

function sizeOf(unit: number): { readonly validators: number; readonly faultyMs: number } {
  const total = SIZES.reduce((sum, { weight }) => sum + weight, 0);
  let left = unit * total;
  for (const size of SIZES) {
    left -= size.weight;
    if (left < 0) return size;
  }
  throw new Error('the weights do not add up');
}

function distinct(chance: Chance, end: number, count: number): number[] {
  const all = Array.from({ length: end }, (_, index) => index);
  return Array.from({ length: count }, () => all.splice(chance.below(all.length), 1)[0]!).sort((a, b) => a - b);
}
