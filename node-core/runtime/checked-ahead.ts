/**
 * Blocks that are about to be executed: their transactions decoded, all signatures checked in the workers in large
 * batches, while blocks before them execute. A sender that an earlier block of the same batch makes is not known yet:
 * its transactions are left to the execution. So are certificates by a set that an earlier block puts in force.
 */
import type { StoredBlock } from '../chain/stored-block.ts';
import { signedMessage } from '../chain/transaction.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import { equal } from '../codec/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { type ParsedTransaction, senderRefusal } from '../ledger/admission.ts';
import type { OperationTable } from '../ledger/operation-type.ts';
import type { Log } from '../ports/log.ts';
import type { SignatureCheck, SignatureVerifier } from '../ports/signature-verifier.ts';
import type { ChainStore } from './chain-store.ts';
import { isCertified } from './is-certified.ts';
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
  /** The set by which the certificate of each holds. */
  private readonly certified = new WeakMap<StoredBlock, ValidatorSet>();

  constructor(parts: CheckedAheadParts) {
    this.parts = parts;
  }

  /** By the very object that was checked: its bytes need no hash to be known again. */
  find(bytes: Uint8Array): ParsedTransaction | undefined {
    return this.checked.get(bytes);
  }

  /** Whether the certificate of this very object has been checked, and holds under this set. */
  hasCertified(set: ValidatorSet, block: StoredBlock): boolean {
    const by = this.certified.get(block);
    return by !== undefined && equal(by.hash, set.hash);
  }

  /** Resolves when what can be known of these blocks is; {@link forget} them once they are executed. */
  async check(blocks: readonly StoredBlock[]): Promise<void> {
    const certificates = blocks.map((block) => this.checkCertificate(block));
    await Promise.all([...certificates, this.checkTransactions(blocks.flatMap(({ transactions }) => transactions))]);
  }

  private async checkCertificate(block: StoredBlock): Promise<void> {
    const set = this.parts.store.validators;
    if (await isCertified(this.parts, set, block)) this.certified.set(block, set);
  }

  private async checkTransactions(transactions: readonly Uint8Array[]): Promise<void> {
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

  forget(blocks: readonly StoredBlock[]): void {
    for (const { transactions } of blocks) for (const bytes of transactions) this.checked.delete(bytes);
  }

  clear(): void {
    this.checked.clear();
  }
}
