/** The same verifier on what four real validators give out over the API. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { accountIdFromText } from '../../node-core/codec/account-id.ts';
import { toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { digestOf } from '../../sdk/index.ts';
import { RunningChain } from '../proofs/running-chain.ts';
import { Python } from './python.ts';

const FILE = utf8('a contract');
let chain: RunningChain;
let python: Python;

beforeAll(async () => {
  python = new Python();
  chain = await RunningChain.start();
});
afterAll(async () => {
  python.close();
  await chain.stop();
});

it('a receipt, a transparent statement and an expiry certificate of a running chain', async () => {
  const partner = await chain.partner();
  const { receipt, summary } = await partner.evidence.register({ digests: await digestOf(FILE) });
  const hash = ['--genesis', toHex(chain.genesisHash)];
  const verify = (proof: Uint8Array, ...more: string[]) =>
    python.run('verify_receipt.py', [python.file(proof), ...more, ...hash]);
  expect(await verify(receipt, python.file(FILE))).toMatchObject({ exitCode: 0, output: { height: summary.height } });
  expect(await verify(receipt, python.file(utf8('another')))).toMatchObject({ exitCode: 16 });

  const get = async (path: string, accept: string) => {
    const answer = await chain.fetch(`http://node.test${path}`, { headers: { Accept: accept } });
    expect(answer.status).toBe(200);
    return new Uint8Array(await answer.arrayBuffer());
  };
  const path = `/v1/transactions/${summary.who.account}/${summary.nonce}`;
  const statement = await get(`${path}/receipt`, 'application/cose');
  const genesis = python.file(chain.consortium.genesis.bytes);
  expect(await verify(statement, '--genesis-file', genesis)).toMatchObject({
    exitCode: 0,
    output: { height: summary.height },
  });

  const nonce = toHex(new Uint8Array(32).fill(9));
  const expired = `/v1/transactions/${summary.who.account}/${nonce}/expiry-certificate?expiry=${summary.height}`;
  const certificate = await get(expired, 'application/vnd.brop.expiry-certificate+cbor');
  expect(await verify(certificate)).toMatchObject({ exitCode: 0, output: { nonce, expiry: summary.height } });
  expect(accountIdFromText(summary.who.account)).toHaveLength(20);
});
