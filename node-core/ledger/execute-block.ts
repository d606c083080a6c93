/**
 * Execution of one block over the state before it: a pure function. Proposers add candidates one by one and drop what
 * is refused; validators add what was proposed and refuse the block when one is refused.
 */
import type { AccountRecord } from '../chain/account.ts';
import { blockLeafOf, type ChainEvent, encodeEvent, type Result } from '../chain/block.ts';
import { CODES, type Refusal, refusal } from '../chain/codes.ts';
import type { Genesis } from '../chain/genesis.ts';
import { encodeHeader, type Header } from '../chain/header.ts';
import { type AccountId, headerHash } from '../chain/identifiers.ts';
import { stateKey } from '../chain/state-keys.ts';
import { encodeTransactionEntry, type Left } from '../chain/transaction-entry.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import { keyText } from '../codec/bytes.ts';
import type { CborValue } from '../codec/cbor.ts';
import { type LogFrontier, leafHash, rootOf } from '../crypto/merkle-log.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { admissionRefusal, type ParsedTransaction, transactionCost } from './admission.ts';
import { type ExpiringNonce, pruneNonces } from './nonces.ts';
import type { Effects, OperationContext } from './operation-type.ts';
import { encodeQuota, type Quota, quotaAt, spend } from './quota.ts';
import { responsibility } from './responsibility.ts';
import type { SenderRecord } from './senders.ts';
import { type PlacedChange, placed, StateLayer, type StateReader, updateStateTree } from './state.ts';
import { validatorsOf } from './validators.ts';

/** The chain as it stands before the block. */
export interface LedgerView extends StateReader {
  readonly genesis: Genesis;
  readonly height: number;
  /** Header hash of `height`, or the genesis hash at height 0. */
  readonly parent: Uint8Array;
  readonly timeMs: number;
  readonly validators: ValidatorSet;
  readonly frontier: LogFrontier;
  /** An account as it was before the block. */
  sender(id: Uint8Array): SenderRecord | undefined;
  /** Encoded page of the state tree. */
  page(path: Uint8Array): Uint8Array | undefined;
  expiringNonces(through: number, limit: number): Iterable<ExpiringNonce>;
}

export interface Proposing {
  readonly timeMs: number;
  readonly round: number;
  readonly proposer: Uint8Array;
}

/** Everything that a decided block changes, ready to be written in one batch. */
export interface ExecutedBlock {
  readonly header: Header;
  readonly headerBytes: Uint8Array;
  readonly headerHash: Uint8Array;
  /** The set that signs the next block. */
  readonly nextValidators: ValidatorSet;
  readonly transactions: readonly ParsedTransaction[];
  readonly results: readonly Result[];
  /** Account records that the results refer to, by position. */
  readonly senders: readonly Uint8Array[];
  readonly events: readonly ChainEvent[];
  readonly frontier: LogFrontier;
  readonly logLeafHashes: readonly Uint8Array[];
  readonly changes: readonly PlacedChange[];
  readonly pages: ReadonlyMap<string, Uint8Array | null>;
  /** Of the transactions that have left no records. */
  readonly noncesAdded: readonly ExpiringNonce[];
  readonly noncesRemoved: readonly ExpiringNonce[];
}

/** Which operation broke a business rule, and which rule. */
interface Rejection {
  readonly operation: number;
  readonly refusal: Refusal;
}

/** What the operations of an applied transaction have left in its entry. */
interface Applied {
  readonly records: Left['records'];
}

/** What the operations of one transaction do: to the state at once, the rest gathered. */
class TransactionEffects implements Effects, Applied {
  readonly events: ChainEvent[] = [];
  readonly records: [number, CborValue][] = [];
  /** The one that is being carried out. */
  operation = 0;
  private readonly state: StateLayer;
  private readonly position: number;

  /** @param position of the transaction in the block. */
  constructor(state: StateLayer, position: number) {
    this.state = state;
    this.position = position;
  }

  set(key: Uint8Array, value: Uint8Array): void {
    this.state.set(key, value);
  }

  emit(type: string, data: CborValue): void {
    this.events.push([this.position, this.operation, type, data]);
  }

  leave(record: CborValue): void {
    this.records.push([this.operation, record]);
  }
}

/** What counts against maxBlockBytes beside the transactions: header and heads of the block, head of each string. */
const BLOCK_OVERHEAD_BYTES = 1_024;
const TRANSACTION_OVERHEAD_BYTES = 5;

export class BlockExecution {
  private readonly crypto: CryptoProvider;
  private readonly view: LedgerView;
  private readonly proposing: Proposing;
  private readonly height: number;
  private readonly layer: StateLayer;
  /** What the operations of one transaction change, until all have succeeded. */
  private readonly trial: StateLayer;
  private readonly removed: readonly ExpiringNonce[];
  private readonly packed: ParsedTransaction[] = [];
  private sizeBytes = BLOCK_OVERHEAD_BYTES;
  private readonly results: Result[] = [];
  private readonly senders: Uint8Array[] = [];
  private readonly events: ChainEvent[] = [];
  private readonly logLeaves: Uint8Array[] = [];
  private readonly noncesAdded: ExpiringNonce[] = [];
  /** What is left to those who have sent in this block. Written at its end: no operation reads its sender's quota. */
  private readonly charged = new Map<string, { readonly sender: AccountId; readonly quota: Quota }>();
  private readonly sha256 = (bytes: Uint8Array) => this.crypto.hash('sha-256', bytes);

  constructor(crypto: CryptoProvider, view: LedgerView, proposing: Proposing) {
    this.crypto = crypto;
    this.view = view;
    this.proposing = proposing;
    this.height = view.height + 1;
    if (proposing.timeMs <= view.timeMs) throw new Error('block time does not ascend');
    this.layer = new StateLayer(view);
    this.trial = new StateLayer(this.layer);
    const { parameters } = view.genesis.document;
    const expiring = (through: number, limit: number) => view.expiringNonces(through, limit);
    this.removed = pruneNonces(this.layer, parameters, this.height, expiring);
  }

  /**
   * Packs one transaction whose signature has been verified with the key that its sender had before this block. A
   * refusal means that it may not be packed; nothing has changed then.
   */
  add(parsed: ParsedTransaction): Refusal | null {
    const { parameters } = this.view.genesis.document;
    const { sender, expiry, bytes } = parsed.transaction;
    const sizeBytes = this.sizeBytes + TRANSACTION_OVERHEAD_BYTES + bytes.length;
    if (this.packed.length >= parameters.maxBlockTransactions || sizeBytes > parameters.maxBlockBytes) {
      return refusal('MEMPOOL_FULL', 'the block is full');
    }
    // An account that this block creates is no sender yet.
    const record = this.view.sender(sender);
    if (record === undefined) return refusal('SENDER_UNKNOWN');
    const context = { state: this.layer, parameters, height: this.height, timeMs: this.proposing.timeMs };
    const text = keyText(sender);
    const quota = this.charged.get(text)?.quota ?? quotaAt(record.quota, record.account.quota, context.timeMs);
    const refused = admissionRefusal(context, parsed, record.account, quota.points);
    if (refused !== null) return refused;
    const cost = transactionCost(parsed, parameters, this.height);
    // Before the operations run: a rejected transaction is charged just the same.
    this.charged.set(text, { sender, quota: spend(quota, cost) });
    const outcome = this.run(parsed, record.account);
    const rejection = 'refusal' in outcome ? outcome : null;
    const code = rejection === null ? 0 : CODES[rejection.refusal.code].number;
    const left = 'records' in outcome ? this.leftBy(parsed, outcome, record.account) : null;
    this.layer.set(parsed.entryKey, encodeTransactionEntry({ expiry, height: this.height, code, left }));
    if (left === null) this.noncesAdded.push({ expiry, height: this.height, stem: parsed.stem });
    const logIndex = rejection === null ? this.view.frontier.size + this.logLeaves.length : null;
    if (rejection === null) this.logLeaves.push(leafHash(this.sha256, bytes));
    this.results.push([code, rejection?.operation ?? null, cost, logIndex, record.digest]);
    this.senders.push(record.bytes);
    this.sizeBytes = sizeBytes;
    this.packed.push(parsed);
    return null;
  }

  /** All operations succeed together or none has any effect. */
  private run(parsed: ParsedTransaction, senderAccount: AccountRecord): Rejection | Applied {
    const { view, trial, height } = this;
    const { document, hash: chain } = view.genesis;
    const { sender, nonce, expiry } = parsed.transaction;
    const effects = new TransactionEffects(trial, this.packed.length);
    for (let index = 0; index < parsed.operations.length; index++) {
      const operation = parsed.operations[index]!;
      // Field by field: spread from parts of it, the object costs as much as a hash.
      const context: OperationContext = {
        crypto: this.crypto,
        parameters: document.parameters,
        genesis: view.genesis,
        chain,
        protocolVersion: document.protocolVersion,
        validators: view.validators,
        height,
        timeMs: this.proposing.timeMs,
        sender,
        senderAccount,
        nonce,
        expiry,
        stem: parsed.stem,
        index,
        rule: operation.rule,
        state: trial,
      };
      const rejected = operation.check(context);
      if (rejected !== null) {
        trial.clear();
        return { operation: index, refusal: rejected };
      }
      effects.operation = index;
      operation.apply(context, effects);
    }
    trial.moveInto(this.layer);
    for (const event of effects.events) this.events.push(event);
    return effects;
  }

  private leftBy({ transaction }: ParsedTransaction, { records }: Applied, account: AccountRecord): Left | null {
    if (records.length === 0) return null;
    const { sender, nonce } = transaction;
    return { sender, nonce, timeMs: this.proposing.timeMs, ...responsibility(this.layer, account), records };
  }

  /** Computes the roots and the header. The execution is used up. */
  finish(): ExecutedBlock {
    const { view, sha256 } = this;
    const { document } = view.genesis;
    const stateHash = (bytes: Uint8Array) => this.crypto.hash(document.stateHash, bytes);
    for (const { sender, quota } of this.charged.values()) this.layer.set(stateKey.quota(sender), encodeQuota(quota));
    const nextValidators = validatorsOf(this.crypto, this.layer, view.validators, this.height + 1);
    const changes = placed(stateHash, this.layer.changes());
    const { root: stateRoot, pages } = updateStateTree(stateHash, (path) => view.page(path), changes);
    const frontier = view.frontier.append(this.logLeaves);
    const leaves = this.packed.map((p, i) => leafHash(sha256, blockLeafOf(p.digest, this.results[i]!)));
    const header: Header = {
      protocolVersion: document.protocolVersion,
      chain: view.genesis.hash,
      height: this.height,
      timeMs: this.proposing.timeMs,
      parent: view.parent,
      logSize: frontier.size,
      logRoot: frontier.root(),
      transactionCount: this.packed.length,
      blockRoot: rootOf(sha256, leaves),
      stateRoot,
      eventsRoot: rootOf(
        sha256,
        this.events.map((event) => leafHash(sha256, encodeEvent(event))),
      ),
      eventCount: this.events.length,
      validatorsHash: view.validators.hash,
      nextValidatorsHash: nextValidators.hash,
      round: this.proposing.round,
      proposer: this.proposing.proposer,
    };
    const headerBytes = encodeHeader(header);
    return {
      header,
      headerBytes,
      headerHash: headerHash(this.crypto, headerBytes),
      nextValidators,
      transactions: this.packed,
      results: this.results,
      senders: this.senders,
      events: this.events,
      frontier,
      logLeafHashes: this.logLeaves,
      changes,
      pages,
      noncesAdded: this.noncesAdded,
      noncesRemoved: this.removed,
    };
  }
}
