import type { ChainAccess, ChainStatus } from '../../node-core/ports/chain-access.ts';

/** How far back the rate of the blocks is observed. */
const LOOK_BACK = 50;
/** The next block may be on its way already. */
const MIN_AHEAD = 3;

/**
 * The expiry height of what is to be packed within `ms`, at the rate at which blocks have come lately: they lie a block
 * interval apart on an idle chain, and much closer together on a busy one.
 */
export async function expiryAfter(
  chain: Pick<ChainAccess, 'block'>,
  { height, timeMs, blockIntervalMs, expiryWindow, firstHeight }: ChainStatus,
  ms: number,
): Promise<number> {
  const earlier = Math.max(1, firstHeight, height - LOOK_BACK);
  const block = earlier < height ? await chain.block(earlier) : undefined;
  const observed = block === undefined ? blockIntervalMs : (timeMs - block.header.timeMs) / (height - earlier);
  const msPerBlock = Math.min(Math.max(observed, 1), blockIntervalMs);
  return height + Math.min(Math.max(Math.ceil(ms / msPerBlock), MIN_AHEAD), expiryWindow);
}
