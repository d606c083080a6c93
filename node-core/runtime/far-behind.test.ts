/** Transactions of peers, and how far the node has got. */
import { expect, it } from 'vitest';
import { signedTransaction } from '../../test/simulation/fixture.ts';
import { type Rig, rig } from '../../test/simulation/rig.ts';
import { ADMIT_PARTNER, admitPartnerBody } from '../chain/operations/admit-partner.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';

function admission({ members }: Rig): Uint8Array {
  const body = admitPartnerBody.encode({
    name: 'partner',
    key: members.operator.publicKey,
    legal: { version: '1.0', digest: new Uint8Array(32).fill(1) },
    permissions: ['evidence'],
    quota: { max: 1_000_000, periodMs: 86_400_000 },
  });
  const operations = [{ type: ADMIT_PARTNER, body }];
  return signedTransaction(crypto, members.genesis, members.operator, {
    nonce: new Uint8Array(32).fill(2),
    expiry: 100,
    operations,
  });
}

/** A validator, or a follower, that is at height 0 while the others say these heights; what it holds after a transaction of one. */
async function pendingWith(self: number | undefined, heights: readonly number[]): Promise<number> {
  const r = await rig(self === undefined ? { validators: 4 } : { validators: 4, self });
  for (const [i, height] of heights.entries()) {
    await r.connect(r.members.peerIds[i]!);
    await r.receive(r.members.peerIds[i]!, ['status', height]);
  }
  await r.receive(r.members.peerIds[0]!, ['transactions', [admission(r)]]);
  expect([r.fatal, r.dropped]).toEqual([[], []]);
  return r.node.mempool.size;
}

it.each([
  ['validator', 3],
  ['follower', undefined],
])(
  'a %s that is more than two blocks behind takes none: they are sent again while they are pending',
  async (_, self) => {
    expect(await pendingWith(self, [3, 3, 3])).toBe(0);
    expect(await pendingWith(self, [2, 2, 2])).toBe(1);
  },
);

it('a third of the power that says it is ahead keeps none from it', async () => {
  expect(await pendingWith(3, [1_000, 0, 0])).toBe(1);
  expect(await pendingWith(3, [1_000, 3, 0])).toBe(0);
});

it('takes them once it has the blocks', async () => {
  const r = await rig({ validators: 4, self: 3 });
  const [peer, ...others] = r.members.peerIds.slice(0, 3) as [string, string, string];
  for (const one of [peer, ...others]) await r.receive(one, ['status', 3]);
  const transaction = admission(r);
  await r.receive(peer, ['transactions', [transaction]]);
  // Not with our own signature: a vote that our record does not know would end our voting.
  await r.receive(peer, ['blocks', [r.nextBlock({ signers: [0, 1, 2] }).row]]);
  expect([r.store.height, r.node.mempool.size]).toEqual([1, 0]);
  await r.receive(peer, ['transactions', [transaction]]);
  expect(r.node.mempool.size).toBe(1);
});
