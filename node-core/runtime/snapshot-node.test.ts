import { describe, expect, test, vi } from 'vitest';
import { crypto, join, SnapshotWorld } from '../../test/ledger/snapshot-world.ts';
import { op, partnerBody } from '../../test/ledger/world.ts';
import { type Rig, rig } from '../../test/simulation/rig.ts';
import { verifyReceipt } from '../chain/receipt.ts';
import { stateKey } from '../chain/state-keys.ts';
import { verifyExpiryCertificate, verifyStateProof } from '../chain/state-proof.ts';
import { toHex } from '../codec/bytes.ts';

/** A chain with two admissions before the snapshot at height 2 and two blocks after it, and a node that joined there. */
async function joined() {
  const parameters = { nonceRetention: 2, expiryWindow: 8, maxPruned: 10, maxBlockTransactions: 10 };
  const chain = await SnapshotWorld.open({ parameters });
  const { world } = chain;
  const signWith = world.members.operator;
  const admit = (name: string, expiry: number) =>
    world.parse(world.transaction(world.operator, [op.admit(partnerBody(name))], { signWith, expiry })).transaction;
  const [early, late] = [admit('early', 3), admit('late', 9)];
  await chain.block([early.bytes]);
  await chain.block([late.bytes], [{ name: 'large', sizeBytes: 60_000 }]);
  await chain.snapshot();
  const after = admit('after', 10);
  await chain.block([after.bytes]);
  const { kv, height } = await join(world, [{ name: 'a', files: chain.blobs }]);
  const node = await rig({ validators: 3, members: world.members, remains: { kv, record: { bytes: null, epoch: 0 } } });
  expect([height, node.store.height]).toEqual([2, 2]);
  return { chain, world, node, early, late, after };
}

async function bringOn(node: Rig, chain: SnapshotWorld): Promise<void> {
  const { store } = chain.world;
  if (node.node.peers.count === 0) await node.connect('peer');
  await node.receive('peer', ['status', store.height]);
  for (let height = node.store.height + 1; height <= store.height; height++)
    await node.receive('peer', ['blocks', [(await store.row(height))!]]);
}

describe('a node that joined from a snapshot', () => {
  test('takes the blocks that follow from its peers, and ends up with the same state', async () => {
    const { chain, world, node } = await joined();
    for (let i = 0; i < 6; i++) await chain.block();
    await bringOn(node, chain);
    expect([node.fatal, node.dropped, node.store.height]).toEqual([[], [], 9]);
    expect(toHex(node.store.parent)).toBe(toHex(world.store.parent));
    // The first of the nonces has been removed meanwhile, in both alike.
    const pruned = stateKey.prunedThrough();
    expect(node.store.get(pruned)).toEqual(world.store.get(pruned));
    expect(node.store.get(pruned)).toBeDefined();
  });

  test('proofs say what was so when they were asked for, whatever block comes meanwhile', async () => {
    const { chain, world, node } = await joined();
    const { store } = node;
    const anchor = store.anchor.bind(store);
    let goOn = () => {};
    const mayGoOn = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    vi.spyOn(store, 'anchor').mockImplementation(async (height) => {
      await mayGoOn;
      return anchor(height);
    });
    // Of absent keys: all over the tree.
    const keys = Array.from({ length: 64 }, (_, i) => Uint8Array.of(i));
    const asked = keys.map((key) => node.queries.stateProof(key));
    await chain.block();
    await bringOn(node, chain);
    expect(store.height).toBe(4);
    goOn();
    for (const [i, proof] of (await Promise.all(asked)).entries()) {
      if (!(proof instanceof Uint8Array)) throw new Error(proof.code);
      const facts = verifyStateProof(crypto, proof, world.genesis.hash, keys[i]!);
      expect(facts).toMatchObject({ trusted: { header: { height: 2 } }, value: null });
    }
  });

  test('proves its state before its first block and after it', async () => {
    const { chain, world, node } = await joined();
    const key = stateKey.account(world.operator.id);
    for (const height of [2, 3]) {
      const proof = await node.queries.stateProof(key);
      if (!(proof instanceof Uint8Array)) throw new Error(proof.code);
      const facts = verifyStateProof(crypto, proof, world.genesis.hash, key);
      expect(facts).toMatchObject({ trusted: { header: { height } }, value: world.store.get(key) });
      await bringOn(node, chain);
    }
  });

  test('has receipts from then on, and says of what came before that it does not have it', async () => {
    const { chain, world, node, late, after } = await joined();
    await bringOn(node, chain);
    const receipt = await node.queries.receipt(after.sender, after.nonce);
    expect(verifyReceipt(crypto, receipt!, world.genesis.hash)).toMatchObject({ trusted: { header: { height: 3 } } });
    const pruned = expect.objectContaining({ code: 'PRUNED' });
    await expect(node.queries.receipt(late.sender, late.nonce)).rejects.toEqual(pruned);
    await expect(node.queries.block(2)).rejects.toEqual(pruned);
    expect(await node.queries.block(3)).toMatchObject({ header: { height: 3 } });
    await node.receive('peer', ['getBlocks', 1]);
    expect(node.sentTo('peer').filter(([kind]) => kind === 'blocks')).toEqual([['blocks', []]]);
  });

  test('certifies no expiry of what was packed before it came, and does of what never was', async () => {
    const { chain, world, node, early, late } = await joined();
    for (let i = 0; i < 6; i++) await chain.block();
    await bringOn(node, chain);
    const asked = (t: typeof early) => node.queries.expiryCertificate(t.sender, t.nonce, t.expiry);
    expect(await asked(late)).toMatchObject({ code: 'NONCE_USED' });
    expect(await asked(early)).toMatchObject({ code: 'STATE_NOT_KEPT' });
    const never = { ...late, nonce: new Uint8Array(32) };
    const certificate = await asked(never);
    if (!(certificate instanceof Uint8Array)) throw new Error(certificate.code);
    expect(verifyExpiryCertificate(crypto, certificate, world.genesis.hash, never)).not.toHaveProperty('code');
  });

  test('is a validator with an empty record only when the snapshot has no signature of its own', async () => {
    const chain = await SnapshotWorld.open({ validators: 4 });
    const { members } = chain.world;
    await chain.block([], [], [0, 1, 2]);
    await chain.snapshot();
    const start = async (self: number) => {
      const { kv } = await join(chain.world, [{ name: 'a', files: chain.blobs }]);
      const validator = await rig({ validators: 4, self, members, remains: { kv, record: { bytes: null, epoch: 0 } } });
      return validator.logged.includes('error: the vote record is lost: this validator does not sign');
    };
    expect([await start(2), await start(3)]).toEqual([true, false]);
  });

  test('does not pack again what was packed before it came', async () => {
    const { chain, world, node, late } = await joined();
    await bringOn(node, chain);
    expect(await node.node.submit(late.bytes)).toMatchObject({ code: 'NONCE_USED' });
    const next = { signWith: world.members.operator, expiry: world.next + 5 };
    const other = world.transaction(world.operator, [op.admit(partnerBody('another'))], next);
    expect(await node.node.submit(other)).toMatchObject({ isNew: true });
  });
});
