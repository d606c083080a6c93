import { beforeEach, describe, expect, it } from 'vitest';
import { pureCrypto as crypto } from '../node-core/crypto/pure.ts';
import { SUITES } from '../node-core/crypto/suites.ts';
import { ScriptedNode } from '../test/proofs/scripted-node.ts';
import { SyntheticChain } from '../test/proofs/synthetic-chain.ts';

let node: ScriptedNode;
const OPERATIONS = [{ type: 'x', body: 1 }];
const sign = (message: Uint8Array) => SUITES.ed25519.sign(node.chain.partner.secretKey, message);

beforeEach(async () => {
  node = new ScriptedNode(await SyntheticChain.make(crypto, 'client'));
});

describe('signing elsewhere', () => {
  it('prepares with the proven key, takes the signature, settles', async () => {
    const client = node.client();
    const prepared = await client.prepare(OPERATIONS, { label: 'by hand' });
    expect(prepared.key).toEqual(node.chain.partner.publicKey);
    expect(node.signatures).toBe(0);
    const transaction = client.sign(prepared, sign(prepared.message));
    const outcome = await client.settle(transaction);
    expect(outcome).toMatchObject({ status: 'final', summary: { code: 0, what: { label: 'by hand' } } });
    expect(node.posted[0]?.bytes).toEqual(transaction.bytes);
  });

  it.each([
    ['of other bytes', () => sign(Uint8Array.of(1))],
    ['of another key', (message: Uint8Array) => SUITES.ed25519.sign(new Uint8Array(32).fill(1), message)],
    ['of another length', () => new Uint8Array(70)],
    ['that is nothing', () => new Uint8Array(0)],
  ])('refuses a signature %s before anything is sent', async (_, made) => {
    const client = node.client();
    const prepared = await client.prepare(OPERATIONS);
    expect(() => client.sign(prepared, made(prepared.message))).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    );
    expect(node.posted).toHaveLength(0);
  });
});

describe('maxCost', () => {
  it('what would cost more is not signed; what would not is', async () => {
    const client = node.client();
    await expect(client.submit(OPERATIONS, { maxCost: 6 })).rejects.toMatchObject({ code: 'QUOTA_SHORT' });
    expect([node.signatures, node.posted.length]).toEqual([0, 0]);
    await expect(client.submit(OPERATIONS, { maxCost: 7 })).resolves.toMatchObject({ summary: { code: 0 } });
  });
});
