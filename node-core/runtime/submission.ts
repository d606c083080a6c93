/** The way of a transaction into the mempool: form, sender, signature, state, room; each check once. */
import type { AccountRecord } from '../chain/account.ts';
import { type Refusal, refusal } from '../chain/codes.ts';
import { signedMessage } from '../chain/transaction.ts';
import { equal, keyText } from '../codec/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { admissionRefusal, type ParsedTransaction, senderRefusal, transactionCost } from '../ledger/admission.ts';
import type { OperationTable } from '../ledger/operation-type.ts';
import { quotaAt } from '../ledger/quota.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { type SignatureCheck, type SignatureVerifier, SignatureVerifierError } from '../ports/signature-verifier.ts';
import type { ChainStore } from './chain-store.ts';
import type { Mempool, Pending } from './mempool.ts';
import { parseOrRefuse } from './parsing.ts';
import type { Telemetry } from './telemetry.ts';
import { Throughput } from './throughput.ts';

export interface SubmissionParts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  readonly mempool: Mempool;
  readonly verifier: SignatureVerifier;
  readonly table: OperationTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
}

export interface Accepted {
  readonly pending: Pending;
  /** False when the very same bytes were pending already. */
  readonly isNew: boolean;
}

/** Its signature is to be checked, or is being checked: the same bytes from elsewhere wait for the outcome. */
interface Unchecked {
  readonly parsed: ParsedTransaction;
  readonly account: AccountRecord;
  readonly digest: string;
  /** Resolves when all that were submitted together have an outcome. */
  readonly settled: Promise<void>;
  outcome: Accepted | Refusal | null;
}

/** The very same bytes are being checked already. */
interface Twin {
  readonly twin: Unchecked;
}

export class Submission {
  private readonly parts: SubmissionParts;
  /** By digest, as a map key. */
  private readonly checking = new Map<string, Unchecked>();
  private readonly throughput: Throughput;

  constructor(parts: SubmissionParts) {
    this.parts = parts;
    this.throughput = new Throughput(parts.clock);
  }

  /** Decodes; the signature and the state are not looked at. */
  parse(bytes: Uint8Array, digest?: Uint8Array): ParsedTransaction | Refusal {
    const { crypto, store, table, log } = this.parts;
    return parseOrRefuse(crypto, bytes, store.genesis, table, log, digest);
  }

  async submit(bytes: Uint8Array): Promise<Accepted | Refusal> {
    const [outcome] = await this.submitAll([bytes]);
    return outcome!;
  }

  /** Outcomes in the order of the transactions; all signatures are checked in one go. */
  async submitAll(transactions: readonly Uint8Array[]): Promise<(Accepted | Refusal)[]> {
    const { telemetry } = this.parts;
    const startMs = telemetry.now();
    let settle = (): void => {};
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const looked = transactions.map((bytes) => this.look(bytes, settled));
    const decodedMs = telemetry.now();
    const unchecked = looked.filter((row) => 'parsed' in row);
    let results: readonly boolean[] | null = null;
    try {
      results = await this.verify(unchecked);
    } finally {
      for (let i = 0; i < unchecked.length; i++) {
        const row = unchecked[i]!;
        this.checking.delete(row.digest);
        row.outcome = results === null ? this.full('signatures wait') : this.checked(row, results[i] === true);
      }
      settle();
    }
    const checkedMs = telemetry.now();
    const outcomes: (Accepted | Refusal)[] = [];
    for (const row of looked) {
      if ('parsed' in row) outcomes.push(row.outcome!);
      else outcomes.push('twin' in row ? await outcomeOf(row.twin) : row);
    }
    telemetry.admitted(outcomes, { startMs, decodedMs, checkedMs });
    return outcomes;
  }

  private checked(row: Unchecked, isValid: boolean): Accepted | Refusal {
    return isValid ? this.admit(row) : refusal('SIGNATURE_INVALID');
  }

  /** null when the node has more signatures to check than it can. */
  private async verify(rows: readonly Unchecked[]): Promise<readonly boolean[] | null> {
    const checks: SignatureCheck[] = rows.map(({ parsed: { transaction }, account }) => {
      return { key: account.key, message: signedMessage(transaction), signature: transaction.signature };
    });
    try {
      return checks.length === 0 ? [] : await this.parts.verifier.verify(checks);
    } catch (error) {
      if (error instanceof SignatureVerifierError && error.code === 'overloaded') return null;
      throw error;
    }
  }

  /** Everything before the signature. Who has no room is told before the dear part: a refusal must cost little. */
  private look(given: Uint8Array, settled: Promise<void>): Unchecked | Twin | Accepted | Refusal {
    const { crypto, store, mempool } = this.parts;
    const sha256 = crypto.hash('sha-256', given);
    const digest = keyText(sha256);
    const already = mempool.find(digest);
    if (already !== undefined) return { pending: already, isNew: false };
    const twin = this.checking.get(digest);
    if (twin !== undefined) return { twin };
    // Part of a message of many would keep the whole message.
    const bytes = given.length === given.buffer.byteLength ? given : new Uint8Array(given);
    const parsed = this.parse(bytes, sha256);
    if ('code' in parsed) return parsed;
    const account = senderRefusal(store, parsed.transaction);
    if ('code' in account) return account;
    if (!mempool.takes(parsed)) return this.full();
    const row: Unchecked = { parsed, account, digest, settled, outcome: null };
    this.checking.set(digest, row);
    return row;
  }

  /** MEMPOOL_FULL, and when half of what is pending will have been packed at the present rate. */
  private full(detail?: string): Refusal {
    const { size, sizeBytes } = this.parts.mempool;
    return {
      ...refusal('MEMPOOL_FULL', detail ?? `${size} transactions of ${sizeBytes} bytes are pending`),
      retryAfterSeconds: this.throughput.secondsFor(size / 2),
    };
  }

  /** The last part runs in one turn, so that two submissions cannot both take the last points of a sender. */
  private admit({ parsed, account, digest }: Unchecked): Accepted | Refusal {
    const { store, mempool, clock } = this.parts;
    const { transaction } = parsed;
    const twin = mempool.get(transaction.sender, transaction.nonce);
    if (twin !== undefined && equal(twin.parsed.transaction.bytes, transaction.bytes))
      return { pending: twin, isNew: false };
    const refused = this.refusalNow(parsed, account);
    // 1104 and 1105 come before 1106, which a pending twin is, and that before the rest.
    const isEarlier = refused?.code === 'EXPIRED' || refused?.code === 'EXPIRY_TOO_FAR';
    if (twin !== undefined && !isEarlier) return refusal('NONCE_USED', 'pending with other bytes');
    // The state forgets a pair some time after its expiry; a node does not, so that a pair has one receipt.
    if (!isEarlier && store.wasForgotten(parsed.stem)) return refusal('NONCE_USED');
    if (refused !== null) return refused;
    if (!mempool.takes(parsed)) return this.full();
    const cost = transactionCost(parsed, store.genesis.document.parameters, store.height + 1);
    const pending: Pending = { parsed, digest, cost, arrivedMs: clock.now() };
    mempool.add(pending);
    return { pending, isNew: true };
  }

  /** Codes 1104 to 1108 as they would be in the next block, with what is pending before it reserved. */
  refusalNow(parsed: ParsedTransaction, account: AccountRecord): Refusal | null {
    const { store, mempool, clock } = this.parts;
    const context = {
      state: store,
      parameters: store.genesis.document.parameters,
      height: store.height + 1,
      timeMs: Math.max(clock.now(), store.timeMs + 1),
    };
    const { sender } = parsed.transaction;
    // Accounts stay: whose key was looked at has a record.
    const { points } = quotaAt(store.sender(sender)!.quota, account.quota, context.timeMs);
    return admissionRefusal(context, parsed, account, points - mempool.reservedBy(sender));
  }

  /** After a block: drops what was packed or has become hopeless, so that it does not hold its sender's quota. */
  afterBlock(packed: readonly ParsedTransaction[]): void {
    const { store, mempool } = this.parts;
    this.throughput.committed(packed.length);
    for (const { transaction } of packed) mempool.remove(transaction.sender, transaction.nonce);
    for (const { parsed } of mempool.expiredBy(store.height)) {
      mempool.remove(parsed.transaction.sender, parsed.transaction.nonce);
    }
    const charged = new Map(packed.map(({ transaction: { sender } }) => [keyText(sender), sender]));
    for (const sender of charged.values()) this.dropUncovered(sender);
  }

  /** What the sender's points no longer cover goes, the newest first: it would only make validators wait for it. */
  private dropUncovered(sender: Uint8Array): void {
    const { store, mempool, clock } = this.parts;
    const record = store.sender(sender);
    if (record === undefined || mempool.reservedBy(sender) === 0) return;
    const { points } = quotaAt(record.quota, record.account.quota, Math.max(clock.now(), store.timeMs + 1));
    if (mempool.reservedBy(sender) <= points) return;
    const own = [...mempool.of(sender)];
    while (mempool.reservedBy(sender) > points) mempool.remove(sender, own.pop()!.parsed.transaction.nonce);
  }
}

async function outcomeOf(twin: Unchecked): Promise<Accepted | Refusal> {
  await twin.settled;
  const outcome = twin.outcome!;
  return 'pending' in outcome ? { ...outcome, isNew: false } : outcome;
}
