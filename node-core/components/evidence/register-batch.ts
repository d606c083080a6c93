/** evidence.registerBatch: the root and the count of up to 2^20 digests; each has a receipt of its own. */
import { REGISTER_BATCH, type RegisterBatch, registerBatchBody } from '../../chain/operations/evidence.ts';
import type { OperationType } from '../../ledger/operation-type.ts';
import { recordEntries, recordRefusal, writeRecord } from './record.ts';

export const registerBatch: OperationType<RegisterBatch> = {
  type: REGISTER_BATCH,
  clause: 'lawfulData',
  body: registerBatchBody,
  stateEntries: recordEntries,
  check: recordRefusal,
  apply: (context, body, effects, signed) => {
    const { root, count } = body;
    writeRecord(context, body, signed, { root, count }, effects);
  },
};
