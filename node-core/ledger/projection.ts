/**
 * The contract that a component's projection fulfils: what an applied operation means to those who search and those who
 * are told. A projection is a pure function of one final operation, so that any reader of the chain comes to the same.
 */
import type { AccountId, PackedOnce } from '../chain/identifiers.ts';
import type { CborValue } from '../codec/cbor.ts';
import type { Schema } from '../codec/schema.ts';
import type { CryptoProvider } from '../crypto/provider.ts';

/** Integers are safe ones. */
export type FieldValue = string | number | boolean;

/**
 * What a row or an event says, flat and as JSON has it: account IDs in their text form, hashes and digests in lower-case
 * hexadecimal, a digest of a file as `algorithm:digest`. A list holds its values in the order in which they were signed.
 */
export type Fields = Readonly<Record<string, FieldValue | readonly FieldValue[]>>;

export type FieldType = 'text' | 'integer' | 'boolean' | 'account' | 'hash' | 'digest';

export interface FieldDeclaration {
  readonly type: FieldType;
  /** Whether queries may filter and sort by it. Each costs an entry for every row. */
  readonly indexed: boolean;
  /** A row may have several values of it. */
  readonly many?: boolean;
  readonly description: string;
}

/** Rows of one kind. Names are of letters alone: they stand in URLs. */
export interface Collection {
  readonly name: string;
  readonly description: string;
  /** A row is written by one event of the chain and never changed: it needs no comparison of versions. */
  readonly writtenOnce: boolean;
  /** What the keys of its rows are. */
  readonly key: string;
  readonly fields: Readonly<Record<string, FieldDeclaration>>;
  /** Fields under this prefix are whatever the registrants call them, and indexed. */
  readonly open?: string;
}

/** What becomes of one row. The newest event about a row holds all of it: nothing is added up. */
export interface RowChange {
  readonly collection: string;
  readonly key: string;
  /** null: the row is gone. */
  readonly fields: Fields | null;
}

export interface ProjectedEvent {
  /** The type that the chain's own event has: `component.pastTense`. */
  readonly type: string;
  /** What subscribers filter by and are told. */
  readonly data: Fields;
  readonly rows: readonly RowChange[];
}

/** Where an applied operation stands. */
export interface AppliedOperation extends PackedOnce {
  readonly crypto: CryptoProvider;
  readonly height: number;
  readonly timeMs: number;
  readonly sender: AccountId;
  /** Of (sender, nonce): what the IDs of records begin with. */
  readonly stem: Uint8Array;
  /** Which operation of the transaction it is. */
  readonly index: number;
  /** The text form of an account ID. */
  accountText(id: AccountId): string;
}

export interface Projection<Body> {
  readonly type: string;
  readonly body: Schema<Body>;
  /** In the order in which the operation emits them; the same number on every reader. */
  events(operation: AppliedOperation, body: Body): readonly ProjectedEvent[];
}

export interface BoundProjection {
  readonly body: unknown;
  events(operation: AppliedOperation): readonly ProjectedEvent[];
}

/** Holds the body's type in one place, so that a table can hold projections with different bodies. */
export interface RegisteredProjection {
  readonly type: string;
  /** @throws {CodecError} kind `schema`. */
  bind(body: CborValue): BoundProjection;
}

export function projected<Body>(projection: Projection<Body>): RegisteredProjection {
  return {
    type: projection.type,
    bind: (value) => {
      const body = projection.body.decode(value, projection.type);
      return { body, events: (operation) => projection.events(operation, body) };
    },
  };
}

/** Without the fields that are not there. */
export function present(fields: Readonly<Record<string, FieldValue | readonly FieldValue[] | undefined>>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
}
