import { beforeAll, describe, expect, it } from 'vitest';
import { encodeEquivocation } from '../node-core/chain/equivocation.ts';
import { REGISTER, registerBody } from '../node-core/chain/operations/evidence.ts';
import { voteMessage } from '../node-core/chain/votes.ts';
import { accountIdToText } from '../node-core/codec/account-id.ts';
import { toHex, utf8 } from '../node-core/codec/bytes.ts';
import { encode } from '../node-core/codec/cbor.ts';
import { pureCrypto as crypto } from '../node-core/crypto/pure.ts';
import { SyntheticChain, sign } from '../test/proofs/synthetic-chain.ts';
import {
  digestOf,
  proofToJson,
  verifyEquivocation,
  verifyExpiryCertificate,
  verifyReceipt,
  verifyStateProof,
} from './verify.ts';

const FILE = utf8('a contract');
let chain: SyntheticChain;
let receipt: Uint8Array;
let rejected: Uint8Array;
let genesisHash: string;

beforeAll(async () => {
  chain = await SyntheticChain.make(crypto, 'verify');
  genesisHash = toHex(chain.genesis.hash);
  const operation = {
    type: REGISTER,
    body: registerBody.encode({ digests: await digestOf(FILE, ['sha-256', 'sm3']) }),
  };
  const block = chain.block(5, [chain.transaction([operation]), chain.transaction([operation])], { codes: [0, 2202] });
  receipt = chain.receiptBytes(block, 0);
  rejected = chain.receiptBytes(block, 1);
});

describe('verifyReceipt', () => {
  it('says who, what, when, and how many signed', async () => {
    expect(await verifyReceipt(receipt, { genesisHash, file: FILE })).toMatchObject({
      ok: true,
      chain: { name: 'synthetic consortium', genesisHash },
      height: 5,
      when: '2026-11-01T00:00:15.000Z',
      who: { name: 'Example Partner 示例', kind: 'partner', legal: { version: '1.0' } },
      what: {
        label: 'synthetic',
        operations: [{ type: REGISTER }],
        files: [{ 'sha-256': expect.any(String), sm3: expect.any(String) }],
      },
      code: 0,
      logIndex: 1,
      signatures: 3,
      validators: 4,
      power: 3,
      totalPower: 4,
    });
  });

  it('takes the hash as bytes, the receipt as JSON, the file as a Blob', async () => {
    const json = proofToJson(receipt);
    expect(await verifyReceipt(json, { genesisHash: chain.genesis.hash, file: new Blob([FILE]) })).toHaveProperty(
      'ok',
      true,
    );
    expect(await verifyReceipt(json.replace('"height": 5', '"height": 6'), { genesisHash })).toMatchObject({
      code: 'PROOF_FORM',
    });
  });

  it('tells another file, another chain and a broken receipt apart', async () => {
    const code = async (input: Uint8Array, options: object) => {
      const verdict = await verifyReceipt(input, { genesisHash, ...options });
      return verdict.ok ? 'ok' : [verdict.code, verdict.number];
    };
    expect(await code(receipt, { file: utf8('a contract!') })).toEqual(['PROOF_FILE', 3007]);
    expect(await code(receipt, { genesisHash: '00'.repeat(32) })).toEqual(['PROOF_GENESIS', 3002]);
    expect(await code(receipt.slice(1), {})).toEqual(['PROOF_FORM', 3001]);
    const bad = receipt.slice();
    bad[bad.length - 1]! ^= 1;
    expect(await code(bad, {})).not.toBe('ok');
  });

  it('does not take a rejected transaction for a registration, unless asked for the rejection itself', async () => {
    expect(await verifyReceipt(rejected, { genesisHash })).toMatchObject({ ok: false, code: 'PROOF_REJECTED' });
    expect(await verifyReceipt(rejected, { genesisHash, acceptRejected: true })).toMatchObject({
      ok: true,
      code: 2202,
      codeName: 'PREVIOUS_MISMATCH',
      what: { operations: [{ record: null }] },
    });
    const withFile = { genesisHash, acceptRejected: true, file: FILE };
    expect(await verifyReceipt(rejected, withFile)).toMatchObject({ ok: false, code: 'PROOF_REJECTED' });
  });

  it('throws for a genesis hash that is none: that is the caller’s mistake', async () => {
    await expect(verifyReceipt(receipt, { genesisHash: 'abc' })).rejects.toThrow(RangeError);
    await expect(verifyReceipt(receipt, { genesisHash: '00' })).rejects.toThrow(/32 bytes/);
  });
});

describe('state proofs and expiry certificates', () => {
  it('are verified for what was asked about', () => {
    const block = chain.block(50, []);
    const key = encode(['filler', 3]);
    const proof = chain.stateProof(block, key);
    expect(verifyStateProof(proof, { genesisHash, key })).toMatchObject({ ok: true, value: encode(3), height: 50 });
    expect(verifyStateProof(proof, { genesisHash, key: encode(['filler', 4]) })).toMatchObject({
      code: 'PROOF_INCLUSION',
    });
    const transaction = { sender: chain.partnerId, nonce: chain.random(32), expiry: 40 };
    const certificate = chain.expiryCertificate(block, transaction, null);
    expect(verifyExpiryCertificate(certificate, { genesisHash, transaction })).toMatchObject({ ok: true, height: 50 });
    const later = { ...transaction, expiry: 41 };
    expect(verifyExpiryCertificate(certificate, { genesisHash, transaction: later })).toMatchObject({
      code: 'PROOF_NOT_EXPIRED',
    });
    expect(verifyStateProof(certificate, { genesisHash, key })).toMatchObject({ code: 'PROOF_FORM' });
  });
});

describe('verifyEquivocation', () => {
  const evidence = (values: readonly [number, number]) => {
    const { id, keys } = chain.members[1]!;
    const scope = { chain: chain.genesis.hash, protocolVersion: 1, height: 1, round: 0, validator: id };
    const said = (fill: number) => {
      const [headerHash, logRoot] = [new Uint8Array(32).fill(fill), new Uint8Array(32)];
      const message = voteMessage(crypto, 'prevote', { ...scope, key: keys[0].publicKey }, { headerHash, logRoot });
      return [0, [headerHash, logRoot], null, sign(keys[0], message)] as const;
    };
    const place = { height: 1, round: 0, validator: id, kind: 0 };
    const proof = { genesis: chain.genesis.bytes, setChanges: [], parent: null };
    const [first, second] = [said(values[0]), said(values[1])];
    return encodeEquivocation({ type: 'brop.equivocation.v1', ...proof, ...place, first, second });
  };

  it('says who signed what twice, and where', () => {
    expect(verifyEquivocation(evidence([1, 2]), { genesisHash })).toEqual({
      ok: true,
      chain: { name: 'synthetic consortium', genesisHash },
      validator: accountIdToText(chain.members[1]!.id),
      height: 1,
      round: 0,
      kind: 'prevote',
    });
  });

  it('refuses one vote shown twice, and bytes that are none', () => {
    expect(verifyEquivocation(evidence([1, 1]), { genesisHash })).toMatchObject({ ok: false });
    expect(verifyEquivocation(Uint8Array.of(1), { genesisHash })).toMatchObject({ ok: false, code: 'PROOF_FORM' });
  });
});
