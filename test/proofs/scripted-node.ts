/** A node for tests of the SDK: it has a chain of its own and answers as the test says. */
import { CODES, type CodeName } from '../../node-core/chain/codes.ts';
import { stateKey } from '../../node-core/chain/state-keys.ts';
import { decodeTransaction, type Transaction } from '../../node-core/chain/transaction.ts';
import { decodeTogether } from '../../node-core/chain/transaction-batch.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { createClient, signerFromSecretKey } from '../../sdk/index.ts';
import type { SyntheticChain } from './synthetic-chain.ts';

export type Answer = (transaction: Transaction) => Response | Promise<Response>;

export class ScriptedNode {
  readonly chain: SyntheticChain;
  height = 100;
  msPerBlock = 3_000;
  /** What each POST of a transaction is answered with, in turn; the last one goes on. */
  answers: Answer[] = [];
  /** How many transactions came together, each time, and what that is answered with. */
  readonly batches: number[] = [];
  batchAnswer: (transactions: readonly Uint8Array[]) => Response = (transactions) =>
    json({ outcomes: transactions.map(() => ({ status: 202 })) });
  certificates = true;
  readonly posted: Transaction[] = [];
  readonly requests: string[] = [];
  readonly pauses: number[] = [];
  signatures = 0;

  constructor(chain: SyntheticChain) {
    this.chain = chain;
    this.answers = [(tx) => this.packed(tx)];
  }

  client() {
    const signer = signerFromSecretKey('ed25519', this.chain.partner.secretKey);
    return createClient({
      url: 'http://node.test/',
      genesisHash: toHex(this.chain.genesis.hash),
      signer: { ...signer, sign: (message) => this.signed(signer.sign(message)) },
      account: accountIdToText(this.chain.partnerId),
      fetch: (url, init) => this.answer(url, init),
      sleep: async (ms) => void this.pauses.push(ms),
    });
  }

  packed(tx: Transaction, code = 0): Response {
    this.height += 1;
    const block = this.chain.block(this.height, [tx.bytes], { codes: [code] });
    return new Response(Uint8Array.from(this.chain.receiptBytes(block)), { status: 200 });
  }

  private signed(signature: Promise<Uint8Array>) {
    this.signatures += 1;
    return signature;
  }

  private async answer(url: string, init: RequestInit): Promise<Response> {
    const { pathname, searchParams } = new URL(url);
    this.requests.push(`${init.method} ${pathname}`);
    init.signal?.throwIfAborted();
    if (pathname === '/v1/status') return json(this.status());
    if (pathname.startsWith('/v1/blocks/')) return json({ timeMs: Number(pathname.slice(11)) * this.msPerBlock });
    if (pathname === '/v1/quote') return json({ cost: 7, available: 9, refusal: null });
    if (pathname === '/v1/state-proof') return this.accountProof();
    if (pathname.endsWith('/expiry-certificate')) return this.certificate(pathname, Number(searchParams.get('expiry')));
    if (pathname === '/v1/transactions/batch') return this.batch(decodeTogether(init.body as Uint8Array));
    const tx = decodeTransaction(init.body as Uint8Array, this.chain.genesis.hash, 1);
    if ('code' in tx) return problem(tx.code, 400);
    this.posted.push(tx);
    return (this.answers.length > 1 ? this.answers.shift()! : this.answers[0]!)(tx);
  }

  private batch(transactions: readonly Uint8Array[]): Response {
    this.batches.push(transactions.length);
    return this.batchAnswer(transactions);
  }

  private status() {
    const { height, msPerBlock, chain } = this;
    return {
      genesisHash: toHex(chain.genesis.hash),
      height,
      timeMs: height * msPerBlock,
      expiryWindow: 14_400,
      blockIntervalMs: 3_000,
    };
  }

  private certificate(path: string, expiry: number): Response {
    if (!this.certificates) return problem('NOT_FOUND', 404);
    if (this.height < expiry) return problem('HEIGHT_NOT_REACHED', 404);
    const nonce = fromHex(path.split('/')[4]!);
    const of = { sender: this.chain.partnerId, nonce, expiry };
    return proof(this.chain.expiryCertificate(this.chain.block(this.height, []), of, null));
  }

  private accountProof(): Response {
    return proof(this.chain.stateProof(this.chain.block(this.height, []), stateKey.account(this.chain.partnerId)));
  }
}

export const proof = (bytes: Uint8Array) => new Response(Uint8Array.from(bytes));
export const json = (value: unknown) => new Response(JSON.stringify(value));

export function problem(name: CodeName, status: number, headers: Record<string, string> = {}): Response {
  const body = { type: 'urn:x', title: 'x', status, code: CODES[name].number, name, detail: 'because' };
  return new Response(JSON.stringify(body), { status, headers });
}

export const unreachable: Answer = () => {
  throw new TypeError('fetch failed');
};
export const pending: Answer = () => new Response('{}', { status: 202 });
