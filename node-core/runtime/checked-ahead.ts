/**
 * Transactions of blocks that are about to be executed: decoded, and their signatures checked in the workers in large
 * batches, while blocks before them execute. A sender that an earlier block of the same batch makes is not known yet:
 * its transactions are left to the execution.
 */
import type { Genesis } from '../chain/genesis.ts';
import { toHex } from '../codec/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { type ParsedTransaction, senderRefusal } from '../ledger/admission.ts';
import type { OperationTable } from '../ledger/operation-type.ts';
import type { Log } from '../ports/log.ts';
import type { SignatureCheck, SignatureVerifier } from '../ports/signature-verifier.ts';
import type { ChainStore } from './chain-store.ts';
import type { CheckedTransactions } from './executor.ts';
import { parseOrRefuse } from './parsing.ts';

export interface CheckedAheadParts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  readonly verifier: SignatureVerifier;
  readonly table: OperationTable;
  readonly log: Log;
}

export class CheckedAhead implements CheckedTransactions {
  private readonly parts: CheckedAheadParts;
  private readonly checked = new Map<string, { readonly parsed: ParsedTransaction }>();

  constructor(parts: CheckedAheadParts) {
    this.parts = parts;
  }

  find(digest: string): { readonly parsed: ParsedTransaction } | undefined {
    return this.checked.get(digest);
  }

  /** Nothing to build blocks from. */
  all(): [] {
    return [];
  }

  remove(): undefined {}

  /** Resolves with the digests of those that are known now; {@link forget} them once their blocks are executed. */
  async check(transactions: readonly Uint8Array[]): Promise<readonly string[]> {
    const { crypto, store, verifier, table, log } = this.parts;
    const { genesis }: { readonly genesis: Genesis } = store;
    const waiting: { readonly digest: string; readonly parsed: ParsedTransaction }[] = [];
    const checks: SignatureCheck[] = [];
    for (const bytes of transactions) {
      const parsed = parseOrRefuse(bytes, genesis, table, log);
      if ('code' in parsed) continue;
      const account = senderRefusal(store, parsed.transaction);
      if ('code' in account) continue;
      const { message, signature } = parsed.transaction;
      checks.push({ key: account.key, message, signature });
      waiting.push({ digest: toHex(crypto.hash('sha-256', bytes)), parsed });
    }
    const valid = checks.length === 0 ? [] : await verifier.verify(checks, true);
    const known = waiting.filter((_, i) => valid[i] === true);
    for (const { digest, parsed } of known) this.checked.set(digest, { parsed });
    return known.map(({ digest }) => digest);
  }

  clear(): void {
    this.checked.clear();
  }

  forget(digests: readonly string[]): void {
    for (const digest of digests) this.checked.delete(digest);
  }
}
