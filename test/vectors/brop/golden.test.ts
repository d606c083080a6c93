import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { nativeCrypto as crypto } from '../../../adapters/crypto-native/native.ts';
import { setValidatorsBody } from '../../../node-core/chain/operations/set-validators.ts';
import { registerSchemaBody, schemaFromJson, schemaId } from '../../../node-core/chain/operations/record-schema.ts';
import { proofFromJson, proofToJson } from '../../../node-core/chain/receipt-json.ts';
import { verifySubjectProof } from '../../../node-core/chain/subject-proof.ts';
import { approvalRefusal, proposedSet } from '../../../node-core/chain/set-approval.ts';
import { decodeValidatorSet } from '../../../node-core/chain/validator-set.ts';
import { accountIdFromText } from '../../../node-core/codec/account-id.ts';
import { fromHex, toHex } from '../../../node-core/codec/bytes.ts';
import { decode } from '../../../node-core/codec/cbor.ts';
import { verifyExpiryCertificate, verifyReceipt, verifyStateProof } from '../../../sdk/verify.ts';
import { makeVectors, type Vectors } from './make.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, each looked at by one test.
const load = (name: string): any => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const NAMES = [
  'genesis', 'transaction', 'header', 'votes', 'receipt', 'rejected-receipt', 'batch-receipt', 'set-change-receipt', 'state-proofs',
  'expiry-certificate', 'suites', 'set-approval', 'record-schema', 'subject-proof',
].map((name) => `${name}.json`);

let made: Vectors;
beforeAll(async () => {
  made = await makeVectors();
});

describe('golden vectors', () => {
  it('are all here', () => {
    expect(Object.keys(made)).toEqual(NAMES);
  });

  it.each(NAMES)('%s: the code still makes these very bytes', (name) => {
    expect(JSON.parse(JSON.stringify(made[name]))).toEqual(load(name));
  });
});

describe('golden vectors verify', () => {
  it('receipt, its JSON, its file', async () => {
    const { genesisHash, file, cbor, json } = load('receipt.json');
    const receipt = fromHex(cbor);
    expect(await verifyReceipt(receipt, { genesisHash, file: fromHex(file), crypto })).toMatchObject({ ok: true, height: 2, signatures: 3 });
    expect(proofFromJson(JSON.stringify(json))).toEqual(receipt);
    expect(JSON.parse(proofToJson(receipt))).toEqual(json);
    expect(toHex(crypto.hash('sha-256', fromHex(load('genesis.json').bytes)))).toBe(genesisHash);
  });

  it('rejected, batch, set change, every suite', async () => {
    const rejected = load('rejected-receipt.json');
    const options = { genesisHash: rejected.genesisHash, crypto };
    expect(await verifyReceipt(fromHex(rejected.cbor), { ...options, acceptRejected: true })).toMatchObject({ ok: true, code: 2202 });
    const batch = load('batch-receipt.json');
    for (const [i, receipt] of batch.receipts.entries()) {
      expect(await verifyReceipt(fromHex(receipt), { ...options, file: fromHex(batch.files[i]) })).toHaveProperty('ok', true);
    }
    expect(await verifyReceipt(fromHex(load('set-change-receipt.json').cbor), options)).toMatchObject({ ok: true, totalPower: 15 });
    for (const { genesisHash, cbor } of load('suites.json')) {
      expect(await verifyReceipt(fromHex(cbor), { genesisHash, crypto })).toHaveProperty('ok', true);
    }
  });

  it('set approvals: the set of the genesis has approved the body', () => {
    const { genesis, chain, body, signed, publicKey, nextSet, ...vector } = { ...load('set-approval.json'), genesis: load('genesis.json'), chain: fromHex(load('genesis.json').hash) };
    const current = decodeValidatorSet(crypto, fromHex(genesis.validators));
    const { effectiveHeight, approvals, validators } = setValidatorsBody.decode(decode(fromHex(body)), '');
    const next = proposedSet(crypto, { validators });
    expect([toHex(current.hash), toHex(next.hash), toHex(next.bytes), effectiveHeight]).toEqual([vector.current, vector.next, nextSet, vector.effectiveHeight]);
    const facts = { chain, protocolVersion: 1, current: current.hash, since: vector.since, next: next.hash, effectiveHeight };
    expect(approvalRefusal(crypto, current, facts, approvals)).toBeNull();
    expect(crypto.verify({ suite: 'p256', bytes: fromHex(publicKey) }, fromHex(signed), approvals[0]![2])).toBe(true);
  });

  it('a schema from its JSON, and what it is called by', () => {
    const { name, schema, registrant, body, id } = load('record-schema.json');
    const decoded = registerSchemaBody.decode(decode(fromHex(body)), '');
    expect(decoded).toEqual({ name, schema: schemaFromJson(schema) });
    expect(toHex(schemaId(crypto, accountIdFromText(registrant), decoded))).toBe(id);
  });

  it('all records of a subject', () => {
    const { genesisHash, cbor, registrant, subject, records } = load('subject-proof.json');
    const facts = verifySubjectProof(crypto, fromHex(cbor), fromHex(genesisHash));
    expect(facts).toMatchObject({ subject, from: 75, to: 100, count: 3, registrant: accountIdFromText(registrant) });
    expect('records' in facts && facts.records.map((found) => [toHex(found.id), found.record.height])).toEqual([[records[0], 80], [records[1], 90]]);
  });

  it('state proofs and expiry certificate', () => {
    const { genesisHash, presence, absence } = load('state-proofs.json');
    for (const [{ key, cbor }, value] of [[presence, Uint8Array.of(3)], [absence, null]]) {
      expect(verifyStateProof(fromHex(cbor), { genesisHash, crypto, key: fromHex(key) })).toMatchObject({ ok: true, value });
    }
    const { sender, nonce, expiry, cbor } = load('expiry-certificate.json');
    const transaction = { sender: accountIdFromText(sender), nonce: fromHex(nonce), expiry };
    expect(verifyExpiryCertificate(fromHex(cbor), { genesisHash, crypto, transaction })).toMatchObject({ ok: true, height: 60 });
  });
});
