/** identity.certify: a partner vouches for a user, whose account comes into being by it. */

import { refusal } from '../../chain/codes.ts';
import { createdAccountId } from '../../chain/identifiers.ts';
import { CERTIFY, type Certify, certifyBody } from '../../chain/operations/certify.ts';
import type { CborValue } from '../../codec/cbor.ts';
import { accountEntries, createAccount, createRefusal } from '../../ledger/accounts.ts';
import type { OperationType } from '../../ledger/operation-type.ts';

export const certify: OperationType<Certify> = {
  type: CERTIFY,
  clause: 'trueIdentity',
  body: certifyBody,

  stateEntries: (body) => accountEntries(body.name),

  check: ({ crypto, state, timeMs }, body) => {
    const taken = createRefusal(crypto, state, body);
    if (taken !== null) return taken;
    // An organisation has no telephone of its own and cannot be anonymous: somebody answers for it.
    const noOrganisation = body.level === 'anonymous' || body.level === 'phone';
    if (body.subject === 'organisation' && noOrganisation) return refusal('LEVEL_NOT_ALLOWED');
    if (body.validUntil !== undefined && body.validUntil <= timeMs) return refusal('VALIDITY_PASSED');
    return null;
  },

  apply: (context, body, effects) => {
    const { sender, height: created } = context;
    const id = createdAccountId(context.crypto, context, context.index);
    const quota = context.parameters.userQuota;
    createAccount(context, id, { kind: 'user', ...body, certifier: sender, quota, created }, effects);
    const event: [string, CborValue][] = [
      ['account', id],
      ['certifier', sender],
      ['level', body.level],
    ];
    effects.emit('identity.certified', new Map(event));
  },
};
