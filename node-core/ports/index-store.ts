import type { Fields } from '../ledger/projection.ts';

/** Which event of the chain has written a row: its place orders all versions of it, on every reader alike. */
export interface RowPosition {
  readonly height: number;
  /** Place of the transaction in the block, counted from 1; 0: what the block itself brings. */
  readonly transaction: number;
  /** Numbers the rows of one transaction, or of the block itself, over all collections. */
  readonly row: number;
}

export interface IndexRow extends RowPosition {
  readonly collection: string;
  readonly key: string;
  /** Of the block, ms. */
  readonly timeMs: number;
  /** The transaction that has written it: what a receipt is asked for by. null: the block itself, or the genesis. */
  readonly sender: string | null;
  readonly nonce: string | null;
  /** null: the row is gone; what came before it must not come back. */
  readonly fields: Fields | null;
}

/** All that one block writes. Its row in the collection `blocks` states how many there are. */
export interface BlockRows {
  readonly height: number;
  readonly rows: readonly IndexRow[];
}

/** Up to where the index is complete: every block from `from` to `watermark` is there with all of its rows. */
export interface IndexProgress {
  readonly from: number;
  /** `from` − 1 when there is none yet. */
  readonly watermark: number;
}

/** Part of one ordered list: entries of `field`, bytewise from `from` (inclusive) to `to` (exclusive). */
export interface EntryRange {
  readonly collection: string;
  /** A field's name; `''` is the list of all rows by position. */
  readonly field: string;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

export interface Entry {
  /** Value and position (middleware/entries.ts): where to go on from. */
  readonly at: Uint8Array;
  readonly row: IndexRow;
}

/**
 * The index: rows by key, and for each indexed field an ordered list of entries that lead to them. It holds nothing that
 * does not follow from the chain: whatever happens to it, it is dropped and made again.
 *
 * Contract, held to by test/conformance/index-store.ts on every driver:
 * - `apply` may be called with blocks in any order and any number of times, again after a failure of any kind; what is
 *   read in the end depends on the set of blocks alone. Of two rows with one key the one with the higher position stays,
 *   a tombstone too; a tombstone is found by nobody.
 * - A block counts for the watermark when all of its rows are there, and not before. The watermark is the highest height
 *   up to which all blocks from `from` on are there; it never falls, except by `clear`.
 * - When `apply` resolves, what it wrote is read by every later call. It need not survive a power failure: then the
 *   watermark has not moved either.
 * - `scan` yields at most `limit` entries, ascending by their bytes, or descending with `reverse`; fewer only at the end.
 *   An entry is not seen any more once its row has changed or gone.
 * - A method rejects with IndexStoreError: 'unavailable' when trying again may help, 'corrupt' when only `clear` does.
 */
export interface IndexStore {
  /**
   * Takes up the index of this identity (chain and format), complete from `from` on when it is a new one; an index of any
   * other identity is dropped.
   */
  open(identity: string, from: number): Promise<IndexProgress>;
  apply(blocks: readonly BlockRows[]): Promise<IndexProgress>;
  progress(): Promise<IndexProgress>;
  /** The rows with these keys, in their order; undefined where there is none. At most 100. */
  rows(collection: string, keys: readonly string[]): Promise<readonly (IndexRow | undefined)[]>;
  scan(range: EntryRange, options: { readonly limit: number; readonly reverse?: boolean }): Promise<readonly Entry[]>;
  /** How many entries there are, counted up to `atMost`. */
  count(range: EntryRange, atMost: number): Promise<number>;
  /** Drops everything; the index is then complete from `from` on, and empty. */
  clear(from: number): Promise<IndexProgress>;
  close(): Promise<void>;
}

export type IndexStoreErrorCode = 'unavailable' | 'corrupt' | 'closed';

export class IndexStoreError extends Error {
  readonly code: IndexStoreErrorCode;
  constructor(code: IndexStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IndexStoreError';
    this.code = code;
  }
}
