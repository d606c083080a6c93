/**
 * Each single byte of a proof, changed in several ways, and each byte of the file: nothing verifies any more. The codes
 * say which kind of thing was touched.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { Batch } from '../../node-core/chain/batch.ts';
import type { CodeName } from '../../node-core/chain/codes.ts';
import {
  REGISTER,
  REGISTER_BATCH,
  registerBatchBody,
  registerBody,
} from '../../node-core/chain/operations/evidence.ts';
import { decodeReceipt, type Receipt, verifyFile, verifyReceipt } from '../../node-core/chain/receipt.ts';
import { proofFromJson, proofToJson } from '../../node-core/chain/receipt-json.ts';
import { verifyExpiryCertificate, verifyStateProof } from '../../node-core/chain/state-proof.ts';
import { encode } from '../../node-core/codec/cbor.ts';
import type { HashAlgorithm } from '../../node-core/crypto/provider.ts';
import { cachedCrypto } from '../simulation/cached-crypto.ts';
import { SyntheticChain, type SyntheticOptions } from './synthetic-chain.ts';

const crypto = cachedCrypto();
const CHANGES = [(b: number) => b ^ 1, (b: number) => b ^ 0x80, (b: number) => (b + 1) & 0xff];
const FILE = crypto.hash('sha-512', encode('a file'));

type Verify = (bytes: Uint8Array) => object;

let chain: SyntheticChain;
let receipt: Uint8Array;

beforeAll(async () => {
  chain = await SyntheticChain.make(crypto, 'every byte');
  receipt = await receiptOf(chain);
});

async function receiptOf(of: SyntheticChain): Promise<Uint8Array> {
  const digests = new Map((['sha-256', 'sm3'] as const).map((algorithm) => [algorithm, crypto.hash(algorithm, FILE)]));
  const register = {
    type: REGISTER,
    body: registerBody.encode({ digests, subject: 'lot 1', mediaType: 'text/plain' }),
  };
  for (let height = 1; height < 20; height++) of.block(height, [of.transaction([register])]);
  return of.receiptBytes(
    of.block(
      20,
      [0, 1, 2, 3, 4].map(() => of.transaction([register])),
    ),
    3,
  );
}

/** Codes by byte offset; fails with the offsets that still verify. */
function codesOfChanges(bytes: Uint8Array, verify: Verify, changes = CHANGES): Set<string>[] {
  expect(verify(bytes)).not.toHaveProperty('code');
  const survivors: string[] = [];
  const codes = Array.from(bytes, (byte, offset) => {
    const found = new Set<string>();
    for (const change of changes) {
      const changed = bytes.slice();
      changed[offset] = change(byte);
      const outcome = verify(changed);
      if ('code' in outcome) found.add(String(outcome.code));
      else survivors.push(`${offset}: ${byte} → ${changed[offset]}`);
    }
    return found;
  });
  expect(survivors).toEqual([]);
  return codes;
}

const all = (codes: readonly Set<string>[]) => [...new Set(codes.flatMap((set) => [...set]))].sort();

/** Where `part` is inside `bytes`: it is there once. */
function codesWithin(codes: readonly Set<string>[], bytes: Uint8Array, part: Uint8Array): string[] {
  const at = Buffer.from(bytes).indexOf(part);
  expect(at).toBeGreaterThan(0);
  return all(codes.slice(at, at + part.length));
}

describe('every byte of a receipt', () => {
  const verify: Verify = (bytes) => verifyReceipt(crypto, bytes, chain.genesis.hash);

  it('counts, and the code says what was changed', () => {
    const codes = codesOfChanges(receipt, verify);
    const parts: Receipt = decodeReceipt(receipt);
    const proofs: CodeName[] = [
      'PROOF_CERTIFICATE',
      'PROOF_FORM',
      'PROOF_GENESIS',
      'PROOF_INCLUSION',
      'PROOF_SIGNATURE',
      'PROOF_VALIDATORS',
    ];
    expect(all(codes)).toEqual(proofs);
    expect(codesWithin(codes, receipt, parts.genesis)).toEqual(['PROOF_GENESIS']);
    expect(codesWithin(codes, receipt, parts.certificate[1][0]![2])).toEqual(['PROOF_CERTIFICATE']);
    expect(codesWithin(codes, receipt, parts.transaction.subarray(-64))).toEqual(['PROOF_SIGNATURE']);
    expect(codesWithin(codes, receipt, parts.transaction)).toEqual(['PROOF_FORM', 'PROOF_SIGNATURE']);
    expect(codesWithin(codes, receipt, parts.inBlock[1][0]!)).toEqual(['PROOF_INCLUSION']);
    expect(codesWithin(codes, receipt, parts.inLog![0]!)).toEqual(['PROOF_INCLUSION']);
    expect(codesWithin(codes, receipt, parts.result[4])).toEqual(['PROOF_INCLUSION']);
    console.log(
      `receipt: ${receipt.length} bytes, ${CHANGES.length} changes of each refused: ${all(codes).join(', ')}`,
    );
  });

  it('no byte can be left out, put in, or put at the end', () => {
    for (let at = 0; at < receipt.length; at++) {
      expect(
        verify(Uint8Array.from([...receipt.subarray(0, at), ...receipt.subarray(at + 1)])),
        `without ${at}`,
      ).toHaveProperty('code');
      expect(verify(receipt.subarray(0, at)), `cut at ${at}`).toHaveProperty('code');
    }
    expect(verify(Uint8Array.from([...receipt, 0]))).toHaveProperty('code');
  });

  it.each<[string, SyntheticOptions]>([
    ['signed with Ed25519', { suite: 'ed25519' }],
    ['of two keys per validator', { standby: true }],
  ])('%s', async (name, options) => {
    const other = await SyntheticChain.make(crypto, name, options);
    const bytes = await receiptOf(other);
    codesOfChanges(bytes, (changed) => verifyReceipt(crypto, changed, other.genesis.hash), CHANGES.slice(0, 1));
  });

  it('of a batch', () => {
    const batch = new Batch(crypto);
    for (let i = 0; i < 11; i++) batch.add(new Map([['sha-256', crypto.hash('sha-256', encode(i))]]));
    const operation = { type: REGISTER_BATCH, body: registerBatchBody.encode(batch.commitment()) };
    const block = chain.block(21, [chain.transaction([operation])]);
    codesOfChanges(batch.receipts(chain.receiptBytes(block))(9), verify, CHANGES.slice(0, 1));
  });

  it('and of its genesis hash', () => {
    for (let at = 0; at < 32; at++) {
      const hash = chain.genesis.hash.slice();
      hash[at]! ^= 1;
      expect(verifyReceipt(crypto, receipt, hash)).toMatchObject({ code: 'PROOF_GENESIS' });
    }
  });

  it('every character of its JSON form', () => {
    const text = proofToJson(receipt);
    expect(proofFromJson(text)).toEqual(receipt);
    const survivors: number[] = [];
    for (let at = 0; at < text.length - 1; at++) {
      const changed = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
      const bytes = proofFromJson(changed);
      if (bytes instanceof Uint8Array && !('code' in verify(bytes))) survivors.push(at);
    }
    expect(survivors).toEqual([]);
  });
});

describe('every byte of the file', () => {
  it('counts', () => {
    const facts = verifyReceipt(crypto, receipt, chain.genesis.hash);
    if ('code' in facts) throw new Error(facts.code);
    const code = (file: Uint8Array) =>
      verifyFile(facts, (algorithm: HashAlgorithm) => crypto.hash(algorithm, file))?.code;
    expect(code(FILE)).toBeUndefined();
    for (let at = 0; at < FILE.length; at++) {
      for (const change of CHANGES) {
        const changed = FILE.slice();
        changed[at] = change(FILE[at]!);
        expect(code(changed)).toBe('PROOF_FILE');
      }
      expect(code(FILE.subarray(0, at))).toBe('PROOF_FILE');
    }
  });
});

describe('every byte of the other proofs', () => {
  it('state proof of presence, and of absence', () => {
    const block = chain.block(30, []);
    for (const key of [encode(['filler', 3]), encode(['nothing', 3])]) {
      const verify: Verify = (bytes) => verifyStateProof(crypto, bytes, chain.genesis.hash, key);
      const codes = all(codesOfChanges(chain.stateProof(block, key), verify));
      expect(codes).toEqual([
        'PROOF_CERTIFICATE',
        'PROOF_FORM',
        'PROOF_GENESIS',
        'PROOF_INCLUSION',
        'PROOF_VALIDATORS',
      ]);
    }
  });

  it('expiry certificate', () => {
    const of = { sender: chain.partnerId, nonce: chain.random(32), expiry: 300 };
    chain.set(encode(['prunedThrough']), encode(200));
    const bytes = chain.expiryCertificate(chain.block(400, []), of, 200);
    const codes = all(
      codesOfChanges(bytes, (changed) => verifyExpiryCertificate(crypto, changed, chain.genesis.hash, of)),
    );
    expect(codes).toEqual([
      'PROOF_CERTIFICATE',
      'PROOF_FORM',
      'PROOF_GENESIS',
      'PROOF_INCLUSION',
      'PROOF_NOT_EXPIRED',
      'PROOF_VALIDATORS',
    ]);
  });
});
