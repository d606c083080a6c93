/** The feed of final blocks over a chain in memory; whoever makes a block says so. */
import type { ExecutedBlock } from '../../node-core/ledger/execute-block.ts';
import { NodeBlockFeed } from '../../node-core/runtime/block-feed.ts';
import type { CommitListener } from '../../node-core/runtime/node.ts';
import type { World } from '../ledger/world.ts';

export function feedOf(world: World): {
  readonly feed: NodeBlockFeed;
  /** To be called after each block. */
  announce(executed: ExecutedBlock): void;
} {
  const listeners = new Set<CommitListener>();
  const onCommit = (listener: CommitListener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    feed: new NodeBlockFeed({ store: world.store, onCommit }),
    announce: (executed) => {
      for (const listener of [...listeners]) listener(executed);
    },
  };
}
