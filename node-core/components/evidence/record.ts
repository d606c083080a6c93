/**
 * What every kind of evidence record shares. Records of one subject form a chain that the state machine itself numbers
 * and links, so that a loss shows.
 */
import { type Refusal, refusal } from '../../chain/codes.ts';
import { type AccountId, recordIdUnder } from '../../chain/identifiers.ts';
import {
  decodeSubjectHead,
  encodeSubjectHead,
  evidenceRecord,
  type OwnEvidenceRecord,
  type SubjectHead,
} from '../../chain/operations/evidence-record.ts';
import { misfit, type RecordSchema, registeredSchema } from '../../chain/operations/record-schema.ts';
import { stateKey } from '../../chain/state-keys.ts';
import { equal, keyText } from '../../codec/bytes.ts';
import { type CborValue, decode, encode } from '../../codec/cbor.ts';
import { accountOf } from '../../ledger/accounts.ts';
import type { Effects, OperationContext } from '../../ledger/operation-type.ts';
import { certificationHolds, mayBeNamed } from '../../ledger/permission.ts';
import type { StateReader } from '../../ledger/state.ts';

function subjectHead(state: StateReader, registrant: AccountId, subject: string): SubjectHead | undefined {
  const bytes = state.get(stateKey.subject(registrant, subject));
  return bytes === undefined ? undefined : decodeSubjectHead(bytes);
}

export interface RecordFields {
  readonly subject?: string;
  readonly previous?: Uint8Array;
  readonly onBehalfOf?: AccountId;
  readonly schema?: Uint8Array;
  readonly attributes?: ReadonlyMap<string, string | number | boolean>;
}

/** Rules that every kind of record shares, in order of their codes (2201 to 2208). */
export function recordRefusal(context: OperationContext, body: RecordFields): Refusal | null {
  return chainRefusal(context, body) ?? userRefusal(context, body) ?? schemaRefusal(context, body);
}

function chainRefusal({ state, sender }: OperationContext, body: RecordFields): Refusal | null {
  if (body.previous !== undefined) {
    if (body.subject === undefined) return refusal('SUBJECT_MISSING');
    const head = subjectHead(state, sender, body.subject);
    if (head === undefined || !equal(head.head, body.previous)) return refusal('PREVIOUS_MISMATCH');
  }
  return null;
}

function userRefusal({ state, sender, rule, timeMs }: OperationContext, body: RecordFields): Refusal | null {
  if (body.onBehalfOf === undefined) return null;
  const user = accountOf(state, body.onBehalfOf);
  if (user === undefined) return refusal('USER_UNKNOWN');
  if (user.certifier === undefined || !equal(user.certifier, sender)) return refusal('USER_NOT_CERTIFIED');
  if (!mayBeNamed(rule, user)) return refusal('USER_LEVEL');
  return certificationHolds(user, timeMs) ? null : refusal('USER_LAPSED');
}

/**
 * Schemas that were decoded lately: a block may name one ten thousand times, and it has up to 8 kB. What is here is what
 * decoding these very bytes gives.
 */
class KnownSchemas {
  private readonly byId = new Map<string, { readonly bytes: Uint8Array; readonly schema: RecordSchema }>();

  of(id: Uint8Array, bytes: Uint8Array): RecordSchema {
    const key = keyText(id);
    const known = this.byId.get(key);
    if (known !== undefined && equal(known.bytes, bytes)) return known.schema;
    const { schema } = registeredSchema.decode(decode(bytes), 'schema');
    if (this.byId.size >= MAX_KNOWN_SCHEMAS) this.byId.clear();
    this.byId.set(key, { bytes: bytes.slice(), schema });
    return schema;
  }
}

const MAX_KNOWN_SCHEMAS = 100;
const knownSchemas = new KnownSchemas();

/** A registered schema never changes: who keeps to it once always does. */
function schemaRefusal({ state }: OperationContext, body: RecordFields): Refusal | null {
  if (body.schema === undefined) return null;
  const bytes = state.get(stateKey.schema(body.schema));
  if (bytes === undefined) return refusal('SCHEMA_UNKNOWN');
  const wrong = misfit(knownSchemas.of(body.schema, bytes), body.attributes ?? new Map());
  return wrong === undefined ? null : refusal('SCHEMA_MISMATCH', wrong);
}

/** The record itself, and the head of its subject. */
export function recordEntries(body: RecordFields): number {
  return body.subject === undefined ? 1 : 2;
}

/** What one kind of record adds to the rest. */
export type RecordContent = Pick<OwnEvidenceRecord, 'root' | 'count'>;

/** Leaves the record and moves the subject's head. @param signedBody the operation's body as it was signed. */
export function writeRecord(
  context: OperationContext,
  body: RecordFields,
  signedBody: CborValue,
  content: RecordContent,
  effects: Effects,
): void {
  const { crypto, sender, stem, index, height, state } = context;
  const id = recordIdUnder(stem, index);
  const { subject, onBehalfOf } = body;
  const own: Writable<OwnEvidenceRecord> = { body: crypto.hash('sha-256', encode(signedBody)), ...content };
  if (onBehalfOf !== undefined) own.onBehalfOf = onBehalfOf;
  const event = new Map<string, CborValue>().set('record', id).set('registrant', sender);
  if (subject !== undefined) {
    const before = subjectHead(state, sender, subject);
    const count = (before?.count ?? 0) + 1;
    own.subject = subject;
    own.sequence = count;
    if (before !== undefined) {
      own.previous = before.head;
      own.previousHeight = before.height;
    }
    effects.set(stateKey.subject(sender, subject), encodeSubjectHead({ count, head: id, height }));
    event.set('subject', subject).set('sequence', count);
  }
  effects.leave(evidenceRecord.encode(own));
  effects.emit('evidence.registered', event);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
