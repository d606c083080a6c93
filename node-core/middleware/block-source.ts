/** Final blocks in whatever form somebody takes them, as many at once as go into one write. */
import type { BlockFeed } from '../ports/block-feed.ts';

/** Blocks in the form in which they are written: as they are stored, when another thread is to decode them. */
export interface BlockSource<Block> extends Pick<BlockFeed, 'height' | 'firstHeight' | 'waitAbove'> {
  /** @throws as `BlockFeed.block` does. */
  read(height: number): Promise<Block>;
  sizeBytes(block: Block): number;
}

/** The heights of a feed, which move, with another way to read its blocks. */
export function blockSource<Block>(
  feed: Pick<BlockFeed, 'height' | 'firstHeight' | 'waitAbove'>,
  blocks: Pick<BlockSource<Block>, 'read' | 'sizeBytes'>,
): BlockSource<Block> {
  return {
    get height() {
      return feed.height;
    },
    get firstHeight() {
      return feed.firstHeight;
    },
    waitAbove: (above, signal) => feed.waitAbove(above, signal),
    ...blocks,
  };
}

/** So much goes into one write, unless a single block is more. */
export interface MostAtOnce {
  readonly blocks: number;
  readonly bytes: number;
}

/** From `first` on, as much as there is and goes into one write. @throws as `BlockFeed.block` does. */
export async function blocksFrom<Block>(source: BlockSource<Block>, first: number, most: MostAtOnce): Promise<Block[]> {
  const blocks: Block[] = [];
  let sizeBytes = 0;
  for (let height = first; height <= source.height && blocks.length < most.blocks; height++) {
    const block = await source.read(height);
    blocks.push(block);
    sizeBytes += source.sizeBytes(block);
    if (sizeBytes >= most.bytes) break;
  }
  return blocks;
}
