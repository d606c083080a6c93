/**
 * The receipt: one file that proves, with no network, what was registered, by whom, when, and that it is final.
 * Deterministic CBOR; any changed byte makes it fail.
 */
import { equal } from '../codec/bytes.ts';
import { type DecodeLimits, decode, encode } from '../codec/cbor.ts';
import { array, bytes, type Infer, literal, nullable, record, tuple, uint } from '../codec/schema.ts';
import { keyId } from '../crypto/keys.ts';
import { leafHash } from '../crypto/merkle-log.ts';
import { verifyInclusion } from '../crypto/merkle-log-proofs.ts';
import type { CryptoProvider, HashAlgorithm } from '../crypto/provider.ts';
import { type AccountRecord, decodeAccount } from './account.ts';
import { anchorFields, formRefusal, type TrustedHeader, verifyAnchor } from './anchor.ts';
import { blockLeaf, type Result, resultSchema } from './block.ts';
import { type Refusal, refusal } from './codes.ts';
import { hash32 } from './identifiers.ts';
import {
  batchLeaf,
  digests,
  MAX_BATCH,
  REGISTER,
  REGISTER_BATCH,
  registerBatchBody,
  registerBody,
} from './operations/evidence.ts';
import {
  decodeTransaction,
  MAX_OPERATIONS,
  MAX_TRANSACTION_BYTES,
  signedMessage,
  type Transaction,
} from './transaction.ts';

const path = array(hash32, { max: 64 });

export const receiptSchema = record(
  {
    type: literal('brop.receipt.v1'),
    ...anchorFields,
    transaction: bytes({ max: MAX_TRANSACTION_BYTES }),
    /** The sender's account record at that moment; its digest is in the result. */
    sender: bytes({ max: 4_096 }),
    result: resultSchema,
    /** Place in the block: index, path to the block root. The number of transactions is in the header. */
    inBlock: tuple(uint({ max: 10_000 }), path),
    /** Path to the log root, from the index in the result; null for a rejected transaction. */
    inLog: nullable(path),
  },
  {
    /** For one digest of a batch: operation, digests of the file, index, path to the batch root. */
    inBatch: record({
      operation: uint({ max: MAX_OPERATIONS - 1 }),
      digests,
      index: uint({ max: MAX_BATCH - 1 }),
      path,
    }),
  },
);
export type Receipt = Infer<typeof receiptSchema>;

export const PROOF_LIMITS: DecodeLimits = { maxBytes: 4_000_000, maxDepth: 12, maxItems: 200_000 };

export function encodeReceipt(receipt: Receipt): Uint8Array {
  return encode(receiptSchema.encode(receipt));
}

/** @throws {CodecError} */
export function decodeReceipt(input: Uint8Array): Receipt {
  return receiptSchema.decode(decode(input, PROOF_LIMITS), '');
}

export interface ReceiptFacts {
  readonly receipt: Receipt;
  readonly trusted: TrustedHeader;
  readonly transaction: Transaction;
  readonly sender: AccountRecord;
  readonly result: Result;
}

/**
 * Verifies everything in the receipt but the file. The first step that fails gives the code (docs/spec/receipts.md):
 * form, genesis, validator-set changes, certificate, the sender's signature, the Merkle paths. The signature comes
 * before the paths, so that an altered statement is told from one that is in another place than the receipt says.
 */
export function verifyReceipt(
  crypto: CryptoProvider,
  input: Uint8Array,
  genesisHash: Uint8Array,
): ReceiptFacts | Refusal {
  try {
    return verifySteps(crypto, decodeReceipt(input), genesisHash);
  } catch (error) {
    return formRefusal(error);
  }
}

/** @throws {CodecError} when a part inside is not of its form. */
function verifySteps(crypto: CryptoProvider, receipt: Receipt, genesisHash: Uint8Array): ReceiptFacts | Refusal {
  const trusted = verifyAnchor(crypto, receipt, genesisHash);
  if ('code' in trusted) return trusted;
  const transaction = decodeTransaction(receipt.transaction, trusted.genesis.hash, trusted.header.protocolVersion);
  if ('code' in transaction) return refusal('PROOF_FORM', transaction.detail ?? transaction.code);
  const sender = decodeAccount(receipt.sender);
  const refused =
    signatureRefusal(crypto, sender, transaction) ??
    inclusionRefusal(crypto, receipt, trusted) ??
    batchRefusal(crypto, receipt, transaction);
  return refused ?? { receipt, trusted, transaction, sender, result: receipt.result };
}

function signatureRefusal(crypto: CryptoProvider, { key }: AccountRecord, transaction: Transaction): Refusal | null {
  const { suite, keyId: kid, signature } = transaction;
  if (key.suite !== suite || !equal(keyId(crypto, key), kid)) return refusal('PROOF_SIGNATURE', 'another key');
  return crypto.verify(key, signedMessage(transaction), signature) ? null : refusal('PROOF_SIGNATURE');
}

/**
 * The Merkle paths of a receipt against a header, as verifiers check them; a node does before it gives a receipt out.
 * The header binds the block root and the result binds everything else: index in the log, record of the sender.
 */
export function inclusionRefusal(
  crypto: CryptoProvider,
  receipt: Receipt,
  { header }: Pick<TrustedHeader, 'header'>,
): Refusal | null {
  const sha256 = (data: Uint8Array) => crypto.hash('sha-256', data);
  const [index, blockPath] = receipt.inBlock;
  const leaf = leafHash(sha256, blockLeaf(crypto, receipt.transaction, receipt.result));
  const place = { leafHash: leaf, index, size: header.transactionCount, path: blockPath, root: header.blockRoot };
  if (!verifyInclusion(sha256, place)) return refusal('PROOF_INCLUSION', 'not in the block with this result');
  const [code, , , logIndex, senderDigest] = receipt.result;
  if (!equal(sha256(receipt.sender), senderDigest))
    return refusal('PROOF_INCLUSION', "not the sender's account record");
  const applied = code === 0;
  if (applied !== (logIndex !== null) || applied !== (receipt.inLog !== null)) {
    return refusal('PROOF_INCLUSION', 'result and log disagree');
  }
  if (logIndex === null || receipt.inLog === null) return null;
  const entry = { leafHash: leafHash(sha256, receipt.transaction), index: logIndex, size: header.logSize };
  const inLog = verifyInclusion(sha256, { ...entry, path: receipt.inLog, root: header.logRoot });
  return inLog ? null : refusal('PROOF_INCLUSION', 'not in the log');
}

function batchRefusal(crypto: CryptoProvider, receipt: Receipt, transaction: Transaction): Refusal | null {
  const { inBatch } = receipt;
  if (inBatch === undefined) return null;
  const operation = transaction.operations[inBatch.operation];
  if (operation?.type !== REGISTER_BATCH) return refusal('PROOF_INCLUSION', 'the operation named is not a batch');
  const body = registerBatchBody.decode(operation.body, 'batch');
  const sha256 = (data: Uint8Array) => crypto.hash('sha-256', data);
  const entry = {
    leafHash: leafHash(sha256, batchLeaf(inBatch.digests)),
    index: inBatch.index,
    size: body.count,
    path: inBatch.path,
  };
  return verifyInclusion(sha256, { ...entry, root: body.root }) ? null : refusal('PROOF_INCLUSION', 'not in the batch');
}

/**
 * Whether `file` is what was registered: all digests of one registration match. A batch receipt speaks only of the
 * file that it is for.
 */
export function verifyFile(facts: ReceiptFacts, digestOf: (algorithm: HashAlgorithm) => Uint8Array): Refusal | null {
  if (facts.result[0] !== 0) return refusal('PROOF_REJECTED', `code ${facts.result[0]}`);
  const matches = (candidate: ReadonlyMap<HashAlgorithm, Uint8Array>) =>
    [...candidate].every(([algorithm, digest]) => equal(digestOf(algorithm), digest));
  try {
    return candidatesOf(facts).some(matches) ? null : refusal('PROOF_FILE');
  } catch (error) {
    return formRefusal(error);
  }
}

/**
 * What a receipt speaks of: the one file of a batch, or every file that the transaction registered singly.
 * @throws {CodecError} when a body is not of its form; in a certified block there is none such.
 */
export function candidatesOf({
  receipt,
  transaction,
}: ReceiptFacts): readonly ReadonlyMap<HashAlgorithm, Uint8Array>[] {
  return receipt.inBatch !== undefined ? [receipt.inBatch.digests] : registeredDigests(transaction);
}

/**
 * The digests of every evidence.register in a transaction.
 * @throws {CodecError} when a body is not of its form; in a certified block there is none such.
 */
export function registeredDigests(transaction: Transaction): readonly ReadonlyMap<HashAlgorithm, Uint8Array>[] {
  return transaction.operations
    .filter((operation) => operation.type === REGISTER)
    .map((operation) => registerBody.decode(operation.body, 'evidence').digests);
}
