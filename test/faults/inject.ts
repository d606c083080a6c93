/** Carries the faults out. Each returns once it has been healed; what must have happened meanwhile is checked here. */
import { copyFileSync } from 'node:fs';
import { RESERVE_BYTES } from '../../adapters/store-lmdb/room.ts';
import { Chance } from '../simulation/chance.ts';
import { type Began, type Ending, isValidator, NODES, type NodeProcess } from './cluster.ts';
import { damageFile, fillDisk, freeDisk, victimOf, voteRecordOf, wipeChain } from './damage.ts';
import { blocksOf } from './look.ts';
import type { Network } from './network.ts';
import type { Fault, Kind } from './plan.ts';
import { attack } from './strangers.ts';
import type { Watch } from './watch.ts';

export interface Rig {
  readonly nodes: readonly NodeProcess[];
  readonly network: Network;
  readonly watch: Watch;
  readonly say: (line: string) => void;
  readonly rejoins: Rejoin[];
  kills: number;
}

/** A node that came back: from the start of its process until it was ready, and until it was in step. */
export interface Rejoin {
  readonly kind: Kind;
  readonly readyMs: number;
  readonly inStepMs: number;
}

/** Generous: a machine may be slow. What it really took is reported. */
const IN_STEP_WITHIN_MS = 60_000;
const STOPS_WITHIN_MS = 30_000;

type Injection = (rig: Rig, fault: Fault) => Promise<void>;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function nodesOf({ nodes }: Rig, fault: Fault): NodeProcess[] {
  return fault.nodes.map((node) => nodes[node]!);
}

async function kill(rig: Rig, node: NodeProcess): Promise<void> {
  rig.kills += 1;
  await node.kill();
}

async function restart(rig: Rig, node: NodeProcess, kind: Kind): Promise<void> {
  const began = await begin(node);
  const inStepMs = await rig.watch.untilInStep(node, began.atMs, IN_STEP_WITHIN_MS);
  rig.rejoins.push({ kind, readyMs: began.readyMs, inStepMs });
  rig.say(`  ${node.name} is back: ready after ${began.readyMs} ms, in step after ${inStepMs} ms`);
}

async function begin(node: NodeProcess): Promise<Began> {
  const outcome = await node.start();
  if ('readyMs' in outcome) return outcome;
  throw new Error(`${node.name} does not start: ${shown(outcome)}`);
}

function shown({ code, signal, output }: Ending): string {
  return `${signal ?? `exit code ${code}`}, it said: ${output === '' ? 'nothing' : output}`;
}

/** A node that cannot go on ends by itself, with exit code 1 and one clear line. */
function assertClean(node: NodeProcess, ending: Ending, line: RegExp): void {
  if (ending.code !== 1 || !line.test(ending.output)) {
    throw new Error(`${node.name} did not stop cleanly, with a line like ${line}: ${shown(ending)}`);
  }
}

async function killed(rig: Rig, fault: Fault): Promise<void> {
  const nodes = nodesOf(rig, fault);
  for (const [i, node] of nodes.entries()) {
    if (i > 0 && fault.kind !== 'kill-all') await sleep(fault.staggerMs);
    await kill(rig, node);
  }
  await sleep(fault.holdMs);
  if (fault.kind === 'kill-all') await Promise.all(nodes.map((node) => restart(rig, node, fault.kind)));
  else for (const node of nodes) await restart(rig, node, fault.kind);
}

/** Killed again and again while it starts. */
async function killedStarting(rig: Rig, fault: Fault): Promise<void> {
  const [node] = nodesOf(rig, fault) as [NodeProcess];
  await kill(rig, node);
  const chance = new Chance(`starting ${fault.number} ${fault.where}`);
  for (const until = Date.now() + fault.holdMs; Date.now() < until; ) {
    const starting = node.start();
    await sleep(chance.between(0, 1_200));
    await kill(rig, node);
    await starting;
  }
  await restart(rig, node, fault.kind);
}

async function stopped(rig: Rig, fault: Fault): Promise<void> {
  const nodes = nodesOf(rig, fault);
  for (const node of nodes) node.stop();
  await sleep(fault.holdMs);
  for (const node of nodes) {
    node.continue();
    const ms = await rig.watch.untilInStep(node, Date.now(), IN_STEP_WITHIN_MS);
    rig.say(`  ${node.name} goes on: in step after ${ms} ms`);
  }
}

const DISK_IS_FULL = /STORE_FULL.*(space|full)/is;

async function diskFull(rig: Rig, fault: Fault): Promise<void> {
  const [node] = nodesOf(rig, fault) as [NodeProcess];
  const ended = node.willEnd();
  fillDisk(node.dataFolder, RESERVE_BYTES / 4);
  const ending = await Promise.race([ended, sleep(STOPS_WITHIN_MS).then(() => null)]);
  if (ending === null) throw new Error(`${node.name} still runs ${STOPS_WITHIN_MS} ms after its disk was full`);
  assertClean(node, ending, DISK_IS_FULL);
  rig.say(`  ${node.name} has stopped: ${ending.output.split('\n').at(-1)}`);
  await sleep(fault.holdMs);
  fillDisk(node.dataFolder, 0);
  const again = await node.start();
  assertClean(node, 'readyMs' in again ? await node.willEnd() : again, DISK_IS_FULL);
  freeDisk(node.dataFolder);
  await restart(rig, node, fault.kind);
}

/** Pairs [from, to] to cut. */
function linksOf({ kind, nodes }: Fault): [number, number][] {
  const inside = (node: number) => nodes.includes(node);
  const across = NODES.flatMap((from) => NODES.map((to) => [from, to] as [number, number])).filter(
    ([from, to]) => inside(from) !== inside(to),
  );
  return kind === 'one-way' ? across.filter(([from]) => inside(from)) : across;
}

async function parted(rig: Rig, fault: Fault): Promise<void> {
  const { network, watch } = rig;
  const links = linksOf(fault);
  for (const [from, to] of links) {
    if (fault.kind === 'slow') await network.slow(from, to);
    else {
      await network.cut(from, to);
      watch.cuts.add(`${from} ${to}`);
    }
  }
  if (fault.kind === 'slow') for (const node of fault.nodes) watch.hindered.add(node);
  await sleep(fault.holdMs);
  await network.mend();
  const sinceMs = Date.now();
  watch.cuts.clear();
  watch.hindered.clear();
  await watch.untilAllGoOn(IN_STEP_WITHIN_MS);
  rig.say(`  all in step ${Date.now() - sinceMs} ms after the links were whole`);
}

const DAMAGE_IS_NAMED = /STORE_CORRUPT/;

/** A damaged chain is noticed and named, or the damage has hit nothing that counts; wrong data are never served. */
async function damagedChain(rig: Rig, fault: Fault): Promise<void> {
  const [node] = nodesOf(rig, fault) as [NodeProcess];
  await kill(rig, node);
  rig.say(`  ${damageFile(victimOf(node.dataFolder, fault), fault)}`);
  const outcome = await node.start();
  if ('readyMs' in outcome) {
    const ended = node.willEnd();
    await assertServesNoLies(rig, node);
    const ending = await Promise.race([ended, sleep(fault.holdMs).then(() => null)]);
    if (ending === null) rig.say(`  ${node.name} runs, and has shown nothing wrong`);
    else assertClean(node, ending, DAMAGE_IS_NAMED);
    await node.end();
  } else {
    assertClean(node, outcome, DAMAGE_IS_NAMED);
    rig.say(`  ${node.name} refuses to start: ${outcome.output.split('\n').at(-1)}`);
  }
  wipeChain(node.dataFolder);
  await restart(rig, node, fault.kind);
}

async function assertServesNoLies(rig: Rig, node: NodeProcess): Promise<void> {
  const reference = rig.nodes.find((other) => other !== node && isValidator(other) && other.state === 'up');
  if (reference === undefined) return;
  const { best } = rig.watch;
  const [shownHere, right] = await Promise.all([blocksOf(node, 1, best), blocksOf(reference, 1, best)]);
  for (const [i, block] of shownHere.entries()) {
    const other = right[i];
    if (block !== undefined && other !== undefined && block.text !== other.text) {
      throw new Error(`${node.name} serves a wrong block ${i + 1}: ${block.text}, right is ${other.text}`);
    }
  }
}

/** A damaged vote record keeps the validator from starting; put back as it was, with nothing signed meanwhile, it goes on. */
async function damagedRecord(rig: Rig, fault: Fault): Promise<void> {
  const [node] = nodesOf(rig, fault) as [NodeProcess];
  await kill(rig, node);
  const path = voteRecordOf(node.dataFolder);
  copyFileSync(path, `${path}.sound`);
  rig.say(`  ${damageFile(path, fault)}`);
  const outcome = await node.start();
  if ('readyMs' in outcome) {
    // What was hit is no longer part of the record, or the record would not have been read.
    await rig.watch.untilInStep(node, Date.now(), IN_STEP_WITHIN_MS);
    rig.say(`  ${node.name} runs: its record was not hit`);
    return;
  }
  assertClean(node, outcome, /vote.record/);
  rig.say(`  ${node.name} refuses to start: ${outcome.output.split('\n').at(-1)}`);
  await sleep(fault.holdMs);
  copyFileSync(`${path}.sound`, path);
  await restart(rig, node, fault.kind);
}

async function strangers(rig: Rig, fault: Fault): Promise<void> {
  const [node] = nodesOf(rig, fault) as [NodeProcess];
  const { hostname, port } = new URL(node.apiUrl);
  const target = { host: hostname, nodePort: node.nodePort, apiPort: Number(port) };
  const chance = new Chance(`strangers ${fault.number} ${fault.where}`);
  const made = await attack(target, fault.holdMs, chance);
  rig.say(`  ${made} connections of strangers to ${node.name}`);
}

export const INJECTIONS: Readonly<Record<Kind, Injection>> = {
  kill: killed,
  'kill-two': killed,
  'kill-all': killed,
  'kill-starting': killedStarting,
  'kill-follower': killed,
  stop: stopped,
  'stop-long': stopped,
  'stop-two': stopped,
  'full-disk': diskFull,
  isolate: parted,
  halves: parted,
  'one-way': parted,
  slow: parted,
  'corrupt-follower': damagedChain,
  'corrupt-validator': damagedChain,
  'corrupt-record': damagedRecord,
  strangers,
};
