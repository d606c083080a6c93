import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { nativeCrypto as crypto } from '../../../adapters/crypto-native/native.ts';
import { proofFromJson, proofToJson } from '../../../node-core/chain/receipt-json.ts';
import { accountIdFromText } from '../../../node-core/codec/account-id.ts';
import { fromHex, toHex } from '../../../node-core/codec/bytes.ts';
import { verifyExpiryCertificate, verifyReceipt, verifyStateProof } from '../../../sdk/verify.ts';
import { makeVectors, type Vectors } from './make.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, each looked at by one test.
const load = (name: string): any => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const NAMES = [
  'genesis', 'transaction', 'header', 'votes', 'receipt', 'rejected-receipt', 'batch-receipt', 'set-change-receipt', 'state-proofs',
  'expiry-certificate', 'suites',
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
