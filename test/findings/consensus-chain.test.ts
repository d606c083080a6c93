/**
 * Findings about consensus and chain in other ledgers, each as a test against this one: FIB-124 to FIB-137 of an audit
 * of a BFT consortium chain, and what else is known to go wrong. The letters are theirs for good.
 */
import { describe, expect, it } from 'vitest';
import { nativeCrypto as crypto, nativeSigner } from '../../adapters/crypto-native/native.ts';
import { decodeBlock, encodeBlock } from '../../node-core/chain/block.ts';
import { encodeHeader, type Header } from '../../node-core/chain/header.ts';
import { genesisAccountId, headerHash } from '../../node-core/chain/identifiers.ts';
import { ADMIT_PARTNER, admitPartnerBody } from '../../node-core/chain/operations/admit-partner.ts';
import { decodeTransaction, finishTransaction, prepareTransaction } from '../../node-core/chain/transaction.ts';
import { proposalMessage, type VoteScope, voteMessage } from '../../node-core/chain/votes.ts';
import { compare, equal } from '../../node-core/codec/bytes.ts';
import { encode } from '../../node-core/codec/cbor.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import { generateKeyPair } from '../../node-core/crypto/generate.ts';
import { decodeMessage, encodeMessage, type Message, type WireVote } from '../../node-core/runtime/messages.ts';
import { Voting, VotingStopped } from '../../node-core/runtime/voting.ts';
import { blockBytes } from '../simulation/certified.ts';
import { Chance } from '../simulation/chance.ts';
import { type Consortium, consortium, signedTransaction, signerOf, signWith } from '../simulation/fixture.ts';
import { MemoryStore } from '../simulation/memory-store.ts';
import { type Remains, type Rig, rig } from '../simulation/rig.ts';
import { START_MS } from '../simulation/world.ts';

const BLOCK_INTERVAL_MS = 3_000;
const SELF = 3;
/** Who proposes height 1 in round 0. */
const PROPOSER = 1;
const bytes = (fill: number) => new Uint8Array(32).fill(fill);
const chance = new Chance('findings');
const random = (length: number) => chance.bytes(length);
type Value = readonly [Uint8Array, Uint8Array];

/** Validator 3 of four, connected to the other three. */
async function validator(remains?: Remains): Promise<Rig> {
  const r = await rig({ validators: 4, self: SELF, ...(remains !== undefined && { remains }) });
  for (const peer of r.members.peerIds.slice(0, SELF)) await r.connect(peer);
  return r;
}

function remains(): Remains {
  return { kv: new MemoryStore(), record: { bytes: null, epoch: 0 } };
}

function scopeOf({ genesis }: Consortium, by: number, height: number, round: number): VoteScope {
  const { id, keys } = genesis.validators.validators[by]!;
  return { chain: genesis.hash, protocolVersion: 1, height, round, validator: id, key: keys[0] };
}

interface ProposalChange {
  readonly by?: number;
  /** Whose block it is by its header; without it that of who sends it. */
  readonly of?: number;
  readonly round?: number;
  readonly validRound?: number;
  readonly header?: Partial<Header>;
  readonly polka?: readonly WireVote[];
  readonly height?: number;
}

/** A proposal for the next block, rightly signed by who sends it; what `change` says is wrong with it. */
function proposal({ members, nextBlock }: Rig, change: ProposalChange = {}): { message: Message; value: Value } {
  const { by = PROPOSER, round = 0, validRound = -1, polka = [] } = change;
  const block = decodeBlock(blockBytes(nextBlock({ proposer: change.of ?? by }).executed));
  const header = { ...block.header, ...change.header };
  const headerBytes = encodeHeader(header);
  const value: Value = [headerHash(crypto, headerBytes), header.logRoot];
  const height = change.height ?? block.header.height;
  const scope = scopeOf(members, by, height, round);
  const signed = proposalMessage(crypto, scope, { headerHash: value[0], logRoot: value[1] }, validRound);
  const signature = signWith(members.validators[by]!, signed);
  const encoded = encodeBlock({ ...block, header, headerBytes });
  return { message: ['proposal', height, round, validRound, by, 0, signature, encoded, polka], value };
}

/** What validator 3 has voted, as [type, round, header hash or null]. */
function ownVotes(r: Rig): (readonly [number, number, Uint8Array | null])[] {
  const sent = r.sentTo(r.members.peerIds[0]!);
  const rows = sent.flatMap((message) => (message[0] === 'votes' ? message[1] : []));
  const seen = new Set<string>();
  return rows
    .filter(([, , , , by]) => by === SELF)
    .filter(([type, height, round]) => {
      const at = `${type}/${height}/${round}`;
      return seen.has(at) ? false : seen.add(at);
    })
    .map(([type, , round, block]) => [type, round, block?.[0] ?? null]);
}

const prevotesFor = (r: Rig, hash: Uint8Array) =>
  ownVotes(r).filter(([type, , block]) => type === 0 && block !== null && equal(block, hash));

/** The only validator of a chain, with transactions that it packs. */
async function alone(options: { readonly remains?: Remains; readonly members?: Consortium } = {}) {
  const r = await rig({ validators: 1, self: 0, ...options });
  const { operator, genesis } = r.members;
  const sender = genesisAccountId(crypto, operator.publicKey);
  let name = 0;
  const admission = (nonce: Uint8Array, expiry = r.store.height + 50, what = `partner ${name++} ${r.store.height}`) => {
    const key = generateKeyPair('p256', (length) => nonce.slice(0, length)).publicKey;
    const legal = { version: '1', digest: bytes(9) };
    const quota = { max: 1_000_000, periodMs: 86_400_000 };
    const body = admitPartnerBody.encode({ name: what, key, legal, permissions: ['evidence'], quota });
    return signedTransaction(crypto, genesis, operator, { nonce, expiry, operations: [{ type: ADMIT_PARTNER, body }] });
  };
  const packs = async () => {
    for (let i = 0; i < 3; i++) await r.pass(BLOCK_INTERVAL_MS);
  };
  return { r, sender, admission, packs };
}

describe('(a) FIB-134: what is signed names chain, protocol version, type, height, round and payload', () => {
  const other: Record<string, (scope: VoteScope) => Partial<VoteScope>> = {
    chain: () => ({ chain: bytes(7) }),
    'protocol version': () => ({ protocolVersion: 2 }),
    height: ({ height }) => ({ height: height + 1 }),
    round: ({ round }) => ({ round: round + 1 }),
    validator: () => ({ validator: new Uint8Array(20) }),
  };

  it.each(Object.keys(other))('a vote for another %s is not taken for this one', async (what) => {
    const r = await validator();
    const scope = scopeOf(r.members, 0, 1, 0);
    const message = voteMessage(crypto, 'precommit', { ...scope, ...other[what]!(scope) }, null);
    await r.receive(r.members.peerIds[0]!, [
      'votes',
      [[1, 1, 0, null, 0, 0, signWith(r.members.validators[0]!, message)]],
    ]);
    expect(r.dropped).toEqual([r.members.peerIds[0]]);
    expect(r.node.load.votes).toBe(0);
  });

  it('a signature for one type or payload is worth nothing for another', async () => {
    const [block, nil]: [Value, null] = [[bytes(1), bytes(2)], null];
    for (const [type, as, value, shown] of [
      [0, 1, nil, nil],
      [1, 0, block, block],
      [1, 1, block, nil],
      [1, 1, block, [bytes(1), bytes(3)] as const],
      [0, 0, block, [bytes(4), bytes(2)] as const],
    ] as const) {
      const r = await validator();
      const signature = r.vote(type, 0, value, 0)[6];
      await r.receive(r.members.peerIds[0]!, ['votes', [[as, 1, 0, shown, 0, 0, signature]]]);
      expect(r.dropped, `${type} as ${as}`).toEqual([r.members.peerIds[0]]);
    }
  });
});

describe('(b) FIB-129, FIB-131: nothing happens before the signature is verified', () => {
  it('votes that nobody signed move no round, make no evidence and are not remembered', async () => {
    const r = await validator();
    const forged = (by: number, value: Value | null): WireVote => [1, 1, 50, value, by, 0, new Uint8Array(64)];
    const [peer] = r.members.peerIds as [string];
    await r.receive(peer, ['votes', [forged(0, null), forged(1, null), forged(0, [bytes(1), bytes(1)])]]);
    expect([r.node.consensus?.round, r.node.load.votes]).toEqual([0, 0]);
    expect(r.store.equivocations.list()).toEqual([]);
  });

  it('a proposal with a wrong signature is neither executed nor kept, and does not take the place of the right one', async () => {
    const r = await validator();
    const peer = r.members.peerIds[PROPOSER]!;
    const { message, value } = proposal(r);
    const [kind, height, round, validRound, by, key, , block] = message as Extract<
      Message,
      readonly ['proposal', ...unknown[]]
    >;
    await r.receive(peer, [kind, height, round, validRound, by, key, new Uint8Array(64), block, []]);
    expect(r.store.keptProposals(1)).toEqual([]);
    expect(r.node.load.blocks).toBe(0);
    await r.receive(peer, message);
    expect(prevotesFor(r, value[0])).toHaveLength(1);
  });

  it('a transaction with a wrong signature is not held, and does not take the (sender, nonce) of the right one', async () => {
    const { r, admission } = await alone();
    const good = admission(bytes(1));
    const forged = good.slice();
    forged[forged.length - 1]! ^= 1;
    expect(await r.node.submit(forged)).toMatchObject({ code: 'SIGNATURE_INVALID' });
    expect(r.node.mempool.size).toBe(0);
    expect(await r.node.submit(good)).toMatchObject({ isNew: true });
  });
});

describe('(c) FIB-124: a block proposed again rests on the votes that justify it', () => {
  /** Validator 3 has seen a polka for the block of round 0 and locked it; then round 1 has come. */
  async function locked() {
    const r = await validator();
    const first = proposal(r);
    await r.receive(r.members.peerIds[PROPOSER]!, first.message);
    await r.receive(r.members.peerIds[0]!, ['votes', [r.vote(0, 0, first.value, 0), r.vote(0, 0, first.value, 1)]]);
    expect(ownVotes(r)).toContainEqual([1, 0, first.value[0]]);
    await r.receive(r.members.peerIds[0]!, ['votes', [r.vote(1, 1, null, 0), r.vote(1, 1, null, 1)]]);
    expect(r.node.consensus?.round).toBe(1);
    return { r, first };
  }
  const NEXT = 2;
  /** The next proposer's own block of round 1, or another block of round 0 as if there had been a polka for it. */
  const fresh = (r: Rig) => proposal(r, { by: NEXT, round: 1, header: { round: 1, timeMs: START_MS + 7 } });
  const again = (r: Rig, polka: readonly WireVote[] = []) =>
    proposal(r, { by: NEXT, of: PROPOSER, round: 1, validRound: 0, header: { timeMs: START_MS + 7 }, polka });

  it('another block gets no vote of who is locked, whatever polka it claims without showing one', async () => {
    for (const other of [fresh, again]) {
      const { r } = await locked();
      const second = other(r);
      await r.receive(r.members.peerIds[NEXT]!, second.message);
      expect(prevotesFor(r, second.value[0])).toEqual([]);
    }
  });

  it('the same blocks get the vote of who is not locked, or is shown the polka', async () => {
    const free = await validator();
    await free.receive(free.members.peerIds[0]!, ['votes', [free.vote(1, 1, null, 0), free.vote(1, 1, null, 1)]]);
    const first = fresh(free);
    await free.receive(free.members.peerIds[NEXT]!, first.message);
    expect(prevotesFor(free, first.value[0])).toHaveLength(1);
    const { r } = await locked();
    const { value } = again(r);
    const second = again(
      r,
      [0, 1, 2].map((by) => r.vote(0, 0, value, by)),
    );
    await r.receive(r.members.peerIds[NEXT]!, second.message);
    expect(prevotesFor(r, value[0])).toHaveLength(1);
  });

  it('a polka of votes that nobody signed, or of too few, is none', async () => {
    for (const isForged of [true, false]) {
      const { r } = await locked();
      const { value } = again(r);
      const forged = [0, 1, 2].map((by): WireVote => [0, 1, 0, value, by, 0, new Uint8Array(64)]);
      const polka = isForged ? forged : [0, 1].map((by) => r.vote(0, 0, value, by));
      await r.receive(r.members.peerIds[NEXT]!, again(r, polka).message);
      expect(r.dropped).toEqual(isForged ? [r.members.peerIds[NEXT]] : []);
      expect(prevotesFor(r, value[0])).toEqual([]);
    }
  });

  it('a valid round that is not before the round of the proposal is garbage', async () => {
    const r = await validator();
    await r.receive(r.members.peerIds[PROPOSER]!, proposal(r, { validRound: 0 }).message);
    expect(r.dropped).toEqual([r.members.peerIds[PROPOSER]]);
  });
});

describe('(d) FIB-127: certificates of blocks that come by catching up are verified', () => {
  it.each([
    ['too few signatures', (row: Row) => row, [0, 1]],
    ['a signature that is wrong', spoilSignature, [0, 1, 2, 3]],
    ['one validator named for another', nameAnother, [0, 1, 2]],
  ] as const)('%s', async (_, change, signers) => {
    const r = await rig({ validators: 4 });
    const [liar, honest] = r.members.peerIds as [string, string];
    for (const peer of [liar, honest]) await r.connect(peer);
    await r.receive(liar, ['blocks', [change(r.nextBlock({ signers: [...signers] }).row)]]);
    expect([r.store.height, r.dropped]).toEqual([0, [liar]]);
    await r.receive(honest, ['blocks', [r.nextBlock().row]]);
    expect(r.store.height).toBe(1);
  });
});

type Row = readonly [Uint8Array, Uint8Array];

/** The last signature of the certificate; the results after it are an empty list, one byte. */
function spoilSignature([block, commit]: Row): Row {
  const changed = commit.slice();
  changed[changed.length - 2]! ^= 1;
  return [block, changed];
}

/** The certificate's last entry begins with the validator's index, its key index, and the head of 64 bytes. */
function nameAnother([block, commit]: Row): Row {
  const changed = commit.slice();
  const at = changed.length - 1 - 64 - 2 - 2;
  expect(changed[at]).toBe(2);
  changed[at] = 3;
  return [block, changed];
}

describe('(e) FIB-130: what a message says outside is what the block says inside', () => {
  it.each([
    ['height', { header: { height: 2 } }],
    // In round 4 it would be the same proposer's turn.
    ['round', { header: { round: 4 } }],
    ['proposer', { header: { proposer: new Uint8Array(20) } }],
    ['chain', { header: { chain: bytes(3) } }],
    ['parent', { header: { parent: bytes(3) } }],
  ])('a proposal whose block is of another %s gets no vote', async (_, change) => {
    const r = await validator();
    const { message, value } = proposal(r, change);
    await r.receive(r.members.peerIds[PROPOSER]!, message);
    await r.pass(BLOCK_INTERVAL_MS);
    expect(prevotesFor(r, value[0])).toEqual([]);
    expect(r.fatal).toEqual([]);
  });

  it('a certified block is taken for the height in its header alone, and once', async () => {
    const r = await rig({ validators: 4 });
    const [peer] = r.members.peerIds as [string];
    await r.connect(peer);
    const { row } = r.nextBlock();
    await r.receive(peer, ['blocks', [row, row, row]]);
    expect([r.store.height, r.dropped]).toEqual([1, []]);
  });
});

describe('(f) FIB-137: queues do not outlive what they were for', () => {
  it('what came early from a peer that has gone is forgotten with it', async () => {
    const r = await validator();
    const peer = r.members.peerIds[0]!;
    const [type, , round, block, by, key, signature] = r.vote(0, 0, null, 0);
    await r.receive(peer, ['votes', [[type, 2, round, block, by, key, signature]]]);
    expect(r.node.load.early).toBe(1);
    r.disconnect(peer);
    expect(r.node.load.early).toBe(0);
  });

  it('votes, proposals and blocks of a height are gone when the next begins', async () => {
    const r = await validator();
    await r.receive(r.members.peerIds[PROPOSER]!, proposal(r).message);
    await r.receive(r.members.peerIds[0]!, ['votes', [r.vote(0, 0, null, 0)]]);
    expect([r.node.load.blocks, r.node.load.votes]).toEqual([1, 1]);
    await r.receive(r.members.peerIds[0]!, ['blocks', [r.nextBlock().row]]);
    expect([r.node.load.blocks, r.node.load.votes]).toEqual([0, 0]);
    expect(r.store.keptProposals(1)).toEqual([]);
  });
});

describe('(g) decoding is bounded', () => {
  const nested = Uint8Array.from([...Array.from({ length: 100_000 }, () => 0x81), 0]);
  it.each([
    ['nesting without end', nested],
    ['an array of four thousand million items that are not there', Uint8Array.of(0x9a, 0xff, 0xff, 0xff, 0xff)],
    ['a byte string longer than the message', Uint8Array.of(0x5a, 0x7f, 0xff, 0xff, 0xff, 0)],
    ['a length without end', Uint8Array.of(0x9f, 0x00, 0xff)],
    [
      'more votes than a message may hold',
      encode(['votes', Array.from({ length: 401 }, () => [0, 1, 0, null, 0, 0, new Uint8Array(64)])]),
    ],
    ['a height that is no safe integer', encode(['status', 2n ** 63n])],
    ['bytes after the end', Uint8Array.of(...encodeMessage(['status', 1]), 0)],
  ])('%s', async (_, message) => {
    expect(() => decodeMessage(message)).toThrow(CodecError);
    const r = await validator();
    await r.receive(r.members.peerIds[0]!, message);
    expect([r.dropped, r.fatal]).toEqual([[r.members.peerIds[0]], []]);
  });
});

describe('(h) block times ascend and are near the clock', () => {
  it.each([
    ['that of its parent', 0, 0],
    ['before its parent', -5_000, 0],
    ['an hour ahead', 3_600_000, 0],
    ['a minute ago', 1, 60_000],
  ])('a proposal with a time that is %s gets no vote', async (_, fromParentMs, lateMs) => {
    const r = await validator();
    const { message, value } = proposal(r, { header: { timeMs: r.store.timeMs + fromParentMs } });
    await r.pass(lateMs);
    await r.receive(r.members.peerIds[PROPOSER]!, message);
    await r.pass(BLOCK_INTERVAL_MS);
    expect(prevotesFor(r, value[0])).toEqual([]);
  });
});

describe('(i) a nonce has one form, and belongs to its sender', () => {
  it('two senders may use the same nonce', async () => {
    const { r, admission, packs, sender } = await alone();
    const nonce = bytes(5);
    await r.node.submit(admission(nonce));
    await packs();
    expect(r.store.packedAt(sender, nonce)).toBeDefined();
    expect(r.store.packedAt(new Uint8Array(20), nonce)).toBeUndefined();
  });

  it.each([31, 33, 0])('a nonce of %i bytes is none', async (length) => {
    const { r, admission } = await alone();
    expect(() => admission(new Uint8Array(length))).toThrow();
    const good = admission(bytes(1));
    const transaction = decodeTransaction(good, r.members.genesis.hash, 1);
    expect(transaction).toMatchObject({ nonce: bytes(1) });
    // The same payload with a nonce of another length: a byte less in the string, and its head says so.
    const at = indexOf(good, Uint8Array.of(0x58, 32, ...bytes(1)));
    const changed = Uint8Array.of(
      ...good.slice(0, at),
      0x58,
      length,
      ...new Uint8Array(length),
      ...good.slice(at + 34),
    );
    expect(await r.node.submit(changed)).toMatchObject({ code: expect.stringMatching(/^TX_/) });
  });
});

function indexOf(whole: Uint8Array, part: Uint8Array): number {
  for (let at = 0; at + part.length <= whole.length; at++) {
    if (compare(whole.subarray(at, at + part.length), part) === 0) return at;
  }
  throw new Error('not found');
}

describe('(j) after a restart the same nonces are used as before', () => {
  it('a replay is refused by a node that has just started, and what is not yet used is not', async () => {
    const left = remains();
    const before = await alone({ remains: left });
    const used = before.admission(bytes(1));
    await before.r.node.submit(used);
    await before.packs();
    expect(before.r.store.packedAt(before.sender, bytes(1))).toBeDefined();

    const after = await alone({ remains: left });
    expect(after.r.store.height).toBe(before.r.store.height);
    const outcome = await after.r.node.submit(used);
    expect(outcome).toMatchObject({ code: 'NONCE_USED' });
    expect(await after.r.node.submit(after.admission(bytes(1)))).toMatchObject({ code: 'NONCE_USED' });
    expect(await after.r.node.submit(after.admission(bytes(2)))).toMatchObject({ isNew: true });
  });
});

describe('(k) a transaction is known by (sender, nonce), not by the hash of what was signed', () => {
  it('the same content signed again has other bytes, and is executed once', async () => {
    // ECDSA as OpenSSL does it: with a nonce drawn for each signature.
    const members = await consortium(crypto, random, { validators: 1, suite: 'p256', timeMs: START_MS });
    const { r, sender, packs } = await alone({ members });
    const { operator, genesis } = members;
    const legal = { version: '1', digest: bytes(9) };
    const quota = { max: 1_000_000, periodMs: 86_400_000 };
    const key = generateKeyPair('p256', random).publicKey;
    const body = admitPartnerBody.encode({ name: 'partner', key, legal, permissions: ['evidence'], quota });
    const fields = { sender, nonce: bytes(1), expiry: 40, operations: [{ type: ADMIT_PARTNER, body }] };
    const draft = { chain: genesis.hash, protocolVersion: 1, label: 'again', ...fields };
    const unsigned = prepareTransaction(crypto, draft, operator.publicKey);
    const signer = nativeSigner('p256', operator.secretKey);
    const [one, other] = [0, 1].map(() => finishTransaction(unsigned, signer(unsigned.message)));
    expect(equal(one!, other!)).toBe(false);
    expect(await r.node.submit(one!)).toMatchObject({ isNew: true });
    expect(await r.node.submit(other!)).not.toMatchObject({ isNew: true });
    expect(r.node.mempool.size).toBe(1);
    await packs();
    expect(await r.node.submit(other!)).toMatchObject({ code: 'NONCE_USED' });
    expect(await executed(r)).toHaveLength(1);
  });

  async function executed(r: Rig): Promise<Uint8Array[]> {
    const blocks = await Promise.all(Array.from({ length: r.store.height }, (_, i) => r.store.block(i + 1)));
    return blocks.flatMap((block) => [...block!.transactions]);
  }
});

describe('(l) a validator never signs two votes for one height and round', () => {
  const scope = (members: Consortium) => ({ crypto, chain: members.genesis.hash, protocolVersion: 1 });
  const checkpoint = { round: 0, step: 'prevote', locked: null, valid: null, polka: [], entry: [] } as const;

  it('a vote is in the record before anybody hears of it', async () => {
    const members = await consortium(crypto, random, {
      validators: 1,
      timeMs: START_MS,
    });
    const order: string[] = [];
    const signer = signerOf(members.validators[0]!);
    const record = {
      open: async () => ({ position: { epoch: 1, version: 0 }, bytes: null }),
      read: async () => ({ position: { epoch: 1, version: 0 }, bytes: null }),
      compareAndSwap: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        order.push('recorded');
        return { epoch: 1, version: 1 };
      },
      close: async () => {},
    };
    const voting = await Voting.open(scope(members), { index: 0, key: 0, signer }, record);
    const vote = { type: 'prevote', height: 1, round: 0, valueId: null } as const;
    await voting.vote(members.genesis.validators, vote, checkpoint).then(() => order.push('told'));
    expect(order).toEqual(['recorded', 'told']);
  });

  it('the record holds all that was signed in the height, and answers for it', async () => {
    const left = remains();
    const r = await validator(left);
    const first = proposal(r);
    await r.receive(r.members.peerIds[PROPOSER]!, first.message);
    await r.receive(r.members.peerIds[0]!, ['votes', [r.vote(0, 0, first.value, 0), r.vote(0, 0, first.value, 1)]]);
    const record = { open: async () => ({ position: { epoch: 9, version: 0 }, bytes: left.record.bytes }) };
    const identity = { index: SELF, key: 0, signer: signerOf(r.members.validators[SELF]!) } as const;
    const voting = await Voting.open(scope(r.members), identity, record as never);
    expect(voting.recorded?.ownVotes.map(({ type, round }) => [type, round])).toEqual([
      ['prevote', 0],
      ['precommit', 0],
    ]);
    const lower = { type: 'prevote', height: 0, round: 0, valueId: null } as const;
    await expect(voting.vote(r.members.genesis.validators, lower, checkpoint)).rejects.toThrow(VotingStopped);
  });

  it('of two processes with one record one signs, and the other never again', async () => {
    const left = remains();
    const [one, other] = [await validator(left), await validator(left)];
    for (let i = 0; i < 4; i++) for (const r of [one, other]) await r.pass(BLOCK_INTERVAL_MS);
    const votes = [one, other].flatMap(ownVotes);
    const at = votes.map(([type, round]) => `${type}/${round}`);
    expect(at.length).toBeGreaterThan(0);
    expect(new Set(at).size).toBe(at.length);
    expect([one, other].filter((r) => r.logged.some((line) => line.includes('not signing')))).toHaveLength(1);
  });

  it('a record that answers "lost", or does not answer, lets no signature out', async () => {
    const members = await consortium(crypto, random, {
      validators: 1,
      timeMs: START_MS,
    });
    const signer = signerOf(members.validators[0]!);
    const identity = { index: 0, key: 0, signer } as const;
    const row = { position: { epoch: 1, version: 0 }, bytes: null };
    for (const answer of ['lost', 'none'] as const) {
      const record = {
        open: async () => row,
        read: async () => row,
        compareAndSwap: async () => {
          if (answer === 'none') throw new Error('no answer');
          return 'lost' as const;
        },
        close: async () => {},
      };
      const voting = await Voting.open(scope(members), identity, record);
      const vote = { type: 'precommit', height: 1, round: 0, valueId: null } as const;
      await expect(voting.vote(members.genesis.validators, vote, checkpoint)).rejects.toThrow();
      await expect(voting.vote(members.genesis.validators, { ...vote, round: 1 }, checkpoint)).rejects.toThrow(
        VotingStopped,
      );
    }
  });

  it('after a restart in the middle of a height it says what it has said', async () => {
    const left = remains();
    const before = await validator(left);
    const first = proposal(before);
    await before.receive(before.members.peerIds[PROPOSER]!, first.message);
    const said = ownVotes(before);
    expect(said).toEqual([[0, 0, first.value[0]]]);
    const after = await validator(left);
    const second = proposal(after, { header: { timeMs: START_MS + 9 } });
    await after.receive(after.members.peerIds[PROPOSER]!, second.message);
    await after.pass(2 * BLOCK_INTERVAL_MS);
    expect(ownVotes(after).filter(([type, round]) => type === 0 && round === 0)).toEqual(said);
  });
});
