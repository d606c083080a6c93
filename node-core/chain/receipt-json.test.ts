import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type SyntheticBlock, SyntheticChain } from '../../test/proofs/synthetic-chain.ts';
import { toHex, utf8 } from '../codec/bytes.ts';
import { encode } from '../codec/cbor.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { Batch } from './batch.ts';
import { BropError } from './codes.ts';
import { REGISTER, REGISTER_BATCH, registerBatchBody, registerBody } from './operations/evidence.ts';
import { encodeReceipt, type Receipt } from './receipt.ts';
import { proofFromJson, proofToJson } from './receipt-json.ts';

const DIGEST = crypto.hash('sha-256', utf8('a contract'));

let chain: SyntheticChain;
let block: SyntheticBlock;
let receipt: Receipt;

beforeAll(async () => {
  chain = await SyntheticChain.make(crypto, 'json', { name: '联盟 "quoted" \\ 链' });
  const body = registerBody.encode({
    digests: new Map([['sha-256', DIGEST]]),
    subject: '  two spaces, "quotes", \\ and 中文  ',
    attributes: new Map<string, string | number | boolean>([
      ['constructor', 'x'],
      ['n', 7],
      ['yes', true],
    ]),
  });
  block = chain.block(2, [chain.transaction([{ type: REGISTER, body }])]);
  receipt = chain.receipt(block, 0);
});

const round = (bytes: Uint8Array) => proofFromJson(proofToJson(bytes));

describe('bytes to JSON and back', () => {
  it('is exact for receipts, batch receipts, state proofs and expiry certificates', () => {
    const batch = new Batch(crypto);
    for (let i = 0; i < 5; i++) batch.add(new Map([['sm3', crypto.hash('sm3', encode(i))]]));
    const operation = { type: REGISTER_BATCH, body: registerBatchBody.encode(batch.commitment()) };
    const inBatch = batch.receipts(chain.receiptBytes(chain.block(3, [chain.transaction([operation])])))(4);
    const key = encode(['filler', 3]);
    const expired = { sender: chain.partnerId, nonce: chain.random(32), expiry: 1 };
    const files = [
      encodeReceipt(receipt),
      inBatch,
      chain.stateProof(block, key),
      chain.stateProof(block, utf8('no CBOR at all')),
      chain.expiryCertificate(block, expired, null),
    ];
    for (const bytes of files) expect(round(bytes)).toEqual(bytes);
  });

  it('is exact for whatever the forms allow', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const path = fc.array(hash, { maxLength: 9 });
    const signature = fc.tuple(fc.nat(99), fc.nat(1), fc.uint8Array({ minLength: 64, maxLength: 64 }));
    const certificate = fc.tuple(fc.nat(1_000_000), fc.array(signature, { minLength: 1, maxLength: 5 }));
    const setChange = fc.tuple(fc.uint8Array({ maxLength: 90 }), certificate, fc.uint8Array({ maxLength: 90 }));
    const logIndex = fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
    const result = fc.tuple(fc.nat(9_999), fc.option(fc.nat(63)), fc.maxSafeNat(), logIndex, hash);
    const shape = fc.record({
      setChanges: fc.array(setChange, { maxLength: 3 }),
      certificate,
      result,
      inBlock: fc.tuple(fc.nat(10_000), path),
      inLog: fc.option(path),
    });
    fc.assert(
      fc.property(shape, (parts) => {
        const bytes = encodeReceipt({ ...receipt, ...parts });
        expect(round(bytes)).toEqual(bytes);
      }),
    );
  });

  it('says for people what is inside', () => {
    const { readable } = JSON.parse(proofToJson(encodeReceipt(receipt)));
    expect(readable).toMatchObject({
      chain: { name: '联盟 "quoted" \\ 链', genesisHash: toHex(chain.genesis.hash) },
      block: { height: 2, time: '2026-11-01T00:00:06.000Z' },
      certificate: { round: 0, validatorsThatSigned: [0, 1, 2] },
      sender: { kind: 'partner', name: 'Example Partner 示例' },
      operations: [
        { type: REGISTER, body: { digests: { 'sha-256': toHex(DIGEST) }, attributes: { constructor: 'x' } } },
      ],
      result: { code: 0, meaning: 'applied' },
    });
  });

  it('names the rejection', () => {
    const rejected = chain.block(4, [chain.transaction([{ type: 'x', body: 1 }])], { codes: [2202] });
    const { readable } = JSON.parse(proofToJson(chain.receiptBytes(rejected)));
    expect(readable.result).toMatchObject({ code: 2202, meaning: 'PREVIOUS_MISMATCH', operation: 0, logIndex: null });
  });

  it('refuses bytes that are no proof', () => {
    for (const bytes of [new Uint8Array(0), utf8('{}'), encode(new Map([['type', 'brop.receipt.v2']]))]) {
      expect(() => proofToJson(bytes)).toThrow(BropError);
    }
  });
});

describe('what a person reads is bound', () => {
  const text = () => proofToJson(encodeReceipt(receipt));
  const refused = { code: 'PROOF_FORM' };

  it('white space between the parts may change', () => {
    expect(proofFromJson(JSON.stringify(JSON.parse(text())))).toEqual(encodeReceipt(receipt));
    expect(proofFromJson(JSON.stringify(JSON.parse(text()), null, '\t'))).toEqual(encodeReceipt(receipt));
    expect(proofFromJson(`\n ${text()}\r\n`)).toEqual(encodeReceipt(receipt));
  });

  it('white space inside the strings may not', () => {
    expect(proofFromJson(text().replace('  two spaces', ' two spaces'))).toMatchObject(refused);
  });

  it('no readable word or number may change, go, or be added', () => {
    for (const [from, to] of [
      ['2026-11-01', '2025-11-01'],
      ['"height": 2', '"height": 3'],
      ['Example Partner 示例', 'Example Partner 示範'],
      ['"applied"', '"rejected"'],
      ['"height": 2', '"height": 2.0'],
      ['"height": 2', '"height": 2, "height": 2'],
      ['"readable": {', '"readable": {"verified": true, '],
      ['"proof": {', '"note": "registered in 1999", "proof": {'],
      ['"code": 0', '"code": 0e0'],
    ] as const) {
      expect(text()).toContain(from);
      expect(proofFromJson(text().replace(from, to)), to).toMatchObject(refused);
    }
  });

  it('a key written twice shows one thing and means another: refused', () => {
    const forged = text().replace('"readable": {', '"readable": {"block": {"height": 9}},\n  "readable": {');
    expect(proofFromJson(forged)).toMatchObject(refused);
  });

  it('the order of keys, escapes and the case of digits are fixed', () => {
    const { proof, readable } = JSON.parse(text());
    expect(proofFromJson(JSON.stringify({ readable, proof }))).toMatchObject(refused);
    expect(proofFromJson(text().replace('中', '\\u4e2d'))).toMatchObject(refused);
    const upper = text().replace(toHex(receipt.result[4]), toHex(receipt.result[4]).toUpperCase());
    expect(upper).not.toBe(text());
    expect(proofFromJson(upper)).toMatchObject(refused);
  });

  it('a changed proof does not match what stands beside it', () => {
    const { proof } = JSON.parse(text());
    expect(proofFromJson(text().replace(proof.header, `${proof.header.slice(0, -2)}00`))).toMatchObject(refused);
  });

  it('is not thrown at by texts that are no JSON, or none of ours', () => {
    for (const bad of [
      '',
      'null',
      '[]',
      '{}',
      '{"proof":null}',
      '{"proof":[]}',
      '{"proof":{"type":1}}',
      '{"proof":{"type":"0g"}}',
      '{',
      '{"proof":{"x":0.5}}',
    ]) {
      expect(proofFromJson(bad), bad).toMatchObject(refused);
    }
  });
});
