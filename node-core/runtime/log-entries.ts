/** Leaves of the log by their index: the genesis, then the applied transactions, found in the blocks that hold them. */

import type { StoredBlock } from '../chain/stored-block.ts';
import type { ChainStore } from './chain-store.ts';

/** Log sizes of blocks that are remembered: finding a leaf reads some twenty blocks without them. */
const REMEMBERED_SIZES = 10_000;

export class LogEntries {
  private readonly store: ChainStore;
  /** Log size after the block of each height that was read. */
  private readonly sizes = new Map<number, number>([[0, 1]]);

  constructor(store: ChainStore) {
    this.store = store;
  }

  /** Leaves `from` to `to` − 1; undefined when this store does not have all of them. */
  async read(from: number, to: number): Promise<Uint8Array[] | undefined> {
    const { store } = this;
    const newest = store.height;
    if (to > ((await this.sizeAfter(newest)) ?? 0)) return undefined;
    const entries: Uint8Array[] = from === 0 ? [store.genesis.bytes] : [];
    let height = await this.heightOf(Math.max(from, 1), newest);
    for (; height !== undefined && entries.length < to - from; height++) {
      const block = await store.block(height);
      if (block === undefined) return undefined;
      const leaves = leavesOf(block);
      const first = block.header.logSize - leaves.length;
      entries.push(...leaves.slice(Math.max(0, from - first), Math.max(0, to - first)));
    }
    return entries.length === to - from ? entries : undefined;
  }

  /** The block that appended leaf `index`: the first one after which the log is longer than that. */
  private async heightOf(index: number, newest: number): Promise<number | undefined> {
    let [low, high] = [0, newest];
    for (const [height, size] of this.sizes) {
      if (size <= index && height > low) low = height;
      if (size > index && height < high) high = height;
    }
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      const size = await this.sizeAfter(middle);
      // Blocks below a snapshot's height are not here: what is here is above.
      if (size !== undefined && size > index) high = middle;
      else low = middle;
    }
    return high;
  }

  private async sizeAfter(height: number): Promise<number | undefined> {
    const known = this.sizes.get(height);
    if (known !== undefined) return known;
    const block = await this.store.block(height);
    if (block === undefined) return undefined;
    if (this.sizes.size >= REMEMBERED_SIZES) {
      this.sizes.clear();
      this.sizes.set(0, 1);
    }
    this.sizes.set(height, block.header.logSize);
    return block.header.logSize;
  }
}

/** The transactions of a block that took effect: each is a leaf of the log. */
export function leavesOf({ transactions, results }: StoredBlock): Uint8Array[] {
  return transactions.filter((_, i) => results[i]![0] === 0);
}
