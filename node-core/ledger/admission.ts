/**
 * Admission: whether a transaction may be packed at all. Nodes ask before they accept it, and execution asks again; a
 * block with a transaction that may not be packed is invalid. The checks stand in the order of their codes.
 */
import type { AccountRecord } from '../chain/account.ts';
import { type Refusal, refusal } from '../chain/codes.ts';
import { type AccountId, transactionStem } from '../chain/identifiers.ts';
import type { Parameters } from '../chain/parameters.ts';
import { stateKey } from '../chain/state-keys.ts';
import { decodeTransaction, type Transaction } from '../chain/transaction.ts';
import { equal } from '../codec/bytes.ts';
import type { CborValue } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { BoundOperation, OperationTable, RegisteredType } from './operation-type.ts';
import { maySend } from './permission.ts';
import { costOf } from './quota.ts';
import type { SenderRecord } from './senders.ts';
import type { StateReader } from './state.ts';

/** A transaction of good form, its operations bound to their types. Decoded once in a node's life. */
export interface ParsedTransaction {
  readonly transaction: Transaction;
  readonly operations: readonly BoundOperation[];
  /** SHA-256 of the exact bytes. */
  readonly digest: Uint8Array;
  /** Of (sender, nonce). */
  readonly stem: Uint8Array;
  /** State key of the transaction's entry. */
  readonly entryKey: Uint8Array;
}

/** Form: codes 1001 to 1008. @param digest SHA-256 of the bytes, where it is known already. */
export function parseTransaction(
  crypto: CryptoProvider,
  bytes: Uint8Array,
  chain: Uint8Array,
  protocolVersion: number,
  table: OperationTable,
  digest = crypto.hash('sha-256', bytes),
): ParsedTransaction | Refusal {
  const transaction = decodeTransaction(bytes, chain, protocolVersion);
  if ('code' in transaction) return transaction;
  const unknown = transaction.operations.find(({ type }) => !table.has(type));
  if (unknown !== undefined) return refusal('TX_UNKNOWN_OPERATION', unknown.type);
  try {
    const operations = transaction.operations.map(({ type, body }, i) => bound(table.get(type)!, body, i));
    const stem = transactionStem(crypto, transaction);
    return { transaction, operations, digest, stem, entryKey: stateKey.transaction(stem) };
  } catch (error) {
    if (error instanceof CodecError) return refusal('TX_BODY', error.message);
    throw error;
  }
}

/** The place is put together for an error alone. @throws {CodecError} */
function bound(type: RegisteredType, body: CborValue, index: number): BoundOperation {
  try {
    return type.bind(body, '');
  } catch (error) {
    throw error instanceof CodecError ? error.under(`operations[${index}]`) : error;
  }
}

/** Codes 1101 and 1102: the sender's record before the block, whose key the signature must verify with. */
export function senderRefusal(
  view: { sender(id: AccountId): SenderRecord | undefined },
  transaction: Transaction,
): AccountRecord | Refusal {
  const record = view.sender(transaction.sender);
  if (record === undefined) return refusal('SENDER_UNKNOWN');
  // The key ID commits to the suite and to every byte of the key; the suite is what the signature is checked by.
  const { account } = record;
  if (account.key.suite !== transaction.suite || !equal(record.keyId, transaction.keyId))
    return refusal('KEY_MISMATCH');
  return account;
}

export function transactionCost(parsed: ParsedTransaction, parameters: Parameters, height: number): number {
  const { transaction, operations } = parsed;
  let stateEntries = 1;
  for (let i = 0; i < operations.length; i++) stateEntries += operations[i]!.stateEntries;
  return costOf(parameters.prices, {
    operations: operations.length,
    bytes: transaction.bytes.length,
    stateEntries,
    suite: transaction.suite,
    expiryDistance: Math.max(0, transaction.expiry - height),
  });
}

export interface AdmissionContext {
  readonly state: StateReader;
  readonly parameters: Parameters;
  /** Height of the block that would pack it. */
  readonly height: number;
  readonly timeMs: number;
}

/**
 * Codes 1104 to 1108, for a transaction whose signature (1103) has been verified with `account.key`.
 * @param points that the sender has left; at a node, less what its transactions pending before this one will take.
 */
export function admissionRefusal(
  context: AdmissionContext,
  parsed: ParsedTransaction,
  account: AccountRecord,
  points: number,
): Refusal | null {
  const { transaction, operations } = parsed;
  const { state, parameters, height, timeMs } = context;
  if (transaction.expiry < height) return refusal('EXPIRED', `expiry ${transaction.expiry}, height ${height}`);
  if (transaction.expiry > height + parameters.expiryWindow)
    return refusal('EXPIRY_TOO_FAR', `at most ${parameters.expiryWindow} heights ahead`);
  if (state.get(parsed.entryKey) !== undefined) return refusal('NONCE_USED');
  const forbidden = operations.find((operation) => !maySend(operation.rule, account, timeMs));
  if (forbidden !== undefined) return refusal('NOT_PERMITTED', forbidden.type);
  const cost = transactionCost(parsed, parameters, height);
  return points < cost ? refusal('QUOTA_SHORT', `cost ${cost}, available ${Math.max(0, points)}`) : null;
}
