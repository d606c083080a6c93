/** A node as the source of a ledger table. What a disk has damaged gets no further than here. */
import { BropError } from '../../node-core/chain/codes.ts';
import { transactionStem } from '../../node-core/chain/identifiers.ts';
import { packedTransaction } from '../../node-core/chain/packed.ts';
import { belongsToHeader, type StoredBlock } from '../../node-core/chain/stored-block.ts';
import { equal } from '../../node-core/codec/bytes.ts';
import { leafHash } from '../../node-core/crypto/merkle-log.ts';
import { verifyInclusion } from '../../node-core/crypto/merkle-log-proofs.ts';
import { inclusionFromTiles } from '../../node-core/crypto/merkle-log-tiles.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import type { ChainAccess } from '../../node-core/ports/chain-access.ts';
import type { LedgerBlock, LedgerSource, ReceiptPart } from '../../node-core/ports/ledger-source.ts';
import { NodeBlockFeed } from '../../node-core/runtime/block-feed.ts';
import type { Node } from '../../node-core/runtime/node.ts';

export function ledgerSource(
  crypto: CryptoProvider,
  node: Pick<Node, 'store' | 'onCommit'>,
  chain: Pick<ChainAccess, 'status'>,
): LedgerSource {
  const feed = new NodeBlockFeed(node);
  const { store } = node;
  const sha256 = (bytes: Uint8Array) => crypto.hash('sha-256', bytes);

  function receiptPart(block: StoredBlock, index: number): ReceiptPart {
    const bytes = block.transactions[index]!;
    const [, , , logIndex, digest] = block.results[index]!;
    const { logRoot, logSize } = block.header;
    const stem = transactionStem(crypto, packedTransaction(block, bytes));
    const sender = store.accountRecord(digest);
    if (sender === undefined || !equal(sha256(sender), digest)) throw damaged(block, 'account record');
    if (logIndex === null) return { stem, sender, inLog: null };
    const path = inclusionFromTiles(sha256, store.tile, logIndex, logSize);
    const place = { leafHash: leafHash(sha256, bytes), index: logIndex, size: logSize, path, root: logRoot };
    if (!verifyInclusion(sha256, place)) throw damaged(block, 'place in the log');
    return { stem, sender, inLog: path };
  }

  return {
    genesis: store.genesis.bytes,
    get height() {
      return feed.height;
    },
    get firstHeight() {
      return feed.firstHeight;
    },
    waitAbove: (above, signal) => feed.waitAbove(above, signal),
    status: () => chain.status(),
    setChanges: () => store.setChanges(),
    ledgerBlock: async (height): Promise<LedgerBlock> => {
      const block = await store.block(height);
      if (block === undefined) throw new BropError('PRUNED', `Height ${height}.`);
      if (!belongsToHeader(crypto, block)) throw damaged(block, 'transactions');
      return { block, receipts: block.transactions.map((_, index) => receiptPart(block, index)) };
    },
  };
}

function damaged({ header }: StoredBlock, what: string): BropError {
  return new BropError('STORE_CORRUPT', `block ${header.height}: ${what}`);
}
