/**
 * The client of a node. It believes no answer without its proof: receipts, expiry certificates and account records are
 * verified here, from the genesis hash, before anybody sees them.
 */
import { type AccountRecord, decodeAccount } from '../node-core/chain/account.ts';
import { Batch } from '../node-core/chain/batch.ts';
import { BropError } from '../node-core/chain/codes.ts';
import { PROTOCOL_VERSION } from '../node-core/chain/genesis.ts';
import { type AccountId, createdAccountId, NONCE_BYTES, recordId } from '../node-core/chain/identifiers.ts';
import { ADMIT_PARTNER, type AdmitPartner, admitPartnerBody } from '../node-core/chain/operations/admit-partner.ts';
import {
  ADMIT_VALIDATOR,
  type AdmitValidator,
  admitValidatorBody,
} from '../node-core/chain/operations/admit-validator.ts';
import { CERTIFY, type Certify, certifyBody } from '../node-core/chain/operations/certify.ts';
import {
  REGISTER,
  REGISTER_BATCH,
  type Register,
  type RegisterBatch,
  registerBatchBody,
  registerBody,
} from '../node-core/chain/operations/evidence.ts';
import {
  REGISTER_NODE,
  type RegisterNode,
  registerNodeBody,
  UNREGISTER_NODE,
  type UnregisterNode,
  unregisterNodeBody,
} from '../node-core/chain/operations/register-node.ts';
import { SET_VALIDATORS, type SetValidators, setValidatorsBody } from '../node-core/chain/operations/set-validators.ts';
import type { Scope } from '../node-core/chain/scopes.ts';
import { stateKey } from '../node-core/chain/state-keys.ts';
import { finishTransaction, type Operation, prepareTransaction } from '../node-core/chain/transaction.ts';
import { accountIdFromText, accountIdToText } from '../node-core/codec/account-id.ts';
import type { CryptoProvider } from '../node-core/crypto/provider.ts';
import { pureCrypto } from '../node-core/crypto/pure.ts';
import { SIGNATURE_BYTES } from '../node-core/crypto/suite.ts';
import { RejectedError, type SignedTransaction, UnsettledError } from './errors.ts';
import { type ChainStatus, Heights } from './heights.ts';
import { COSE_TYPE, defaultFetch, type Fetch, Http, STATE_PROOF_TYPE } from './http.ts';
import { Login } from './login.ts';
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
  readonly crypto?: CryptoProvider;
  /** For tests. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface SubmitOptions {
  /** CWT subject of the statement: what it is about, for people; the type of the first operation by default. */
  readonly label?: string;
  /** The transaction is to be packed within this time or never: a minute by default. */
  readonly expiresInMs?: number;
  /** How often the intent is signed in all; each time after the first needs an expiry certificate. 3 by default. */
  readonly attempts?: number;
  /** Ends the waiting, not the transaction: what was sent may still be packed. */
  readonly signal?: AbortSignal;
}

/** Each is signed once; one that expires is an error, and its certificate makes it safe to sign another. */
export type SubmitAllOptions = Omit<SubmitOptions, 'attempts'>;

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

export type Client = ReturnType<typeof createClient>;

const DEFAULT_EXPIRES_IN_MS = 60_000;
const DEFAULT_ATTEMPTS = 3;
/** Receipts that are waited for at once after many were sent together. */
const SETTLED_AT_ONCE = 16;

/**
 * @example
 * const client = createClient({ url, genesisHash, signer, account: 'brop1…' });
 * const { receipt, record } = await client.evidence.register({ digests: await digestOf(file) });
 */
export function createClient(options: ClientOptions) {
  const core = new ClientCore(options);
  const { crypto } = core;
  /** Submits one operation; a rejection by a business rule is an error here, with its receipt. */
  const submitOne = async (operation: Operation, submitOptions: SubmitOptions | undefined): Promise<Submitted> => {
    const submitted = await core.submit([operation], submitOptions);
    if (submitted.summary.code !== 0) throw new RejectedError(submitted.receipt, submitted.summary);
    return submitted;
  };
  const withRecord = (submitted: Submitted) => ({ ...submitted, record: recordId(crypto, submitted.transaction, 0) });
  const withAccount = (submitted: Submitted) => ({
    ...submitted,
    account: createdAccountId(crypto, submitted.transaction, 0),
  });
  return {
    evidence: {
      /** Registers the digests of one file (`digestOf`). @returns also the ID of the record. */
      register: async (body: Register, submitOptions?: SubmitOptions) =>
        withRecord(await submitOne({ type: REGISTER, body: registerBody.encode(body) }, submitOptions)),
      /** Registers a batch; `receiptOf(index)` makes the receipt of each file from the one receipt. */
      registerBatch: async (
        batch: Batch,
        about: Omit<RegisterBatch, 'root' | 'count'> = {},
        submitOptions?: SubmitOptions,
      ) => {
        const body = registerBatchBody.encode({ ...about, ...batch.commitment() });
        const submitted = withRecord(await submitOne({ type: REGISTER_BATCH, body }, submitOptions));
        return { ...submitted, receiptOf: batch.receipts(submitted.receipt) };
      },
    },
    identity: {
      /** Creates the account of a user. @returns also its ID. */
      certify: async (body: Certify, submitOptions?: SubmitOptions) =>
        withAccount(await submitOne({ type: CERTIFY, body: certifyBody.encode(body) }, submitOptions)),
    },
    governance: {
      /** Admits a partner. @returns also the ID of its account. */
      admitPartner: async (body: AdmitPartner, submitOptions?: SubmitOptions) =>
        withAccount(await submitOne({ type: ADMIT_PARTNER, body: admitPartnerBody.encode(body) }, submitOptions)),
      /** Admits a company that the validators may then take in. @returns also the ID of its account. */
      admitValidator: async (body: AdmitValidator, submitOptions?: SubmitOptions) =>
        withAccount(await submitOne({ type: ADMIT_VALIDATOR, body: admitValidatorBody.encode(body) }, submitOptions)),
      /** Carries a change of the validator set that those in force have approved. */
      setValidators: (body: SetValidators, submitOptions?: SubmitOptions) =>
        submitOne({ type: SET_VALIDATORS, body: setValidatorsBody.encode(body) }, submitOptions),
      /** Lets a node of the account in at the others'. */
      registerNode: (body: RegisterNode, submitOptions?: SubmitOptions) =>
        submitOne({ type: REGISTER_NODE, body: registerNodeBody.encode(body) }, submitOptions),
      unregisterNode: (body: UnregisterNode, submitOptions?: SubmitOptions) =>
        submitOne({ type: UNREGISTER_NODE, body: unregisterNodeBody.encode(body) }, submitOptions),
    },
    newBatch: () => new Batch(crypto),
    submit: (operations: readonly Operation[], submitOptions?: SubmitOptions) => core.submit(operations, submitOptions),
    /** Many transactions, each of its own operations, in few requests; what became of each, in their order. */
    submitAll: (list: readonly (readonly Operation[])[], submitOptions?: SubmitAllOptions) =>
      core.submitAll(list, submitOptions),
    settle: (transaction: SignedTransaction, signal?: AbortSignal) => core.settle(transaction, signal),
    quote: (operations: readonly Operation[]) => core.quote(operations),
    account: (id: AccountId | string) => core.account(id),
    auth: {
      /** An access token that is good for `scopes` and for a minute at least; a new one when there is none. */
      token: (scopes: readonly Scope[], signal?: AbortSignal) => core.login().token(scopes, signal),
      /** A request that carries one, to a path of the API such as `/v1/audit`; with a new one after a 401. */
      fetch: (path: string, scope: Scope, init?: RequestInit) => core.authorizedFetch(path, scope, init),
    },
    status: () => core.status(),
  };
}

class ClientCore {
  readonly crypto: CryptoProvider;
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
    this.genesisHash = genesisHashOf(options.genesisHash);
    this.http = new Http(url, fetch);
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

  /** Goes on with a transaction whose outcome is open, after a restart for example. */
  settle(transaction: SignedTransaction, signal?: AbortSignal): Promise<Outcome> {
    return settle(this.parts, transaction, signal ?? new AbortController().signal, true);
  }

  /** What the operations would cost now, and whether they would be refused. The node's word: there is no proof. */
  async quote(operations: readonly Operation[]): Promise<Quote> {
    const { signer, sender } = this.identity();
    const expiry = await this.heights.expiryAfter(DEFAULT_EXPIRES_IN_MS);
    const nonce = new Uint8Array(NONCE_BYTES);
    const draft = {
      chain: this.genesisHash,
      protocolVersion: PROTOCOL_VERSION,
      sender,
      label: 'quote',
      nonce,
      expiry,
      operations,
    };
    const unsigned = prepareTransaction(this.crypto, draft, signer.publicKey);
    const body = finishTransaction(unsigned, new Uint8Array(SIGNATURE_BYTES));
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

  private async sign(
    operations: readonly Operation[],
    label: string,
    nonce: Uint8Array,
    expiry: number,
  ): Promise<SignedTransaction> {
    const { signer, sender } = this.identity();
    const draft = {
      chain: this.genesisHash,
      protocolVersion: PROTOCOL_VERSION,
      sender,
      label,
      nonce,
      expiry,
      operations,
    };
    const unsigned = prepareTransaction(this.crypto, draft, signer.publicKey);
    const bytes = finishTransaction(unsigned, await signer.sign(unsigned.message));
    return { bytes, sender, nonce, expiry };
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
