/** identity.certify: a partner creates a user's account, with its key, the level of certification and a commitment. */
import { type Infer, oneOf, record, uint } from '../../codec/schema.ts';
import { publicKey } from '../../crypto/keys.ts';
import { accountName, LEVELS, SUBJECT_KINDS } from '../account.ts';
import { hash32 } from '../identifiers.ts';

export const CERTIFY = 'identity.certify';

export const certifyBody = record(
  {
    key: publicKey,
    subject: oneOf(...SUBJECT_KINDS),
    level: oneOf(...LEVELS),
    /** Digest of the legal document that the user has accepted. */
    terms: hash32,
  },
  {
    name: accountName,
    /** Digest of an SD-JWT (RFC 9901) with salted fields; never a digest of raw identity data. */
    commitment: hash32,
    /** Block time in ms from which on the certification no longer holds. */
    validUntil: uint(),
  },
);
export type Certify = Infer<typeof certifyBody>;
