/**
 * Searching a node's index. Each row comes with the receipt of its transaction, verified here; all records of a subject come
 * with the proof that there are no others.
 */
import { base64urlnopad } from '@scure/base';
import { BropError } from '../node-core/chain/codes.ts';
import type { AccountId } from '../node-core/chain/identifiers.ts';
import { type SubjectFacts, verifySubjectProof } from '../node-core/chain/subject-proof.ts';
import { accountIdToText } from '../node-core/codec/account-id.ts';
import { equal } from '../node-core/codec/bytes.ts';
import type { CryptoProvider } from '../node-core/crypto/provider.ts';
import { pureCrypto } from '../node-core/crypto/pure.ts';
import { type Fetch, Http } from './http.ts';
import type { ReceiptSummary } from './verdict.ts';
import { genesisHashOf, verifyReceipt } from './verify.ts';

export interface RecordSource {
  /** Of a node's API. */
  readonly url: string;
  /** 32 bytes, or 64 hexadecimal digits: all that is trusted. */
  readonly genesisHash: Uint8Array | string;
  readonly fetch?: Fetch;
  readonly crypto?: CryptoProvider;
}

export interface RecordSearch {
  /** `evidence` by default. */
  readonly collection?: string;
  /** Filters such as `subject=lot 7`; docs/querying.md has their forms. All must hold. */
  readonly where?: readonly string[];
  /** An indexed field, `height` or `timeMs`; with `-` before it descending. */
  readonly sort?: string;
  /** Rows of a page, 1 to 100. */
  readonly limit?: number;
  readonly cursor?: string;
  readonly count?: boolean;
}

type FieldValue = string | number | boolean;

export interface FoundRecord {
  readonly collection: string;
  readonly key: string;
  readonly height: number;
  /** As the node has indexed them; what was signed is in the receipt. */
  readonly fields: Readonly<Record<string, FieldValue | readonly FieldValue[]>>;
  /** null for what no transaction has written: blocks, and what the genesis names. */
  readonly proof: { readonly receipt: Uint8Array; readonly summary: ReceiptSummary } | null;
}

export interface FoundRecords {
  readonly records: readonly FoundRecord[];
  /** Where the next page begins; null after the last. A page may be short, or empty, and have one. */
  readonly next: string | null;
  readonly count: { readonly value: number; readonly exact: boolean } | null;
}

interface Answer extends Omit<FoundRecords, 'records'> {
  readonly records: readonly (Omit<FoundRecord, 'proof'> & { readonly receipt: string | null })[];
}

/**
 * One page, every receipt verified, and that it made the record when it is one of evidence.
 * @throws {ApiError} what the node refuses. @throws {BropError} NODE_UNREACHABLE, or the code of a receipt that does not hold.
 * @example
 * const { records } = await searchRecords(chain, { where: ['subject=lot 7'], sort: '-height' });
 */
export async function searchRecords(source: RecordSource, search: RecordSearch): Promise<FoundRecords> {
  const { collection = 'evidence', where = [], sort, limit, cursor, count } = search;
  const parameters = new URLSearchParams({ collection, proof: 'true' });
  for (const filter of where) parameters.append('where', filter);
  for (const [name, value] of Object.entries({ sort, limit, cursor, count }))
    if (value !== undefined) parameters.set(name, String(value));
  const answer = await httpOf(source).json<Answer>(`/v1/records?${parameters}`);
  const records: FoundRecord[] = [];
  for (const { receipt, ...row } of answer.records)
    records.push({ ...row, proof: await proofOf(source, row, receipt) });
  return { records, next: answer.next, count: answer.count };
}

async function proofOf(
  { genesisHash, crypto }: RecordSource,
  { collection, key }: Pick<FoundRecord, 'collection' | 'key'>,
  text: string | null,
): Promise<FoundRecord['proof']> {
  if (text === null) return null;
  const receipt = base64urlnopad.decode(text);
  // What was rejected is found too, among the transactions.
  const verdict = await verifyReceipt(receipt, { genesisHash, acceptRejected: true, ...(crypto && { crypto }) });
  if (!verdict.ok) throw new BropError(verdict.code, `record ${key}`);
  const { ok: _, ...summary } = verdict;
  const isOfIt = summary.what.operations.some(({ record }) => record === key);
  if (collection === 'evidence' && !isOfIt) throw new BropError('PROOF_INCLUSION', `record ${key}: another receipt`);
  return { receipt, summary };
}

export interface SubjectSearch {
  readonly registrant: AccountId;
  readonly subject: string;
  /** First height; 0 by default. */
  readonly from?: number;
  /** Last height; the newest by default. */
  readonly to?: number;
}

/**
 * All records of a subject between two heights, verified to be all.
 * @throws {ApiError} what the node refuses. @throws {BropError} NODE_UNREACHABLE, or the code of a proof that does not hold.
 */
export async function subjectRecords(
  source: RecordSource,
  search: SubjectSearch,
): Promise<SubjectFacts & { readonly proof: Uint8Array }> {
  const { registrant, subject, from = 0, to } = search;
  const parameters = new URLSearchParams({ registrant: accountIdToText(registrant), subject, from: String(from) });
  if (to !== undefined) parameters.set('to', String(to));
  const proof = await httpOf(source).proof(`/v1/subject-proof?${parameters}`, SUBJECT_PROOF_TYPE);
  const { crypto = pureCrypto, genesisHash } = source;
  const facts = verifySubjectProof(crypto, proof, genesisHashOf(genesisHash));
  if ('code' in facts) throw new BropError(facts.code, facts.detail);
  const isAsked = equal(facts.registrant, registrant) && facts.subject === subject && facts.from === from;
  if (!isAsked || (to !== undefined && facts.to !== to))
    throw new BropError('PROOF_INCLUSION', 'it answers another question');
  return { ...facts, proof };
}

const SUBJECT_PROOF_TYPE = 'application/vnd.brop.subject-proof+cbor';

function httpOf({ url, fetch = (input, init) => globalThis.fetch(input, init) }: RecordSource): Http {
  return new Http(url, fetch);
}
