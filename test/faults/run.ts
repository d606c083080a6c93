/** One run: a cluster under load, its faults one after the other, and at the end the checks of what must always hold. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { RESERVE_BYTES } from '../../adapters/store-lmdb/room.ts';
import { decodeGenesis, type Genesis } from '../../node-core/chain/genesis.ts';
import { verifyReceipt } from '../../node-core/chain/receipt.ts';
import { createCluster, type Ending, NODES, type NodeProcess } from './cluster.ts';
import { INJECTIONS, type Rejoin, type Rig } from './inject.ts';
import { Load } from './load.ts';
import { type Block, blocksOf, receiptOf } from './look.ts';
import { namespaces } from './namespaces.ts';
import type { Network } from './network.ts';
import { describe, type Fault, type Kind, nameOf, plan, SMALL_DISK } from './plan.ts';
import { proxies } from './proxies.ts';
import { longestGap, type Span, Watch, within } from './watch.ts';

export interface RunOptions {
  readonly seed: number;
  /** The schedule ends after so long; null: after each of `kinds` has come once. */
  readonly minutes: number | null;
  readonly kinds: readonly Kind[];
  readonly perSecond: number;
  /** Keeps logs and stores, also when all went well. */
  readonly keeps: boolean;
  /** Whether this process has namespaces of its own (sandbox.ts). */
  readonly isInside: boolean;
  readonly say: (line: string) => void;
  /** Ends the run early, in order. */
  readonly signal: AbortSignal;
}

export interface Check {
  readonly name: string;
  /** null: passed. */
  readonly failure: string | null;
}

export interface Outcome {
  readonly checks: readonly Check[];
  readonly faults: readonly Fault[];
  readonly kills: number;
  readonly acknowledged: number;
  readonly blocks: number;
  readonly longestGapMs: number;
  readonly longestRecoveryMs: number;
  readonly rejoins: readonly Rejoin[];
  readonly slowestReceiptMs: number;
  readonly maxMemoryMb: number;
  readonly networkName: string;
  readonly seconds: number;
  /** Where logs and stores are kept. */
  readonly kept: string | null;
}

const ALL_GO_ON_WITHIN_MS = 60_000;
const DRAIN_WITHIN_MS = 120_000;
/** A chain that stands for so long with a whole quorum has stopped. What it really took is reported. */
const LONGEST_GAP_MS = 20_000;
const MAX_MEMORY_MB = 600;
const RECEIPTS_LOOKED_AT = 100;

export async function run(options: RunOptions): Promise<Outcome> {
  const startMs = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'brop-faults-'));
  const network = options.isInside ? namespaces(NODES.length) : await proxies(NODES.length);
  const one = new Run(options, folder, network);
  let isKept = true;
  try {
    await one.play();
    isKept = options.keeps || one.checks.some(({ failure }) => failure !== null);
  } finally {
    await one.close();
    if (options.isInside) execFileSync('umount', [join(folder, nameOf(SMALL_DISK), 'data')]);
    if (!isKept) rmSync(folder, { recursive: true, force: true });
  }
  return { ...one.outcome(), seconds: (Date.now() - startMs) / 1_000, kept: isKept ? folder : null };
}

class Run {
  readonly checks: Check[] = [];
  private readonly options: RunOptions;
  private readonly folder: string;
  private readonly network: Network;
  private readonly faults: Fault[] = [];
  private readonly deaths: string[] = [];
  private readonly windows: { readonly fault: Fault; readonly span: Span }[] = [];
  private nodes: NodeProcess[] = [];
  private rig: Rig | null = null;
  private load: Load | null = null;
  private watch: Watch | null = null;
  private blocks: readonly Block[] = [];
  private gap = { ms: 0, atMs: 0 };
  /** Every node has all blocks up to here when the checks begin. */
  private judgedHeight = 0;

  constructor(options: RunOptions, folder: string, network: Network) {
    this.options = options;
    this.folder = folder;
    this.network = network;
  }

  async play(): Promise<void> {
    const { options, folder, network } = this;
    const { say, signal } = options;
    say(`network: ${network.name}; folder: ${folder}`);
    this.nodes = await createCluster(folder, network, (node, ending) => this.died(node, ending));
    if (options.isInside) mountSmallDisk(join(folder, nameOf(SMALL_DISK), 'data'), options.minutes ?? 1);
    for (const outcome of await Promise.all(this.nodes.map((node) => node.start()))) {
      if (!('readyMs' in outcome)) throw new Error(`a node does not start: ${outcome.output}`);
    }
    for (const node of this.nodes) node.isServing = true;
    const genesis = decodeGenesis(nativeCrypto, readFileSync(join(folder, 'genesis.cbor')));
    const load = new Load(this.nodes, genesis);
    const watch = new Watch(this.nodes);
    this.load = load;
    this.watch = watch;
    this.rig = { nodes: this.nodes, network, watch, say, rejoins: [], kills: 0 };
    watch.start();
    await load.prepare(join(folder, 'operator', 'account-key.json'));
    // A node that has not heard of the partner yet would refuse what it sends.
    await watch.untilAllGoOn(ALL_GO_ON_WITHIN_MS);
    load.start(options.perSecond);
    await this.playFaults(this.rig);
    if (signal.aborted) return;
    await this.settle(load, watch);
    await this.judge(genesis, load, watch);
  }

  private died(node: NodeProcess, { code, signal, output }: Ending): void {
    const line = `${node.name} died: ${signal ?? `exit code ${code}`}, it said: ${output === '' ? 'nothing' : output}`;
    this.deaths.push(line);
    this.options.say(line);
  }

  /** Stops at the first fault that is not overcome: what comes after it would say little. */
  private async playFaults(rig: Rig): Promise<void> {
    const { seed, minutes, kinds, say, signal } = this.options;
    const endMs = minutes === null ? Number.POSITIVE_INFINITY : Date.now() + minutes * 60_000;
    for (const fault of plan(seed, kinds)) {
      const isOver = minutes === null ? fault.number > kinds.length : Date.now() + fault.pauseMs + fault.holdMs > endMs;
      if (isOver || signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, fault.pauseMs));
      say(`${describe(fault)} (height ${rig.watch.best}, ${this.load?.acknowledged.length} receipts)`);
      this.faults.push(fault);
      const fromMs = Date.now();
      const failure = await this.check(describe(fault), async () => {
        await INJECTIONS[fault.kind](rig, fault);
        await rig.watch.untilAllGoOn(ALL_GO_ON_WITHIN_MS);
        if (this.deaths.length > 0) throw new Error(this.deaths.join('; '));
      });
      this.windows.push({ fault, span: { fromMs, toMs: Date.now() } });
      if (failure !== null) return;
    }
  }

  private async check(name: string, body: () => Promise<void> | void): Promise<string | null> {
    let failure: string | null = null;
    try {
      await body();
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
      this.options.say(`FAILED ${name}: ${failure}`);
    }
    this.checks.push({ name, failure });
    return failure;
  }

  private async settle(load: Load, watch: Watch): Promise<void> {
    await this.network.mend();
    for (const node of this.nodes) if (node.state === 'stopped') node.continue();
    load.stop();
    this.options.say('the load ends; waiting for the outcomes that are open');
    await this.check('every transaction gets an outcome that verifies', async () => {
      const open = await load.drain(DRAIN_WITHIN_MS);
      if (open > 0) throw new Error(`${open} of ${load.sent} transactions have none`);
      if (load.failures.length > 0) throw new Error(`${load.failures.length} failed, such as ${load.failures[0]}`);
      if (load.acknowledged.length === 0) throw new Error('nothing was acknowledged');
    });
    const highest = load.acknowledged.reduce((most, { height }) => Math.max(most, height), watch.best);
    await this.check('all nodes get to one head after the last fault', () =>
      watch.untilAllReach(highest + 1, ALL_GO_ON_WITHIN_MS),
    );
    await watch.stop();
    this.judgedHeight = highest;
  }

  private async judge(genesis: Genesis, load: Load, watch: Watch): Promise<void> {
    const best = this.judgedHeight;
    this.options.say(`comparing ${best} blocks of ${NODES.length} nodes`);
    const chains: Block[][] = [];
    await this.check('every node shows every block, and all the same ones', async () => {
      for (const node of this.nodes) chains.push(wholeChain(node, await blocksOf(node, 1, best)));
      assertAlike(this.nodes, chains);
      if (watch.violations.length > 0) throw new Error(watch.violations.slice(0, 3).join('; '));
    });
    this.blocks = chains[0] ?? [];
    const heights = new Map<string, number>();
    await this.check('no sender and nonce twice', () => {
      for (const { height, nonces } of this.blocks) {
        for (const identity of nonces) {
          if (heights.has(identity)) throw new Error(`${identity} at heights ${heights.get(identity)} and ${height}`);
          heights.set(identity, height);
        }
      }
    });
    await this.check('what was acknowledged is in the chain, where its receipt says', () => {
      const byNonce = new Map([...heights].map(([identity, height]) => [identity.split('/')[1]!, height]));
      for (const { nonce, height } of load.acknowledged) {
        if (byNonce.get(nonce) !== height) throw new Error(`${nonce}: receipt ${height}, chain ${byNonce.get(nonce)}`);
      }
    });
    await this.check('every node gives receipts that verify', () => this.lookAtReceipts(genesis, [...heights.keys()]));
    await this.check('the chain goes on whenever more than 2/3 are up and connected', () => {
      const times = this.blocks.map(({ timeMs }) => timeMs);
      // Without a load a block comes only every block interval.
      this.gap = longestGap(times, within(watch.spans, load.span));
      if (this.gap.ms > LONGEST_GAP_MS) throw new Error(`it stood for ${this.gap.ms} ms`);
    });
    await this.check('memory is bounded', () => {
      if (watch.maxMemoryMb > MAX_MEMORY_MB) throw new Error(`a node took ${watch.maxMemoryMb.toFixed(0)} MB`);
    });
    await this.check('every node ends in order', async () => {
      for (const node of this.nodes) {
        const { code, signal } = await node.end();
        if (code !== 0) throw new Error(`${node.name}: ${signal ?? code}`);
      }
      if (this.deaths.length > 0) throw new Error(this.deaths.join('; '));
    });
    this.reportGaps(watch);
  }

  private async lookAtReceipts(genesis: Genesis, identities: readonly string[]): Promise<void> {
    const every = Math.max(1, Math.floor(identities.length / RECEIPTS_LOOKED_AT));
    for (const identity of identities.filter((_, i) => i % every === 0)) {
      for (const node of this.nodes) {
        const receipt = await receiptOf(node, identity);
        if (receipt === undefined) throw new Error(`${node.name} has no receipt of ${identity}`);
        const facts = verifyReceipt(nativeCrypto, receipt, genesis.hash);
        if ('code' in facts) throw new Error(`${node.name}, ${identity}: ${facts.code} ${facts.detail ?? ''}`);
      }
    }
  }

  /** The longest gap of each fault that left a quorum whole. */
  private reportGaps({ spans }: Watch): void {
    const times = this.blocks.map(({ timeMs }) => timeMs);
    for (const { fault, span } of this.windows) {
      const { ms, atMs } = longestGap(times, within(spans, span));
      this.options.say(`gap of #${fault.number} ${fault.kind}: ${ms} ms, ${atMs - span.fromMs} ms after its beginning`);
    }
  }

  async close(): Promise<void> {
    this.load?.stop();
    await this.watch?.stop();
    await this.network.mend();
    await Promise.all(this.nodes.map((node) => node.end()));
    await this.network.close();
  }

  outcome(): Omit<Outcome, 'seconds' | 'kept'> {
    return {
      checks: this.checks,
      faults: this.faults,
      kills: this.rig?.kills ?? 0,
      acknowledged: this.load?.acknowledged.length ?? 0,
      blocks: this.blocks.length,
      longestGapMs: this.gap.ms,
      longestRecoveryMs: Math.max(0, ...(this.watch?.recoveries ?? [])),
      rejoins: this.rig?.rejoins ?? [],
      slowestReceiptMs: Math.round(this.load?.slowestMs ?? 0),
      maxMemoryMb: Math.round(this.watch?.maxMemoryMb ?? 0),
      networkName: this.network.name,
    };
  }
}

/** Its size leaves room for the chain beside what a node keeps free; ballast takes the rest. */
function mountSmallDisk(folder: string, minutes: number): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const sizeMb = RESERVE_BYTES / 1024 ** 2 + 64 + Math.ceil(32 * minutes);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=0700`, 'brop', folder]);
}

function wholeChain(node: NodeProcess, blocks: readonly (Block | undefined)[]): Block[] {
  return blocks.map((block, i) => {
    if (block === undefined) throw new Error(`${node.name} does not show block ${i + 1}`);
    return block;
  });
}

function assertAlike(nodes: readonly NodeProcess[], chains: readonly (readonly Block[])[]): void {
  const [first] = chains;
  for (const [i, chain] of chains.entries()) {
    for (const [at, { height, text }] of chain.entries()) {
      if (text !== first?.[at]?.text)
        throw new Error(`${nodes[i]!.name} and ${nodes[0]!.name} differ at height ${height}`);
    }
  }
}
