/** The API in front of a real chain of one validator: acceptance, every refusal at admission, and that none leaves a trace. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CodeName } from '../node-core/chain/codes.ts';
import { createdAccountId, genesisAccountId } from '../node-core/chain/identifiers.ts';
import { ADMIT_PARTNER, admitPartnerBody } from '../node-core/chain/operations/admit-partner.ts';
import { REGISTER, registerBody } from '../node-core/chain/operations/evidence.ts';
import { encodeReceipt, verifyFile, verifyReceipt } from '../node-core/chain/receipt.ts';
import { proofFromJson } from '../node-core/chain/receipt-json.ts';
import { verifyExpiryCertificate, verifyStateProof } from '../node-core/chain/state-proof.ts';
import { finishTransaction, type Operation, prepareTransaction } from '../node-core/chain/transaction.ts';
import { accountIdToText } from '../node-core/codec/account-id.ts';
import { toHex, utf8 } from '../node-core/codec/bytes.ts';
import { decodeSign1, encodeSign1 } from '../node-core/crypto/cose.ts';
import { generateKeyPair, type KeyPair } from '../node-core/crypto/generate.ts';
import { SUITES } from '../node-core/crypto/suites.ts';
import { COSE, expectProblem, post } from '../test/api/fake-api.ts';
import { crypto, type InProcessNode, random, startInProcessNode } from '../test/api/in-process-node.ts';

const RECEIPT_TYPE = 'application/vnd.brop.receipt+cbor';
const WAIT = { ...COSE, Prefer: 'wait=10' };
const file = utf8('the file that is registered');

let running: InProcessNode;
const partner = newMember();
const poor = newMember();
const certifierOnly = newMember();

interface Member {
  readonly key: KeyPair;
  id: Uint8Array;
}

function newMember(): Member {
  return { key: generateKeyPair('ed25519', random), id: new Uint8Array(20) };
}

interface Draft {
  readonly from?: Member;
  readonly key?: KeyPair;
  readonly chain?: Uint8Array;
  readonly version?: number;
  readonly nonce?: Uint8Array;
  readonly expiry?: number;
  readonly label?: string;
  readonly operations?: readonly Operation[];
}

const register: Operation = {
  type: REGISTER,
  body: registerBody.encode({ digests: new Map([['sha-256', crypto.hash('sha-256', file)]]), subject: 'lot 1' }),
};

function transaction({ from = partner, key = from.key, ...fields }: Draft = {}): Uint8Array {
  const draft = {
    chain: fields.chain ?? running.consortium.genesis.hash,
    protocolVersion: fields.version ?? 1,
    sender: from.id,
    label: fields.label ?? 'test',
    nonce: fields.nonce ?? random(32),
    expiry: fields.expiry ?? running.node.store.height + 1_000,
    operations: fields.operations ?? [register],
  };
  const unsigned = prepareTransaction(crypto, draft, key.publicKey);
  return finishTransaction(unsigned, SUITES[key.publicKey.suite].sign(key.secretKey, unsigned.message));
}

async function getJson(path: string): Promise<Record<string, unknown>> {
  const response = await running.api.request(path);
  expect(response.status, path).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

async function blocksLater(count: number): Promise<Record<string, unknown>> {
  const target = running.node.store.height + count;
  await expect.poll(() => running.node.store.height, { timeout: 5_000, interval: 10 }).toBeGreaterThanOrEqual(target);
  return getJson('/v1/blocks/latest');
}

async function admit(member: Member, permissions: readonly ('identity' | 'evidence')[], max: number): Promise<void> {
  const nonce = random(32);
  const operator = {
    key: running.consortium.operator,
    id: genesisAccountId(crypto, running.consortium.operator.publicKey),
  };
  const name = toHex(random(8));
  const quota = { max, periodMs: 365 * 86_400_000 };
  const body = { name, key: member.key.publicKey, legal: { version: '1', digest: random(32) }, permissions, quota };
  const operations = [{ type: ADMIT_PARTNER, body: admitPartnerBody.encode(body) }];
  const expiry = 1_000;
  const bytes = transaction({ from: operator, nonce, expiry, operations });
  const response = await running.api.request('/v1/transactions', post(bytes, WAIT));
  expect(response.status, await response.clone().text()).toBe(200);
  member.id = createdAccountId(crypto, { sender: operator.id, nonce, expiry }, 0);
}

beforeAll(async () => {
  running = await startInProcessNode();
  await admit(partner, ['identity', 'evidence'], 1_000_000_000);
  await admit(poor, ['evidence'], 400);
  await admit(certifierOnly, ['identity'], 1_000_000_000);
});

afterAll(async () => {
  await running.stop();
  expect(running.errors).toEqual([]);
});

describe('a good transaction', () => {
  it('waited for, answers with a receipt that verifies offline and is for the file', async () => {
    const response = await running.api.request('/v1/transactions', post(transaction(), WAIT));
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe(RECEIPT_TYPE);
    expect(response.headers.get('Preference-Applied')).toBe('wait=10');
    const facts = verifyReceipt(crypto, new Uint8Array(await response.arrayBuffer()), running.consortium.genesis.hash);
    if ('code' in facts) throw new Error(`${facts.code} ${facts.detail}`);
    expect(verifyFile(facts, (algorithm) => crypto.hash(algorithm, file))).toBeNull();
    const again = await running.api.request(response.headers.get('Content-Location')!);
    expect(again.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
    expect(new Uint8Array(await again.arrayBuffer())).toEqual(encodeReceipt(facts.receipt));
  });

  it('has its receipt as file, as JSON that makes the same file, and as a SCITT statement over the same payload', async () => {
    const bytes = transaction();
    const submitted = await running.api.request('/v1/transactions', post(bytes, WAIT));
    const path = submitted.headers.get('Content-Location')!;
    const receipt = new Uint8Array(await submitted.arrayBuffer());
    const json = await running.api.request(path, { headers: { Accept: 'application/json' } });
    expect(json.headers.get('Content-Type')).toBe('application/json');
    expect(proofFromJson(await json.text())).toEqual(receipt);
    const cose = await running.api.request(path, { headers: { Accept: 'application/cose' } });
    const statement = decodeSign1(new Uint8Array(await cose.arrayBuffer()));
    expect(statement.payload).toEqual(decodeSign1(bytes).payload);
    expect(statement.unprotected.size).toBe(1);
    const tags = [submitted, json, cose].map(({ headers }) => headers.get('ETag'));
    expect(tags[0]).toBeNull();
    expect(tags[1]).not.toBe(tags[2]);
  });

  it('without waiting answers 202 with its identity, and is final soon', async () => {
    const nonce = random(32);
    const response = await running.api.request('/v1/transactions', post(transaction({ nonce, expiry: 900 })));
    expect(response.status).toBe(202);
    const path = `/v1/transactions/${accountIdToText(partner.id)}/${toHex(nonce)}`;
    expect(await response.json()).toEqual({
      status: 'pending',
      sender: accountIdToText(partner.id),
      nonce: toHex(nonce),
      expiry: 900,
      location: path,
    });
    expect(response.headers.get('Location')).toBe(path);
    await expect.poll(async () => (await getJson(path)).status, { timeout: 5_000 }).toBe('final');
    const final = await getJson(path);
    expect(final).toMatchObject({ applied: true, code: 0, name: null, links: { receipt: `${path}/receipt` } });
    const block = await getJson((final.links as Record<string, string>).block!);
    expect(block.transactions).toContainEqual(expect.objectContaining({ nonce: toHex(nonce), code: 0 }));
  });

  it('in JSON does the same', async () => {
    const body = JSON.stringify({ transaction: Buffer.from(transaction()).toString('base64url') });
    const headers = {
      'Content-Type': 'application/json; charset=utf-8',
      Prefer: 'wait=10',
      Accept: 'application/json',
    };
    const response = await running.api.request('/v1/transactions', post(body, headers));
    expect(response.status).toBe(200);
    expect(proofFromJson(await response.text())).toBeInstanceOf(Uint8Array);
  });

  it('submitted again with the same bytes answers 200 with the outcome, even after its expiry', async () => {
    const bytes = transaction({ expiry: running.node.store.height + 3 });
    const first = await running.api.request('/v1/transactions', post(bytes, WAIT));
    const receipt = new Uint8Array(await first.arrayBuffer());
    const again = await running.api.request('/v1/transactions', post(bytes));
    expect(again.status).toBe(200);
    expect(await again.json()).toMatchObject({ status: 'final', applied: true });
    await blocksLater(5);
    const late = await running.api.request('/v1/transactions', post(bytes, WAIT));
    expect(late.status).toBe(200);
    expect(new Uint8Array(await late.arrayBuffer())).toEqual(receipt);
  });

  it('that a business rule rejects is packed, and its receipt says so', async () => {
    const previous = { digests: new Map([['sha-256' as const, random(32)]]), previous: random(32) };
    const operations = [{ type: REGISTER, body: registerBody.encode(previous) }];
    const response = await running.api.request('/v1/transactions', post(transaction({ operations }), WAIT));
    expect(response.status).toBe(200);
    const path = response.headers.get('Content-Location')!;
    const final = await getJson(path.replace('/receipt', ''));
    expect(final).toMatchObject({
      status: 'final',
      applied: false,
      code: 2201,
      name: 'SUBJECT_MISSING',
      operation: 0,
      logIndex: null,
    });
    const statement = await running.api.request(path, { headers: { Accept: 'application/cose' } });
    await expectProblem(statement, 'PROOF_REJECTED', 422);
  });
});

const flipLast = (bytes: Uint8Array) => bytes.with(-1, bytes.at(-1)! ^ 1);

/** A COSE_Sign1 is d2 84 …: here the array says its length in two bytes instead of one. */
const longArrayHead = (bytes: Uint8Array) => new Uint8Array([0xd2, 0x98, 0x04, ...bytes.slice(2)]);

/** A header outside the signature, which a stranger could put in. */
function withUnprotected(bytes: Uint8Array): Uint8Array {
  const { protectedBytes, payload, signature } = decodeSign1(bytes);
  return encodeSign1({ protectedBytes, payload, signature, unprotected: new Map([[99, utf8('x')]]) });
}

describe('a bad transaction gets its own code, leaves no trace, and the next good one passes', () => {
  const height = () => running.node.store.height;
  const used = random(32);
  const cases: readonly [name: string, code: CodeName, status: number, make: () => Uint8Array][] = [
    ['oversized', 'TX_TOO_LARGE', 413, () => new Uint8Array(65_536)],
    ['empty', 'TX_MALFORMED', 400, () => new Uint8Array(0)],
    ['cut off', 'TX_MALFORMED', 400, () => transaction().slice(0, -1)],
    ['with bytes behind it', 'TX_MALFORMED', 400, () => new Uint8Array([...transaction(), 0])],
    ['non-canonical', 'TX_NON_CANONICAL', 400, () => longArrayHead(transaction())],
    ['with an unprotected header', 'TX_SCHEMA', 400, () => withUnprotected(transaction())],
    [
      'with a bad body',
      'TX_BODY',
      400,
      () => transaction({ operations: [{ type: REGISTER, body: new Map([['x', 1]]) }] }),
    ],
    ['of another chain', 'TX_WRONG_CHAIN', 400, () => transaction({ chain: random(32) })],
    ['of another version', 'TX_WRONG_VERSION', 400, () => transaction({ version: 2 })],
    [
      'of an unknown operation',
      'TX_UNKNOWN_OPERATION',
      400,
      () => transaction({ operations: [{ type: 'voucher.mint', body: null }] }),
    ],
    ['of an unknown sender', 'SENDER_UNKNOWN', 403, () => transaction({ from: { key: partner.key, id: random(20) } })],
    ['signed with another key', 'KEY_MISMATCH', 403, () => transaction({ key: poor.key })],
    ['with a bad signature', 'SIGNATURE_INVALID', 403, () => flipLast(transaction())],
    ['expired', 'EXPIRED', 410, () => transaction({ expiry: height() })],
    ['expiring too far ahead', 'EXPIRY_TOO_FAR', 422, () => transaction({ expiry: height() + 20_000 })],
    ['of a used nonce', 'NONCE_USED', 409, () => transaction({ nonce: used, label: 'others' })],
    ['not permitted', 'NOT_PERMITTED', 403, () => transaction({ from: certifierOnly })],
    ['over quota', 'QUOTA_SHORT', 429, () => transaction({ from: poor })],
  ];

  beforeAll(async () => {
    const response = await running.api.request('/v1/transactions', post(transaction({ nonce: used }), WAIT));
    expect(response.status).toBe(200);
  });

  it.each(cases)('%s: %s %i', async (_name, code, status, make) => {
    const before = await getJson('/v1/blocks/latest');
    const bytes = make();
    const problem = await expectProblem(await running.api.request('/v1/transactions', post(bytes)), code, status);
    expect(JSON.stringify(problem)).not.toContain('stack');
    const [pending, points] = [running.node.mempool.size, await pointsOf(partner)];
    expect(pending).toBe(0);
    const after = await blocksLater(2);
    expect(after.stateRoot).toBe(before.stateRoot);
    expect(after.logSize).toBe(before.logSize);
    expect(await pointsOf(partner)).toBeGreaterThanOrEqual(points);
    const good = await running.api.request('/v1/transactions', post(transaction(), WAIT));
    expect(good.status).toBe(200);
  });

  it('in JSON too: the codes are of the transaction, not of the envelope', async () => {
    const json = (bytes: Uint8Array) => JSON.stringify({ transaction: Buffer.from(bytes).toString('base64url') });
    const send = (bytes: Uint8Array) =>
      running.api.request('/v1/transactions', post(json(bytes), { 'Content-Type': 'application/json' }));
    await expectProblem(await send(new Uint8Array(65_536)), 'TX_TOO_LARGE', 413);
    await expectProblem(await send(flipLast(transaction())), 'SIGNATURE_INVALID', 403);
  });

  it('tells a sender over its quota when to come back', async () => {
    const response = await running.api.request('/v1/transactions', post(transaction({ from: poor })));
    expect(Number(response.headers.get('Retry-After'))).toBe(86_400);
  });
});

async function pointsOf({ id }: Member): Promise<number> {
  const account = await getJson(`/v1/accounts/${accountIdToText(id)}`);
  return (account.quota as { points: number }).points;
}

describe('reads', () => {
  it('an expired transaction has a certificate that verifies; before the expiry it is unknown', async () => {
    const nonce = random(32);
    const path = `/v1/transactions/${accountIdToText(partner.id)}/${toHex(nonce)}`;
    const expiry = running.node.store.height + 2;
    expect(await getJson(`${path}?expiry=${expiry + 1_000}`)).toMatchObject({ status: 'unknown' });
    await expectProblem(
      await running.api.request(`${path}/expiry-certificate?expiry=${expiry + 1_000}`),
      'HEIGHT_NOT_REACHED',
      404,
    );
    await blocksLater(3);
    const expired = await getJson(`${path}?expiry=${expiry}`);
    expect(expired).toMatchObject({ status: 'expired', expiry });
    const inline = new Uint8Array(Buffer.from(String(expired.certificate), 'base64url'));
    const fetched = await running.api.request((expired.links as Record<string, string>).certificate!);
    expect(fetched.headers.get('Content-Type')).toBe('application/vnd.brop.expiry-certificate+cbor');
    for (const certificate of [inline, new Uint8Array(await fetched.arrayBuffer())]) {
      const facts = verifyExpiryCertificate(crypto, certificate, running.consortium.genesis.hash);
      if ('code' in facts) throw new Error(`${facts.code} ${facts.detail}`);
      expect(facts.certificate).toMatchObject({ expiry, nonce, sender: partner.id });
    }
  });

  it('a used pair has no expiry certificate', async () => {
    const nonce = random(32);
    const expiry = running.node.store.height + 3;
    await running.api.request('/v1/transactions', post(transaction({ nonce, expiry }), WAIT));
    await blocksLater(4);
    const path = `/v1/transactions/${accountIdToText(partner.id)}/${toHex(nonce)}`;
    await expectProblem(await running.api.request(`${path}/expiry-certificate?expiry=${expiry}`), 'NONCE_USED', 409);
    expect(await getJson(`${path}?expiry=${expiry}`)).toMatchObject({ status: 'final' });
  });

  it('state proofs of presence and absence verify, in every friendly form', async () => {
    const account = accountIdToText(partner.id);
    const queries = [
      `account=${account}`,
      `subject=lot%201&registrant=${account}`,
      `record=${'0'.repeat(64)}`,
      'key=00',
    ];
    const present: boolean[] = [];
    for (const query of queries) {
      const response = await running.api.request(`/v1/state-proof?${query}`);
      expect(response.headers.get('Content-Type')).toBe('application/vnd.brop.state-proof+cbor');
      const facts = verifyStateProof(
        crypto,
        new Uint8Array(await response.arrayBuffer()),
        running.consortium.genesis.hash,
      );
      if ('code' in facts) throw new Error(`${query}: ${facts.code} ${facts.detail}`);
      present.push(facts.value !== null);
    }
    expect(present).toEqual([true, true, false, false]);
  });

  it('the genesis hashes to the name of the chain, and never changes', async () => {
    const response = await running.api.request('/v1/genesis');
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(toHex(crypto.hash('sha-256', bytes))).toBe((await getJson('/v1/status')).genesisHash);
    const tag = response.headers.get('ETag')!;
    const known = await running.api.request('/v1/genesis', { headers: { 'If-None-Match': `"other", W/${tag}` } });
    expect([known.status, await known.text()]).toEqual([304, '']);
  });

  it('a quote costs nothing and needs no signature; the price is what is then charged', async () => {
    const nonce = random(32);
    const bytes = transaction({ nonce, expiry: 800 });
    const unsigned = new Uint8Array([...bytes.slice(0, -64), ...new Uint8Array(64)]);
    const quote = (await (await running.api.request('/v1/quote', post(unsigned))).json()) as Record<string, unknown>;
    expect(quote.refusal).toBeNull();
    const short = await running.api.request('/v1/quote', post(transaction({ from: poor })));
    expect(await short.json()).toMatchObject({ available: 400, refusal: { code: 1108, name: 'QUOTA_SHORT' } });
    await running.api.request('/v1/transactions', post(bytes, WAIT));
    const final = await getJson(`/v1/transactions/${accountIdToText(partner.id)}/${toHex(nonce)}`);
    expect(final.cost).toBe(quote.cost);
  });

  it('an account is found by its name in any ASCII case, and by its ID', async () => {
    const byName = await running.api.request('/v1/accounts?name=OPERATOR');
    const operator = (await byName.json()) as Record<string, unknown>;
    expect(operator).toMatchObject({ kind: 'operator', name: 'operator', key: { suite: 'p256' } });
    expect(await getJson(byName.headers.get('Content-Location')!)).toMatchObject({ id: operator.id });
  });

  it('is healthy while blocks come, and says so in metrics', async () => {
    expect(await getJson('/healthz')).toMatchObject({ status: 'ok', behindBlocks: 0 });
    const text = await (await running.api.request('/metrics')).text();
    expect(Number(/^brop_height (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
    expect(text).toMatch(/brop_http_requests_total\{route="\/v1\/transactions",method="POST",status="202"\} \d/);
  });
});
