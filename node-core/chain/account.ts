/** Account records: who an account is, whose key it has, who answers for it. They change rarely. */
import { decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { array, fixedBytes, type Infer, oneOf, record, type Schema, text, uint } from '../codec/schema.ts';
import { publicKey } from '../crypto/keys.ts';
import { accountId, hash32 } from './identifiers.ts';

export const ACCOUNT_KINDS = ['operator', 'validator', 'partner', 'user'] as const;
export const PERMISSIONS = ['identity', 'evidence', 'voucher'] as const;
/** The white paper's five: certificate with legal effect, real name, anonymous, phone, registered only. Not ordered. */
export const LEVELS = ['certificate', 'realname', 'anonymous', 'phone', 'registered'] as const;
export const SUBJECT_KINDS = ['person', 'organisation'] as const;

export type AccountKind = (typeof ACCOUNT_KINDS)[number];
export type Permission = (typeof PERMISSIONS)[number];
export type Level = (typeof LEVELS)[number];

/**
 * Code units that show nothing, or a blank that looks like another: with them two names could look alike to the last
 * pixel. Listed, not a Unicode class: the tables of classes differ between releases, and validators must agree.
 * `\udb40` is the lead of the invisible tags and variation selectors from U+E0000 on.
 */
const UNSEEN = [
  '\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180f\\u2000-\\u200f\\u2028-\\u202f',
  '\\u205f-\\u206f\\u2800\\u3000\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff\\udb40',
].join('');

/** An optional unique name: words of visible characters, one blank between them. */
export const accountName = text({ max: 64, pattern: new RegExp(`^[^ ${UNSEEN}]+(?: [^ ${UNSEEN}]+)*$`) });

/**
 * Names that differ only in ASCII case are one name. No Unicode folding: its tables differ between releases, and
 * validators of different releases must agree.
 */
export function canonicalName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 32));
}

/** A published legal document: version and SHA-256 digest of its exact bytes. */
export const legalDocument = record({ version: text({ max: 32 }), digest: hash32 });

/** Quota: at most `max` points, regained evenly over `periodMs`. */
export const quotaGrant = record({
  max: uint({ max: 1_000_000_000_000 }),
  periodMs: uint({ min: 1, max: 366 * 86_400_000 }),
});
export type QuotaGrant = Infer<typeof quotaGrant>;

/** What a partner may do: one to all permissions, each once. */
export const permissions: Schema<readonly Permission[]> = (() => {
  const inner = array(oneOf(...PERMISSIONS), { min: 1, max: PERMISSIONS.length });
  const distinct = (list: readonly Permission[], path: string) => {
    if (new Set(list).size !== list.length) throw new CodecError('schema', 'a permission is there twice', path);
    return list;
  };
  return {
    decode: (value, path) => distinct(inner.decode(value, path), path),
    encode: (list) => inner.encode(distinct(list, '')),
  };
})();

export const accountRecord = record(
  { kind: oneOf(...ACCOUNT_KINDS), key: publicKey, quota: quotaGrant, created: uint() },
  {
    name: accountName,
    /** Operator, validators and partners: the document under which they act. */
    legal: legalDocument,
    permissions,
    certifier: accountId,
    level: oneOf(...LEVELS),
    subject: oneOf(...SUBJECT_KINDS),
    /** Users: digest of the legal document that they have accepted. */
    terms: hash32,
    commitment: fixedBytes(32),
    validUntil: uint(),
  },
);
export type AccountRecord = Infer<typeof accountRecord>;

export function encodeAccount(account: AccountRecord): Uint8Array {
  return encode(accountRecord.encode(account));
}

/** @throws {CodecError} */
export function decodeAccount(bytes: Uint8Array): AccountRecord {
  return accountRecord.decode(decode(bytes), 'account');
}
