/** Whether a node is up to date, as far as it can tell itself. */
import type { ChainStatus } from '../node-core/ports/chain-access.ts';

export interface HealthFacts {
  readonly height: number;
  /** Age of the newest block. */
  readonly ageMs: number;
  /** Age from which the node counts as behind. */
  readonly maxAgeMs: number;
  /** Blocks that a peer has and this node has not. */
  readonly behindBlocks: number;
  readonly peers: number;
}

export interface Health {
  /** `starting`: the chain has no block yet, as far as its peers know. */
  readonly status: 'ok' | 'starting' | 'behind';
  readonly facts: HealthFacts;
  /** In words, for one that is behind. */
  readonly reason: string;
}

const GRACE_INTERVALS = 3;
const GRACE_MS = 10_000;

export function healthOf(
  { height, timeMs, blockIntervalMs, bestPeerHeight, peers }: ChainStatus,
  nowMs: number,
): Health {
  const facts = {
    height,
    ageMs: Math.max(0, nowMs - timeMs),
    maxAgeMs: GRACE_INTERVALS * blockIntervalMs + GRACE_MS,
    behindBlocks: Math.max(0, bestPeerHeight - height),
    peers,
  };
  const isStarting = height === 0 && peers > 0 && facts.behindBlocks === 0;
  const status = isStarting ? 'starting' : facts.ageMs <= facts.maxAgeMs ? 'ok' : 'behind';
  return { status, facts, reason: reasonOf(facts) };
}

function reasonOf({ ageMs, behindBlocks, peers }: HealthFacts): string {
  const age = `the newest block is ${Math.round(ageMs / 1_000)} s old`;
  if (behindBlocks > 0) return `${age}: catching up, ${behindBlocks} blocks behind`;
  return peers === 0 ? `${age}: no peer is connected` : `${age}: the chain stands still, as far as ${peers} peers know`;
}
