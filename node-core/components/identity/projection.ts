/** What certifications mean to those who search and those who are told. */
import { createdAccountId } from '../../chain/identifiers.ts';
import { CERTIFY, type Certify, certifyBody } from '../../chain/operations/certify.ts';
import { toHex } from '../../codec/bytes.ts';
import { accounts } from '../../ledger/account-rows.ts';
import { present, projected } from '../../ledger/projection.ts';

export const identityProjections = [
  projected<Certify>({
    type: CERTIFY,
    body: certifyBody,
    events: (at, body) => {
      const account = at.accountText(createdAccountId(at.crypto, at, at.index));
      const certifier = at.accountText(at.sender);
      const { name, subject, level, validUntil, terms, commitment } = body;
      const fields = present({
        ...{ kind: 'user', name, certifier, level, subject, created: at.height, validUntil },
        ...{ terms: toHex(terms), commitment: commitment && toHex(commitment) },
      });
      const rows = [{ collection: accounts.name, key: account, fields }];
      return [{ type: 'identity.certified', data: { account, certifier, level }, rows }];
    },
  }),
];
