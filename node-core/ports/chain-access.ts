import type { AccountRecord } from '../chain/account.ts';
import type { Result } from '../chain/block.ts';
import type { Refusal } from '../chain/codes.ts';
import type { EquivocationName } from '../chain/equivocation.ts';
import type { Header } from '../chain/header.ts';
import type { AccountId } from '../chain/identifiers.ts';

export type TransactionStatus =
  | { readonly status: 'pending'; readonly expiry: number }
  | { readonly status: 'final'; readonly height: number; readonly index: number; readonly result: Result }
  | { readonly status: 'unknown' };

export interface Submitted {
  readonly sender: AccountId;
  readonly nonce: Uint8Array;
  readonly expiry: number;
}

export interface Quote {
  readonly cost: number;
  /** Points of the sender now, less what its pending transactions will take. */
  readonly available: number;
  /** Why it would be refused now, the signature apart; null when it would be accepted. */
  readonly refusal: Refusal | null;
}

export interface AccountView {
  readonly account: AccountRecord;
  readonly points: number;
}

export interface BlockView {
  readonly header: Header;
  readonly headerHash: Uint8Array;
  readonly transactions: readonly { readonly sender: AccountId; readonly nonce: Uint8Array; readonly result: Result }[];
  /** Round of the certificate and how many validators signed. */
  readonly certificate: { readonly round: number; readonly signatures: number };
}

export interface ChainStatus {
  readonly genesisHash: Uint8Array;
  readonly name: string;
  readonly protocolVersion: number;
  readonly height: number;
  /** Time of the newest block, ms; of the genesis at height 0. */
  readonly timeMs: number;
  readonly logSize: number;
  readonly peers: number;
  /** Highest block that a peer says it has. */
  readonly bestPeerHeight: number;
  readonly pending: { readonly transactions: number; readonly bytes: number };
  readonly validators: readonly { readonly account: AccountId; readonly name: string; readonly power: number }[];
  readonly expiryWindow: number;
  readonly blockIntervalMs: number;
  /** The first height whose block this node keeps. */
  readonly firstHeight: number;
  /** Pieces of evidence that validators have contradicted themselves, and against whom. */
  readonly equivocations: { readonly count: number; readonly validators: readonly AccountId[] };
  /** Validators of the set whose newest signature under a block is by their standby key, as far as this node has run. */
  readonly standbySigners: readonly AccountId[];
  /** In a validator: where its consensus stands. */
  readonly consensus: { readonly height: number; readonly round: number } | null;
}

/**
 * What the HTTP API needs of a chain: a node in this process, or in the cloud the tables that a node writes.
 * Proofs are files as docs/spec/proofs.md describes them.
 */
export interface ChainAccess {
  readonly genesis: Uint8Array;
  status(): Promise<ChainStatus>;
  /** Resolves when the transaction is accepted for packing; that is no promise that it will be packed. */
  submit(transaction: Uint8Array): Promise<Submitted | Refusal>;
  /** The same for many, which costs much less than one by one; outcomes in their order. */
  submitAll(transactions: readonly Uint8Array[]): Promise<readonly (Submitted | Refusal)[]>;
  /** Resolves with true once the transaction is final here, with false after `timeoutMs`. */
  waitFinal(sender: AccountId, nonce: Uint8Array, timeoutMs: number): Promise<boolean>;
  transaction(sender: AccountId, nonce: Uint8Array): Promise<TransactionStatus>;
  /** undefined when it is not final here. */
  receipt(sender: AccountId, nonce: Uint8Array): Promise<Uint8Array | undefined>;
  expiryCertificate(sender: AccountId, nonce: Uint8Array, expiry: number): Promise<Uint8Array | Refusal>;
  /** Presence or absence of a state key (chain/state-keys.ts) at the newest height. */
  stateProof(key: Uint8Array): Promise<Uint8Array | Refusal>;
  /**
   * All records of a subject from height `from` to `to`, proven complete at the newest height. Refusals:
   * HEIGHT_NOT_REACHED, SUBJECT_TOO_LONG.
   */
  subjectProof(registrant: AccountId, subject: string, from: number, to: number): Promise<Uint8Array | Refusal>;
  /** Evidence of equivocation that there is: by validator, the lowest height first. */
  equivocations(): Promise<readonly EquivocationName[]>;
  equivocation(name: EquivocationName): Promise<Uint8Array | undefined>;
  block(height: number): Promise<BlockView | undefined>;
  account(id: AccountId): Promise<AccountView | undefined>;
  accountByName(name: string): Promise<AccountId | undefined>;
  quote(transaction: Uint8Array): Promise<Quote | Refusal>;
}
