import { expect, test } from 'vitest';
import { crypto, evidenceBody, op, TABLE, World } from '../../test/ledger/world.ts';
import type { SignatureVerifier } from '../ports/signature-verifier.ts';
import { Executor } from './executor.ts';
import { Mempool } from './mempool.ts';

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const verifier: SignatureVerifier = { verify: async (checks) => checks.map(() => true), close: async () => {} };

test('a block is as full as time allows, and what is left over stays pending', async () => {
  const world = await World.open();
  const partner = await world.partner('partner');
  const mempool = new Mempool();
  for (let i = 0; i < 5; i++) {
    const parsed = world.parse(world.transaction(partner, [op.register(evidenceBody(`file ${i}`))]));
    mempool.add({ parsed, digest: String(i), cost: 1, arrivedMs: 0 });
  }
  const executor = new Executor({ crypto, store: world.store, mempool, verifier, table: TABLE, log });
  const proposing = { timeMs: world.store.timeMs + 1, round: 0, proposer: world.genesis.validators.validators[0]!.id };
  let asked = 0;
  expect(executor.build(proposing, () => ++asked <= 2).transactions).toHaveLength(2);
  expect(mempool.size).toBe(5);
  expect(executor.build(proposing).transactions).toHaveLength(5);
});
