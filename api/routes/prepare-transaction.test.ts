/** Prepare, sign with whatever there is, submit: on a real chain of one validator, with no BROP code on the client. */
import { createPrivateKey, sign as opensslSign } from 'node:crypto';
import { base64urlnopad } from '@scure/base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createdAccountId, genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { REGISTER, registerBody } from '../../node-core/chain/operations/evidence.ts';
import { verifyReceipt } from '../../node-core/chain/receipt.ts';
import { decodeTransaction, signedMessage } from '../../node-core/chain/transaction.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { encode } from '../../node-core/codec/cbor.ts';
import { generateKeyPair } from '../../node-core/crypto/generate.ts';
import { P256_MAX_LOW_S } from '../../node-core/crypto/suite-p256.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';
import { operationsOf } from '../../node-core/protocol/table.ts';
import { expectProblem, post } from '../../test/api/fake-api.ts';
import { crypto, type InProcessNode, random, startInProcessNode } from '../../test/api/in-process-node.ts';
import { JSON_TYPES } from '../prepare/operation-json.ts';

const JSON_HEADERS = { 'Content-Type': 'application/json', Prefer: 'wait=10' };
const DIGEST = 'ab'.repeat(32);

interface Prepared {
  readonly message: string;
  readonly sha256: string;
  readonly transaction: string;
  readonly sender: string;
  readonly nonce: string;
  readonly expiry: number;
  readonly summary: { readonly operations: readonly { readonly type: string; readonly body: unknown }[] };
  readonly text: readonly string[];
  readonly quote: { readonly cost: number; readonly refusal: { readonly name: string } | null };
}

let running: InProcessNode;
let sender: string;
const partner = generateKeyPair('p256', random);
const registration = { type: REGISTER, body: { digests: { 'sha-256': DIGEST }, subject: 'lot 7' } };

const ask = (body: unknown) =>
  running.api.request('/v1/transactions/prepare', post(JSON.stringify(body), { 'Content-Type': 'application/json' }));

async function prepare(body: object): Promise<Prepared> {
  const response = await ask(body);
  expect(response.status, await response.clone().text()).toBe(200);
  return (await response.json()) as Prepared;
}

const submit = (transaction: string, signature: Uint8Array) =>
  running.api.request(
    '/v1/transactions',
    post(JSON.stringify({ transaction, signature: base64urlnopad.encode(signature) }), JSON_HEADERS),
  );

const opensslKey = createPrivateKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    crv: 'P-256',
    d: base64urlnopad.encode(partner.secretKey),
    x: base64urlnopad.encode(partner.publicKey.bytes.subarray(1, 33)),
    y: base64urlnopad.encode(partner.publicKey.bytes.subarray(33)),
  },
});
const derSignature = (message: string) =>
  new Uint8Array(opensslSign('sha256', base64urlnopad.decode(message), opensslKey));

beforeAll(async () => {
  running = await startInProcessNode();
  const { operator } = running.consortium;
  const operatorId = genesisAccountId(crypto, operator.publicKey);
  const body = {
    name: 'a partner',
    key: { suite: 'p256', key: toHex(partner.publicKey.bytes) },
    legal: { version: '1', digest: DIGEST },
    permissions: ['evidence'],
    quota: { max: 1_000_000, periodMs: 86_400_000 },
  };
  const operations = [{ type: 'governance.admitPartner', body }];
  const prepared = await prepare({ sender: accountIdToText(operatorId), operations });
  const message = base64urlnopad.decode(prepared.message);
  const signature = SUITES[operator.publicKey.suite].sign(operator.secretKey, message);
  const response = await submit(prepared.transaction, signature);
  expect(response.status, await response.clone().text()).toBe(200);
  const pair = { sender: operatorId, nonce: fromHex(prepared.nonce), expiry: prepared.expiry };
  sender = accountIdToText(createdAccountId(crypto, pair, 0));
});

afterAll(() => running.stop());

describe('happy', () => {
  it('a signature by OpenSSL, in DER and with either S, registers', async () => {
    const forms = new Set<boolean>();
    for (let i = 0; i < 8; i++) {
      const prepared = await prepare({ sender, operations: [registration] });
      const signature = derSignature(prepared.message);
      const response = await submit(prepared.transaction, signature);
      expect(response.status, await response.clone().text()).toBe(200);
      const receipt = new Uint8Array(await response.arrayBuffer());
      const facts = verifyReceipt(crypto, receipt, running.consortium.genesis.hash);
      if ('code' in facts) throw new Error(facts.code);
      expect(toHex(facts.transaction.nonce)).toBe(prepared.nonce);
      const { transaction } = facts;
      forms.add(SUITES.p256.verify(partner.publicKey.bytes, signedMessage(transaction), transaction.signature));
    }
    expect([...forms]).toEqual([true]);
  });

  it('so does r ‖ s with the higher of the two values of S', async () => {
    const prepared = await prepare({ sender, operations: [registration] });
    const low = SUITES.p256.sign(partner.secretKey, base64urlnopad.decode(prepared.message));
    const high = low.slice();
    const s = 2n * P256_MAX_LOW_S + 1n - BigInt(`0x${toHex(low.subarray(32))}`);
    high.set(fromHex(s.toString(16).padStart(64, '0')), 32);
    expect(SUITES.p256.verify(partner.publicKey.bytes, base64urlnopad.decode(prepared.message), high)).toBe(false);
    expect((await submit(prepared.transaction, high)).status).toBe(200);
  });

  it('the bytes are what the answer says they are, the summary is read from them', async () => {
    const nonce = '0c'.repeat(32);
    const operations = [
      { type: REGISTER, body: { digests: { sm3: DIGEST }, onBehalfOf: sender, attributes: { previous: 'ab', n: 5 } } },
      {
        type: REGISTER,
        cbor: base64urlnopad.encode(encode(registerBody.encode({ digests: new Map([['sm3', fromHex(DIGEST)]]) }))),
      },
    ];
    const prepared = await prepare({ sender, operations, nonce, expiry: 12_345, label: 'two of them' });
    expect(toHex(crypto.hash('sha-256', base64urlnopad.decode(prepared.message)))).toBe(prepared.sha256);
    const bytes = base64urlnopad.decode(prepared.transaction);
    expect(bytes.subarray(-64)).toEqual(new Uint8Array(64));
    const transaction = decodeTransaction(bytes, running.consortium.genesis.hash, 1);
    if ('code' in transaction) throw new Error(transaction.code);
    expect(base64urlnopad.encode(signedMessage(transaction))).toBe(prepared.message);
    expect(prepared).toMatchObject({
      sender,
      nonce,
      expiry: 12_345,
      summary: { sender, nonce, label: 'two of them' },
    });
    expect(prepared.summary.operations).toEqual([
      operations[0],
      { type: REGISTER, body: { digests: { sm3: DIGEST } } },
    ]);
    expect(registerBody.decode(transaction.operations[0]!.body, '').attributes).toEqual(
      new Map<string, unknown>([
        ['n', 5],
        ['previous', 'ab'],
      ]),
    );
    expect(prepared.text).toContain('label: two of them');
    expect(prepared.text).toContain(`    sm3: "${DIGEST}"`);
  });

  it('says what it would cost, and why it would be refused', async () => {
    const { cost, refusal } = (await prepare({ sender, operations: [registration] })).quote;
    expect([cost > 0, refusal]).toEqual([true, null]);
    const certify = {
      key: { suite: 'p256', key: toHex(partner.publicKey.bytes) },
      subject: 'person',
      level: 'realname',
    };
    const operations = [{ type: 'identity.certify', body: { ...certify, terms: DIGEST } }];
    expect((await prepare({ sender, operations })).quote.refusal?.name).toBe('NOT_PERMITTED');
  });

  it('takes seconds as well as a height, and a new nonce each time', async () => {
    const [near, far] = await Promise.all(
      [10, 1_000].map((expiresInSeconds) => prepare({ sender, operations: [registration], expiresInSeconds })),
    );
    expect(near!.expiry).toBeLessThan(far!.expiry);
    expect(near!.nonce).not.toBe(far!.nonce);
  });

  it('every type with a JSON form is one of the protocol', () => {
    expect([...operationsOf(1).keys()]).toEqual(expect.arrayContaining([...JSON_TYPES]));
  });
});

describe('error', () => {
  it.each([
    [{ digests: { 'sha-256': 'xy' } }, /^operations\.0: .*digests\.sha-256/],
    [{ digests: { 'sha-256': DIGEST }, onBehalfOf: 'brop1x' }, /^operations\.0: /],
    [{ digests: { 'sha-256': DIGEST }, sizeBytes: 1.5 }, /./],
    [{ digests: { 'sha-256': DIGEST }, unknown: 1 }, /unknown/],
    [{ digests: { md5: DIGEST } }, /digests/],
    [{ digests: { 'sha-256': DIGEST }, attributes: { a: null } }, /attributes/],
    [['no', 'record'], /./],
  ])('TX_BODY with the place for %j', async (body, detail) => {
    const response = await ask({ sender, operations: [{ type: REGISTER, body }] });
    expect((await expectProblem(response, 'TX_BODY', 400)).detail).toMatch(detail);
  });

  it.each([
    ['a key that is none', { key: { suite: 'rsa', key: '00' } }],
    ['a key of another length', { key: { suite: 'p256', key: '04' } }],
    ['a key that is text', { key: '00' }],
  ])('TX_BODY for %s', async (_, body) => {
    await expectProblem(await ask({ sender, operations: [{ type: 'identity.certify', body }] }), 'TX_BODY', 400);
  });

  it('other codes of the form', async () => {
    const unknown = { type: 'evidence.burn', cbor: base64urlnopad.encode(encode(1)) };
    await expectProblem(await ask({ sender, operations: [unknown] }), 'TX_UNKNOWN_OPERATION', 400);
    await expectProblem(await ask({ sender, operations: [{ type: 'evidence.burn', body: {} }] }), 'TX_BODY', 400);
    await expectProblem(await ask({ sender, operations: [{ type: REGISTER, cbor: '!' }] }), 'TX_BODY', 400);
    const stranger = accountIdToText(new Uint8Array(20));
    await expectProblem(await ask({ sender: stranger, operations: [registration] }), 'SENDER_UNKNOWN', 403);
    const long = { type: REGISTER, cbor: base64urlnopad.encode(encode(new Uint8Array(66_000))) };
    await expectProblem(await ask({ sender, operations: [long] }), 'TX_TOO_LARGE', 413);
  });

  it.each([
    [{}, 'body.sender'],
    [{ operations: [] }, 'body.operations'],
    [{ operations: [{ type: REGISTER }] }, 'body.operations.0'],
    [{ operations: [{ ...registration, cbor: 'AA' }] }, 'body.operations.0'],
    [{ operations: [registration], expiry: 5, expiresInSeconds: 5 }, 'body'],
    [{ operations: [registration], nonce: 'AB' }, 'body.nonce'],
    [{ operations: [registration], more: 1 }, 'body'],
  ])('BAD_REQUEST for %j', async (body, path) => {
    const response = await ask({ ...(path !== 'body.sender' && { sender }), ...body });
    expect(String((await expectProblem(response, 'BAD_REQUEST', 400)).detail)).toMatch(new RegExp(`^${path}: `));
  });

  it('a signature that is none, or of a transaction that has one', async () => {
    const { transaction, message } = await prepare({ sender, operations: [registration] });
    await expectProblem(await submit(transaction, new Uint8Array(70)), 'BAD_REQUEST', 400);
    await expectProblem(await submit(transaction, new Uint8Array(1)), 'BAD_REQUEST', 400);
    await expectProblem(await submit(transaction, new Uint8Array(64).fill(1)), 'SIGNATURE_INVALID', 403);
    const signed = base64urlnopad.decode(transaction);
    signed.fill(1, -64);
    await expectProblem(await submit(base64urlnopad.encode(signed), derSignature(message)), 'BAD_REQUEST', 400);
    await expectProblem(await submit('AAAA', derSignature(message)), 'BAD_REQUEST', 400);
  });
});

describe('security', () => {
  it('names of the machinery of objects are names like others', async () => {
    const body = `{"sender":"${sender}","operations":[{"type":"__proto__","body":{"constructor":{"a":1}}}]}`;
    const response = await running.api.request(
      '/v1/transactions/prepare',
      post(body, { 'Content-Type': 'application/json' }),
    );
    await expectProblem(response, 'TX_BODY', 400);
    const nested = `{"sender":"${sender}","operations":[{"type":"${REGISTER}","body":{"__proto__":{"a":1}}}]}`;
    const second = await running.api.request(
      '/v1/transactions/prepare',
      post(nested, { 'Content-Type': 'application/json' }),
    );
    await expectProblem(second, 'TX_BODY', 400);
  });

  it('JSON that nests without end is bad form, not a failure', async () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const body = `{"sender":"${sender}","operations":[{"type":"${REGISTER}","body":{"attributes":${deep}}}]}`;
    const response = await running.api.request(
      '/v1/transactions/prepare',
      post(body, { 'Content-Type': 'application/json' }),
    );
    expect(running.errors).toEqual([]);
    expect(response.status).toBe(400);
  });

  it('no text can forge a line of the summary: line breaks are in none of them', async () => {
    const attributes = { a: 'x\nchain: another' };
    const operations = [{ type: REGISTER, body: { digests: { sm3: DIGEST }, attributes } }];
    await expectProblem(await ask({ sender, operations }), 'TX_BODY', 400);
    await expectProblem(await ask({ sender, operations: [registration], label: 'x\nchain: y' }), 'TX_BODY', 400);
  });
});
