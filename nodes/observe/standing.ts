/**
 * A line of the log, every minute, that says how a node stands: what alarms are made of where nobody scrapes metrics.
 */
import type { Clock } from '../../node-core/ports/clock.ts';
import type { Log } from '../../node-core/ports/log.ts';

const EVERY_MS = 60_000;

/** What is read of a node. */
export interface Standing {
  readonly store: { readonly height: number; readonly timeMs: number };
  readonly peers: { readonly count: number; readonly bestHeight: number };
  /** Null in a node without a vote. */
  readonly isOnStandby: boolean | null;
}

/**
 * Writes the first line after one interval. The result ends it.
 * @param table the ledger table that this node writes; −1 is its height before it is known
 */
export function reportStanding(
  node: Standing,
  clock: Clock,
  log: Log,
  table?: { readonly height: number } | undefined,
): () => void {
  let cancel = () => {};
  const wait = () => {
    cancel = clock.schedule(EVERY_MS, () => {
      const lag = table && { ledgerLagBlocks: node.store.height - Math.max(0, table.height) };
      log.info('how the node stands', { ...standing(node, clock.now()), ...lag });
      wait();
    });
  };
  wait();
  return () => cancel();
}

/** Numbers alone, 0 and 1 for no and yes: a filter on the log makes metrics of them. */
function standing({ store, peers, isOnStandby }: Standing, nowMs: number) {
  return {
    height: store.height,
    blockAgeMs: Math.max(0, nowMs - store.timeMs),
    behindBlocks: Math.max(0, peers.bestHeight - store.height),
    peers: peers.count,
    standby: isOnStandby === true ? 1 : 0,
  };
}
