/** The node's final blocks for the middleware: read from the store, one after the other, as fast as each reader likes. */
import { BropError } from '../chain/codes.ts';
import type { AbortLike, BlockFeed, FinalBlock } from '../ports/block-feed.ts';
import type { Node } from './node.ts';

export class NodeBlockFeed implements BlockFeed {
  private readonly node: Pick<Node, 'store' | 'onCommit'>;

  constructor(node: Pick<Node, 'store' | 'onCommit'>) {
    this.node = node;
  }

  get height(): number {
    return this.node.store.height;
  }

  get firstHeight(): number {
    return this.node.store.blocks.firstHeight;
  }

  async block(height: number): Promise<FinalBlock | undefined> {
    if (height > this.height) return undefined;
    const block = await this.node.store.block(height);
    if (block === undefined)
      throw new BropError('PRUNED', `Height ${height}; blocks are kept from ${this.firstHeight} on.`);
    return block;
  }

  waitAbove(above: number, signal: AbortLike): Promise<boolean> {
    if (this.height > above) return Promise.resolve(true);
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (found: boolean) => {
        stopListening();
        signal.removeEventListener('abort', onAbort);
        resolve(found);
      };
      const onAbort = () => end(false);
      const stopListening = this.node.onCommit(({ header }) => header.height > above && end(true));
      signal.addEventListener('abort', onAbort);
    });
  }
}
