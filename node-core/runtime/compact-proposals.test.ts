/** What comes for a proposal that is being completed: twice, late, or what nobody has named. */
import { expect, it } from 'vitest';
import { rig } from '../../test/simulation/rig.ts';
import { concat } from '../codec/bytes.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { type CompactProposal, CompactProposals } from './compact-proposals.ts';
import { Garbage } from './garbage.ts';

const PEER = 'a'.repeat(64);
const TRANSACTIONS = [1, 2, 3].map((fill) => new Uint8Array(100).fill(fill));

it('takes each named transaction once, again without harm, and ends with who sends one that is not named', async () => {
  const { nextBlock } = await rig({ validators: 4 });
  const { headerBytes } = nextBlock().executed;
  const names = concat(...TRANSACTIONS.map((bytes) => crypto.hash('sha-256', bytes)));
  const block = [headerBytes, names, []] as const;
  const message: CompactProposal = ['compactProposal', 1, 0, -1, 1, 0, new Uint8Array(64), block, []];
  const clock = { now: () => 0, schedule: () => () => {} };
  const proposals = new CompactProposals({ crypto, clock, mempool: { find: () => undefined }, send: () => {} });
  const parts = (...transactions: Uint8Array[]) =>
    proposals.takeParts(PEER, ['proposalParts', 1, 0, transactions] as never);

  expect(proposals.take(PEER, message, 5)).toBeNull();
  const [one, two, three] = TRANSACTIONS as [Uint8Array, Uint8Array, Uint8Array];
  expect(parts(one)).toBeNull();
  // The network gives it twice, or it was asked for twice.
  expect(parts(one, two)).toBeNull();
  expect(() => parts(new Uint8Array(100).fill(9))).toThrow(Garbage);
  const rebuilt = parts(three);
  expect([rebuilt?.receivedMs, ...(rebuilt?.message.slice(0, 6) ?? [])]).toEqual([5, 'proposal', 1, 0, -1, 1, 0]);
  expect(parts(three)).toBeNull();
});
