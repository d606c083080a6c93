/** The way of a transaction into the mempool: form, sender, signature, state, room; each check once. */
import type { AccountRecord } from '../chain/account.ts';
import { type Refusal, refusal } from '../chain/codes.ts';
import { equal, toHex } from '../codec/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { quotaOf } from '../ledger/accounts.ts';
import { admissionRefusal, type ParsedTransaction, senderRefusal, transactionCost } from '../ledger/admission.ts';
import type { OperationTable } from '../ledger/operation-type.ts';
import { quotaAt } from '../ledger/quota.ts';
import { keyText } from '../ledger/state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { type SignatureCheck, type SignatureVerifier, SignatureVerifierError } from '../ports/signature-verifier.ts';
import type { ChainStore } from './chain-store.ts';
import type { Mempool, Pending } from './mempool.ts';
import { parseOrRefuse } from './parsing.ts';
import type { Telemetry } from './telemetry.ts';

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

interface Unchecked {
  readonly parsed: ParsedTransaction;
  readonly account: AccountRecord;
  readonly digest: string;
}

export class Submission {
  private readonly parts: SubmissionParts;

  constructor(parts: SubmissionParts) {
    this.parts = parts;
  }

  /** Decodes; the signature and the state are not looked at. */
  parse(bytes: Uint8Array): ParsedTransaction | Refusal {
    const { store, table, log } = this.parts;
    return parseOrRefuse(bytes, store.genesis, table, log);
  }

  async submit(bytes: Uint8Array): Promise<Accepted | Refusal> {
    const [outcome] = await this.submitAll([bytes]);
    return outcome!;
  }

  /** Outcomes in the order of the transactions; all signatures are checked in one go. */
  async submitAll(transactions: readonly Uint8Array[]): Promise<(Accepted | Refusal)[]> {
    const { telemetry } = this.parts;
    const startMs = telemetry.now();
    const looked = transactions.map((bytes) => this.look(bytes));
    const decodedMs = telemetry.now();
    const unchecked = looked.filter((row) => 'parsed' in row);
    const checks = unchecked.map(({ parsed, account }) => {
      const { message, signature } = parsed.transaction;
      return { key: account.key, message, signature };
    });
    const results = await this.verify(checks);
    const checkedMs = telemetry.now();
    const valid = new Set(unchecked.filter((_, i) => results?.[i] === true));
    const outcomes = looked.map((row) => {
      if (!('parsed' in row)) return row;
      if (results === null) return refusal('MEMPOOL_FULL', 'signatures wait');
      return valid.has(row) ? this.admit(row) : refusal('SIGNATURE_INVALID');
    });
    telemetry.admitted(outcomes, { startMs, decodedMs, checkedMs });
    return outcomes;
  }

  /** null when the node has more signatures to check than it can. */
  private async verify(checks: readonly SignatureCheck[]): Promise<readonly boolean[] | null> {
    try {
      return checks.length === 0 ? [] : await this.parts.verifier.verify(checks);
    } catch (error) {
      if (error instanceof SignatureVerifierError && error.code === 'overloaded') return null;
      throw error;
    }
  }

  /** Everything before the signature. */
  private look(bytes: Uint8Array): Unchecked | Accepted | Refusal {
    const { crypto, store, mempool } = this.parts;
    const digest = toHex(crypto.hash('sha-256', bytes));
    const already = mempool.find(digest);
    if (already !== undefined) return { pending: already, isNew: false };
    const parsed = this.parse(bytes);
    if ('code' in parsed) return parsed;
    const account = senderRefusal(store, parsed.transaction);
    return 'code' in account ? account : { parsed, account, digest };
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
    if (!isEarlier && store.place(transaction.sender, transaction.nonce) !== undefined) return refusal('NONCE_USED');
    const full = refused ?? mempool.room(transaction.bytes.length);
    if (full !== null) return full;
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
    const { points } = quotaAt(quotaOf(store, sender), account.quota, context.timeMs);
    return admissionRefusal(context, parsed, account, points - mempool.reservedBy(sender));
  }

  /** After a block: drops what was packed or has become hopeless, so that it does not hold its sender's quota. */
  afterBlock(packed: readonly ParsedTransaction[]): void {
    const { store, mempool } = this.parts;
    for (const { transaction } of packed) mempool.remove(transaction.sender, transaction.nonce);
    for (const { parsed } of [...mempool.all()]) {
      const { sender, nonce, expiry } = parsed.transaction;
      if (expiry > store.height) continue;
      mempool.remove(sender, nonce);
    }
    const charged = new Map([...packed].map(({ transaction: { sender } }) => [keyText(sender), sender]));
    for (const sender of charged.values()) this.dropUncovered(sender);
  }

  /** What the sender's points no longer cover goes, the newest first: it would only make validators wait for it. */
  private dropUncovered(sender: Uint8Array): void {
    const { store, mempool, clock } = this.parts;
    const grant = store.sender(sender)?.account.quota;
    if (grant === undefined || mempool.reservedBy(sender) === 0) return;
    const { points } = quotaAt(quotaOf(store, sender), grant, Math.max(clock.now(), store.timeMs + 1));
    if (mempool.reservedBy(sender) <= points) return;
    const own = [...mempool.all()].filter(({ parsed }) => equal(parsed.transaction.sender, sender));
    while (mempool.reservedBy(sender) > points) mempool.remove(sender, own.pop()!.parsed.transaction.nonce);
  }
}
