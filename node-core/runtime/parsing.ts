import { type Refusal, refusal } from '../chain/codes.ts';
import type { Genesis } from '../chain/genesis.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { type ParsedTransaction, parseTransaction } from '../ledger/admission.ts';
import type { OperationTable } from '../ledger/operation-type.ts';
import type { Log } from '../ports/log.ts';

/** Decodes bytes of a stranger. What breaks an assertion in it is refused with an alarm; it must not stop the node. */
export function parseOrRefuse(
  crypto: CryptoProvider,
  bytes: Uint8Array,
  genesis: Genesis,
  table: OperationTable,
  log: Log,
  digest?: Uint8Array,
): ParsedTransaction | Refusal {
  try {
    return parseTransaction(crypto, bytes, genesis.hash, genesis.document.protocolVersion, table, digest);
  } catch (error) {
    log.error('a transaction broke an assertion and was refused', { sizeBytes: bytes.length, error: String(error) });
    return refusal('INTERNAL', 'assertion');
  }
}
