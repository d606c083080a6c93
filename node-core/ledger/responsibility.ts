/**
 * Who answers for what a transaction leaves, and under which version of which legal document. A partner answers under
 * its own; for a user that sends for itself its certifier stands, so the entry keeps the certifier, the level and the
 * terms that the user accepted.
 */
import type { AccountRecord } from '../chain/account.ts';
import type { Responsibility } from '../chain/transaction-entry.ts';
import { accountOf } from './accounts.ts';
import type { StateReader } from './state.ts';

export function responsibility(state: StateReader, { certifier, level, terms, legal }: AccountRecord): Responsibility {
  const answering = certifier === undefined ? legal : accountOf(state, certifier)?.legal;
  if (answering === undefined) throw new Error('nobody answers for this record: no legal document');
  return {
    legal: answering,
    ...(certifier !== undefined && { certifier }),
    ...(level !== undefined && { level }),
    ...(terms !== undefined && { terms }),
  };
}
