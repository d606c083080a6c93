/**
 * The follower's own API, for what is not final and for proofs of the state: what the tables cannot say. Answers become
 * what `ChainAccess` says; a follower that is away becomes code 5007, which is 503 with Retry-After.
 */
import { decodeAccount, encodeAccount } from '../../node-core/chain/account.ts';
import { BropError, CODES, type CodeName, type Refusal } from '../../node-core/chain/codes.ts';
import type { EquivocationName } from '../../node-core/chain/equivocation.ts';
import type { AccountId } from '../../node-core/chain/identifiers.ts';
import { encodeTogether } from '../../node-core/chain/transaction-batch.ts';
import { accountIdFromText, accountIdToText } from '../../node-core/codec/account-id.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import type { AccountView, Quote, Submitted } from '../../node-core/ports/chain-access.ts';
import type { ApiSchemas } from '../../sdk/api-client.ts';
import { ApiError } from '../../sdk/errors.ts';
import {
  COSE_TYPE,
  defaultFetch,
  EXPIRY_CERTIFICATE_TYPE,
  type Fetch,
  Http,
  parsed,
  STATE_PROOF_TYPE,
} from '../../sdk/http.ts';

/** Within the time that the gateway gives a request, with room for what comes after. */
const TIMEOUT_MS = 8_000;
const CBOR_TYPE = 'application/cbor';
const SUBJECT_PROOF_TYPE = 'application/vnd.brop.subject-proof+cbor';
const EQUIVOCATION_TYPE = 'application/vnd.brop.equivocation+cbor';

export type Pending =
  | { readonly status: 'pending'; readonly expiry: number }
  | { readonly status: 'final' }
  | { readonly status: 'unknown' };

export class Upstream {
  private readonly http: Http;

  /** @param url of the follower's API, such as `http://follower.internal:8080`. */
  constructor(url: string, fetch: Fetch = defaultFetch) {
    this.http = new Http(url, fetch);
  }

  /** `final`: these very bytes are packed already. */
  async submit(transaction: Uint8Array): Promise<Submitted | Refusal | 'final'> {
    const headers = { 'Content-Type': COSE_TYPE, Accept: 'application/json' };
    return orRefusal(async () => {
      const { status, body } = await this.post('/v1/transactions', headers, transaction);
      return status === 202 ? submittedOf(parsed(body) as ApiSchemas['SubmittedTransaction']) : 'final';
    });
  }

  async submitAll(transactions: readonly Uint8Array[]): Promise<readonly (Submitted | Refusal)[]> {
    const headers = { 'Content-Type': CBOR_TYPE, Accept: 'application/json' };
    const answer = await orRefusal(async () => {
      const { body } = await this.post('/v1/transactions/batch', headers, encodeTogether(transactions));
      return (parsed(body) as ApiSchemas['BatchOutcomes']).outcomes;
    });
    // There was room for none of them.
    if (isRefusal(answer)) return transactions.map(() => answer);
    return answer.map((outcome) => ('sender' in outcome ? submittedOf(outcome) : refusalOf(outcome)));
  }

  async quote(transaction: Uint8Array): Promise<Quote | Refusal> {
    return orRefusal(async () => {
      const { body } = await this.post('/v1/quote', { 'Content-Type': COSE_TYPE }, transaction);
      const { cost, available, refusal } = parsed(body) as ApiSchemas['Quote'];
      return { cost, available, refusal: refusal === null ? null : refusalOf(refusal) };
    });
  }

  /** Where a transaction is that the table does not have. */
  async pending(sender: AccountId, nonce: Uint8Array): Promise<Pending> {
    const path = `/v1/transactions/${accountIdToText(sender)}/${toHex(nonce)}`;
    const found = await this.json<ApiSchemas['PendingTransaction'] | { readonly status: 'final' | 'unknown' }>(path);
    if (found.status === 'pending') return { status: 'pending', expiry: found.expiry };
    return { status: found.status };
  }

  expiryCertificate(sender: AccountId, nonce: Uint8Array, expiry: number): Promise<Uint8Array | Refusal> {
    const path = `/v1/transactions/${accountIdToText(sender)}/${toHex(nonce)}/expiry-certificate?expiry=${expiry}`;
    return orRefusal(() => this.proof(path, EXPIRY_CERTIFICATE_TYPE));
  }

  stateProof(key: Uint8Array): Promise<Uint8Array | Refusal> {
    return orRefusal(() => this.proof(`/v1/state-proof?key=${toHex(key)}`, STATE_PROOF_TYPE));
  }

  subjectProof(registrant: AccountId, subject: string, from: number, to: number): Promise<Uint8Array | Refusal> {
    const query = new URLSearchParams({
      registrant: accountIdToText(registrant),
      subject,
      from: String(from),
      to: String(to),
    });
    return orRefusal(() => this.proof(`/v1/subject-proof?${query}`, SUBJECT_PROOF_TYPE));
  }

  async equivocations(): Promise<readonly EquivocationName[]> {
    const { equivocations } = await this.json<ApiSchemas['Equivocations']>('/v1/equivocations');
    return equivocations.map(({ validator, height, kind }) => ({
      validator: accountIdFromText(validator),
      height,
      kind,
    }));
  }

  equivocation({ validator, height, kind }: EquivocationName): Promise<Uint8Array | undefined> {
    const path = `/v1/equivocations/${accountIdToText(validator)}/${height}/${kind}`;
    return orNone(() => this.proof(path, EQUIVOCATION_TYPE));
  }

  account(id: AccountId): Promise<AccountView | undefined> {
    return orNone(async () => accountOf(await this.json(`/v1/accounts/${accountIdToText(id)}`)));
  }

  accountByName(name: string): Promise<AccountId | undefined> {
    const path = `/v1/accounts?${new URLSearchParams({ name })}`;
    return orNone(async () => accountIdFromText((await this.json<ApiSchemas['Account']>(path)).id));
  }

  private post(path: string, headers: Readonly<Record<string, string>>, body: Uint8Array) {
    return this.http.request(path, { method: 'POST', headers, body, timeoutMs: TIMEOUT_MS });
  }

  private json<T>(path: string): Promise<T> {
    return this.http.json<T>(path, { timeoutMs: TIMEOUT_MS });
  }

  private async proof(path: string, type: string): Promise<Uint8Array> {
    return (await this.http.request(path, { headers: { Accept: type }, timeoutMs: TIMEOUT_MS })).body;
  }
}

/** Codes from here on are of a node in trouble (chain/codes.ts): nothing that whoever asks has done. */
const OWN_TROUBLE = 5_000;

/** What the follower refuses; everything else is thrown on. */
async function orRefusal<T>(ask: () => Promise<T>): Promise<T | Refusal> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ApiError) || CODES[error.code].number >= OWN_TROUBLE) throw error;
    const { code, retryAfterMs } = error;
    const detail = detailOf(error);
    return {
      code,
      ...(detail !== undefined && { detail }),
      ...(retryAfterMs !== undefined && { retryAfterSeconds: Math.ceil(retryAfterMs / 1_000) }),
    };
  }
}

async function orNone<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** The message of a BropError is the text of its code and the detail. */
function detailOf({ code, message }: BropError): string | undefined {
  const { text } = CODES[code];
  return message.startsWith(text) && message.length > text.length ? message.slice(text.length).trim() : undefined;
}

function isRefusal<T extends object>(outcome: T | Refusal): outcome is Refusal {
  return 'code' in outcome;
}

type Named = { readonly name: string; readonly detail?: string | undefined; readonly retryAfter?: number | undefined };

function refusalOf({ name, detail, retryAfter }: Named): Refusal {
  if (!Object.hasOwn(CODES, name))
    throw new BropError('NODE_UNREACHABLE', 'the follower answers with a code of its own');
  return {
    code: name as CodeName,
    ...(detail !== undefined && { detail }),
    ...(retryAfter !== undefined && { retryAfterSeconds: retryAfter }),
  };
}

function submittedOf({
  sender,
  nonce,
  expiry,
}: {
  readonly sender: string;
  readonly nonce: string;
  readonly expiry: number;
}): Submitted {
  return { sender: accountIdFromText(sender), nonce: fromHex(nonce), expiry };
}

/** The way back from the view of the API, which leaves nothing of a record out. @throws {CodecError} */
function accountOf(view: ApiSchemas['Account']): AccountView {
  const { kind, name, key, quota, createdHeight, legal, permissions, certifier, level, subject } = view;
  const { commitment, terms, validUntilMs } = view;
  const record = {
    ...{ kind, key: { suite: key.suite, bytes: fromHex(key.bytes) }, created: createdHeight },
    quota: { max: quota.max, periodMs: quota.periodMs },
    ...(name !== undefined && { name }),
    ...(legal !== undefined && { legal: { version: legal.version, digest: fromHex(legal.digest) } }),
    ...(permissions !== undefined && { permissions }),
    ...(certifier !== undefined && { certifier: accountIdFromText(certifier) }),
    ...(level !== undefined && { level }),
    ...(subject !== undefined && { subject }),
    ...(commitment !== undefined && { commitment: fromHex(commitment) }),
    ...(terms !== undefined && { terms: fromHex(terms) }),
    ...(validUntilMs !== undefined && { validUntil: validUntilMs }),
  };
  // Through the bytes of the chain, which take nothing that is no account.
  return { account: decodeAccount(encodeAccount(record)), points: quota.points };
}
