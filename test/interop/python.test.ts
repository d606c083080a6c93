/** The independent verifier in Python (cbor2, pycose, cryptography; none of our code) on proofs made here and now. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { Batch } from '../../node-core/chain/batch.ts';
import {
  REGISTER,
  REGISTER_BATCH,
  registerBatchBody,
  registerBody,
} from '../../node-core/chain/operations/evidence.ts';
import { encodeReceipt } from '../../node-core/chain/receipt.ts';
import { transparentStatement } from '../../node-core/chain/scitt.ts';
import { toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { encode } from '../../node-core/codec/cbor.ts';
import type { HashAlgorithm } from '../../node-core/crypto/provider.ts';
import { SyntheticChain } from '../proofs/synthetic-chain.ts';
import { type Answer, Python } from './python.ts';

const FILE = utf8('a contract');
const ALL: HashAlgorithm[] = ['sha-256', 'sha-512', 'sha3-256', 'sm3'];
const digests = (file: Uint8Array) => new Map(ALL.map((algorithm) => [algorithm, crypto.hash(algorithm, file)]));

let python: Python;
let chain: SyntheticChain;
let receipt: Uint8Array;

beforeAll(async () => {
  python = new Python();
  chain = await SyntheticChain.make(crypto, `python ${Date.now()}`, { standby: true });
  const register = () => chain.transaction([{ type: REGISTER, body: registerBody.encode({ digests: digests(FILE) }) }]);
  for (let height = 1; height < 9; height++) chain.block(height, [register()]);
  receipt = chain.receiptBytes(chain.block(9, [register(), register(), register()]), 2);
});
afterAll(() => python.close());

const hash = (of = chain) => ['--genesis', toHex(of.genesis.hash)];
const verify = (proof: Uint8Array, file?: Uint8Array, of = chain): Promise<Answer> =>
  python.run('verify_receipt.py', [
    python.file(proof),
    ...(file === undefined ? [] : [python.file(file)]),
    ...hash(of),
  ]);
const verifyStatement = (statement: Uint8Array, of = chain) =>
  python.run('verify_receipt.py', [
    python.file(statement),
    '--genesis-file',
    python.file(of.genesis.bytes),
    ...hash(of),
  ]);

const flipped = (bytes: Uint8Array, part: Uint8Array) => {
  const at = Buffer.from(bytes).indexOf(part);
  const changed = bytes.slice();
  changed[at + (part.length >> 1)]! ^= 1;
  return changed;
};

describe('receipts', () => {
  it('of a file in four digests', async () => {
    expect(await verify(receipt, FILE)).toMatchObject({
      exitCode: 0,
      output: { ok: true, height: 9, code: 0, signatures: 3, validators: 4 },
    });
    expect(await verify(receipt)).toMatchObject({ exitCode: 0 });
    expect(await verify(receipt, utf8('another'))).toMatchObject({ exitCode: 16 });
    const other = await SyntheticChain.make(crypto, 'another chain');
    expect(await verify(receipt, FILE, other)).toMatchObject({ exitCode: 11 });
  });

  it.each(['p256', 'ed25519'] as const)(
    'with validators that sign by %s, a standby key and a later round among them',
    async (suite) => {
      const own = await SyntheticChain.make(crypto, `python ${suite}`, { suite, standby: true });
      const block = own.block(1, [
        own.transaction([{ type: REGISTER, body: registerBody.encode({ digests: digests(FILE) }) }]),
      ]);
      const certificate = own.certify(
        block,
        [
          [0, 1],
          [2, 0],
          [3, 1],
        ],
        { round: 3 },
      );
      expect(
        await verify(encodeReceipt(own.receipt(block, 0, own.anchor(block, certificate))), FILE, own),
      ).toMatchObject({ exitCode: 0 });
      const two = own.certify(
        block,
        [
          [0, 1],
          [2, 0],
        ],
        { round: 3 },
      );
      expect(await verify(encodeReceipt(own.receipt(block, 0, own.anchor(block, two))), FILE, own)).toMatchObject({
        exitCode: 13,
      });
    },
  );

  it('after a change of the validator set', async () => {
    const next = chain.newMembers(3);
    const { hash: nextValidatorsHash, bytes } = chain.rawSet(next);
    const change = chain.block(10, [], { nextValidatorsHash });
    const block = chain.block(
      11,
      [chain.transaction([{ type: REGISTER, body: registerBody.encode({ digests: digests(FILE) }) }])],
      {
        validatorsHash: nextValidatorsHash,
        nextValidatorsHash,
      },
    );
    const certificate = chain.certify(block, undefined, { members: next });
    const toNext = [change.headerBytes, chain.certify(change), bytes] as const;
    const good = chain.receipt(block, 0, chain.anchor(block, certificate, [toNext]));
    expect(await verify(encodeReceipt(good), FILE)).toMatchObject({ exitCode: 0 });
    expect(await verify(encodeReceipt({ ...good, setChanges: [] }))).toMatchObject({ exitCode: 12 });
    const bySelf = chain.certify(change, undefined, { members: next });
    expect(await verify(encodeReceipt({ ...good, setChanges: [[toNext[0], bySelf, bytes]] }))).toMatchObject({
      exitCode: 12,
    });
  });

  it('of a batch, and of a rejected transaction', async () => {
    const batch = new Batch(crypto);
    for (let i = 0; i < 6; i++) batch.add(digests(encode(i)));
    const operation = { type: REGISTER_BATCH, body: registerBatchBody.encode(batch.commitment()) };
    const block = chain.block(12, [chain.transaction([operation]), chain.transaction([operation])], {
      codes: [0, 2202],
    });
    const one = batch.receipts(chain.receiptBytes(block, 0))(5);
    expect(await verify(one, encode(5))).toMatchObject({ exitCode: 0 });
    expect(await verify(one, encode(4))).toMatchObject({ exitCode: 16 });
    expect(await verify(chain.receiptBytes(block, 1), encode(5))).toMatchObject({ exitCode: 17 });
    expect(await verify(chain.receiptBytes(block, 1))).toMatchObject({
      exitCode: 0,
      output: { code: 2202, logIndex: null },
    });
  });

  // Every byte is changed in test/proofs/every-byte.test.ts; here the other implementation sees every third.
  it('with any one byte changed: none verifies', async () => {
    const { output } = await python.run('every_byte.py', [python.file(receipt), ...hash(), '--step', '3']);
    expect(output).toMatchObject({ bytes: receipt.length, survivors: [] });
    const codes = Object.keys(output.codes as object).sort();
    expect(codes).toEqual([
      'PROOF_CERTIFICATE',
      'PROOF_FORM',
      'PROOF_GENESIS',
      'PROOF_INCLUSION',
      'PROOF_SIGNATURE',
      'PROOF_VALIDATORS',
    ]);
  }, 120_000);
});

describe('state proofs and expiry certificates', () => {
  it('are verified, and refused when changed', async () => {
    for (const stateHash of ['sha-256', 'sm3'] as const) {
      const own = await SyntheticChain.make(crypto, `python ${stateHash}`, { stateHash });
      const block = own.block(50, []);
      expect(await verify(own.stateProof(block, encode(['filler', 3])), undefined, own)).toMatchObject({
        exitCode: 0,
        output: { value: '03' },
      });
      expect(await verify(own.stateProof(block, encode(['nothing'])), undefined, own)).toMatchObject({
        exitCode: 0,
        output: { value: null },
      });
      const of = { sender: own.partnerId, nonce: own.random(32), expiry: 40 };
      const certificate = own.expiryCertificate(block, of, null);
      expect(await verify(certificate, undefined, own)).toMatchObject({
        exitCode: 0,
        output: { expiry: 40, nonce: toHex(of.nonce) },
      });
      expect(await verify(own.expiryCertificate(block, { ...of, expiry: 51 }, null), undefined, own)).toMatchObject({
        exitCode: 18,
      });
      expect(
        await verify(flipped(certificate, own.statePath(encode(['prunedThrough']))[0][0]!), undefined, own),
      ).toMatchObject({ exitCode: 14 });
    }
  });
});

describe('transparent statements, with pycose', () => {
  it('each receipt verifies over the root of leaf and path', async () => {
    const statement = transparentStatement(crypto, receipt);
    expect(await verifyStatement(statement)).toMatchObject({ exitCode: 0, output: { receipts: 3, height: 9 } });
  });

  it('not when the statement, a signature or a path is changed', async () => {
    const statement = transparentStatement(crypto, receipt);
    expect(await verifyStatement(flipped(statement, digests(FILE).get('sm3')!))).toMatchObject({ exitCode: 13 });
    expect(await verifyStatement(flipped(statement, statement.subarray(-64)))).toMatchObject({ exitCode: 13 });
    const other = await SyntheticChain.make(crypto, 'another chain');
    expect(await verifyStatement(statement, other)).toMatchObject({ exitCode: 13 });
  });
});
