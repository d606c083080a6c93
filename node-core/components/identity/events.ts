/** What subscribers are told of certified accounts. */
import { always, type EventDeclaration } from '../../ledger/event-declaration.ts';

export const identityEvents: readonly EventDeclaration[] = [
  {
    type: 'identity.certified',
    description: 'A partner has certified a user, whose account exists from here on. 用户已认证并建立账户。',
    fields: {
      account: always('account', 'The account of the user.'),
      certifier: always('account', 'The partner that vouches for it.'),
      level: always('text', 'certificate, realname, anonymous, phone or registered.'),
    },
    subject: ['account'],
  },
];
