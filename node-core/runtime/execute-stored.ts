/** Executes a block of this node's own store again: its transactions were verified before it was stored. */
import type { Certificate } from '../chain/certificate.ts';
import { BropError } from '../chain/codes.ts';
import type { Row } from '../chain/segment.ts';
import { decodeStoredBlock, type StoredBlock } from '../chain/stored-block.ts';
import { equal } from '../codec/bytes.ts';
import { CodecError } from '../codec/error.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { parseTransaction } from '../ledger/admission.ts';
import { BlockExecution, type ExecutedBlock, type LedgerView } from '../ledger/execute-block.ts';
import { operationsOf } from '../protocol/table.ts';

export interface ExecutedAgain {
  readonly executed: ExecutedBlock;
  readonly certificate: Certificate;
}

/** @throws {BropError} STORE_CORRUPT unless every byte of the header comes out again. */
export function executeStored(crypto: CryptoProvider, view: LedgerView, row: Row): ExecutedAgain {
  const height = view.height + 1;
  const block = decoded(row, height);
  const executed = execute(crypto, view, block);
  if (!equal(executed.headerBytes, block.headerBytes)) throw corrupt(height, 'does not execute to its own header');
  return { executed, certificate: block.certificate };
}

function execute(crypto: CryptoProvider, view: LedgerView, { header, transactions }: StoredBlock): ExecutedBlock {
  const { hash, document } = view.genesis;
  const table = operationsOf(document.protocolVersion);
  try {
    const execution = new BlockExecution(crypto, view, header);
    for (const bytes of transactions) {
      const parsed = parseTransaction(crypto, bytes, hash, document.protocolVersion, table);
      const refused = 'code' in parsed ? parsed : execution.add(parsed);
      if (refused !== null) throw new Error(`a transaction may not be packed (${refused.code})`);
    }
    return execution.finish();
  } catch (error) {
    throw corrupt(view.height + 1, `does not execute: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function decoded(row: Row, height: number): StoredBlock {
  try {
    return decodeStoredBlock(...row);
  } catch (error) {
    throw error instanceof CodecError ? corrupt(height, `does not decode: ${error.message}`) : error;
  }
}

function corrupt(height: number, what: string): BropError {
  return new BropError('STORE_CORRUPT', `the store: block ${height} ${what}`);
}
