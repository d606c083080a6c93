/** What a validator does whose disk is gone, and whose vote record and journal are not (ADR 0026). */
import { describe, expect, it } from 'vitest';
import { JournalRows, MemoryJournal } from '../../test/simulation/memory-journal.ts';
import { MemoryStore } from '../../test/simulation/memory-store.ts';
import { type Remains, type Rig, rig } from '../../test/simulation/rig.ts';
import type { Message } from './messages.ts';

const FOLLOWER = 'f'.repeat(64);
const BLOCK_INTERVAL_MS = 3_000;

function lives() {
  const [rows, record] = [new JournalRows(), { bytes: null, epoch: 0 }];
  const journal = new MemoryJournal(rows);
  /** Another life, with an empty disk. */
  const next = (more: Partial<Remains> = {}): Remains => ({ kv: new MemoryStore(), record, journal, ...more });
  return { rows, record, journal, next };
}

function sent<K extends Message[0]>(r: Rig, peer: string, kind: K): Extract<Message, readonly [K, ...unknown[]]>[] {
  return r.sentTo(peer).filter((message) => message[0] === kind) as Extract<Message, readonly [K, ...unknown[]]>[];
}

const prevotes = (r: Rig, peer: string) =>
  new Set(
    sent(r, peer, 'votes').flatMap(([, rows]) =>
      rows.flatMap(([type, , round, block]) => (type === 0 && round === 0 ? [block?.[0].join()] : [])),
    ),
  );
const proposals = (r: Rig, peer: string) =>
  new Set(sent(r, peer, 'compactProposal').map(([, , , , , , signature]) => signature.join()));

/** Blocks of others, one after the other, as a follower passes them on. */
async function takeBlocks(r: Rig, count: number): Promise<void> {
  await r.connect(FOLLOWER);
  for (let i = 0; i < count; i++) await r.receive(FOLLOWER, ['blocks', [r.nextBlock({ signers: [0, 2, 3] }).row]]);
}

describe('in the middle of a height', () => {
  // Validator 1 proposes in round 0 of height 1.
  it('its proposal and its vote are sent again, the very same', async () => {
    const { next } = lives();
    const before = await rig({ validators: 4, self: 1, remains: next() });
    const [peer] = before.members.peerIds as [string];
    await before.pass(BLOCK_INTERVAL_MS);
    expect(proposals(before, peer).size).toBe(1);

    const after = await rig({ validators: 4, self: 1, remains: next() });
    await after.connect(peer);
    await after.pass(BLOCK_INTERVAL_MS);
    expect(proposals(after, peer)).toEqual(proposals(before, peer));
    expect(prevotes(after, peer)).toEqual(prevotes(before, peer));
    expect([...prevotes(after, peer)]).not.toContain(undefined);
  });

  it('a draft that was never let out is not taken up again', async () => {
    const { next, journal, record } = lives();
    // The crash comes between the journal and the vote record.
    const broken = { bytes: null, epoch: -1 };
    const before = await rig({ validators: 4, self: 1, remains: next({ record: broken }) });
    const [peer] = before.members.peerIds as [string];
    broken.epoch = 99;
    await before.pass(BLOCK_INTERVAL_MS);
    expect([...(await journal.read(1)).keys()]).toEqual([
      expect.stringMatching(/^proposal\/0{16}\/own\/[0-9a-f]{64}$/),
    ]);

    record.epoch = 1;
    const after = await rig({ validators: 4, self: 1, remains: next() });
    await after.pass(BLOCK_INTERVAL_MS);
    expect(proposals(after, peer).size).toBe(1);
    expect(after.store.keptProposals(1)).toHaveLength(1);
  });
});

describe('final blocks', () => {
  it('come back from the journal, as far as it has them without a gap', async () => {
    const { next, journal } = lives();
    const before = await rig({ validators: 4, self: 1, remains: next() });
    await takeBlocks(before, 3);
    const parent = before.store.parent;

    const after = await rig({ validators: 4, self: 1, remains: next() });
    await after.pass(1);
    expect([after.store.height, after.store.parent]).toEqual([3, parent]);
    expect(after.logged).toContain('info: blocks were taken from the journal');

    await journal.remove(2, ['block']);
    const gap = await rig({ validators: 4, self: 1, remains: next() });
    await gap.pass(1);
    expect(gap.store.height).toBe(1);
  });

  it('that were decided here stand in the journal once, in their proposal', async () => {
    const { next, journal } = lives();
    const solo = await rig({ validators: 1, self: 0, remains: next() });
    for (let i = 0; i < 4; i++) await solo.pass(BLOCK_INTERVAL_MS);
    expect(solo.store.height).toBeGreaterThan(1);
    const rows = await journal.read(1);
    expect([...rows.keys()]).toEqual(['block', expect.stringMatching(/^proposal\/0{16}\/own\//)]);
    const [block, proposal] = [...rows.values()] as [Uint8Array, Uint8Array];
    const header = Buffer.from(solo.store.recentBlock(1)!.headerBytes);
    expect([Buffer.from(proposal).includes(header), Buffer.from(block).includes(header)]).toEqual([true, false]);

    const after = await rig({ validators: 1, self: 0, remains: next() });
    await after.pass(1);
    expect(after.store.height).toBe(solo.store.height);
    expect(after.store.parent).toEqual(solo.store.parent);
  });

  it('that are wrong in the journal are not taken, and said', async () => {
    const { next, journal } = lives();
    await takeBlocks(await rig({ validators: 4, self: 1, remains: next() }), 2);
    const row = (await journal.read(2)).get('block')!;
    row[row.length - 20]! ^= 1;
    await journal.put(2, 'block', row);
    const after = await rig({ validators: 4, self: 1, remains: next() });
    await after.pass(1);
    expect([after.store.height, after.fatal]).toEqual([1, []]);
    expect(after.logged).toContain('error: the journal cannot be read on');
  });
});

describe('while the journal is out of reach', () => {
  it.each([
    [1, 'the proposer'],
    [0, 'another'],
  ])('validator %i, %s, commits nothing and signs nothing; then it goes on', async (self) => {
    const { next, rows } = lives();
    let open = () => {};
    let gate = Promise.resolve();
    class Distant extends MemoryJournal {
      override async put(...row: Parameters<MemoryJournal['put']>): Promise<void> {
        await gate;
        await super.put(...row);
      }
    }
    const validator = await rig({ validators: 4, self, remains: next({ journal: new Distant(rows) }) });
    const peer = validator.members.peerIds[3]!;
    gate = new Promise((resolve) => {
      open = resolve;
    });
    await validator.pass(BLOCK_INTERVAL_MS);
    await takeBlocks(validator, 1);
    expect([proposals(validator, peer).size, prevotes(validator, peer).size, validator.store.height]).toEqual([
      0, 0, 0,
    ]);
    open();
    await validator.pass(1);
    expect([proposals(validator, peer).size, validator.store.height]).toEqual([self, 1]);
  });
});

describe('a stop while a vote is being recorded', () => {
  it('ends when it is recorded; the next life sends this vote and no other', async () => {
    const { next, record } = lives();
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const before = await rig({ validators: 4, self: 1, remains: next({ beforeRecord: () => gate }) });
    const [peer] = before.members.peerIds as [string];
    await before.pass(BLOCK_INTERVAL_MS);
    const order: string[] = [];
    const stopped = before.node.stop().then(() => order.push('stopped'));
    await before.pass(1);
    expect([record.bytes, prevotes(before, peer).size]).toEqual([null, 0]);
    order.push('recorded');
    open();
    await stopped;
    expect(order).toEqual(['recorded', 'stopped']);
    expect(record.bytes).not.toBeNull();

    const after = await rig({ validators: 4, self: 1, remains: next() });
    await after.connect(peer);
    await after.pass(BLOCK_INTERVAL_MS);
    expect(proposals(after, peer).size).toBe(1);
  });
});
