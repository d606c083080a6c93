/** A stored block as `ChainAccess` shows it. */
import { headerHash } from '../chain/identifiers.ts';
import { packedTransaction } from '../chain/packed.ts';
import type { StoredBlock } from '../chain/stored-block.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { BlockView } from '../ports/chain-access.ts';

export function blockView(crypto: CryptoProvider, block: StoredBlock): BlockView {
  const transactions = block.transactions.map((bytes, i) => {
    const { sender, nonce } = packedTransaction(block, bytes);
    return { sender, nonce, result: block.results[i]! };
  });
  const [round, signatures] = block.certificate;
  const { header, headerBytes } = block;
  return {
    header,
    headerHash: headerHash(crypto, headerBytes),
    transactions,
    certificate: { round, signatures: signatures.length },
  };
}
