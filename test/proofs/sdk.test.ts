/** The SDK against real validators and the real API. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { utf8 } from '../../node-core/codec/bytes.ts';
import { type Client, digestOf, RejectedError, UnsettledError, verifyReceipt } from '../../sdk/index.ts';
import { RunningChain } from './running-chain.ts';

let chain: RunningChain;
let partner: Client;

beforeAll(async () => {
  chain = await RunningChain.start({ expiryWindow: 20_000, nonceRetention: 100_000 });
  partner = await chain.partner();
});

afterAll(() => chain.stop());

describe('the SDK and a node', () => {
  it('registers a file, and anybody verifies the receipt with nothing but the genesis hash', async () => {
    const file = utf8('a contract');
    const { receipt, summary } = await partner.evidence.register({
      digests: await digestOf(file, ['sha-256', 'sm3']),
      mediaType: 'text/plain',
    });
    expect(summary.signatures).toBeGreaterThanOrEqual(3);
    const { genesisHash } = chain;
    expect(await verifyReceipt(receipt, { genesisHash, file })).toMatchObject({ ok: true, code: 0 });
    expect(await verifyReceipt(receipt, { genesisHash, file: utf8('a contract!') })).toMatchObject({
      code: 'PROOF_FILE',
    });
  });

  it.each(['p256', 'sm2'] as const)('signs with %s', async (suite) => {
    const client = await chain.partner(suite);
    const { summary } = await client.evidence.register({ digests: await digestOf(utf8(suite)) });
    expect(summary.code).toBe(0);
  });

  it('registers a batch of 300 files', async () => {
    const batch = partner.newBatch();
    for (let i = 0; i < 300; i++) batch.add(await digestOf(utf8(`file ${i}`)));
    const { receiptOf } = await partner.evidence.registerBatch(batch, { subject: 'lot 300' });
    for (const i of [0, 1, 255, 299]) {
      expect(
        await verifyReceipt(receiptOf(i), { genesisHash: chain.genesisHash, file: utf8(`file ${i}`) }),
      ).toHaveProperty('ok', true);
    }
  });

  it('certifies a user, whose account is there with its proof', async () => {
    const key = { suite: 'ed25519' as const, bytes: crypto.hash('sha-256', utf8('a key')) };
    const { account } = await partner.identity.certify({
      key,
      subject: 'person',
      level: 'realname',
      terms: crypto.hash('sha-256', utf8('terms')),
    });
    const proven = await partner.account(accountIdToText(account));
    expect(proven.account).toMatchObject({ kind: 'user', level: 'realname' });
    await expect(partner.account(new Uint8Array(20))).resolves.toMatchObject({ account: null });
  });

  it('quotes', async () => {
    await expect(partner.quote([{ type: 'evidence.register', body: new Map() }])).rejects.toMatchObject({
      code: expect.any(String),
    });
  });

  it('tells a refusal from a rejection', async () => {
    const { genesis, operator } = chain.consortium;
    const client = chain.client(operator);
    await expect(client.evidence.register({ digests: await digestOf(genesis.hash) })).rejects.toMatchObject({
      constructor: UnsettledError,
      code: 'NOT_PERMITTED',
      mayBePacked: false,
    });
    const body = { digests: await digestOf(genesis.hash), subject: 'x', previous: genesis.hash };
    const error = await partner.evidence.register(body).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RejectedError);
    expect(error.code).toBe('PREVIOUS_MISMATCH');
  });

  it('signs again after a real expiry certificate, when its first transaction never arrived', async () => {
    let dropped = 0;
    const lossy = chain.fetch;
    const client = await lossyPartner(chain, async (url, init) => {
      if (init.method === 'POST' && dropped < 3) {
        dropped += 1;
        throw new TypeError('fetch failed');
      }
      return lossy(url, init);
    });
    const { transaction, summary } = await client.evidence.register(
      { digests: await digestOf(utf8('late')) },
      { expiresInMs: 200 },
    );
    expect(dropped).toBe(3);
    expect(summary.height).toBeLessThanOrEqual(transaction.expiry);
  });
});

async function lossyPartner(running: RunningChain, fetch: RunningChain['fetch']): Promise<Client> {
  const { createClient } = await import('../../sdk/index.ts');
  const { generateKeyPair } = await import('../../node-core/crypto/generate.ts');
  const { signerOf } = await import('../simulation/fixture.ts');
  const key = generateKeyPair('ed25519', (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)));
  const operator = running.client(running.consortium.operator);
  const { account } = await operator.governance.admitPartner({
    name: 'Lossy Partner',
    key: key.publicKey,
    legal: { version: '1', digest: running.genesisHash },
    permissions: ['evidence'],
    quota: { max: 1_000_000, periodMs: 1_000 },
  });
  return createClient({
    url: 'http://node.test',
    genesisHash: running.genesisHash,
    fetch,
    signer: signerOf(key),
    account,
    crypto,
  });
}
