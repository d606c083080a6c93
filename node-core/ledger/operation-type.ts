/** The contract that a transaction type fulfils. One file per type, in its component's folder. */
import type { AccountRecord } from '../chain/account.ts';
import type { Refusal } from '../chain/codes.ts';
import type { Genesis } from '../chain/genesis.ts';
import type { AccountId } from '../chain/identifiers.ts';
import type { Parameters } from '../chain/parameters.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import type { CborValue } from '../codec/cbor.ts';
import type { Schema } from '../codec/schema.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { SenderRule } from './permission.ts';
import type { StateReader } from './state.ts';

/** The clause of the participant's legal document under which an operation falls (docs/spec/operations.md). */
export type LegalClause = 'governance' | 'trueIdentity' | 'lawfulData' | 'lawfulVoucher' | 'lawfulTransfer';

export interface OperationContext {
  readonly crypto: CryptoProvider;
  readonly parameters: Parameters;
  readonly genesis: Genesis;
  /** Hash of the genesis. */
  readonly chain: Uint8Array;
  readonly protocolVersion: number;
  /** The set that signs this block. */
  readonly validators: ValidatorSet;
  readonly height: number;
  /** Block time, ms. */
  readonly timeMs: number;
  readonly sender: AccountId;
  /** The sender's record before this block. */
  readonly senderAccount: AccountRecord;
  readonly nonce: Uint8Array;
  readonly expiry: number;
  /** Of (sender, nonce): what the IDs of records begin with. */
  readonly stem: Uint8Array;
  /** Which operation of the transaction this is. */
  readonly index: number;
  /** Who may send operations of this type; admission has applied it to the sender. */
  readonly rule: SenderRule;
  /** Everything up to here: the block so far, and the operations before this one. */
  readonly state: StateReader;
}

export interface Effects {
  set(key: Uint8Array, value: Uint8Array): void;
  emit(type: string, data: CborValue): void;
  /** Leaves a record in the transaction's own entry, which then stays for ever: at most one for each operation. */
  leave(record: CborValue): void;
}

export interface OperationType<Body> {
  /** `component.verb`, as it stands in transactions. */
  readonly type: string;
  readonly clause: LegalClause;
  readonly body: Schema<Body>;
  /** Most state entries that it can add, a record counted as one. */
  stateEntries(body: Body): number;
  /** The business rules, in order of precedence. Changes nothing. */
  check(context: OperationContext, body: Body): Refusal | null;
  /** Carries out what `check` has let through. Has no way to fail. `signed`: the body as it stands in the transaction. */
  apply(context: OperationContext, body: Body, effects: Effects, signed: CborValue): void;
}

/** Binds the body's type within one place, so that tables can hold types with different bodies. */
export interface BoundOperation {
  readonly type: string;
  readonly clause: LegalClause;
  readonly rule: SenderRule;
  readonly stateEntries: number;
  check(context: OperationContext): Refusal | null;
  apply(context: OperationContext, effects: Effects): void;
}

export interface RegisteredType {
  readonly type: string;
  readonly clause: LegalClause;
  readonly rule: SenderRule;
  /** @throws {CodecError} kind `schema`. */
  bind(body: CborValue, path: string): BoundOperation;
}

export function register<Body>(type: OperationType<Body>, rule: SenderRule): RegisteredType {
  return {
    type: type.type,
    clause: type.clause,
    rule,
    bind: (value, path) => new BoundBody(type, rule, type.body.decode(value, path), value),
  };
}

class BoundBody<Body> implements BoundOperation {
  readonly rule: SenderRule;
  readonly stateEntries: number;
  private readonly of: OperationType<Body>;
  private readonly body: Body;
  private readonly signed: CborValue;

  constructor(of: OperationType<Body>, rule: SenderRule, body: Body, signed: CborValue) {
    this.of = of;
    this.rule = rule;
    this.body = body;
    this.signed = signed;
    this.stateEntries = of.stateEntries(body);
  }

  get type(): string {
    return this.of.type;
  }

  get clause(): LegalClause {
    return this.of.clause;
  }

  check(context: OperationContext): Refusal | null {
    return this.of.check(context, this.body);
  }

  apply(context: OperationContext, effects: Effects): void {
    this.of.apply(context, this.body, effects, this.signed);
  }
}

/** Transaction types in force, by name. */
export type OperationTable = ReadonlyMap<string, RegisteredType>;
