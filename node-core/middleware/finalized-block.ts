/**
 * A final block with everything decoded that projections and events read of it: decoded once, by whoever follows the
 * chain. It follows from the stored block alone, with no look at the state, so that every reader comes to the same.
 */

import type { Result } from '../chain/block.ts';
import type { Genesis } from '../chain/genesis.ts';
import type { Header } from '../chain/header.ts';
import { genesisAccountId, headerHash, transactionStem } from '../chain/identifiers.ts';
import { decodeTransaction, type Transaction } from '../chain/transaction.ts';
import { accountIdToText } from '../codec/account-id.ts';
import { keyText, toHex } from '../codec/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { participantRows } from '../ledger/account-rows.ts';
import type { BoundProjection, ProjectedEvent, RowChange } from '../ledger/projection.ts';
import type { FinalBlock } from '../ports/block-feed.ts';
import { projectionsOf } from '../protocol/projections.ts';

export interface FinalizedBlock {
  readonly height: number;
  readonly timeMs: number;
  /** Header hash, hexadecimal; the genesis hash at height 0. */
  readonly hash: string;
  /** Account ID of the proposer; null at height 0. */
  readonly proposer: string | null;
  readonly transactions: readonly FinalizedTransaction[];
  /** What the block itself brings beside its transactions: the participants that the genesis names. */
  readonly rows: readonly RowChange[];
}

export interface FinalizedTransaction {
  /** Place in the block. */
  readonly index: number;
  /** `sender/nonce`, as its path in the API has it. */
  readonly id: string;
  readonly sender: string;
  /** 64 hexadecimal digits. */
  readonly nonce: string;
  readonly label: string;
  readonly expiry: number;
  /** 0: applied; otherwise the number of the rejection, and nothing has come of it. */
  readonly code: number;
  /** Place in the log; null when it was rejected. */
  readonly logIndex: number | null;
  readonly operations: readonly FinalizedOperation[];
  /** Of all its operations; their index here is their number in the transaction. Empty when it was rejected. */
  readonly events: readonly FinalizedEvent[];
}

export interface FinalizedOperation {
  readonly index: number;
  readonly type: string;
  /** As its schema in chain/operations decodes it. */
  readonly body: unknown;
}

export interface FinalizedEvent extends ProjectedEvent {
  readonly operation: number;
}

/** @throws {Error} when the block is not one that was final: its transactions have all been decoded once. */
export function finalizedBlock(crypto: CryptoProvider, block: FinalBlock): FinalizedBlock {
  const { header, headerBytes, transactions } = block;
  return {
    height: header.height,
    timeMs: header.timeMs,
    hash: toHex(headerHash(crypto, headerBytes)),
    proposer: accountText(header.proposer),
    transactions: transactions.map((bytes, index) => {
      const transaction = decodeTransaction(bytes, header.chain, header.protocolVersion);
      if ('code' in transaction) throw new Error(`block ${header.height} holds a transaction that does not decode`);
      return finalizedTransaction(crypto, header, transaction, index, block.results[index]!);
    }),
    rows: [],
  };
}

/** Height 0: what is there before the first block. */
export function finalizedGenesis(crypto: CryptoProvider, { document, hash }: Genesis): FinalizedBlock {
  const { operator, validators, timeMs } = document;
  const named = [
    { kind: 'operator' as const, ...operator },
    ...validators.map((validator) => ({ kind: 'validator' as const, ...validator })),
  ];
  const rows = named.flatMap((participant) =>
    participantRows(accountText(genesisAccountId(crypto, participant.accountKey)), participant, 0),
  );
  return { height: 0, timeMs, hash: toHex(hash), proposer: null, transactions: [], rows };
}

/** One transaction of a final block, whoever has it: a receipt shows as much as the block does. @throws {CodecError} */
export function finalizedTransaction(
  crypto: CryptoProvider,
  header: Header,
  transaction: Transaction,
  index: number,
  result: Result,
): FinalizedTransaction {
  const projections = projectionsOf(header.protocolVersion);
  const bound = transaction.operations.map(({ type, body }) => {
    const projection = projections.get(type);
    if (projection === undefined) throw new Error(`block ${header.height} holds an operation of unknown type ${type}`);
    return projection.bind(body);
  });
  const [code, , , logIndex] = result;
  const sender = accountText(transaction.sender);
  const nonce = toHex(transaction.nonce);
  return {
    ...{ index, id: `${sender}/${nonce}`, sender, nonce, code, logIndex },
    label: transaction.label,
    expiry: transaction.expiry,
    operations: bound.map(({ body }, i) => ({ index: i, type: transaction.operations[i]!.type, body })),
    events: code === 0 ? eventsOf(crypto, header, transaction, bound) : [],
  };
}

function eventsOf(
  crypto: CryptoProvider,
  { height, timeMs }: Header,
  { sender, nonce, expiry }: Transaction,
  bound: readonly BoundProjection[],
): FinalizedEvent[] {
  const stem = transactionStem(crypto, { sender, nonce });
  const at = { crypto, height, timeMs, sender, nonce, expiry, stem, accountText };
  return bound.flatMap((projection, index) =>
    projection.events({ ...at, index }).map((event) => ({ ...event, operation: index })),
  );
}

/** The text form has a checksum, which costs more than looking up who sends again. Bounded. */
const MAX_KNOWN_ACCOUNTS = 10_000;
const knownAccounts = new Map<string, string>();

function accountText(id: Uint8Array): string {
  const key = keyText(id);
  const known = knownAccounts.get(key);
  if (known !== undefined) return known;
  if (knownAccounts.size >= MAX_KNOWN_ACCOUNTS) knownAccounts.clear();
  const text = accountIdToText(id);
  knownAccounts.set(key, text);
  return text;
}
