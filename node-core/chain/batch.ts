/**
 * Batches: one evidence.registerBatch for up to 2^20 files, and from its one receipt a receipt for each of them. The
 * leaves stay with whoever made the batch; on chain there is the root and the count.
 */
import { equal } from '../codec/bytes.ts';
import { decode } from '../codec/cbor.ts';
import { leafHash, MerkleTree } from '../crypto/merkle-log.ts';
import type { CryptoProvider, HashAlgorithm } from '../crypto/provider.ts';
import { BropError } from './codes.ts';
import { batchLeaf, digests, MAX_BATCH, REGISTER_BATCH, registerBatchBody } from './operations/evidence.ts';
import { decodeReceipt, encodeReceipt, verifyReceipt } from './receipt.ts';

export type FileDigests = ReadonlyMap<HashAlgorithm, Uint8Array>;

const FIRST_BYTES = 1 << 16;

/**
 * Collects the digests of files, in order. Takes the bytes of each leaf (42 for one SHA-256 digest) and, once asked for
 * the root, 64 bytes more a file: about 110 MB for 2^20 files.
 *
 * @example
 * const batch = new Batch(crypto);
 * for (const file of files) batch.add(new Map([['sha-256', crypto.hash('sha-256', file)]]));
 * const { root, count } = batch.commitment();
 * // … evidence.registerBatch { root, count }, and its receipt …
 * const receiptOf = batch.receipts(receipt);
 * for (let index = 0; index < batch.size; index++) write(index, receiptOf(index));
 */
export class Batch {
  private readonly crypto: CryptoProvider;
  /** Encoded leaves, one after the other; `ends[i]` is where leaf i ends. */
  private leaves = new Uint8Array(FIRST_BYTES);
  private readonly ends: number[] = [];
  private tree: MerkleTree | null = null;

  constructor(crypto: CryptoProvider) {
    this.crypto = crypto;
  }

  get size(): number {
    return this.ends.length;
  }

  /**
   * @returns the index of the file in the batch.
   * @throws {CodecError} when a digest is not of the length of its algorithm, or there is none.
   * @throws {RangeError} when the batch is full.
   */
  add(fileDigests: FileDigests): number {
    const index = this.size;
    if (index === MAX_BATCH) throw new RangeError(`a batch holds ${MAX_BATCH} files at most`);
    const leaf = batchLeaf(fileDigests);
    // Encoding alone does not look at the length of each digest: what is written here must be read again later.
    digests.decode(decode(leaf), 'digests');
    const start = this.ends.at(-1) ?? 0;
    this.leaves = withRoom(this.leaves, start + leaf.length);
    this.leaves.set(leaf, start);
    this.ends.push(start + leaf.length);
    this.tree = null;
    return index;
  }

  /** What goes on chain. @throws {RangeError} when the batch is empty. */
  commitment(): { readonly root: Uint8Array; readonly count: number } {
    if (this.size === 0) throw new RangeError('the batch is empty');
    return { root: this.merkleTree().root(), count: this.size };
  }

  /**
   * Makes the receipt of each file from the receipt of the transaction that registered this batch.
   * @throws {BropError} when the receipt does not verify in itself, was rejected, or is not of this batch.
   */
  receipts(transactionReceipt: Uint8Array): (index: number) => Uint8Array {
    const receipt = decodeReceipt(transactionReceipt);
    const operation = this.operationIn(transactionReceipt, receipt.genesis);
    const tree = this.merkleTree();
    return (index) => {
      const path = tree.path(index);
      return encodeReceipt({ ...receipt, inBatch: { operation, digests: this.digestsOf(index), index, path } });
    };
  }

  /** @throws {RangeError} when there is no such file. */
  digestsOf(index: number): FileDigests {
    const end = this.ends[index];
    if (end === undefined) throw new RangeError(`no file ${index} in a batch of ${this.size}`);
    return digests.decode(decode(this.leaves.slice(this.ends[index - 1] ?? 0, end)), 'digests');
  }

  private operationIn(transactionReceipt: Uint8Array, genesis: Uint8Array): number {
    const facts = verifyReceipt(this.crypto, transactionReceipt, this.crypto.hash('sha-256', genesis));
    if ('code' in facts) throw new BropError(facts.code, facts.detail);
    if (facts.result[0] !== 0) throw new BropError('PROOF_REJECTED', `code ${facts.result[0]}`);
    const { root, count } = this.commitment();
    const operation = facts.transaction.operations.findIndex(({ type, body }) => {
      if (type !== REGISTER_BATCH) return false;
      const registered = registerBatchBody.decode(body, 'batch');
      return registered.count === count && equal(registered.root, root);
    });
    if (operation === -1) throw new BropError('PROOF_INCLUSION', 'the receipt is not of this batch');
    return operation;
  }

  private merkleTree(): MerkleTree {
    this.tree ??= new MerkleTree(this.sha256, this.leafHashes());
    return this.tree;
  }

  private leafHashes(): Uint8Array[] {
    return this.ends.map((end, i) => leafHash(this.sha256, this.leaves.subarray(this.ends[i - 1] ?? 0, end)));
  }

  private readonly sha256 = (bytes: Uint8Array) => this.crypto.hash('sha-256', bytes);
}

function withRoom(buffer: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= buffer.length) return buffer;
  const bigger = new Uint8Array(Math.max(2 * buffer.length, length));
  bigger.set(buffer);
  return bigger;
}
