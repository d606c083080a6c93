/** What subscribers are told of participants, validators and nodes. */
import { always, type EventDeclaration } from '../../ledger/event-declaration.ts';

const admitted = {
  account: always('account', 'Its account.'),
  kind: always('text', 'partner or validator.'),
  name: always('text', 'Its unique name.'),
};
const node = {
  node: always('hash', 'SHA-256 of the SPKI of the TLS key.'),
  account: always('account', 'Whose node it is.'),
};

export const governanceEvents: readonly EventDeclaration[] = [
  {
    type: 'governance.partnerAdmitted',
    description: 'A company has been admitted as a partner. 合作方已准入。',
    fields: admitted,
    subject: ['account'],
  },
  {
    type: 'governance.validatorAdmitted',
    description: 'A company has an account as a validator, without power yet. 记账方已准入。',
    fields: admitted,
    subject: ['account'],
  },
  {
    type: 'governance.validatorsApproved',
    description: 'A change of the validator set has been approved and takes effect at a height. 记账方变更已获批准。',
    fields: {
      effectiveHeight: always('integer', 'The first height that the new set signs.'),
      set: always('hash', 'Hash of the new set.'),
    },
    subject: [],
  },
  {
    type: 'governance.nodeRegistered',
    description: 'An account has registered the key of a node. 节点密钥已登记。',
    fields: node,
    subject: ['node'],
  },
  {
    type: 'governance.nodeUnregistered',
    description: 'An account has taken back the key of a node. 节点密钥已撤销。',
    fields: node,
    subject: ['node'],
  },
];
