/** What a client does, whatever the operations are: sign, send, wait, prove. */
import { type AccountRecord, decodeAccount } from '../node-core/chain/account.ts';
import { BropError } from '../node-core/chain/codes.ts';
import { PROTOCOL_VERSION } from '../node-core/chain/genesis.ts';
import { type AccountId, NONCE_BYTES } from '../node-core/chain/identifiers.ts';
import type { Scope } from '../node-core/chain/scopes.ts';
import { stateKey } from '../node-core/chain/state-keys.ts';
import {
  finishTransaction,
  type Operation,
  prepareTransaction,
  type TransactionDraft,
  type UnsignedTransaction,
} from '../node-core/chain/transaction.ts';
import { accountIdFromText, accountIdToText } from '../node-core/codec/account-id.ts';
import type { CryptoProvider, PublicKey } from '../node-core/crypto/provider.ts';
import { pureCrypto } from '../node-core/crypto/pure.ts';
import { SIGNATURE_BYTES } from '../node-core/crypto/suite.ts';
import { ApiError, type SignedTransaction, UnsettledError } from './errors.ts';
import { type ChainStatus, Heights } from './heights.ts';
import { COSE_TYPE, defaultFetch, type Fetch, Http, type RequestOptions, STATE_PROOF_TYPE } from './http.ts';
import { Login } from './login.ts';
import type { PreparedTransaction } from './prepared.ts';
import { type Outcome, type SettleParts, settle } from './settle.ts';
import type { Signer } from './signer.ts';
import { partsOf, SENT_TOGETHER, sendTogether } from './together.ts';
import type { Place, ReceiptSummary } from './verdict.ts';
import { genesisHashOf, verifyStateProof } from './verify.ts';

export interface ClientOptions {
  /** Of a node's API, such as `https://node.example`. */
  readonly url: string;
  /** 32 bytes, or 64 hexadecimal digits: all that is trusted. */
  readonly genesisHash: Uint8Array | string;
  /** Who signs, and for which account. A client that only reads needs neither. */
  readonly signer?: Signer;
  readonly account?: AccountId | string;
  readonly fetch?: Fetch;
  /** Where the operator of a node asks whoever writes for one: it goes to this node alone, and into no error. */
  readonly apiKey?: string | undefined;
  readonly crypto?: CryptoProvider;
  /** For tests. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface SubmitOptions {
  /** CWT subject of the statement: what it is about, for people; the type of the first operation by default. */
  readonly label?: string;
  /** The transaction is to be packed within this time or never: a minute by default. */
  readonly expiresInMs?: number;
  /** Points; what would cost more by the node's quote is not signed. */
  readonly maxCost?: number;
  /** How often the intent is signed in all; each time after the first needs an expiry certificate. 3 by default. */
  readonly attempts?: number;
  /** Ends the waiting, not the transaction: what was sent may still be packed. */
  readonly signal?: AbortSignal;
}

/** Each is signed once; one that expires is an error, and its certificate makes it safe to sign another. */
export type SubmitAllOptions = Omit<SubmitOptions, 'attempts' | 'maxCost'>;

export type PrepareOptions = Pick<SubmitOptions, 'label' | 'expiresInMs'>;

export interface Submitted {
  /** The receipt file, verified. */
  readonly receipt: Uint8Array;
  readonly summary: ReceiptSummary;
  readonly transaction: SignedTransaction;
}

export interface Quote {
  readonly cost: number;
  readonly available: number;
  readonly refusal: {
    readonly code: number;
    readonly name: string;
    readonly title: string;
    readonly detail?: string;
  } | null;
}

const DEFAULT_EXPIRES_IN_MS = 60_000;
const DEFAULT_ATTEMPTS = 3;
/** Receipts that are waited for at once after many were sent together. */
const SETTLED_AT_ONCE = 16;

export class ClientCore {
  readonly crypto: CryptoProvider;
  readonly fetch: Fetch;
  private readonly genesisHash: Uint8Array;
  private readonly http: Http;
  private readonly heights: Heights;
  private readonly parts: SettleParts;
  private readonly signer: Signer | undefined;
  private readonly sender: AccountId | undefined;
  private loggedIn: Login | undefined;

  constructor(options: ClientOptions) {
    const { url, account, signer, crypto = pureCrypto, fetch = defaultFetch, sleep = pause } = options;
    this.crypto = crypto;
    this.fetch = fetch;
    this.genesisHash = genesisHashOf(options.genesisHash);
    this.http = new Http(url, fetch, options.apiKey);
    this.heights = new Heights(this.http, this.genesisHash);
    this.parts = { http: this.http, crypto, genesisHash: this.genesisHash, sleep };
    this.signer = signer;
    this.sender = account === undefined ? undefined : accountIdOf(account);
  }

  /**
   * Signs, sends, waits and verifies. A rejection by a business rule is an outcome too: see `summary.code`.
   * The same intent is signed again, under the same nonce, only on a verified expiry certificate.
   * @throws {UnsettledError} when the node refuses it, or the outcome could not be proven in time.
   */
  async submit(operations: readonly Operation[], options: SubmitOptions = {}): Promise<Submitted> {
    const {
      expiresInMs = DEFAULT_EXPIRES_IN_MS,
      attempts = DEFAULT_ATTEMPTS,
      label = operations[0]?.type ?? '',
    } = options;
    this.identity();
    if (options.maxCost !== undefined) await this.checkCost(operations, options.maxCost);
    const nonce = globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    for (let attempt = 1; ; attempt++) {
      const signal = bounded(options.signal, 2 * expiresInMs + DEFAULT_EXPIRES_IN_MS);
      // Read before each signature: a height from memory makes what has expired already.
      const expiry = await this.heights.expiryAfter(expiresInMs, options.signal);
      const transaction = await this.sign(operations, label, nonce, expiry);
      const outcome = await settle(this.parts, transaction, signal, false);
      if (outcome.status === 'final') return { receipt: outcome.receipt, summary: outcome.summary, transaction };
      if (attempt >= attempts)
        throw new UnsettledError('EXPIRED', transaction, false, { detail: `signed ${attempt} times` });
    }
  }

  /** @returns for each what `submit` would give or throw. */
  async submitAll(
    list: readonly (readonly Operation[])[],
    options: SubmitAllOptions = {},
  ): Promise<readonly PromiseSettledResult<Submitted>[]> {
    const { expiresInMs = DEFAULT_EXPIRES_IN_MS } = options;
    this.identity();
    const signal = bounded(options.signal, 2 * expiresInMs + DEFAULT_EXPIRES_IN_MS);
    const results: PromiseSettledResult<Submitted>[] = [];
    for (let at = 0; at < list.length; at += SENT_TOGETHER) {
      const expiry = await this.heights.expiryAfter(expiresInMs, options.signal);
      const signed: SignedTransaction[] = [];
      for (const operations of list.slice(at, at + SENT_TOGETHER)) {
        const nonce = globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
        signed.push(await this.sign(operations, options.label ?? operations[0]?.type ?? '', nonce, expiry));
      }
      for (const part of partsOf(signed)) {
        const refusals = await sendTogether(this.http, part, signal);
        for (let i = 0; i < part.length; i += SETTLED_AT_ONCE) {
          const some = part.slice(i, i + SETTLED_AT_ONCE).map((tx, n) => this.settled(tx, refusals[i + n]!, signal));
          results.push(...(await Promise.allSettled(some)));
        }
      }
    }
    return results;
  }

  private async settled(transaction: SignedTransaction, refused: BropError | null, signal: AbortSignal) {
    if (refused !== null) throw new UnsettledError(refused.code, transaction, false, { cause: refused });
    const outcome = await settle(this.parts, transaction, signal, true);
    if (outcome.status === 'expired') throw new UnsettledError('EXPIRED', transaction, false);
    return { receipt: outcome.receipt, summary: outcome.summary, transaction };
  }

  /**
   * The key is the account's own, by the proof of the chain.
   * @throws {BropError} SENDER_UNKNOWN
   */
  async prepare(operations: readonly Operation[], options: PrepareOptions = {}): Promise<PreparedTransaction> {
    const { sender } = this;
    if (sender === undefined) throw new TypeError('this client was made without account');
    const { expiresInMs = DEFAULT_EXPIRES_IN_MS, label = operations[0]?.type ?? '' } = options;
    const { account } = await this.account(sender);
    if (account === null) throw new BropError('SENDER_UNKNOWN', accountIdToText(sender));
    const expiry = await this.heights.expiryAfter(expiresInMs);
    const nonce = globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const unsigned = this.unsigned({ sender, label, nonce, expiry, operations }, account.key);
    const bytes = finishTransaction(unsigned, new Uint8Array(SIGNATURE_BYTES));
    return { message: unsigned.message, unsigned: bytes, key: account.key, sender, nonce, expiry };
  }

  /** Goes on with a transaction whose outcome is open, after a restart for example. */
  settle(transaction: SignedTransaction, signal?: AbortSignal): Promise<Outcome> {
    return settle(this.parts, transaction, signal ?? new AbortController().signal, true);
  }

  /** What the operations would cost now, and whether they would be refused. The node's word: there is no proof. */
  async quote(operations: readonly Operation[]): Promise<Quote> {
    const { signer, sender } = this.identity();
    const expiry = await this.heights.expiryAfter(DEFAULT_EXPIRES_IN_MS);
    const draft = { sender, label: 'quote', nonce: new Uint8Array(NONCE_BYTES), expiry, operations };
    const body = finishTransaction(this.unsigned(draft, signer.publicKey), new Uint8Array(SIGNATURE_BYTES));
    return this.http.json<Quote>('/v1/quote', { method: 'POST', headers: { 'Content-Type': COSE_TYPE }, body });
  }

  /** The account's record, proven against the newest block, or null when it is proven that there is none. */
  async account(id: AccountId | string): Promise<Place & { readonly account: AccountRecord | null }> {
    const bytes = accountIdOf(id);
    const proof = await this.http.proof(`/v1/state-proof?account=${accountIdToText(bytes)}`, STATE_PROOF_TYPE);
    const { genesisHash, crypto } = this;
    const verdict = verifyStateProof(proof, { genesisHash, crypto, key: stateKey.account(bytes) });
    if (!verdict.ok) throw new BropError(verdict.code, verdict.detail);
    const { ok: _, value, ...place } = verdict;
    return { ...place, account: value === null ? null : decodeAccount(value) };
  }

  status(): Promise<ChainStatus> {
    return this.heights.status();
  }

  login(): Login {
    const { signer, sender: account } = this.identity();
    const { http, crypto, genesisHash } = this;
    this.loggedIn ??= new Login({ http, crypto, genesisHash, signer, account });
    return this.loggedIn;
  }

  async authorizedFetch(path: string, scope: Scope, init: RequestInit = {}): Promise<Response> {
    const login = this.login();
    const send = async () => {
      const headers = new Headers(init.headers);
      headers.set('Authorization', `Bearer ${await login.token([scope])}`);
      return this.http.send(path, { ...init, headers });
    };
    const answer = await send();
    if (answer.status !== 401) return answer;
    await answer.body?.cancel();
    login.forget();
    return send();
  }

  /** The answer to a request that carries a token. @throws {ApiError} | {BropError} as every request */
  async authorizedJson<T>(path: string, scope: Scope, options: RequestOptions): Promise<T> {
    const { login, http } = { login: this.login(), http: this.http };
    const send = async () => {
      const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${await login.token([scope])}` };
      return http.json<T>(path, { ...options, headers });
    };
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      login.forget();
      return send();
    }
  }

  pause(ms: number, signal: AbortSignal): Promise<void> {
    return this.parts.sleep(ms, signal);
  }

  private async sign(
    operations: readonly Operation[],
    label: string,
    nonce: Uint8Array,
    expiry: number,
  ): Promise<SignedTransaction> {
    const { signer, sender } = this.identity();
    const unsigned = this.unsigned({ sender, label, nonce, expiry, operations }, signer.publicKey);
    const bytes = finishTransaction(unsigned, await signer.sign(unsigned.message));
    return { bytes, sender, nonce, expiry };
  }

  private unsigned(draft: Omit<TransactionDraft, 'chain' | 'protocolVersion'>, key: PublicKey): UnsignedTransaction {
    const scope = { chain: this.genesisHash, protocolVersion: PROTOCOL_VERSION };
    return prepareTransaction(this.crypto, { ...scope, ...draft }, key);
  }

  private async checkCost(operations: readonly Operation[], maxCost: number): Promise<void> {
    const { cost } = await this.quote(operations);
    if (cost > maxCost)
      throw new BropError('QUOTA_SHORT', `It would cost ${cost} points, more than maxCost ${maxCost}.`);
  }

  /** @throws {TypeError} when this client only reads. */
  private identity(): { readonly signer: Signer; readonly sender: AccountId } {
    const { signer, sender } = this;
    if (signer === undefined || sender === undefined)
      throw new TypeError('this client was made without signer and account');
    return { signer, sender };
  }
}

function accountIdOf(account: AccountId | string): AccountId {
  return typeof account === 'string' ? accountIdFromText(account) : account;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

function bounded(signal: AbortSignal | undefined, ms: number): AbortSignal {
  const timeout = AbortSignal.timeout(ms);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}
