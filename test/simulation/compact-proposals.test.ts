/** Proposals that name their transactions, at one validator among hand-made peers: good ones, lies, and what goes missing. */
import { afterEach, expect, it, vi } from 'vitest';
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { ADMIT_PARTNER, admitPartnerBody } from '../../node-core/chain/operations/admit-partner.ts';
import { proposalMessage } from '../../node-core/chain/votes.ts';
import { concat } from '../../node-core/codec/bytes.ts';
import { generateKeyPair } from '../../node-core/crypto/generate.ts';
import { operationsOf } from '../../node-core/protocol/table.ts';
import { type CompactProposal, CompactProposals } from '../../node-core/runtime/compact-proposals.ts';
import { Executor } from '../../node-core/runtime/executor.ts';
import type { Message } from '../../node-core/runtime/messages.ts';
import { blockBytes } from './certified.ts';
import { Chance } from './chance.ts';
import { signedTransaction, signWith } from './fixture.ts';
import { type Rig, rig } from './rig.ts';
import { START_MS } from './world.ts';

// Height 1: validator 1 proposes in round 0.
const PROPOSER = 1;
const COUNT = 4;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const verifier = { verify: async () => Array(COUNT).fill(true), close: async () => {} };

afterEach(() => void vi.restoreAllMocks());

function admissions({ members }: Rig): Uint8Array[] {
  const chance = new Chance('partners');
  return Array.from({ length: COUNT }, (_, i) => {
    const body = admitPartnerBody.encode({
      name: `partner ${i}`,
      key: generateKeyPair('ed25519', (length) => chance.bytes(length)).publicKey,
      legal: { version: '1.0', digest: chance.bytes(32) },
      permissions: ['evidence'],
      quota: { max: 1_000_000, periodMs: 86_400_000 },
    });
    const operations = [{ type: ADMIT_PARTNER, body }];
    return signedTransaction(crypto, members.genesis, members.operator, {
      nonce: chance.bytes(32),
      expiry: 100,
      operations,
    });
  });
}

/** A validator among three, a block of four transactions by validator 1, and the ways to propose it. */
async function setUp() {
  const r = await rig({ validators: 4, self: 3 });
  const peer = r.members.peerIds[PROPOSER]!;
  for (const one of r.members.peerIds.slice(0, 3)) await r.connect(one);
  const transactions = admissions(r);
  const maker = await rig({ validators: 4, members: r.members });
  for (const bytes of transactions) expect(await maker.node.submit(bytes)).toHaveProperty('isNew', true);
  const executor = new Executor({
    ...{ crypto, store: maker.store, mempool: maker.node.mempool, verifier, log: quiet },
    table: operationsOf(1),
  });
  const { id, keys } = r.members.genesis.validators.validators[PROPOSER]!;
  const executed = executor.build({ timeMs: START_MS + 1, round: 0, proposer: id });
  const { headerHash, headerBytes, header } = executed;
  const scope = { chain: r.members.genesis.hash, protocolVersion: 1, height: 1, round: 0, validator: id, key: keys[0] };
  const signed = proposalMessage(crypto, scope, { headerHash, logRoot: header.logRoot }, -1);
  const signature = signWith(r.members.validators[PROPOSER]!, signed);
  const compact = (names: readonly Uint8Array[], given: readonly Uint8Array[] = []): CompactProposal => {
    const block = [headerBytes, concat(...names), given] as const;
    return ['compactProposal', 1, 0, -1, PROPOSER, 0, signature, block, []];
  };
  const names = transactions.map((bytes) => crypto.hash('sha-256', bytes));
  const whole: Message = ['proposal', 1, 0, -1, PROPOSER, 0, signature, blockBytes(executed), []];
  const voted = () =>
    r
      .sentTo(peer)
      .flatMap((message) => (message[0] === 'votes' ? message[1] : []))
      .filter(([type, , round]) => type === 0 && round === 0)
      .map(([, , , value]) => (value === null ? 'nil' : Buffer.compare(value[0], headerHash) === 0));
  const asked = () => r.sentTo(peer).flatMap((message) => (message[0] === 'getProposal' ? [message[3]] : []));
  return { ...r, peer, transactions, names, compact, whole, voted, asked };
}

it('votes for what it holds without asking, and checks no signature a second time', async () => {
  const { node, receive, peer, transactions, names, compact, voted, asked, members } = await setUp();
  const check = vi.spyOn(crypto, 'verify');
  const { bytes: operator } = members.operator.publicKey;
  const checksOf = () => check.mock.calls.filter(([key]) => Buffer.compare(key.bytes, operator) === 0).length;
  // The same bytes from a client and from two peers at the same moment.
  const [a, b] = [members.peerIds[0]!, members.peerIds[2]!];
  await Promise.all([
    ...transactions.map((bytes) => node.submit(bytes)),
    receive(a, ['transactions', transactions]),
    receive(b, ['transactions', transactions]),
  ]);
  expect(checksOf()).toBe(COUNT);
  await receive(peer, compact(names));
  expect([voted(), asked(), checksOf()]).toEqual([[true], [], COUNT]);
});

it('takes what is sent along, asks for the rest, and votes when it has come', async () => {
  const { node, receive, peer, transactions, names, compact, voted, asked, fatal, dropped } = await setUp();
  await node.submit(transactions[0]!);
  await receive(peer, compact(names, [transactions[1]!, transactions[2]!]));
  expect([voted(), asked()]).toEqual([[], [[3]]]);
  // An answer for another round is none.
  await receive(peer, ['proposalParts', 1, 1, [transactions[3]!]]);
  expect(voted()).toEqual([]);
  await receive(peer, ['proposalParts', 1, 0, [transactions[3]!]]);
  expect([voted(), fatal, dropped]).toEqual([[true], [], []]);
});

it('asks for the whole when most is missing, when no answer comes, and when it is named again', async () => {
  const { node, receive, pass, peer, transactions, names, compact, whole, voted, asked } = await setUp();
  await receive(peer, compact(names));
  expect(asked()).toEqual([[]]);
  for (const bytes of transactions.slice(0, 3)) await node.submit(bytes);
  await receive(peer, compact(names));
  expect(asked()).toEqual([[], []]);
  await receive(peer, whole);
  expect(voted()).toEqual([true]);
  const second = await setUp();
  for (const bytes of second.transactions.slice(0, 3)) await second.node.submit(bytes);
  await second.receive(second.peer, second.compact(second.names));
  await second.pass(300);
  expect(second.asked()).toEqual([[3], []]);
  // It is judged by when its names came.
  await pass(0);
  await second.receive(second.peer, second.whole);
  expect(second.voted()).toEqual([true]);
});

it('votes nil for names that nobody gives, and lives', async () => {
  const { receive, pass, peer, names, compact, voted, fatal, dropped } = await setUp();
  await receive(peer, compact([...names, new Uint8Array(32)]));
  for (let i = 0; i < 6; i++) await pass(1_000);
  expect([[...new Set(voted())], fatal, dropped]).toEqual([['nil'], [], []]);
});

it.each([
  ['part of a name', (names: Uint8Array[]) => [[...names, new Uint8Array(31)], []]],
  ['a name twice', (names: Uint8Array[]) => [[...names, names[0]!], []]],
  ['a transaction that it does not name', (names: Uint8Array[]) => [names, [new Uint8Array(300)]]],
] as const)('drops a proposer for %s', async (_, change) => {
  const { receive, peer, names, compact, dropped, fatal } = await setUp();
  const [named, given] = change(names) as [Uint8Array[], Uint8Array[]];
  await receive(peer, compact(named, given));
  expect([dropped, fatal]).toEqual([[peer], []]);
});

it('drops a proposer that answers with other transactions, and one whose header is none', async () => {
  const { receive, peer, names, compact, dropped, fatal, node, transactions } = await setUp();
  await node.submit(transactions[0]!);
  await receive(peer, compact(names, transactions.slice(1, 3)));
  await receive(peer, ['proposalParts', 1, 0, [new Uint8Array(300)]]);
  expect([dropped, fatal]).toEqual([[peer], []]);
  const [kind, height, round, validRound, by, key, signature, , polka] = compact(names);
  const broken = [Uint8Array.of(0xff), new Uint8Array(0), []] as const;
  await receive(peer, [kind, height, round, validRound, by, key, signature, broken, polka]);
  expect([dropped, fatal]).toEqual([[peer, peer], []]);
});

it('hears of names from the proposer alone, and gives its own proposal to validators alone, within bounds', async () => {
  const { receive, members, compact, names, asked, transactions, node, voted } = await setUp();
  for (const bytes of transactions) await node.submit(bytes);
  await receive(members.peerIds[0]!, compact(names));
  expect([voted(), asked()]).toEqual([[], []]);

  const own = await rig({ validators: 4, self: PROPOSER });
  const [validator, follower] = [own.members.peerIds[0]!, 'f'.repeat(64)];
  for (const one of [validator, follower]) await own.connect(one);
  for (const bytes of transactions) await own.node.submit(bytes);
  await own.pass(3_000);
  const sent = (peer: string, kind: Message[0]) => own.sentTo(peer).filter((message) => message[0] === kind).length;
  expect(sent(validator, 'compactProposal')).toBeGreaterThan(0);
  await own.receive(follower, ['getProposal', 1, 0, []]);
  await own.receive(validator, ['getProposal', 1, 5, []]);
  await own.receive(validator, ['getProposal', 2, 0, []]);
  await own.receive(validator, ['getProposal', 1, 0, [COUNT, 9_999]]);
  expect([sent(follower, 'proposal'), sent(validator, 'proposal'), sent(validator, 'proposalParts')]).toEqual([
    0, 0, 0,
  ]);
  await own.receive(validator, ['getProposal', 1, 0, [0, 0, 3]]);
  expect(own.sentTo(validator).find((message) => message[0] === 'proposalParts')?.[3]).toHaveLength(2);
  for (let i = 0; i < 20; i++) await own.receive(validator, ['getProposal', 1, 0, []]);
  expect(sent(validator, 'proposal')).toBe(3);
});

it('completes no block that is larger than any may be', async () => {
  const { compact } = await setUp();
  const large = Array.from({ length: 120 }, (_, fill) => new Uint8Array(65_000).fill(fill));
  const proposals = new CompactProposals({
    crypto,
    mempool: { find: () => undefined },
    clock: { now: () => 0, schedule: () => () => {} },
    send: () => {},
  });
  const message = compact(
    large.map((bytes) => crypto.hash('sha-256', bytes)),
    large,
  );
  expect(() => proposals.take('a', message, 0)).toThrow(/names \d+ bytes/);
});
