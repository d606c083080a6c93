/**
 * The ledger once more, as simple as it can be written: plain maps, exact fractions, copies instead of layers. It shares
 * with the real one nothing but the derivation of IDs, and the random tests hold the two against each other.
 */
import type { Level, Permission } from '../../node-core/chain/account.ts';
import { createdAccountId, recordId, transactionStem } from '../../node-core/chain/identifiers.ts';
import { stateKey } from '../../node-core/chain/state-keys.ts';
import { concat, fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { crypto } from './world.ts';

export interface ModelAccount {
  readonly kind: 'operator' | 'validator' | 'partner' | 'user';
  readonly permissions: readonly Permission[];
  readonly max: number;
  readonly periodMs: number;
  readonly level?: Level;
  readonly certifier?: string;
  readonly validUntil?: number;
}

export interface ModelSubject {
  readonly count: number;
  readonly head: string;
  readonly height: number;
}

export type ModelOperation =
  | { readonly type: 'admit'; readonly name: string; readonly key: string; readonly account: ModelAccount }
  | {
      readonly type: 'certify';
      readonly name: string | undefined;
      readonly key: string;
      readonly organisation: boolean;
      readonly level: Level;
      readonly validUntil: number | undefined;
    }
  | {
      readonly type: 'register' | 'registerBatch';
      readonly subject: string | undefined;
      readonly previous: string | undefined;
      readonly onBehalfOf: string | undefined;
    };

export interface ModelTransaction {
  readonly sender: string;
  readonly senderId: Uint8Array;
  readonly nonce: Uint8Array;
  readonly expiry: number;
  readonly sizeBytes: number;
  readonly operations: readonly ModelOperation[];
}

export interface ModelLimits {
  readonly expiryWindow: number;
  readonly nonceRetention: number;
  readonly maxPruned: number;
  readonly maxBlockTransactions: number;
  readonly userQuota: { readonly max: number; readonly periodMs: number };
}

export type ModelOutcome =
  | { readonly refused: string }
  | {
      readonly code: number;
      readonly operation: number | null;
      readonly points: number;
      readonly logIndex: number | null;
    };

/** Everything that a rejected transaction must leave as it was. */
interface Contents {
  accounts: Map<string, ModelAccount>;
  names: Set<string>;
  keys: Set<string>;
  /** Points times period, so that fractions are exact; and when they held. */
  quotas: Map<string, { exact: bigint; timeMs: number }>;
  subjects: Map<string, ModelSubject>;
  records: Set<string>;
}

export class Model {
  readonly limits: ModelLimits;
  now: Contents = {
    accounts: new Map(),
    names: new Set(),
    keys: new Set(),
    quotas: new Map(),
    subjects: new Map(),
    records: new Set(),
  };
  /** By sender and nonce; what has left records stays. */
  nonces = new Map<string, { expiry: number; height: number; code: number; stays: boolean }>();
  prunedThrough: number | null = null;
  logSize = 1;
  events = 0;

  constructor(limits: ModelLimits) {
    this.limits = limits;
  }

  create(id: string, account: ModelAccount, name: string | undefined, keys: readonly string[], timeMs: number): void {
    this.now.accounts.set(id, account);
    this.now.quotas.set(id, { exact: BigInt(account.max) * BigInt(account.periodMs), timeMs });
    if (name !== undefined) this.now.names.add(name.toLowerCase());
    for (const key of keys) this.now.keys.add(key);
  }

  block(height: number, timeMs: number, transactions: readonly ModelTransaction[]): ModelOutcome[] {
    this.prune(height);
    this.events = 0;
    const senders = new Set(this.now.accounts.keys());
    let packed = 0;
    return transactions.map((transaction) => {
      const refused = this.refuse(height, timeMs, transaction, senders, packed);
      if (refused !== null) return { refused };
      packed += 1;
      return this.pack(height, timeMs, transaction);
    });
  }

  private prune(height: number): void {
    const due = [...this.nonces].filter(
      ([, { expiry, stays }]) => !stays && expiry < height - this.limits.nonceRetention,
    );
    due.sort(([a, x], [b, y]) => x.expiry - y.expiry || x.height - y.height || (keyHash(a) < keyHash(b) ? -1 : 1));
    for (const [key, { expiry }] of due.slice(0, this.limits.maxPruned)) {
      this.nonces.delete(key);
      this.prunedThrough = Math.max(this.prunedThrough ?? 0, expiry);
    }
  }

  private refuse(
    height: number,
    timeMs: number,
    t: ModelTransaction,
    senders: Set<string>,
    packed: number,
  ): string | null {
    if (packed >= this.limits.maxBlockTransactions && senders.has(t.sender)) return 'MEMPOOL_FULL';
    if (!senders.has(t.sender)) return 'SENDER_UNKNOWN';
    if (t.expiry < height) return 'EXPIRED';
    if (t.expiry > height + this.limits.expiryWindow) return 'EXPIRY_TOO_FAR';
    if (this.nonces.has(`${t.sender}/${toHex(t.nonce)}`)) return 'NONCE_USED';
    const account = this.now.accounts.get(t.sender)!;
    if (!t.operations.every((operation) => allowed(account, operation, timeMs))) return 'NOT_PERMITTED';
    return this.points(t.sender, timeMs) < BigInt(cost(t, height)) ? 'QUOTA_SHORT' : null;
  }

  /** Whole points at a time. */
  points(id: string, timeMs: number): bigint {
    const { max, periodMs } = this.now.accounts.get(id)!;
    const { exact, timeMs: since } = this.now.quotas.get(id)!;
    const grown = exact + BigInt(timeMs - since) * BigInt(max);
    const most = BigInt(max) * BigInt(periodMs);
    return (grown > most ? most : grown) / BigInt(periodMs);
  }

  private pack(height: number, timeMs: number, t: ModelTransaction): ModelOutcome {
    const { max, periodMs } = this.now.accounts.get(t.sender)!;
    const { exact, timeMs: since } = this.now.quotas.get(t.sender)!;
    const grown = exact + BigInt(timeMs - since) * BigInt(max);
    const most = BigInt(max) * BigInt(periodMs);
    const points = cost(t, height);
    const left = (grown > most ? most : grown) - BigInt(points) * BigInt(periodMs);
    this.now.quotas.set(t.sender, { exact: left, timeMs });
    const before = copy(this.now);
    const eventsBefore = this.events;
    let code = 0;
    let operation: number | null = null;
    for (const [index, one] of t.operations.entries()) {
      code = this.run(height, timeMs, t, index, one);
      if (code === 0) continue;
      operation = index;
      this.now = before;
      this.events = eventsBefore;
      break;
    }
    const stays = code === 0 && t.operations.some(({ type }) => type === 'register' || type === 'registerBatch');
    this.nonces.set(`${t.sender}/${toHex(t.nonce)}`, { expiry: t.expiry, height, code, stays });
    const logIndex = code === 0 ? this.logSize : null;
    if (code === 0) this.logSize += 1;
    return { code, operation, points, logIndex };
  }

  private run(height: number, timeMs: number, t: ModelTransaction, index: number, one: ModelOperation): number {
    const by = { sender: t.senderId, nonce: t.nonce, expiry: t.expiry };
    if (one.type === 'admit' || one.type === 'certify') {
      if (one.name !== undefined && this.now.names.has(one.name.toLowerCase())) return 2101;
      if (this.now.keys.has(one.key)) return 2102;
      const id = toHex(createdAccountId(crypto, by, index));
      if (one.type === 'admit') {
        this.create(id, one.account, one.name, [one.key], timeMs);
      } else {
        if (one.organisation && ['anonymous', 'phone'].includes(one.level)) return 2103;
        if (one.validUntil !== undefined && one.validUntil <= timeMs) return 2104;
        const { level, validUntil } = one;
        const until = validUntil === undefined ? {} : { validUntil };
        const account = {
          kind: 'user',
          permissions: [],
          ...this.limits.userQuota,
          level,
          certifier: t.sender,
          ...until,
        } as const;
        this.create(id, account, one.name, [one.key], timeMs);
      }
    } else {
      const key = `${t.sender}/${one.subject}`;
      const head = this.now.subjects.get(key);
      if (one.previous !== undefined && one.subject === undefined) return 2201;
      if (one.previous !== undefined && head?.head !== one.previous) return 2202;
      const user = one.onBehalfOf === undefined ? undefined : this.now.accounts.get(one.onBehalfOf);
      if (one.onBehalfOf !== undefined) {
        if (user === undefined) return 2203;
        if (user.certifier !== t.sender) return 2204;
        if (user.level === 'registered') return 2205;
        if (user.validUntil !== undefined && user.validUntil <= timeMs) return 2206;
      }
      const id = toHex(recordId(crypto, by, index));
      this.now.records.add(id);
      if (one.subject !== undefined) this.now.subjects.set(key, { count: (head?.count ?? 0) + 1, head: id, height });
    }
    this.events += 1;
    return 0;
  }
}

function copy(contents: Contents): Contents {
  return {
    accounts: new Map(contents.accounts),
    names: new Set(contents.names),
    keys: new Set(contents.keys),
    quotas: new Map(contents.quotas),
    subjects: new Map(contents.subjects),
    records: new Set(contents.records),
  };
}

function allowed(account: ModelAccount, { type }: ModelOperation, timeMs: number): boolean {
  if (type === 'admit') return account.kind === 'operator';
  if (type === 'certify') return account.kind === 'partner' && account.permissions.includes('identity');
  if (account.kind === 'partner') return account.permissions.includes('evidence');
  if (account.kind !== 'user' || !['certificate', 'realname', 'phone'].includes(account.level!)) return false;
  return account.validUntil === undefined || timeMs < account.validUntil;
}

/** The default price list: 100 an operation, 1 a byte, 50 a state entry, 50 a signature, 10 a thousand heights. */
function cost(t: ModelTransaction, height: number): number {
  let entries = 1;
  for (const one of t.operations) {
    if (one.type === 'admit' || one.type === 'certify') entries += one.name === undefined ? 3 : 4;
    else entries += one.subject === undefined ? 1 : 2;
  }
  return 100 * t.operations.length + t.sizeBytes + 50 * entries + 50 + 10 * Math.ceil((t.expiry - height) / 1_000);
}

/** Of the state key of a nonce: what decides when expiry and height are the same. */
function keyHash(identity: string): string {
  const [sender, nonce] = identity.split('/') as [string, string];
  const key = stateKey.transaction(transactionStem(crypto, { sender: fromHex(sender), nonce: fromHex(nonce) }));
  return toHex(crypto.hash('sha-256', concat(Uint8Array.of(0x23), key)));
}
