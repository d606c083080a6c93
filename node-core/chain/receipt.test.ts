import { beforeAll, describe, expect, it } from 'vitest';
import { type SyntheticBlock, SyntheticChain, sign } from '../../test/proofs/synthetic-chain.ts';
import { concat, utf8 } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { generateKeyPair } from '../crypto/generate.ts';
import { leafHash } from '../crypto/merkle-log.ts';
import type { HashAlgorithm } from '../crypto/provider.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { encodeAccount } from './account.ts';
import { batchLeaf, REGISTER, REGISTER_BATCH, registerBatchBody, registerBody } from './operations/evidence.ts';
import { encodeReceipt, type Receipt, type ReceiptFacts, verifyFile, verifyReceipt } from './receipt.ts';
import { finishTransaction, prepareTransaction } from './transaction.ts';

const FILE = utf8('a contract');
const OTHER = utf8('another contract');
const sha256 = (bytes: Uint8Array) => crypto.hash('sha-256', bytes);
const digestsOf = (...files: Uint8Array[]) => files.map((file) => new Map([['sha-256' as const, sha256(file)]]));
const register = (file: Uint8Array) => ({
  type: REGISTER,
  body: registerBody.encode({ digests: digestsOf(file)[0]! }),
});

let chain: SyntheticChain;
let block: SyntheticBlock;
let receipt: Receipt;
/** Files of the batch that is operation 1 of transaction 2. */
const batchFiles = [utf8('a'), utf8('b'), utf8('c')];

beforeAll(async () => {
  chain = await SyntheticChain.make(crypto, 'receipts');
  chain.block(1, [chain.transaction([register(OTHER)])]);
  const tree = chain.treeOf(digestsOf(...batchFiles).map(batchLeaf));
  const batch = { type: REGISTER_BATCH, body: registerBatchBody.encode({ root: tree.root(), count: 3 }) };
  const transactions = [
    chain.transaction([register(FILE)]),
    chain.transaction([register(OTHER)]),
    chain.transaction([register(OTHER), batch]),
  ];
  block = chain.block(2, transactions, { codes: [0, 2202, 0] });
  receipt = chain.receipt(block, 0);
});

function outcome(changed: Receipt): ReceiptFacts | string {
  const result = verifyReceipt(crypto, encodeReceipt(changed), chain.genesis.hash);
  return 'code' in result ? result.code : result;
}

const fileOf = (facts: ReceiptFacts | string, file: Uint8Array) => {
  if (typeof facts === 'string') throw new Error(facts);
  return verifyFile(facts, (algorithm: HashAlgorithm) => crypto.hash(algorithm, file))?.code ?? 'this file';
};

describe('a good receipt', () => {
  it('says who, what and when, and knows its file', () => {
    const facts = outcome(receipt) as ReceiptFacts;
    expect(facts).toMatchObject({ sender: { name: 'Example Partner 示例' }, trusted: { header: { height: 2 } } });
    expect(facts.result.slice(0, 4)).toEqual([0, null, 450, 2]);
    expect(fileOf(facts, FILE)).toBe('this file');
    expect(fileOf(facts, OTHER)).toBe('PROOF_FILE');
  });

  it('needs every digest of one registration, not one of several', () => {
    const mixed = new Map([
      ['sha-256' as const, sha256(FILE)],
      ['sm3' as const, crypto.hash('sm3', OTHER)],
    ]);
    const operations = [{ type: REGISTER, body: registerBody.encode({ digests: mixed }) }, register(batchFiles[0]!)];
    const facts = outcome(chain.receipt(chain.block(2, [chain.transaction(operations)]), 0));
    expect([FILE, OTHER, batchFiles[0]!].map((file) => fileOf(facts, file))).toEqual([
      'PROOF_FILE',
      'PROOF_FILE',
      'this file',
    ]);
  });

  it('of a rejected transaction proves the rejection, and no file', () => {
    const facts = outcome(chain.receipt(block, 1)) as ReceiptFacts;
    expect(facts.result[0]).toBe(2202);
    expect(fileOf(facts, OTHER)).toBe('PROOF_REJECTED');
  });

  it('proves with a standby key, at the power of its validator', async () => {
    const standby = await SyntheticChain.make(crypto, 'standby', { standby: true });
    const own = standby.block(1, [standby.transaction([register(FILE)])]);
    const anchor = standby.anchor(
      own,
      standby.certify(own, [
        [0, 1],
        [1, 0],
        [3, 1],
      ]),
    );
    const bytes = encodeReceipt(standby.receipt(own, 0, anchor));
    expect(verifyReceipt(crypto, bytes, standby.genesis.hash)).toHaveProperty('trusted');
  });
});

describe('forged receipts', () => {
  it('a rejected transaction passed off as applied, with a path to somewhere in the log', () => {
    const rejected = chain.receipt(block, 1);
    const [, , charged, , account] = rejected.result;
    expect(outcome({ ...rejected, result: [0, null, charged, 2, account], inLog: receipt.inLog })).toBe(
      'PROOF_INCLUSION',
    );
    expect(outcome({ ...rejected, inLog: receipt.inLog })).toBe('PROOF_INCLUSION');
    expect(outcome({ ...receipt, inLog: null })).toBe('PROOF_INCLUSION');
  });

  it('a certified result that contradicts itself: applied but not in the log, rejected but in it', () => {
    for (const result of [
      [0, null, 450, null, receipt.result[4]],
      [2202, 0, 450, 2, receipt.result[4]],
    ] as const) {
      const blockRoot = chain.blockTree([receipt.transaction], [result]).root();
      const odd = chain.block(3, [receipt.transaction], {
        blockRoot,
        logRoot: block.header.logRoot,
        logSize: block.header.logSize,
      });
      const inBlock = [0, []] as const;
      for (const inLog of [null, receipt.inLog]) {
        expect(outcome({ ...receipt, ...chain.anchor(odd), result, inBlock, inLog })).toBe('PROOF_INCLUSION');
      }
    }
  });

  it('the header of another height, with its own good certificate', () => {
    const later = chain.block(4, [chain.transaction([register(OTHER)])]);
    expect(outcome({ ...receipt, ...chain.anchor(later) })).toBe('PROOF_INCLUSION');
    const certificate = chain.certify(later);
    expect(outcome({ ...receipt, certificate })).toBe('PROOF_CERTIFICATE');
    expect(outcome({ ...receipt, header: later.headerBytes })).toBe('PROOF_CERTIFICATE');
  });

  it('another place: index, size and path games', () => {
    const [, path] = receipt.inBlock;
    for (const index of [1, 2, 3, 4, 10_000])
      expect(outcome({ ...receipt, inBlock: [index, path] })).toBe('PROOF_INCLUSION');
    expect(outcome({ ...receipt, inBlock: [0, path.slice(1)] })).toBe('PROOF_INCLUSION');
    expect(outcome({ ...receipt, inBlock: [0, [...path, path[0]!]] })).toBe('PROOF_INCLUSION');
    expect(outcome({ ...receipt, inBlock: [0, [...path].reverse()] })).toBe('PROOF_INCLUSION');
    const [code, operation, charged, index, account] = receipt.result;
    expect(outcome({ ...receipt, result: [code, operation, charged, index! + 1, account] })).toBe('PROOF_INCLUSION');
    expect(outcome({ ...receipt, inLog: receipt.inLog!.slice(1) })).toBe('PROOF_INCLUSION');
    expect(outcome({ ...receipt, inLog: [...receipt.inLog!, receipt.inLog![0]!] })).toBe('PROOF_INCLUSION');
    expect(outcome({ ...receipt, inLog: receipt.inBlock[1] })).toBe('PROOF_INCLUSION');
  });

  it('a block leaf that is an inner node, and an inner node that is a leaf', () => {
    const leaves = block.transactions.map((_, i) => block.results[i]!);
    const inner = concat(...leaves.slice(0, 2).map(() => leafHash(sha256, receipt.transaction)));
    expect(outcome({ ...receipt, transaction: inner, inBlock: [0, receipt.inBlock[1].slice(1)] })).toBe('PROOF_FORM');
  });

  it("another sender's record, and one whose key made the signature", () => {
    const mallory = generateKeyPair('ed25519', chain.random);
    const stolen = { ...chain.partnerAccount, key: mallory.publicKey };
    expect(outcome({ ...receipt, sender: encodeAccount(stolen) })).toBe('PROOF_SIGNATURE');
    expect(outcome({ ...receipt, sender: encodeAccount({ ...chain.partnerAccount, name: 'Somebody Else' }) })).toBe(
      'PROOF_INCLUSION',
    );
    const draft = {
      chain: chain.genesis.hash,
      protocolVersion: 1,
      sender: chain.partnerId,
      label: 'x',
      nonce: chain.random(32),
      expiry: 9,
      operations: [register(FILE)],
    };
    const unsigned = prepareTransaction(crypto, draft, mallory.publicKey);
    const forged = finishTransaction(unsigned, sign(mallory, unsigned.message));
    expect(outcome({ ...receipt, transaction: forged, sender: encodeAccount(stolen) })).toBe('PROOF_INCLUSION');
    expect(outcome({ ...receipt, transaction: forged })).toBe('PROOF_SIGNATURE');
  });

  it("a key of another suite with the transaction's key ID", () => {
    const [p256, sm2] = (['p256', 'sm2'] as const).map((suite) => generateKeyPair(suite, chain.random));
    for (const { publicKey } of [p256!, sm2!]) {
      const sender = encodeAccount({ ...chain.partnerAccount, key: publicKey });
      expect(outcome({ ...receipt, sender })).toBe('PROOF_SIGNATURE');
    }
  });

  it('a transaction of another chain, in a block that is certified here', async () => {
    const other = await SyntheticChain.make(crypto, 'another chain');
    const foreign = other.transaction([register(FILE)]);
    const own = chain.block(5, [foreign]);
    expect(outcome(chain.receipt(own, 0))).toBe('PROOF_FORM');
  });

  it('the receipt of another chain, and with its genesis exchanged', async () => {
    const other = await SyntheticChain.make(crypto, 'another chain');
    expect(verifyReceipt(crypto, encodeReceipt(receipt), other.genesis.hash)).toMatchObject({ code: 'PROOF_GENESIS' });
    expect(outcome({ ...receipt, genesis: other.genesis.bytes })).toBe('PROOF_GENESIS');
  });

  it('a changed statement under the old signature, and an old statement under a changed one', () => {
    const bytes = receipt.transaction.slice();
    bytes[bytes.length - 1]! ^= 1;
    expect(outcome({ ...receipt, transaction: bytes })).toBe('PROOF_SIGNATURE');
  });
});

describe('batch receipts', () => {
  const path = (index: number) => chain.treeOf(digestsOf(...batchFiles).map(batchLeaf)).path(index);
  const inBatch = (index: number, operation = 1) => ({
    operation,
    digests: digestsOf(batchFiles[index]!)[0]!,
    index,
    path: path(index),
  });
  const of = (part: Receipt['inBatch']) =>
    outcome({ ...chain.receipt(block, 2), ...(part !== undefined && { inBatch: part }) });

  it('prove one file each, and speak of no other', () => {
    for (const index of [0, 1, 2]) expect(fileOf(of(inBatch(index)), batchFiles[index]!)).toBe('this file');
    expect(fileOf(of(inBatch(0)), batchFiles[1]!)).toBe('PROOF_FILE');
    expect(fileOf(of(inBatch(0)), OTHER)).toBe('PROOF_FILE');
    expect(fileOf(of(undefined), OTHER)).toBe('this file');
  });

  it('with an operation index that points elsewhere', () => {
    for (const operation of [0, 2, 63]) expect(of(inBatch(0, operation))).toBe('PROOF_INCLUSION');
    expect(outcome({ ...receipt, inBatch: inBatch(0, 0) })).toBe('PROOF_INCLUSION');
  });

  it('with index, size and path games', () => {
    const first = inBatch(0);
    for (const index of [1, 2, 3, 2 ** 20 - 1]) expect(of({ ...first, index })).toBe('PROOF_INCLUSION');
    expect(of({ ...first, path: first.path.slice(1) })).toBe('PROOF_INCLUSION');
    expect(of({ ...first, path: [] })).toBe('PROOF_INCLUSION');
    expect(of({ ...first, digests: digestsOf(OTHER)[0]! })).toBe('PROOF_INCLUSION');
    expect(of({ ...inBatch(2), digests: new Map([['sm3', sha256(batchFiles[2]!)]]) })).toBe('PROOF_INCLUSION');
  });

  it('of a batch that was rejected prove no file', () => {
    const rejected = chain.block(6, [block.transactions[2]!], { codes: [2202] });
    expect(fileOf(outcome({ ...chain.receipt(rejected, 0), inBatch: inBatch(1) }), batchFiles[1]!)).toBe(
      'PROOF_REJECTED',
    );
  });
});

describe('the form of a receipt', () => {
  const bytes = () => encodeReceipt(receipt);
  const code = (input: Uint8Array) => verifyReceipt(crypto, input, chain.genesis.hash);

  it('is one: no other encoding, no unknown field, no missing one', () => {
    const map = decode(bytes(), { maxBytes: 100_000, maxDepth: 12, maxItems: 10_000 }) as Map<string, never>;
    expect(code(encode(new Map([...map, ['extra', 1]])))).toMatchObject({ code: 'PROOF_FORM' });
    expect(code(encode(new Map([...map].filter(([key]) => key !== 'inLog'))))).toMatchObject({ code: 'PROOF_FORM' });
    expect(code(concat(bytes(), Uint8Array.of(0)))).toMatchObject({ code: 'PROOF_FORM' });
    expect(code(new Uint8Array(0))).toMatchObject({ code: 'PROOF_FORM' });
    expect(code(utf8('not a receipt'))).toMatchObject({ code: 'PROOF_FORM' });
  });

  it('has an empty unprotected header inside: a transparent statement is no receipt', () => {
    const [tagged] = [receipt.transaction];
    const withHeader = concat(tagged.subarray(0, 2), tagged.subarray(2));
    const at = withHeader.indexOf(0xa0);
    const longer = concat(withHeader.subarray(0, at), Uint8Array.of(0xa1, 0x01, 0x26), withHeader.subarray(at + 1));
    expect(outcome({ ...receipt, transaction: longer })).toBe('PROOF_FORM');
  });

  it('is refused, not thrown at, for certified parts that do not decode', () => {
    const junk = Uint8Array.of(0xff);
    const results = [[0, null, 1, 1, sha256(junk)]] as const;
    const own = chain.block(7, [receipt.transaction], {
      blockRoot: chain.blockTree([receipt.transaction], results).root(),
    });
    expect(outcome({ ...chain.receipt(own, 0), sender: junk, result: results[0] })).toBe('PROOF_FORM');
    const badBatch = chain.block(8, [chain.transaction([{ type: REGISTER_BATCH, body: 'no body' }])]);
    const inBatch = { operation: 0, digests: digestsOf(FILE)[0]!, index: 0, path: [] };
    expect(outcome({ ...chain.receipt(badBatch, 0), inBatch })).toBe('PROOF_FORM');
  });

  it('is refused, not thrown at, for a file when the certified body does not decode', () => {
    const odd = chain.block(9, [chain.transaction([{ type: REGISTER, body: 'no body' }])]);
    expect(fileOf(outcome(chain.receipt(odd, 0)), FILE)).toBe('PROOF_FORM');
  });
});
