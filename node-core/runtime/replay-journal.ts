/** Blocks of the journal, on a store that has lost them; verified and executed like those of a peer. */

import { decodeStoredBlock } from '../chain/stored-block.ts';
import { StoreError } from '../ports/key-value-store.ts';
import type { Log } from '../ports/log.ts';
import { BadBlock, type BlockIntake } from './block-intake.ts';
import type { ChainJournal } from './chain-journal.ts';
import type { ChainStore } from './chain-store.ts';

export interface ReplayParts {
  readonly store: ChainStore;
  readonly log: Log;
  readonly journal: ChainJournal;
  readonly intake: BlockIntake;
  /** Runs a job in the serial queue; it is dropped when the node stops. */
  readonly run: (job: () => Promise<void>) => Promise<void>;
}

/**
 * Takes the blocks after the store's newest as far as the journal has them without a gap; peers have the rest. Never
 * rejects: what is wrong in the journal is said, and not taken.
 */
export async function replayJournal({ store, log, journal, intake, run }: ReplayParts): Promise<void> {
  const before = store.height;
  try {
    for (let isTaken = true; isTaken; ) {
      const next = store.height + 1;
      const row = await journal.block(next);
      if (row === undefined) break;
      const block = decodeStoredBlock(...row);
      let wrong: unknown = null;
      await run(() =>
        intake.take(block).catch((error: unknown) => {
          if (!(error instanceof BadBlock)) throw error;
          wrong = error;
        }),
      );
      if (wrong !== null) throw wrong;
      isTaken = store.height >= next;
    }
  } catch (error) {
    const told = { height: store.height + 1, error: String(error) };
    if (error instanceof StoreError) log.warn('the journal is out of reach', told);
    else log.error('the journal cannot be read on', told);
  }
  if (store.height > before) log.info('blocks were taken from the journal', { from: before + 1, to: store.height });
}
