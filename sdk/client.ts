/**
 * The client of a node. It believes no answer without its proof: receipts, expiry certificates and account records are
 * verified here, from the genesis hash, before anybody sees them.
 */
import { Batch } from '../node-core/chain/batch.ts';
import { type AccountId, createdAccountId, recordId } from '../node-core/chain/identifiers.ts';
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
  REGISTER_SCHEMA,
  registerSchemaBody,
  schemaFromJson,
  schemaId,
} from '../node-core/chain/operations/record-schema.ts';
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
import type { Operation } from '../node-core/chain/transaction.ts';
import type { CryptoProvider } from '../node-core/crypto/provider.ts';
import {
  ClientCore,
  type ClientOptions,
  type PrepareOptions,
  type SubmitAllOptions,
  type SubmitOptions,
  type Submitted,
} from './client-core.ts';
import { RejectedError, type SignedTransaction } from './errors.ts';
import { Hosting, type HostOptions } from './hosting.ts';
import { type PreparedTransaction, signedWith } from './prepared.ts';

export type {
  ClientOptions,
  PrepareOptions,
  Quote,
  SubmitAllOptions,
  SubmitOptions,
  Submitted,
} from './client-core.ts';

export type Client = ReturnType<typeof createClient>;

/**
 * @example
 * const client = createClient({ url, genesisHash, signer, account: 'brop1…' });
 * const { receipt, record } = await client.evidence.register({ digests: await digestOf(file) });
 */
export function createClient(options: ClientOptions) {
  const core = new ClientCore(options);
  const { crypto } = core;
  /** Submits one operation; a rejection by a business rule is an error here, with its receipt. */
  const submitOne: SubmitOne = async (operation, submitOptions) => {
    const submitted = await core.submit([operation], submitOptions);
    if (submitted.summary.code !== 0) throw new RejectedError(submitted.receipt, submitted.summary);
    return submitted;
  };
  const withAccount = (submitted: Submitted) => ({
    ...submitted,
    account: createdAccountId(crypto, submitted.transaction, 0),
  });
  const evidence = evidenceOf(crypto, submitOne);
  return {
    evidence,
    hosting: hostingOf(core, evidence.register),
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
    /** A transaction that is signed elsewhere; needs an account and no signer. Goes on with `sign`. */
    prepare: (operations: readonly Operation[], prepareOptions?: PrepareOptions) =>
      core.prepare(operations, prepareOptions),
    /** Puts the signature into what was prepared, when it is the right one. Goes on with `settle`. */
    sign: (prepared: PreparedTransaction, signature: Uint8Array) => signedWith(crypto, prepared, signature),
    settle: (transaction: SignedTransaction, signal?: AbortSignal) => core.settle(transaction, signal),
    quote: (operations: readonly Operation[]) => core.quote(operations),
    account: (id: AccountId | string) => core.account(id),
    auth: authOf(core),
    status: () => core.status(),
  };
}

type SubmitOne = (operation: Operation, submitOptions: SubmitOptions | undefined) => Promise<Submitted>;

function evidenceOf(crypto: CryptoProvider, submitOne: SubmitOne) {
  const withRecord = (submitted: Submitted) => ({ ...submitted, record: recordId(crypto, submitted.transaction, 0) });
  return {
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
    /**
     * Registers what the attributes of a kind of record look like: JSON Schema, of which docs/spec/operations.md says what
     * is taken. @returns also the ID of the schema, which records name in `schema`. @throws {CodecError} for another schema
     */
    registerSchema: async (
      about: { readonly name: string; readonly schema: unknown },
      submitOptions?: SubmitOptions,
    ) => {
      const body = { name: about.name, schema: schemaFromJson(about.schema) };
      const operation = { type: REGISTER_SCHEMA, body: registerSchemaBody.encode(body) };
      const submitted = await submitOne(operation, submitOptions);
      return { ...submitted, schema: schemaId(crypto, submitted.transaction.sender, body) };
    },
  };
}

function hostingOf(core: ClientCore, register: ReturnType<typeof evidenceOf>['register']) {
  const hosting = new Hosting(core);
  return {
    /** Uploads a file, waits until it is stored, and registers it with its address: from then on it is public there. */
    upload: async (content: Uint8Array | Blob, about?: HostOptions, submitOptions?: SubmitOptions) => {
      const { file, body } = await hosting.store(content, about, submitOptions?.signal);
      return { ...(await register(body, submitOptions)), file };
    },
  };
}

function authOf(core: ClientCore) {
  return {
    /** An access token that is good for `scopes` and for a minute at least; a new one when there is none. */
    token: (scopes: readonly Scope[], signal?: AbortSignal) => core.login().token(scopes, signal),
    /** A request that carries one, to a path of the API such as `/v1/audit`; with a new one after a 401. */
    fetch: (path: string, scope: Scope, init?: RequestInit) => core.authorizedFetch(path, scope, init),
  };
}
