/** governance.admitPartner: from here on the company may act, within its permissions, under its legal document. */
import { createdAccountId } from '../../chain/identifiers.ts';
import { ADMIT_PARTNER, type AdmitPartner, admitPartnerBody } from '../../chain/operations/admit-partner.ts';
import { accountEntries, createAccount, createRefusal } from '../../ledger/accounts.ts';
import type { OperationType } from '../../ledger/operation-type.ts';

export const admitPartner: OperationType<AdmitPartner> = {
  type: ADMIT_PARTNER,
  clause: 'governance',
  body: admitPartnerBody,

  stateEntries: (body) => accountEntries(body.name),

  check: ({ crypto, state }, body) => createRefusal(crypto, state, body),

  apply: (context, body, effects) => {
    const id = createdAccountId(context.crypto, context, context.index);
    createAccount(context, id, { kind: 'partner', ...body, created: context.height }, effects);
    effects.emit('governance.partnerAdmitted', new Map([['account', id]]));
  },
};
