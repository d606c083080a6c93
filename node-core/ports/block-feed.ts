import type { Block, Result } from '../chain/block.ts';

/** A decided block with what became of its transactions. */
export interface FinalBlock extends Block {
  readonly results: readonly Result[];
}

/**
 * Final blocks for those who follow the chain from outside consensus. Whoever reads holds its own place and asks for the
 * next block when it is ready for it: nothing is kept here for a slow reader, nothing is left out, and nobody waits for
 * one. Blocks of one chain never change, so the same height always gives the same block.
 */
export interface BlockFeed {
  /** The newest height that `block` gives. */
  readonly height: number;
  /** The lowest height that `block` gives; older blocks are no longer here. */
  readonly firstHeight: number;
  /**
   * undefined above `height`.
   * @throws {BropError} PRUNED below `firstHeight`; STORE_CORRUPT when the disk has damaged the block: it is repaired
   * from others, so ask again later.
   */
  block(height: number): Promise<FinalBlock | undefined>;
  /** Resolves with true once `height` is above `above`; with false when `signal` is aborted first. */
  waitAbove(above: number, signal: AbortLike): Promise<boolean>;
}

/** What is used of an AbortSignal, which pure rooms do not have. */
export interface AbortLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
