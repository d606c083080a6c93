/** Accounts and participants as rows: several components, and the genesis, create them. */
import type { Permission } from '../chain/account.ts';
import { toHex } from '../codec/bytes.ts';
import { type Collection, present, type RowChange } from './projection.ts';

export const accounts: Collection = {
  name: 'accounts',
  description: 'All accounts, those of the genesis too.',
  writtenOnce: false,
  key: 'account ID',
  fields: {
    kind: { type: 'text', indexed: true, description: 'operator, validator, partner or user.' },
    name: { type: 'text', indexed: true, description: 'The unique name, when it has one.' },
    certifier: { type: 'account', indexed: true, description: 'Of a user: the partner that vouches for it.' },
    level: { type: 'text', indexed: true, description: 'Of a user: the level of its certification.' },
    subject: { type: 'text', indexed: false, description: 'Of a user: person or organisation.' },
    created: { type: 'integer', indexed: true, description: 'Height of the block that created it; 0: the genesis.' },
    validUntil: { type: 'integer', indexed: true, description: 'When the certification ends, ms since 1970 UTC.' },
    terms: { type: 'hash', indexed: false, description: 'Digest of the document that the user accepted.' },
    commitment: { type: 'hash', indexed: false, description: 'Digest of the credential.' },
  },
};

export const participants: Collection = {
  name: 'participants',
  description: 'Operator, validators and partners, with the legal documents under which they act.',
  writtenOnce: false,
  key: 'account ID',
  fields: {
    kind: { type: 'text', indexed: true, description: 'operator, validator or partner.' },
    name: { type: 'text', indexed: true, description: 'The unique name.' },
    legalVersion: { type: 'text', indexed: false, description: 'Version of the legal document.' },
    legalDigest: { type: 'hash', indexed: true, description: 'SHA-256 of the legal document.' },
    permissions: { type: 'text', indexed: true, many: true, description: 'What a partner may do.' },
    created: { type: 'integer', indexed: true, description: 'Height of the block that admitted it; 0: the genesis.' },
  },
};

export interface Participant {
  readonly kind: 'operator' | 'validator' | 'partner';
  readonly name: string;
  readonly legal: { readonly version: string; readonly digest: Uint8Array };
  readonly permissions?: readonly Permission[];
}

/** @param account its ID in text form. */
export function participantRows(account: string, participant: Participant, created: number): readonly RowChange[] {
  const { kind, name, legal, permissions } = participant;
  const terms = { legalVersion: legal.version, legalDigest: toHex(legal.digest) };
  return [
    { collection: accounts.name, key: account, fields: { kind, name, created } },
    { collection: participants.name, key: account, fields: present({ kind, name, ...terms, permissions, created }) },
  ];
}
