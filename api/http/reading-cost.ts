/** Blocks that a request may have the node read and decode; each further so many count as a request more. */
export const BLOCKS_PER_REQUEST = 16;

/** The further requests that reading so many blocks counts as. */
export function readingCost(blocks: number): number {
  return Math.max(0, Math.ceil(blocks / BLOCKS_PER_REQUEST) - 1);
}
