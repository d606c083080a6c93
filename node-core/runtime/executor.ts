/** Makes blocks from the mempool and judges blocks of others. Both execute over the store; neither changes it. */
import type { Block } from '../chain/block.ts';
import { type Refusal, refusal } from '../chain/codes.ts';
import { headerHash } from '../chain/identifiers.ts';
import { signedMessage } from '../chain/transaction.ts';
import { equal, keyText, toHex } from '../codec/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { type ParsedTransaction, senderRefusal } from '../ledger/admission.ts';
import { BlockExecution, type ExecutedBlock, type Proposing } from '../ledger/execute-block.ts';
import type { OperationTable } from '../ledger/operation-type.ts';
import type { Log } from '../ports/log.ts';
import type { SignatureCheck, SignatureVerifier } from '../ports/signature-verifier.ts';
import type { ChainStore } from './chain-store.ts';
import type { Mempool, Pending } from './mempool.ts';
import { parseOrRefuse } from './parsing.ts';

/**
 * Operations in a block of our own: what all hold in memory. No rule of the chain: blocks of others may have as many as
 * the parameters allow.
 */
const MAX_OPERATIONS_PROPOSED = 10_000;
export interface ExecutorParts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  readonly mempool: Pick<Mempool, 'all' | 'find' | 'remove'>;
  /** What was decoded ahead, and its signature verified with the key that it names; asked by the very bytes object. */
  readonly checked?: (bytes: Uint8Array) => ParsedTransaction | undefined;
  readonly verifier: SignatureVerifier;
  readonly table: OperationTable;
  readonly log: Log;
}

export class Executor {
  private readonly parts: ExecutorParts;

  constructor(parts: ExecutorParts) {
    this.parts = parts;
  }

  headerHash(headerBytes: Uint8Array): Uint8Array {
    return headerHash(this.parts.crypto, headerBytes);
  }

  /**
   * A block of what is pending. What may no longer be packed leaves the mempool.
   * @param mayAdd asked before each transaction; once it says no, the block is as full as it gets.
   */
  build(proposing: Proposing, mayAdd: () => boolean = () => true): ExecutedBlock {
    for (;;) {
      const built = this.tryBuild(proposing, mayAdd);
      if (built !== null) return built;
    }
  }

  /** null when a transaction broke an assertion: it has been dropped, and the block is to be built anew. */
  private tryBuild(proposing: Proposing, mayAdd: () => boolean): ExecutedBlock | null {
    const { crypto, store, mempool, log } = this.parts;
    const execution = new BlockExecution(crypto, store, proposing);
    let operations = 0;
    for (const pending of [...mempool.all()]) {
      const { transaction } = pending.parsed;
      operations += pending.parsed.operations.length;
      if (operations > MAX_OPERATIONS_PROPOSED || !mayAdd()) break;
      try {
        const refused = addPending(execution, store, pending);
        if (refused?.code === 'MEMPOOL_FULL') break;
        if (refused !== null) mempool.remove(transaction.sender, transaction.nonce);
      } catch (error) {
        log.error('a pending transaction broke an assertion and was dropped', {
          digest: toHex(pending.parsed.digest),
          error: String(error),
        });
        mempool.remove(transaction.sender, transaction.nonce);
        return null;
      }
    }
    return execution.finish();
  }

  /**
   * Executes a block of somebody else and compares every byte of the header with what comes out.
   * The caller has checked who proposed it, and judges its time.
   */
  async judge(block: Block): Promise<ExecutedBlock | Refusal> {
    const { store, crypto, log } = this.parts;
    const { header } = block;
    if (header.height !== store.height + 1) return refusal('HEIGHT_NOT_REACHED');
    if (header.timeMs <= store.timeMs) return refusal('BAD_REQUEST', 'time does not ascend');
    const prepared = await this.prepare(block.transactions);
    if ('code' in prepared) return prepared;
    try {
      const execution = new BlockExecution(crypto, store, header);
      for (const parsed of prepared) {
        const refused = execution.add(parsed);
        if (refused !== null) return refused;
      }
      const executed = execution.finish();
      return equal(executed.headerBytes, block.headerBytes)
        ? executed
        : refusal('BAD_REQUEST', 'the header is not what execution gives');
    } catch (error) {
      log.error('a proposed block broke an assertion and was discarded', {
        height: header.height,
        error: String(error),
      });
      return refusal('INTERNAL', 'assertion');
    }
  }

  /** Decodes once, checks signatures once: what the mempool holds was checked on arrival. */
  private async prepare(transactions: readonly Uint8Array[]): Promise<readonly ParsedTransaction[] | Refusal> {
    const { crypto, store, mempool, table, verifier, log, checked = () => undefined } = this.parts;
    const prepared: ParsedTransaction[] = [];
    const checks: SignatureCheck[] = [];
    for (const bytes of transactions) {
      let known = checked(bytes);
      const digest = known?.digest ?? crypto.hash('sha-256', bytes);
      known ??= mempool.find(keyText(digest))?.parsed;
      const parsed = known ?? parseOrRefuse(crypto, bytes, store.genesis, table, log, digest);
      if ('code' in parsed) return parsed;
      const account = senderRefusal(store, parsed.transaction);
      if ('code' in account) return account;
      if (known === undefined) {
        const { transaction } = parsed;
        checks.push({ key: account.key, message: signedMessage(transaction), signature: transaction.signature });
      }
      prepared.push(parsed);
    }
    const valid = checks.length === 0 ? [] : await verifier.verify(checks, true);
    return valid.every(Boolean) ? prepared : refusal('SIGNATURE_INVALID');
  }
}

function addPending(execution: BlockExecution, store: ChainStore, { parsed }: Pending): Refusal | null {
  const account = senderRefusal(store, parsed.transaction);
  return 'code' in account ? account : execution.add(parsed);
}
