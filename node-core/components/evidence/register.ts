/** evidence.register: the digests of one file or datum. */
import { REGISTER, type Register, registerBody } from '../../chain/operations/evidence.ts';
import type { OperationType } from '../../ledger/operation-type.ts';
import { recordEntries, recordRefusal, writeRecord } from './record.ts';

export const registerEvidence: OperationType<Register> = {
  type: REGISTER,
  clause: 'lawfulData',
  body: registerBody,
  stateEntries: recordEntries,
  check: recordRefusal,
  apply: (context, body, effects, signed) => writeRecord(context, body, signed, {}, effects),
};
