/**
 * Transactions of blocks that are about to be executed: decoded, and their signatures checked in the workers in large
 * batches, while blocks before them execute. A sender that an earlier block of the same batch makes is not known yet:
 * its transactions are left to the execution.
 */
import { signedMessage } from '../chain/transaction.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { type ParsedTransaction, senderRefusal } from '../ledger/admission.ts';
import type { OperationTable } from '../ledger/operation-type.ts';
import type { Log } from '../ports/log.ts';
import type { SignatureCheck, SignatureVerifier } from '../ports/signature-verifier.ts';
import type { ChainStore } from './chain-store.ts';
import { parseOrRefuse } from './parsing.ts';

export interface CheckedAheadParts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  readonly verifier: SignatureVerifier;
  readonly table: OperationTable;
  readonly log: Log;
}

export class CheckedAhead {
  private readonly parts: CheckedAheadParts;
  private readonly checked = new Map<Uint8Array, ParsedTransaction>();

  constructor(parts: CheckedAheadParts) {
    this.parts = parts;
  }

  /** By the very object that was checked: its bytes need no hash to be known again. */
  find(bytes: Uint8Array): ParsedTransaction | undefined {
    return this.checked.get(bytes);
  }

  /** Resolves when those are known that can be; {@link forget} them once their blocks are executed. */
  async check(transactions: readonly Uint8Array[]): Promise<void> {
    const { crypto, store, verifier, table, log } = this.parts;
    const waiting: ParsedTransaction[] = [];
    const checks: SignatureCheck[] = [];
    for (const bytes of transactions) {
      const parsed = parseOrRefuse(crypto, bytes, store.genesis, table, log);
      if ('code' in parsed) continue;
      const account = senderRefusal(store, parsed.transaction);
      if ('code' in account) continue;
      const { transaction } = parsed;
      checks.push({ key: account.key, message: signedMessage(transaction), signature: transaction.signature });
      waiting.push(parsed);
    }
    const valid = checks.length === 0 ? [] : await verifier.verify(checks, true);
    for (const [i, parsed] of waiting.entries())
      if (valid[i] === true) this.checked.set(parsed.transaction.bytes, parsed);
  }

  forget(transactions: readonly Uint8Array[]): void {
    for (const bytes of transactions) this.checked.delete(bytes);
  }

  clear(): void {
    this.checked.clear();
  }
}
