import type { SetChange } from '../chain/anchor.ts';
import type { StoredBlock } from '../chain/stored-block.ts';
import type { BlockFeed } from './block-feed.ts';
import type { ChainStatus } from './chain-access.ts';

/** What the receipt of a packed transaction has beside its block. */
export interface ReceiptPart {
  /** Identity of (sender, nonce): chain/identifiers.ts. */
  readonly stem: Uint8Array;
  /** The sender's account record at that moment; its digest is in the result. */
  readonly sender: Uint8Array;
  /** Path to the log root in the block's header; null for a rejected transaction. */
  readonly inLog: readonly Uint8Array[] | null;
}

export interface LedgerBlock {
  readonly block: StoredBlock;
  /** One for each transaction, in their order. Checked against the header. */
  readonly receipts: readonly ReceiptPart[];
}

/** A node, for a copy of the chain out of which all final answers can be made without it. */
export interface LedgerSource extends Pick<BlockFeed, 'height' | 'firstHeight' | 'waitAbove'> {
  readonly genesis: Uint8Array;
  status(): Promise<ChainStatus>;
  /** The changes of the validator set so far, as anchors hold them. */
  setChanges(): readonly SetChange[];
  /** @throws {BropError} PRUNED; STORE_CORRUPT when the disk has damaged what is asked for: ask again later. */
  ledgerBlock(height: number): Promise<LedgerBlock>;
}
