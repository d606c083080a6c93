/**
 * Operations as JSON, for those who have no CBOR at hand: names as in docs/spec/operations.md, byte strings in
 * hexadecimal, accounts as `brop1…`, keys as `{ "suite", "key" }`, maps as objects. Which text stands for bytes depends
 * on where it stands, so that each type has its list; a type without one is given as the CBOR of its body.
 */
import { ADMIT_PARTNER } from '../../node-core/chain/operations/admit-partner.ts';
import { ADMIT_VALIDATOR } from '../../node-core/chain/operations/admit-validator.ts';
import { CERTIFY } from '../../node-core/chain/operations/certify.ts';
import { REGISTER, REGISTER_BATCH } from '../../node-core/chain/operations/evidence.ts';
import { REGISTER_SCHEMA } from '../../node-core/chain/operations/record-schema.ts';
import { REGISTER_NODE, UNREGISTER_NODE } from '../../node-core/chain/operations/register-node.ts';
import { SET_VALIDATORS } from '../../node-core/chain/operations/set-validators.ts';
import { accountIdFromText, accountIdToText } from '../../node-core/codec/account-id.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import type { CborKey, CborMap, CborValue } from '../../node-core/codec/cbor.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import { publicKey } from '../../node-core/crypto/keys.ts';
import type { SuiteName } from '../../node-core/crypto/provider.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What a text is that is no text, by its path; `*` is any name or index. */
type Form = 'bytes' | 'account' | 'key';
type Forms = Readonly<Record<string, Form>>;

const EVIDENCE: Forms = {
  previous: 'bytes',
  schema: 'bytes',
  hosted: 'bytes',
  'timestamps.*': 'bytes',
  'provenance.witnesses.*': 'account',
  'provenance.related.*': 'bytes',
  onBehalfOf: 'account',
};

const FORMS: Readonly<Record<string, Forms>> = {
  [REGISTER]: { ...EVIDENCE, 'digests.*': 'bytes' },
  [REGISTER_BATCH]: { ...EVIDENCE, root: 'bytes' },
  [REGISTER_SCHEMA]: {},
  [CERTIFY]: { key: 'key', terms: 'bytes', commitment: 'bytes' },
  [ADMIT_PARTNER]: { key: 'key', 'legal.digest': 'bytes' },
  [ADMIT_VALIDATOR]: { key: 'key', 'legal.digest': 'bytes' },
  [REGISTER_NODE]: { nodeKey: 'bytes', noteKey: 'key' },
  [UNREGISTER_NODE]: { nodeKey: 'bytes' },
  [SET_VALIDATORS]: {
    'validators.*.account': 'account',
    'validators.*.consensusKey': 'key',
    'validators.*.standbyKey': 'key',
    'approvals.*.2': 'bytes',
  },
};

/** The types whose bodies can be given as JSON. */
export const JSON_TYPES: readonly string[] = Object.keys(FORMS);

function formAt(forms: Forms, path: readonly string[]): Form | undefined {
  const pattern = Object.keys(forms).find((candidate) => {
    const parts = candidate.split('.');
    return parts.length === path.length && parts.every((part, i) => part === '*' || part === path[i]);
  });
  return pattern === undefined ? undefined : forms[pattern];
}

/**
 * The body in CBOR; whether it is of the form that the type has is not looked at.
 * @throws {CodecError} kind `schema`, its path naming the place.
 */
export function bodyFromJson(type: string, body: Json): CborValue {
  const forms = Object.hasOwn(FORMS, type) ? FORMS[type] : undefined;
  if (forms === undefined) throw new CodecError('schema', 'this type has no JSON form: send `cbor`', 'body');
  return fromJson(body, forms, []);
}

/** No body nests as deep as that. */
const MAX_DEPTH = 12;

function fromJson(value: Json, forms: Forms, path: readonly string[]): CborValue {
  if (path.length > MAX_DEPTH) throw new CodecError('schema', 'nests too deep', path[0]);
  const form = formAt(forms, path);
  if (form !== undefined) return READ[form](value, path.join('.'));
  if (Array.isArray(value)) return value.map((item: Json, i) => fromJson(item, forms, [...path, String(i)]));
  if (typeof value !== 'object' || value === null) return value as CborValue;
  const entries = Object.entries(value as { readonly [key: string]: Json });
  return new Map<CborKey, CborValue>(entries.map(([name, item]) => [name, fromJson(item, forms, [...path, name])]));
}

const READ: Readonly<Record<Form, (value: Json, path: string) => CborValue>> = {
  bytes: (value, path) => {
    if (typeof value === 'string' && /^([0-9a-f]{2})*$/.test(value)) return fromHex(value);
    throw new CodecError('schema', 'not lower-case hexadecimal', path);
  },
  account: (value, path) => {
    if (typeof value !== 'string') throw new CodecError('schema', 'not an account ID', path);
    return accountIdFromText(value);
  },
  key: (value, path) => {
    const { suite, key } = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, Json>>;
    if (suite !== 'p256' && suite !== 'ed25519' && suite !== 'sm2')
      throw new CodecError('schema', 'not { "suite": p256 | ed25519 | sm2, "key": hexadecimal }', path);
    return publicKey.encode({ suite, bytes: READ.bytes(key ?? null, path) as Uint8Array });
  },
};

/** The inverse, for people: of a type without a list the byte strings are hexadecimal. */
export function bodyToJson(type: string, body: CborValue): Json {
  return toJson(body, Object.hasOwn(FORMS, type) ? FORMS[type]! : {}, []);
}

function toJson(value: CborValue, forms: Forms, path: readonly string[]): Json {
  const form = formAt(forms, path);
  if (form === 'key') {
    const { suite, bytes } = publicKey.decode(value, path.join('.'));
    return { suite: suite satisfies SuiteName, key: toHex(bytes) };
  }
  if (value instanceof Uint8Array) return form === 'account' ? accountIdToText(value) : toHex(value);
  if (Array.isArray(value)) return value.map((item: CborValue, i) => toJson(item, forms, [...path, String(i)]));
  if (value instanceof Map) {
    const entries = [...(value as CborMap)].map(([name, item]) => {
      return [String(name), toJson(item, forms, [...path, String(name)])] as const;
    });
    return Object.fromEntries(entries);
  }
  return typeof value === 'bigint' ? String(value) : (value as Json);
}
