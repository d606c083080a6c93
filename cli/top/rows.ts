/** What `brop top` says of a node: its newest scrape, and rates from the one before. */
import { labelOf, total } from './prometheus-text.ts';
import type { Scrape } from './scrape.ts';

export interface Target {
  /** What it is called while it does not answer. */
  readonly name: string;
  readonly url: string;
}

/** `stalled`: no block for half a minute. `behind`: others have blocks that it lacks. */
export type NodeState = 'ok' | 'behind' | 'stalled' | 'down';

export interface NodeRow {
  readonly node: string;
  readonly url: string;
  readonly state: NodeState;
  readonly role: string | null;
  readonly version: string | null;
  readonly height: number | null;
  /** Round of the height being decided; null in a follower. */
  readonly round: number | null;
  /** Age of the newest block, s. */
  readonly lagSeconds: number | null;
  readonly transactionsPerSecond: number | null;
  /** Mean of the blocks since the last look; without any, since the node has run. */
  readonly blockIntervalSeconds: number | null;
  readonly pending: number | null;
  readonly peers: number | null;
  readonly rssMb: number | null;
  /** Of one core. */
  readonly cpuPercent: number | null;
}

const STALLED_SECONDS = 30;
/** One block more than this node has is on its way. */
const BEHIND_BLOCKS = 1;

export function rowOf({ name, url }: Target, now: Scrape | null, before: Scrape | null): NodeRow {
  if (now === null) return { ...NOTHING, node: name, url };
  const { samples } = now;
  const value = (of: string) => total(samples, of) ?? null;
  const since = (of: string) => increase(now, before, of);
  const seconds = before === null ? null : (now.atMs - before.atMs) / 1_000;
  const rate = (of: string) => (seconds === null ? null : divide(since(of), seconds));
  const cpu = rate('process_cpu_seconds_total');
  const rss = value('process_resident_memory_bytes');
  const round = value('brop_consensus_round');
  return {
    node: labelOf(samples, 'brop_build_info', 'node') ?? name,
    url,
    state: stateOf(
      value('brop_height') ?? 0,
      value('brop_best_peer_height') ?? 0,
      value('brop_block_age_seconds') ?? 0,
    ),
    role: labelOf(samples, 'brop_build_info', 'role') ?? null,
    version: labelOf(samples, 'brop_build_info', 'version') ?? null,
    height: value('brop_height'),
    round: round === -1 ? null : round,
    lagSeconds: value('brop_block_age_seconds'),
    transactionsPerSecond: rate('brop_transactions_total'),
    blockIntervalSeconds: meanInterval(now, before) ?? meanInterval(now, null),
    pending: value('brop_pending_transactions'),
    peers: value('brop_peers'),
    rssMb: rss === null ? null : rss / 1e6,
    cpuPercent: cpu === null ? null : cpu * 100,
  };
}

const NOTHING = {
  state: 'down',
  role: null,
  version: null,
  height: null,
  round: null,
  lagSeconds: null,
  transactionsPerSecond: null,
  blockIntervalSeconds: null,
  pending: null,
  peers: null,
  rssMb: null,
  cpuPercent: null,
} as const;

function stateOf(height: number, best: number, ageSeconds: number): NodeState {
  if (best > height + BEHIND_BLOCKS) return 'behind';
  return ageSeconds > STALLED_SECONDS ? 'stalled' : 'ok';
}

function meanInterval(now: Scrape, before: Scrape | null): number | null {
  const since = (of: string) => increase(now, before, of);
  return divide(since('brop_block_interval_seconds_sum'), since('brop_block_interval_seconds_count'));
}

/** Of a counter since the scrape before; of its whole life when there is none, or when the node has started anew. */
function increase(now: Scrape, before: Scrape | null, name: string): number | null {
  const current = total(now.samples, name);
  if (current === undefined) return null;
  const earlier = before === null ? 0 : (total(before.samples, name) ?? 0);
  return current >= earlier ? current - earlier : current;
}

function divide(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole === 0 ? null : part / whole;
}
