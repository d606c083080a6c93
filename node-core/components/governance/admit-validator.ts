/** governance.admitValidator: an account for a company that is to become a validator; no power comes with it. */
import { createdAccountId } from '../../chain/identifiers.ts';
import { ADMIT_VALIDATOR, type AdmitValidator, admitValidatorBody } from '../../chain/operations/admit-validator.ts';
import { accountEntries, createAccount, createRefusal } from '../../ledger/accounts.ts';
import type { OperationType } from '../../ledger/operation-type.ts';

export const admitValidator: OperationType<AdmitValidator> = {
  type: ADMIT_VALIDATOR,
  clause: 'governance',
  body: admitValidatorBody,

  stateEntries: (body) => accountEntries(body.name),

  check: ({ crypto, state }, body) => createRefusal(crypto, state, body),

  apply: (context, body, effects) => {
    const id = createdAccountId(context.crypto, context, context.index);
    createAccount(context, id, { kind: 'validator', ...body, created: context.height }, effects);
    effects.emit('governance.validatorAdmitted', new Map([['account', id]]));
  },
};
