/** Start, restart in the middle of a height, and stop. */
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../test/simulation/memory-store.ts';
import { type Remains, type Rig, rig } from '../../test/simulation/rig.ts';
import type { Message } from './messages.ts';
import { HEAR_OTHERS_MS } from './node.ts';

const FOLLOWER = 'f'.repeat(64);
const BLOCK_INTERVAL_MS = 3_000;

function remains(): Remains {
  return { kv: new MemoryStore(), record: { bytes: null, epoch: 0 } };
}

function sent<K extends Message[0]>(r: Rig, peer: string, kind: K): Extract<Message, readonly [K, ...unknown[]]>[] {
  return r.sentTo(peer).filter((message) => message[0] === kind) as Extract<Message, readonly [K, ...unknown[]]>[];
}

describe('a restart in the middle of a height', () => {
  // Validator 1 proposes in round 0 of height 1.
  it('sends the same proposal and the same vote again, and no others', async () => {
    const left = remains();
    const before = await rig({ validators: 4, self: 1, remains: left });
    const [peer] = before.members.peerIds as [string];
    await before.connect(peer);
    await before.pass(BLOCK_INTERVAL_MS);
    const [proposal] = sent(before, peer, 'compactProposal');
    expect(proposal).toBeDefined();

    const after = await rig({ validators: 4, self: 1, remains: left });
    await after.connect(peer);
    await after.pass(BLOCK_INTERVAL_MS);
    expect(new Set(sent(after, peer, 'compactProposal').map(([, , , , , , signature]) => signature.join()))).toEqual(
      new Set([proposal![6].join()]),
    );
    const votes = sent(after, peer, 'votes').flatMap(([, rows]) =>
      rows.filter(([type, , round]) => type === 0 && round === 0),
    );
    const values = new Set(votes.map(([, , , block]) => block?.[0].join()));
    expect(values.size).toBe(1);
    expect(values.has(undefined)).toBe(false);
  });

  it('first hears how far the others are: it goes on where it was when they are there too, or nobody says', async () => {
    const left = remains();
    const before = await rig({ validators: 4, self: 1, remains: left });
    const [first, , second] = before.members.peerIds as [string, string, string];
    await before.pass(BLOCK_INTERVAL_MS);
    const proposes = (r: Rig) => sent(r, first, 'compactProposal').length > 0;
    expect(proposes(before)).toBe(true);

    const heard = await rig({ validators: 4, self: 1, remains: left, isAlone: true });
    await heard.connect(first);
    expect(proposes(heard)).toBe(false);
    await heard.connect(second);
    expect(proposes(heard)).toBe(true);

    const unheard = await rig({ validators: 4, self: 1, remains: left, isAlone: true });
    await unheard.connect(first);
    await unheard.pass(HEAR_OTHERS_MS - 1);
    expect(proposes(unheard)).toBe(false);
    await unheard.pass(1);
    expect(proposes(unheard)).toBe(true);
  });

  it('takes the blocks of the others before it looks at what it was at, when they are ahead', async () => {
    const left = remains();
    const before = await rig({ validators: 4, self: 1, remains: left });
    await before.pass(BLOCK_INTERVAL_MS);
    const after = await rig({ validators: 4, self: 1, remains: left, isAlone: true });
    const [first, , second] = after.members.peerIds as [string, string, string];
    await after.connect(first, 1);
    await after.connect(second, 1);
    expect(sent(after, first, 'getBlocks')).toEqual([['getBlocks', 1]]);
    await after.receive(first, ['blocks', [after.nextBlock({ signers: [0, 2, 3] }).row]]);
    expect([after.store.height, after.node.consensus]).toEqual([1, { height: 2, round: 0 }]);
    expect(sent(after, first, 'compactProposal')).toEqual([]);
    expect(after.store.keptProposals(1)).toEqual([]);
  });

  it('does not take up a proposal that was kept and never let out: another may have been', async () => {
    const left = remains();
    // The crash comes between the write of the proposal and that of the vote record.
    left.record.epoch = -1;
    const broken = { ...left, record: { ...left.record } };
    const before = await rig({ validators: 4, self: 1, remains: broken });
    const [peer] = before.members.peerIds as [string];
    await before.connect(peer);
    broken.record.epoch = 99;
    await before.pass(BLOCK_INTERVAL_MS);
    expect(sent(before, peer, 'compactProposal')).toEqual([]);
    expect(before.store.keptProposals(1)).toHaveLength(1);

    const after = await rig({ validators: 4, self: 1, remains: { kv: left.kv, record: { bytes: null, epoch: 1 } } });
    await after.connect(peer);
    expect(sent(after, peer, 'compactProposal')).toEqual([]);
    await after.pass(BLOCK_INTERVAL_MS);
    expect(sent(after, peer, 'compactProposal')).toHaveLength(1);
    expect(after.store.keptProposals(1)).toHaveLength(1);
  });

  it('reads back the last of several drafts for one round, whichever was the longest', async () => {
    const { store } = await rig({ validators: 4, self: 1 });
    const draft = { height: 1, round: 0, isOwn: true, headerHash: new Uint8Array(0), timely: true };
    for (const length of [9_000, 100, 5_000, 0]) {
      await store.keepProposal({ ...draft, message: new Uint8Array(length).fill(7) });
      expect(store.keptProposals(1).map(({ message }) => message.length)).toEqual([length]);
    }
  });

  it('signs as before when it has blocks and has never voted, and not when the chain has votes of it', async () => {
    for (const [self, isLost] of [
      [3, false],
      [0, true],
    ] as const) {
      const left = remains();
      const follower = await rig({ validators: 4, remains: left });
      await follower.connect(FOLLOWER);
      await follower.receive(FOLLOWER, ['blocks', [follower.nextBlock({ signers: [0, 1, 2] }).row]]);
      expect(follower.store.height).toBe(1);

      const validator = await rig({ validators: 4, self, remains: { kv: left.kv, record: { bytes: null, epoch: 0 } } });
      const isWarned = validator.logged.some((line) => line.includes('does not sign'));
      expect(isWarned, `validator ${self}`).toBe(isLost);
    }
  });

  it('waits at a height below its vote record, and does not take its own old votes for those of a stranger', async () => {
    const left = remains();
    const before = await rig({ validators: 4, self: 1, remains: left });
    await before.connect(FOLLOWER);
    await before.receive(FOLLOWER, ['blocks', [before.nextBlock({ signers: [0, 2, 3] }).row]]);
    for (let i = 0; i < 3; i++) await before.pass(BLOCK_INTERVAL_MS);
    expect(left.record.bytes).not.toBeNull();

    const after = await rig({ validators: 4, self: 1, remains: { kv: new MemoryStore(), record: left.record } });
    const [peer] = after.members.peerIds as [string];
    await after.connect(peer);
    await after.receive(peer, ['votes', [after.vote(0, 0, null, 1)]]);
    expect(after.logged.filter((line) => line.startsWith('error'))).toEqual([]);
    expect(sent(after, peer, 'votes')).toEqual([]);
  });
});

describe('stop', () => {
  it('leaves no timer behind, whatever was under way, and answers who waits', async () => {
    const r = await rig({ validators: 4, self: 1 });
    const [peer] = r.members.peerIds as [string];
    await r.connect(peer);
    const waiting = r.node.waitFinal(new Uint8Array(20), new Uint8Array(32), 60_000);
    await r.pass(BLOCK_INTERVAL_MS / 2);
    const { row } = r.nextBlock();
    const arriving = r.receive(peer, ['blocks', [row]]);
    await Promise.all([r.node.stop(), r.node.stop()]);
    await arriving;
    expect(await waiting).toBe(false);
    expect(r.timers()).toBe(0);
    expect(await r.node.submit(Uint8Array.of(1))).toMatchObject({ code: 'NODE_UNREACHABLE' });
    expect(r.fatal).toEqual([]);
  });
});

describe('followers', () => {
  it('pass a block on to those that do not have it, and not back', async () => {
    const r = await rig({ validators: 4 });
    const other = 'e'.repeat(64);
    await r.connect(FOLLOWER);
    await r.connect(other);
    await r.receive(FOLLOWER, ['status', 1]);
    await r.receive(FOLLOWER, ['blocks', [r.nextBlock().row]]);
    expect(sent(r, other, 'blocks')).toHaveLength(1);
    expect(sent(r, FOLLOWER, 'blocks')).toHaveLength(0);
  });

  it('give blocks in the bytes in which they have them', async () => {
    const r = await rig({ validators: 4 });
    await r.connect(FOLLOWER);
    const { row } = r.nextBlock();
    await r.receive(FOLLOWER, ['blocks', [row]]);
    await r.receive(FOLLOWER, ['getBlocks', 1]);
    expect(sent(r, FOLLOWER, 'blocks')).toEqual([['blocks', [row]]]);
  });
});
