import type { ChainFiles } from './chain-files.ts';

/**
 * Whole objects by path that never change once they are there: sealed segments, chunks of snapshots. What a node keeps
 * here it also publishes, under the same paths; segments as plain ones, while those that it keeps may be packed.
 *
 * Contract, held to by test/conformance/blobs.ts:
 * - `put` is atomic and, when it resolves, survives power loss: a reader sees all of the object or none, also after a
 *   crash. It takes the content in pieces, and keeps no reference to them. What is already there under the path is
 *   replaced as atomically (a segment that was sealed twice, a file that was found damaged and fetched again).
 * - It rejects with StoreError 'full' when there is no room, and leaves nothing behind that takes room.
 * - `size` is undefined when there is no such object. `list` gives the paths that begin with `prefix`, ascending.
 * - `remove` of what is not there resolves.
 * - Paths are those of ChainFiles; others reject with RangeError, before anything is touched.
 */
export interface Blobs extends ChainFiles {
  put(path: string, content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void>;
  size(path: string): Promise<number | undefined>;
  list(prefix: string): Promise<readonly string[]>;
  remove(path: string): Promise<void>;
}
