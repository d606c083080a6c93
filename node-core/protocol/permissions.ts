/**
 * Who may send what: every kind of account and every certification level × every operation, in one table. The types
 * make each row complete; the test beside this file goes through all of it (white paper: levels decide what is allowed;
 * accounts without any certification only read).
 */
import { ADMIT_PARTNER } from '../chain/operations/admit-partner.ts';
import { ADMIT_VALIDATOR } from '../chain/operations/admit-validator.ts';
import { CERTIFY } from '../chain/operations/certify.ts';
import { REGISTER, REGISTER_BATCH } from '../chain/operations/evidence.ts';
import { REGISTER_SCHEMA } from '../chain/operations/record-schema.ts';
import { REGISTER_NODE, UNREGISTER_NODE } from '../chain/operations/register-node.ts';
import { SET_VALIDATORS } from '../chain/operations/set-validators.ts';
import type { SenderRule } from '../ledger/permission.ts';

/** For operations of which users have no part. */
const NO_LEVELS = { certificate: 'no', realname: 'no', anonymous: 'no', phone: 'no', registered: 'no' } as const;

/** Anonymous accounts register only where a partner takes the responsibility; `registered` vouches for nothing. */
const EVIDENCE: SenderRule = {
  operator: false,
  validator: false,
  partner: 'evidence',
  levels: {
    certificate: 'alone',
    realname: 'alone',
    anonymous: 'throughPartner',
    phone: 'alone',
    registered: 'no',
  },
};

/** Every participant may run nodes. */
const NODES: SenderRule = { operator: true, validator: true, partner: 'any', levels: NO_LEVELS };

export const SENDERS_V1 = {
  [ADMIT_PARTNER]: { operator: true, validator: false, partner: null, levels: NO_LEVELS },
  // Who carries it does not matter: the approvals in it decide.
  [SET_VALIDATORS]: { operator: true, validator: true, partner: null, levels: NO_LEVELS },
  [ADMIT_VALIDATOR]: { operator: true, validator: false, partner: null, levels: NO_LEVELS },
  [REGISTER_NODE]: NODES,
  [UNREGISTER_NODE]: NODES,
  [CERTIFY]: { operator: false, validator: false, partner: 'identity', levels: NO_LEVELS },
  [REGISTER_SCHEMA]: { operator: false, validator: false, partner: 'evidence', levels: NO_LEVELS },
  [REGISTER]: EVIDENCE,
  [REGISTER_BATCH]: EVIDENCE,
} as const satisfies Readonly<Record<string, SenderRule>>;
