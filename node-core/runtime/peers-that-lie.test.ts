/** What a peer may send without stopping or deafening a correct node. Each case was once a way to do it. */
import { describe, expect, it } from 'vitest';
import { blockBytes } from '../../test/simulation/certified.ts';
import { signWith } from '../../test/simulation/fixture.ts';
import { type Rig, rig } from '../../test/simulation/rig.ts';
import { proposalMessage } from '../chain/votes.ts';
import { pureCrypto } from '../crypto/pure.ts';
import type { Message } from './messages.ts';

const FOLLOWER = 'f'.repeat(64);
const digest = (fill: number) => new Uint8Array(32).fill(fill);

/** A signed proposal of `by` for the next block, whatever block bytes go with it. */
function proposal({ members, nextBlock }: Rig, by: number, round: number, bytes?: Uint8Array): Message {
  const { executed } = nextBlock();
  const member = members.genesis.validators.validators[by]!;
  const { height, logRoot } = executed.header;
  const scope = {
    chain: members.genesis.hash,
    protocolVersion: 1,
    height,
    round,
    validator: member.id,
    key: member.keys[0],
  };
  const value = { headerHash: executed.headerHash, logRoot };
  const signature = signWith(members.validators[by]!, proposalMessage(pureCrypto, scope, value, -1));
  return ['proposal', height, round, -1, by, 0, signature, bytes ?? blockBytes(executed), []];
}

function expectSound({ fatal, node }: Rig): void {
  expect(fatal).toEqual([]);
  expect(node.consensus).not.toBeNull();
}

describe('blocks', () => {
  it('drops a peer that puts other transactions under a certified header, and takes the block from the next', async () => {
    const r = await rig({ validators: 4 });
    const [liar, honest] = r.members.peerIds as [string, string];
    await r.connect(liar);
    await r.connect(honest);
    await r.receive(liar, ['blocks', [r.nextBlock({ transactions: [Uint8Array.of(0x80)] }).row]]);
    expect(r.fatal).toEqual([]);
    expect(r.dropped).toEqual([liar]);
    expect(r.store.height).toBe(0);
    await r.receive(honest, ['blocks', [r.nextBlock().row]]);
    expect(r.store.height).toBe(1);
  });

  it('drops a peer whose certificate has too few signatures', async () => {
    const r = await rig({ validators: 4 });
    await r.connect(FOLLOWER);
    await r.receive(FOLLOWER, ['blocks', [r.nextBlock({ signers: [0, 1] }).row]]);
    expect([r.store.height, r.dropped]).toEqual([0, [FOLLOWER]]);
  });

  it('goes on at the next height when garbage follows a good block in one message', async () => {
    const r = await rig({ validators: 4, self: 3 });
    const [peer] = r.members.peerIds as [string];
    await r.connect(peer);
    const { row } = r.nextBlock();
    await r.receive(peer, ['blocks', [row, [Uint8Array.of(0x80), row[1]]]]);
    expect([r.store.height, r.node.consensus?.height, r.dropped]).toEqual([1, 2, [peer]]);
    expectSound(r);
  });

  it('asks for nothing while it takes blocks in, and goes on trusting who has given them', async () => {
    const r = await rig({ validators: 4 });
    const [peer, other] = r.members.peerIds as [string, string];
    const asked = (id: string) => r.sentTo(id).flatMap((message) => (message[0] === 'getBlocks' ? [message[1]] : []));
    await r.connect(peer);
    await r.connect(other);
    await r.receive(peer, ['status', 5]);
    expect(asked(peer)).toEqual([1]);
    const receiving = [r.receive(peer, ['blocks', [r.nextBlock().row]])];
    // Statuses come at every moment of the execution.
    while (r.store.height === 0) {
      receiving.push(r.receive(other, ['status', 5]));
      await Promise.resolve();
    }
    await Promise.all(receiving);
    expect([...asked(peer), ...asked(other)]).toEqual([1, 2]);
  });

  it('goes on trusting a peer whose block came too late to be of use', async () => {
    const r = await rig({ validators: 4 });
    const [peer, other] = r.members.peerIds as [string, string];
    const asked = () => r.sentTo(peer).flatMap((message) => (message[0] === 'getBlocks' ? [message[1]] : []));
    await r.connect(peer);
    await r.connect(other);
    await r.receive(peer, ['status', 2]);
    const { row } = r.nextBlock();
    await r.receive(other, ['blocks', [row]]);
    await r.receive(peer, ['blocks', [row]]);
    expect([r.store.height, ...asked()]).toEqual([1, 1, 2]);
  });

  it('asks an honest peer when another keeps claiming blocks that it does not give', async () => {
    const r = await rig({ validators: 4 });
    const [liar, honest] = r.members.peerIds as [string, string];
    const wants = (peer: string) => r.sentTo(peer).filter(([kind]) => kind === 'getBlocks').length;
    await r.connect(liar);
    await r.receive(liar, ['status', 1_000_000]);
    expect(wants(liar)).toBe(1);
    for (let i = 0; i < 50; i++) await r.receive(liar, ['blocks', []]);
    expect(wants(liar)).toBe(1);
    await r.connect(honest);
    await r.receive(honest, ['status', 5]);
    expect(wants(honest)).toBe(1);
  });
});

describe('proposals', () => {
  // Height 1: validator 1 proposes in round 0.
  const PROPOSER = 1;

  it('hears of them from the proposer alone: its signature does not cover the transactions', async () => {
    const r = await rig({ validators: 4, self: 3 });
    const peers = r.members.peerIds;
    for (const peer of peers.slice(0, 3)) await r.connect(peer);
    const honest = proposal(r, PROPOSER, 0);
    await r.receive(peers[0]!, proposal(r, PROPOSER, 0, blockBytes(r.nextBlock().executed, [Uint8Array.of(0x80)])));
    await r.receive(peers[PROPOSER]!, honest);
    const votes = r.sentTo(peers[0]!).flatMap((message) => (message[0] === 'votes' ? message[1] : []));
    expect(votes.map(([type, , , block]) => [type, block === null])).toEqual([[0, false]]);
    expectSound(r);
  });

  it('fetches a block that others decided although its proposer gave us a wrong one', async () => {
    const r = await rig({ validators: 4, self: 3 });
    const peers = r.members.peerIds;
    for (const peer of peers.slice(0, 3)) await r.connect(peer);
    const { executed, row } = r.nextBlock();
    await r.receive(peers[PROPOSER]!, proposal(r, PROPOSER, 0, blockBytes(executed, [Uint8Array.of(0x80)])));
    const value = [executed.headerHash, executed.header.logRoot] as const;
    await r.receive(peers[0]!, ['votes', [0, 1, 2].map((by) => r.vote(1, 0, value, by))]);
    expectSound(r);
    await r.receive(peers[0]!, ['status', 1]);
    expect(r.sentTo(peers[0]!).some(([kind]) => kind === 'getBlocks')).toBe(true);
    await r.receive(peers[0]!, ['blocks', [row]]);
    expect([r.store.height, r.node.consensus?.height]).toEqual([1, 2]);
  });

  it('drops a proposer whose block is no block, or whose turn it is not, and lives', async () => {
    for (const [by, round, bytes] of [
      [PROPOSER, 0, Uint8Array.of(0x80)],
      [2, 0, undefined],
    ] as const) {
      const r = await rig({ validators: 4, self: 3 });
      const peer = r.members.peerIds[by]!;
      await r.connect(peer);
      await r.receive(peer, proposal(r, by, round, bytes));
      expect(r.dropped).toEqual([peer]);
      expectSound(r);
    }
  });

  it('does not vote for a block whose time is far from its own clock', async () => {
    const r = await rig({ validators: 4, self: 3 });
    const peer = r.members.peerIds[PROPOSER]!;
    await r.connect(peer);
    const late = proposal(r, PROPOSER, 0);
    await r.pass(60_000);
    await r.receive(peer, late);
    const votes = r.sentTo(peer).flatMap((message) => (message[0] === 'votes' ? message[1] : []));
    expect(new Set(votes.map(([, , , block]) => block))).toEqual(new Set([null]));
  });
});

describe('votes', () => {
  it('drops who sends one that nobody signed, and takes none of those that came with it', async () => {
    const r = await rig({ validators: 4, self: 3 });
    const [peer] = r.members.peerIds as [string];
    await r.connect(peer);
    const good = r.vote(1, 0, null, 0);
    const [type, height, round, block, , key] = r.vote(1, 0, null, 1);
    await r.receive(peer, ['votes', [good, [type, height, round, block, 2, key, new Uint8Array(64)]]]);
    expect(r.dropped).toEqual([peer]);
    expect(r.node.load.votes).toBeLessThanOrEqual(1);
    expectSound(r);
  });

  it('hears the others after a liar has signed more votes than anybody can keep', async () => {
    const r = await rig({ validators: 4, self: 3 });
    const [liar, honest] = r.members.peerIds as [string, string];
    await r.connect(liar);
    await r.connect(honest);
    for (let part = 0; part < 3; part++) {
      const votes = Array.from({ length: 400 }, (_, i) => r.vote(0, part, [digest(i % 251), digest(i % 7)], 0));
      await r.receive(liar, ['votes', votes]);
    }
    expect(r.node.load.votes).toBeLessThanOrEqual(200);
    await r.receive(honest, ['votes', [r.vote(1, 50, null, 1)]]);
    await r.receive(honest, ['votes', [r.vote(1, 50, null, 2)]]);
    expect(r.node.consensus?.round).toBe(50);
  });

  it('counts votes that it has heard one by one as a certificate when they come together', async () => {
    const r = await rig({ validators: 4, self: 3 });
    const peers = r.members.peerIds;
    for (const peer of peers.slice(0, 3)) await r.connect(peer);
    const { executed } = r.nextBlock();
    const value = [executed.headerHash, executed.header.logRoot] as const;
    // Validator 0 has told us nil first and everybody else the value: its second vote counts only in a certificate.
    const precommits = [0, 1, 2].map((by) => r.vote(1, 0, value, by));
    await r.receive(peers[0]!, ['votes', [r.vote(1, 0, null, 0)]]);
    for (const [i, vote] of precommits.entries()) await r.receive(peers[i]!, ['votes', [vote]]);
    await r.receive(peers[1]!, ['status', 1]);
    expect(r.sentTo(peers[1]!).some(([kind]) => kind === 'getBlocks')).toBe(false);
    await r.receive(peers[1]!, ['votes', precommits]);
    await r.receive(peers[1]!, ['status', 1]);
    expect(r.sentTo(peers[1]!).some(([kind]) => kind === 'getBlocks')).toBe(true);
  });

  it('keeps little of what is one height ahead, and nothing of what is further', async () => {
    const r = await rig({ validators: 4, self: 3 });
    const [peer] = r.members.peerIds as [string];
    await r.connect(peer);
    for (const ahead of [1, 2, 2 ** 40]) {
      for (let i = 0; i < 100; i++) {
        const [type, height, round, block, by, key, signature] = r.vote(0, i, null, 0);
        await r.receive(peer, ['votes', [[type, height + ahead, round, block, by, key, signature]]]);
      }
    }
    expect(r.node.load.early).toBe(64);
    expectSound(r);
  });
});

describe('everything else', () => {
  it.each([
    ['bytes that are no message', Uint8Array.of(0xff)],
    ['a message before the greeting', ['status', 1] as Message],
    ['a greeting of another chain', ['hello', digest(1), 0] as Message],
  ])('drops a peer for %s', async (_, message) => {
    const r = await rig({ validators: 4, self: 3 });
    await r.receive(FOLLOWER, message);
    expect(r.dropped).toEqual([FOLLOWER]);
  });

  it('drops a peer for a transaction that no correct node passes on', async () => {
    const r = await rig({ validators: 4, self: 3 });
    await r.connect(FOLLOWER);
    await r.receive(FOLLOWER, ['transactions', [Uint8Array.of(1, 2, 3)]]);
    expect(r.dropped).toEqual([FOLLOWER]);
    expectSound(r);
  });

  it('answers a second greeting with nothing: it must not make us send everything again', async () => {
    const r = await rig({ validators: 4, self: 1 });
    const [peer] = r.members.peerIds as [string];
    await r.connect(peer);
    await r.pass(4_000);
    const before = r.sentTo(peer).length;
    await r.receive(peer, ['hello', r.members.genesis.hash, 0]);
    expect(r.sentTo(peer).length).toBe(before);
  });
});
