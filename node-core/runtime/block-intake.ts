/** The one way in for blocks that others decided, whoever brings them: verified, executed, made part of the chain. */
import type { Certificate } from '../chain/certificate.ts';
import { belongsToHeader, type StoredBlock } from '../chain/stored-block.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ExecutedBlock } from '../ledger/execute-block.ts';
import type { SignatureVerifier } from '../ports/signature-verifier.ts';
import type { ChainStore } from './chain-store.ts';
import type { CheckedAhead } from './checked-ahead.ts';
import type { Executor } from './executor.ts';
import { isCertified } from './is-certified.ts';

export interface BlockIntakeParts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  readonly executor: Executor;
  readonly verifier: SignatureVerifier;
  /** Who may have checked certificates of blocks before they are taken. */
  readonly ahead?: Pick<CheckedAhead, 'hasCertified'>;
  readonly commit: (executed: ExecutedBlock, certificate: Certificate) => Promise<void>;
}

/** It is not the block that the validators decided: whoever brought it is at fault. */
export class BadBlock extends Error {
  override readonly name = 'BadBlock';
}

export class BlockIntake {
  private readonly parts: BlockIntakeParts;

  constructor(parts: BlockIntakeParts) {
    this.parts = parts;
  }

  /**
   * Takes the next block of the chain; one of another height is passed over. Runs in the serial queue.
   * @param verified is called once it is known to be what was decided, before the block is committed.
   * @throws {BadBlock} and has changed nothing then.
   */
  async take(block: StoredBlock, verified: () => void = () => {}): Promise<void> {
    const { crypto, store, executor, ahead } = this.parts;
    const { height } = block.header;
    if (height !== store.height + 1) return;
    const set = store.validators;
    if (ahead?.hasCertified(set, block) !== true && !(await isCertified(this.parts, set, block)))
      throw new BadBlock(`block ${height} without a valid certificate`);
    const executed = await executor.judge(block);
    if ('code' in executed) {
      // Asked only now: a block that executes to its own header has its own transactions.
      if (!belongsToHeader(crypto, block)) throw new BadBlock(`block ${height} with transactions that are not its own`);
      // Certified and whole, and yet it executes differently here: this node is wrong, or more than 2/3 are. It stops.
      throw new Error(`certified block ${height} does not execute here: ${executed.code} ${executed.detail ?? ''}`);
    }
    verified();
    await this.parts.commit(executed, block.certificate);
  }
}
