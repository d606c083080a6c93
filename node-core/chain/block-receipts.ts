/** Receipts out of a block: what a node and a copy of the chain alike make of what they have stored. */
import { leafHash, MerkleTree } from '../crypto/merkle-log.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Anchor } from './anchor.ts';
import { blockLeaf } from './block.ts';
import type { Refusal } from './codes.ts';
import { encodeReceipt, inclusionRefusal, type Receipt } from './receipt.ts';
import type { StoredBlock } from './stored-block.ts';

/** What the block does not have: the sender's account record, and the path in the log of an applied transaction. */
export type BesideBlock = Pick<Receipt, 'sender' | 'inLog'>;

export class BlockReceipts {
  private readonly crypto: CryptoProvider;
  /** The tree of the block that was asked for last: receipts of one block are asked for together. */
  private tree: { readonly block: StoredBlock; readonly tree: MerkleTree } | null = null;

  constructor(crypto: CryptoProvider) {
    this.crypto = crypto;
  }

  /** The receipt file of transaction number `index`; a refusal when what was stored does not lead to the header. */
  make(anchor: Anchor, block: StoredBlock, index: number, { sender, inLog }: BesideBlock): Uint8Array | Refusal {
    const receipt: Receipt = {
      type: 'brop.receipt.v1',
      ...anchor,
      transaction: block.transactions[index]!,
      sender,
      result: block.results[index]!,
      inBlock: [index, this.treeOf(block).path(index)],
      inLog,
    };
    return inclusionRefusal(this.crypto, receipt, block) ?? encodeReceipt(receipt);
  }

  private treeOf(block: StoredBlock): MerkleTree {
    if (this.tree?.block !== block) {
      const { crypto } = this;
      const sha256 = (bytes: Uint8Array) => crypto.hash('sha-256', bytes);
      const leaves = block.transactions.map((bytes, i) =>
        leafHash(sha256, blockLeaf(crypto, bytes, block.results[i]!)),
      );
      this.tree = { block, tree: new MerkleTree(sha256, leaves) };
    }
    return this.tree.tree;
  }
}
