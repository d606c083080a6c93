import { beforeEach, describe, expect, it } from 'vitest';
import { recordId } from '../node-core/chain/identifiers.ts';
import { accountIdToText } from '../node-core/codec/account-id.ts';
import { toHex, utf8 } from '../node-core/codec/bytes.ts';
import { encode } from '../node-core/codec/cbor.ts';
import { pureCrypto as crypto } from '../node-core/crypto/pure.ts';
import { type Answer, json, pending, problem, proof, ScriptedNode, unreachable } from '../test/proofs/scripted-node.ts';
import { SyntheticChain } from '../test/proofs/synthetic-chain.ts';
import { createClient, digestOf, RejectedError, type Submitted, signerFromSecretKey, UnsettledError } from './index.ts';

let node: ScriptedNode;
const FILE = utf8('a contract');

beforeEach(async () => {
  node = new ScriptedNode(await SyntheticChain.make(crypto, 'client'));
});

const register = async (options = {}) => {
  const client = node.client();
  return client.evidence.register({ digests: await digestOf(FILE) }, options);
};

async function failure(work: Promise<unknown>): Promise<UnsettledError> {
  const error = await work.then(
    () => new Error('no error'),
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(UnsettledError);
  return error;
}

const bodies = () => new Set(node.posted.map(({ bytes }) => toHex(bytes))).size;

describe('the good way', () => {
  it('registers, and gives the verified receipt, what it says, and the ID of the record', async () => {
    const { summary, record, transaction } = await register();
    expect(summary).toMatchObject({
      height: 101,
      code: 0,
      who: { kind: 'partner', account: accountIdToText(node.chain.partnerId) },
      what: { operations: [{ type: 'evidence.register', record: toHex(record) }] },
      signatures: 3,
      validators: 4,
    });
    expect(record).toEqual(recordId(crypto, transaction, 0));
    expect(node.requests).toEqual(['GET /v1/status', 'GET /v1/blocks/50', 'POST /v1/transactions']);
  });

  it('takes a nonce of its own for each transaction', async () => {
    await register();
    await register();
    expect(new Set(node.posted.map(({ nonce }) => toHex(nonce))).size).toBe(2);
  });

  it('waits as long as it is pending', async () => {
    node.answers = [pending, pending, (tx) => node.packed(tx)];
    await register();
    expect(node.posted).toHaveLength(3);
    expect(bodies()).toBe(1);
  });

  it('registers a batch and makes a receipt for each file', async () => {
    const client = node.client();
    const batch = client.newBatch();
    for (let i = 0; i < 5; i++) batch.add(await digestOf(utf8(`file ${i}`), ['sm3']));
    const { receiptOf, receipt } = await client.evidence.registerBatch(batch, { subject: 'lot 1' });
    expect(receiptOf(3).length).toBeGreaterThan(receipt.length);
  });

  it('sends many together, reads the height once for them, and proves each on its own', async () => {
    const client = node.client();
    const list = Array.from({ length: 130 }, (_, i) => [{ type: 'x', body: i }]);
    const results = await client.submitAll(list);
    expect(node.batches).toEqual([100, 30]);
    expect(results.map(({ status }) => status)).toEqual(list.map(() => 'fulfilled'));
    expect(new Set(node.posted.map(({ nonce }) => toHex(nonce))).size).toBe(130);
    expect(node.requests.filter((request) => request === 'GET /v1/status').length).toBe(2);
    for (const [i, result] of results.entries())
      if (result.status === 'fulfilled') expect(result.value.transaction.bytes).toEqual(node.posted[i]!.bytes);
  });

  it('ends what was refused in a batch for good, and goes on with what may do later', async () => {
    node.batchAnswer = () => json({ outcomes: [{ code: 1107, detail: 'why' }, { code: 1109 }, { status: 202 }] });
    const results = await node.client().submitAll([1, 2, 3].map((body) => [{ type: 'x', body }]));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(results[0]).toMatchObject({ reason: { code: 'NOT_PERMITTED', mayBePacked: false } });
    expect(node.posted).toHaveLength(2);
  });

  it.each([
    ['an answer that is no answer', () => new Response('{}')],
    ['a node that has no room', () => problem('MEMPOOL_FULL', 429)],
    ['no answer', () => unreachable(undefined as never) as never],
  ])('proves each one also after %s to the batch', async (_, answer) => {
    node.batchAnswer = answer;
    const results = await node.client().submitAll([[{ type: 'x', body: 1 }]]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled']);
  });

  it('asks for a quote without a signature', async () => {
    await expect(node.client().quote([{ type: 'x', body: 1 }])).resolves.toMatchObject({ cost: 7 });
    expect(node.signatures).toBe(0);
  });

  it('gives an account with its proof, and believes no account without', async () => {
    const client = node.client();
    await expect(client.account(node.chain.partnerId)).resolves.toMatchObject({
      account: { kind: 'partner' },
      height: 100,
    });
    await expect(client.account(new Uint8Array(20))).rejects.toMatchObject({ code: 'PROOF_INCLUSION' });
  });
});

describe('the expiry height', () => {
  const heightsAhead = async (options = {}) => {
    const { transaction } = await register(options);
    return transaction.expiry - (node.height - 1);
  };

  it('follows the observed block rate', async () => {
    expect(await heightsAhead()).toBe(20);
    node.msPerBlock = 100;
    expect(await heightsAhead()).toBe(600);
    expect(await heightsAhead({ expiresInMs: 5_000 })).toBe(50);
  });

  it('is at least three heights ahead, and at most the window', async () => {
    expect(await heightsAhead({ expiresInMs: 1 })).toBe(3);
    expect(await heightsAhead({ expiresInMs: 10 ** 9 })).toBe(14_400);
  });

  it('does not shrink when the chain has paused', async () => {
    node.msPerBlock = 3_600_000;
    expect(await heightsAhead()).toBe(20);
  });

  it('is read before each signature, never taken from memory', async () => {
    const client = node.client();
    const submit = async () => client.submit([{ type: 'x', body: 1 }]);
    const first = await submit();
    node.height = 5_000;
    const second = await submit();
    expect(second.transaction.expiry - first.transaction.expiry).toBe(5_000 - 100);
    expect(node.requests.filter((request) => request === 'GET /v1/status')).toHaveLength(2);
  });
});

describe('when the network fails', () => {
  it('sends the very same bytes again', async () => {
    node.answers = [
      unreachable,
      unreachable,
      () => new Response('<html>bad gateway', { status: 502 }),
      (tx) => node.packed(tx),
    ];
    await register();
    expect([node.posted.length, bodies(), node.signatures]).toEqual([4, 1, 1]);
  });

  it('pauses longer each time, and as long as it is asked to', async () => {
    node.answers = [
      unreachable,
      unreachable,
      () => problem('MEMPOOL_FULL', 503, { 'Retry-After': '2' }),
      (tx) => node.packed(tx),
    ];
    await register();
    expect(node.pauses).toEqual([100, 200, 2_000]);
  });

  it('does not believe a refusal of bytes that may have arrived before', async () => {
    node.answers = [unreachable, () => problem('QUOTA_SHORT', 429), (tx) => node.packed(tx)];
    await register();
    expect([node.posted.length, bodies()]).toEqual([3, 1]);
  });

  it('ends when the caller says so, and goes on from what it gave back', async () => {
    const stop = new AbortController();
    node.answers = [
      () => {
        stop.abort();
        throw new TypeError('fetch failed');
      },
      (tx) => node.packed(tx),
    ];
    const error = await failure(register({ signal: stop.signal }));
    expect(error).toMatchObject({ code: 'NODE_UNREACHABLE', mayBePacked: true });
    await expect(node.client().settle(error.transaction)).resolves.toMatchObject({ status: 'final' });
    expect([bodies(), node.signatures]).toEqual([1, 1]);
  });
});

describe('when it expires', () => {
  const lost: Answer = ({ expiry }) => {
    node.height = expiry;
    return problem('EXPIRED', 410);
  };

  it('signs the same intent again, under the same nonce, with a verified certificate in hand', async () => {
    node.answers = [lost, (tx) => node.packed(tx)];
    const { transaction } = await register();
    expect([node.posted.length, bodies(), node.signatures]).toEqual([2, 2, 2]);
    expect(node.posted[0]!.nonce).toEqual(node.posted[1]!.nonce);
    expect(transaction.expiry).toBeGreaterThan(node.posted[0]!.expiry);
  });

  it('signs nothing again without one, however often it hears that it has expired', async () => {
    node.certificates = false;
    const stop = new AbortController();
    let heard = 0;
    node.answers = [
      (tx) => {
        heard += 1;
        if (heard === 5) stop.abort();
        return lost(tx);
      },
    ];
    const error = await failure(register({ signal: stop.signal }));
    expect(error.mayBePacked).toBe(true);
    expect([heard, bodies(), node.signatures]).toEqual([5, 1, 1]);
  });

  it('takes no certificate about another nonce or another expiry', async () => {
    const { expiryCertificate } = node.chain;
    for (const change of [{ nonce: new Uint8Array(32) }, { expiry: 1 }]) {
      node.chain.expiryCertificate = (block, of, pruned, anchor) =>
        expiryCertificate.call(node.chain, block, { ...of, ...change }, pruned, anchor ?? node.chain.anchor(block));
      const stop = new AbortController();
      node.answers = [
        lost,
        (tx) => {
          stop.abort();
          return lost(tx);
        },
      ];
      await failure(register({ signal: stop.signal }));
    }
    expect(node.signatures).toBe(2);
  });

  it('gives up after so many signatures', async () => {
    node.answers = [lost];
    const error = await failure(register({ attempts: 2 }));
    expect(error).toMatchObject({ code: 'EXPIRED', mayBePacked: false });
    expect(node.signatures).toBe(2);
  });
});

describe('what a node cannot make the client believe', () => {
  const receiptOf = (submitted: Submitted) => submitted.receipt;

  it('the receipt of another transaction', async () => {
    const other = receiptOf(await register());
    node.answers = [() => proof(other)];
    expect(await failure(register())).toMatchObject({ code: 'PROOF_SIGNATURE', mayBePacked: true });
  });

  it('a receipt of another chain', async () => {
    const foreign = await SyntheticChain.make(crypto, 'foreign');
    node.answers = [(tx) => proof(foreign.receiptBytes(foreign.block(1, [tx.bytes])))];
    expect(await failure(register())).toMatchObject({ code: 'PROOF_GENESIS', mayBePacked: true });
  });

  it('a receipt signed by too few', async () => {
    node.answers = [
      (tx) => {
        const block = node.chain.block(101, [tx.bytes]);
        const certify = node.chain.certify.bind(node.chain);
        node.chain.certify = (of) =>
          certify(of, [
            [0, 0],
            [1, 0],
          ]);
        return proof(node.chain.receiptBytes(block));
      },
    ];
    expect(await failure(register())).toMatchObject({ code: 'PROOF_CERTIFICATE' });
  });

  it('that it is the chain, when it says itself that it is not: nothing is signed', async () => {
    const client = createClient({
      url: 'http://x',
      genesisHash: new Uint8Array(32),
      signer: signerFromSecretKey('ed25519', node.chain.partner.secretKey),
      account: node.chain.partnerId,
      fetch: async () =>
        json({
          genesisHash: toHex(node.chain.genesis.hash),
          height: 1,
          timeMs: 1,
          expiryWindow: 1,
          blockIntervalMs: 1,
        }),
    });
    await expect(client.submit([{ type: 'x', body: 1 }])).rejects.toMatchObject({ code: 'PROOF_GENESIS' });
  });

  it('an endless answer', async () => {
    const endless = () =>
      new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)) }));
    const client = createClient({ url: 'http://x', genesisHash: new Uint8Array(32), fetch: async () => endless() });
    await expect(client.status()).rejects.toMatchObject({ code: 'NODE_UNREACHABLE' });
  });
});

describe('refusals and rejections', () => {
  it.each(['QUOTA_SHORT', 'NOT_PERMITTED', 'SIGNATURE_INVALID', 'TX_SCHEMA', 'NONCE_USED'] as const)(
    '%s ends it at once',
    async (code) => {
      node.answers = [() => problem(code, 403)];
      expect(await failure(register())).toMatchObject({ code, mayBePacked: false });
      expect(node.posted).toHaveLength(1);
    },
  );

  it('a rejection by a rule is final: an error with the receipt that proves it', async () => {
    node.answers = [(tx) => node.packed(tx, 2202)];
    const error = await register().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RejectedError);
    expect(error).toMatchObject({ code: 'PREVIOUS_MISMATCH', summary: { code: 2202, logIndex: null } });
    await expect(node.client().submit([{ type: 'x', body: encode(1) }])).resolves.toMatchObject({
      summary: { code: 2202 },
    });
  });

  it('needs signer and account to sign', async () => {
    const client = createClient({ url: 'http://x', genesisHash: new Uint8Array(32) });
    await expect(client.submit([{ type: 'x', body: 1 }])).rejects.toThrow(TypeError);
  });
});
