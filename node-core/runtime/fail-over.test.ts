/** Two keys, one vote record, one key in a round: what a validator lets out when its primary key fails at any signature. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Consortium, consortium, signerOf } from '../../test/simulation/fixture.ts';
import { type Rig, rig } from '../../test/simulation/rig.ts';
import { START_MS } from '../../test/simulation/world.ts';
import { proposalMessage, voteMessage } from '../chain/votes.ts';
import { toHex } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import type { VoteRecord, VoteRecordPosition } from '../ports/vote-record.ts';
import { blockOf } from './vote-wire.ts';
import { Voting, VotingStopped } from './voting.ts';

const VALUES = ['a', 'b'].map((digit) => digit.repeat(128));
const checkpoint = { round: 0, step: 'propose', locked: null, valid: null, polka: [], entry: [] } as const;

let members: Consortium;
beforeAll(async () => {
  let next = 1;
  const random = (length: number) => new Uint8Array(length).fill(next++);
  members = await consortium(crypto, random, { validators: 1, suite: 'ed25519', timeMs: 1, standbys: [0] });
});

/** What outlives a process: the record, and what its operator has commanded. */
interface Remains {
  bytes: Uint8Array | null;
  returns: number;
}

interface Process {
  readonly voting: Voting;
  /** Whether the primary key fails from now on. */
  isPrimaryGone: boolean;
  /** What becomes of the next write of the record. */
  write: 'kept' | 'lost' | 'unanswered';
  readonly failOvers: string[];
}

function recordOf(left: Remains, write: () => Process['write']): VoteRecord {
  let version = 0;
  const row = () => ({ position: { epoch: 1, version }, bytes: left.bytes });
  return {
    open: async () => row(),
    read: async () => row(),
    compareAndSwap: async (_: VoteRecordPosition, bytes: Uint8Array) => {
      const fate = write();
      if (fate !== 'lost') {
        left.bytes = bytes.slice();
        version += 1;
      }
      if (fate !== 'kept') throw new Error('no answer');
      return { epoch: 1, version };
    },
    close: async () => {},
  };
}

async function start(left: Remains, given: { readonly isPrimaryGone?: boolean } = {}): Promise<Process> {
  const scope = { crypto, chain: members.genesis.hash, protocolVersion: 1 };
  const [primary, other] = [signerOf(members.validators[0]!), signerOf(members.standbys.get(0)!)];
  const process = { isPrimaryGone: given.isPrimaryGone ?? false, write: 'kept' as Process['write'], failOvers: [] };
  const sign = async (message: Uint8Array) => {
    if (running.isPrimaryGone) throw new Error('CKR_TOKEN_NOT_PRESENT');
    return primary.sign(message);
  };
  const onFailOver = (cause: unknown) => void running.failOvers.push(String(cause));
  const record = recordOf(left, () => running.write);
  const standby = { signer: other, returns: left.returns, onFailOver };
  const identity = { index: 0, key: 0, signer: { publicKey: primary.publicKey, sign } } as const;
  const running: Process = Object.assign(process, { voting: await Voting.open(scope, identity, record, standby) });
  running.voting.follow(members.genesis.validators);
  return running;
}

const vote = (running: Process, type: 'prevote' | 'precommit', height: number, round: number, valueId: string | null) =>
  running.voting.vote(members.genesis.validators, { type, height, round, valueId }, checkpoint);

const propose = (running: Process, height: number, round: number, valueId: string, keep = async () => {}) =>
  running.voting.propose(members.genesis.validators, { height, round, valueId, validRound: -1 }, checkpoint, keep);

/** Scope of a signature by this key, or an error when the set has no such key. */
function scopeFor(key: 0 | 1, height: number, round: number) {
  const { id, keys } = members.genesis.validators.validators[0]!;
  return { chain: members.genesis.hash, protocolVersion: 1, height, round, validator: id, key: keys[key]! };
}

describe('when the primary key fails', () => {
  it.each(['propose', 'prevote', 'precommit'] as const)(
    'at a %s, the standby key signs all from the first round on in which the primary one has not signed',
    async (step) => {
      const running = await start({ bytes: null, returns: 0 });
      const keys: (number | undefined)[] = [];
      const first = ['propose', 'prevote', 'precommit'].indexOf(step);
      for (const at of ['propose', 'prevote', 'precommit'] as const) {
        if (at === step) running.isPrimaryGone = true;
        const signed =
          at === 'propose' ? await propose(running, 1, 0, VALUES[0]!) : await vote(running, at, 1, 0, VALUES[0]!);
        keys.push(signed?.key);
        if (signed === null) continue;
        const message =
          at === 'propose'
            ? proposalMessage(crypto, scopeFor(signed.key, 1, 0), blockOf(VALUES[0]!), -1)
            : voteMessage(crypto, at, scopeFor(signed.key, 1, 0), blockOf(VALUES[0]!));
        expect(crypto.verify(scopeFor(signed.key, 1, 0).key, message, signed.signature)).toBe(true);
      }
      // A token that comes back changes nothing.
      running.isPrimaryGone = false;
      keys.push((await vote(running, 'prevote', 1, 1, null))?.key);
      const inRoundZero = [0, 1, 2].map((i) => (i < first ? 0 : first === 0 ? 1 : undefined));
      expect(keys).toEqual([...inRoundZero, 1]);
      expect(running.failOvers).toEqual(['Error: CKR_TOKEN_NOT_PRESENT']);
      expect(running.voting.isOnStandby).toBe(true);
    },
  );

  it('a step that is signed already is not signed anew by the other key, and no other vote in its place', async () => {
    const left = { bytes: null, returns: 0 };
    const before = await start(left);
    const said = await vote(before, 'prevote', 1, 0, VALUES[0]!);
    const after = await start(left, { isPrimaryGone: true });
    expect(await vote(after, 'prevote', 1, 0, VALUES[0]!)).toEqual(said);
    expect(after.failOvers).toEqual([]);
    await expect(vote(after, 'prevote', 1, 0, null)).rejects.toThrow(VotingStopped);
    expect(await vote(after, 'precommit', 1, 0, VALUES[0]!)).toBeNull();
    expect((await vote(after, 'prevote', 1, 1, VALUES[0]!))?.key).toBe(1);
  });

  it('in the middle of a round, and the process ends before the standby key has signed, that one is still on duty', async () => {
    const left = { bytes: null, returns: 0 };
    const before = await start(left);
    const proposed = await propose(before, 1, 0, VALUES[0]!);
    before.isPrimaryGone = true;
    expect(await vote(before, 'prevote', 1, 0, VALUES[0]!)).toBeNull();
    const after = await start(left);
    expect([after.voting.isOnStandby, after.failOvers]).toEqual([true, []]);
    expect(after.voting.hasProposed(1, 0, proposed!.signature)).toBe(true);
    expect(await vote(after, 'prevote', 1, 0, VALUES[0]!)).toBeNull();
  });

  it('so much for the way back: the primary key signs nothing in a round of the standby key', async () => {
    const left: Remains = { bytes: null, returns: 0 };
    expect((await vote(await start(left, { isPrimaryGone: true }), 'prevote', 1, 0, null))?.key).toBe(1);
    left.returns = 1;
    const back = await start(left);
    expect(await vote(back, 'precommit', 1, 0, null)).toBeNull();
    expect((await vote(back, 'prevote', 1, 1, null))?.key).toBe(0);
  });

  it('it stays with the standby key over restarts, until the operator commands the way back, once', async () => {
    const left: Remains = { bytes: null, returns: 0 };
    const first = await start(left, { isPrimaryGone: true });
    expect((await vote(first, 'prevote', 1, 0, null))?.key).toBe(1);
    const second = await start(left);
    expect([second.voting.isOnStandby, second.voting.nextReturn]).toEqual([true, 1]);
    expect((await vote(second, 'prevote', 2, 0, null))?.key).toBe(1);
    left.returns = second.voting.nextReturn;
    const third = await start(left);
    expect((await vote(third, 'prevote', 3, 0, null))?.key).toBe(0);
    third.isPrimaryGone = true;
    expect((await vote(third, 'prevote', 4, 0, null))?.key).toBe(1);
    // The command has been carried out: it does not count again.
    const fourth = await start(left);
    expect([fourth.voting.isOnStandby, fourth.voting.nextReturn]).toEqual([true, 2]);
    // Nor does a config that has lost count.
    left.returns = 0;
    expect((await start(left)).voting.isOnStandby).toBe(true);
  });

  it('and the set has no standby key of this validator, it signs nothing and says why', async () => {
    const running = await start({ bytes: null, returns: 0 }, { isPrimaryGone: true });
    const { validators, ...set } = members.genesis.validators;
    const alone = { ...set, validators: validators.map((one) => ({ ...one, keys: [one.keys[0]] as const })) };
    const ask = running.voting.vote(alone, { type: 'prevote', height: 1, round: 0, valueId: null }, checkpoint);
    await expect(ask).rejects.toThrow('CKR_TOKEN_NOT_PRESENT');
    expect([running.failOvers, running.voting.isOnStandby]).toEqual([[], false]);
  });

  it('a record from before there were two keys is that of a primary key', async () => {
    const left: Remains = { bytes: null, returns: 0 };
    const before = await start(left);
    const proposed = await propose(before, 1, 0, VALUES[0]!);
    await vote(before, 'prevote', 1, 0, null);
    const row = decode(left.bytes!, { maxBytes: 1 << 20, maxDepth: 6, maxItems: 1_000 });
    if (!Array.isArray(row)) throw new Error('a record is an array');
    left.bytes = encode([...row.slice(0, -2), [[0, proposed!.signature]]]);
    const after = await start(left);
    expect([after.voting.recorded?.ownVotes.length, after.voting.isOnStandby]).toEqual([1, false]);
    expect(after.voting.recorded?.ownProposals).toEqual([{ round: 0, ...proposed }]);
  });
});

describe('a chain whose quorum needs the validator', () => {
  /** Its primary key makes so many signatures. */
  async function failingAfter(validators: number, self: number, signatures: number): Promise<Rig> {
    let next = 1;
    const random = (length: number) => new Uint8Array(length).fill(next++);
    const setup = { validators, suite: 'ed25519', timeMs: START_MS, standbys: [self] } as const;
    const chain = await consortium(crypto, random, setup);
    const primary = signerOf(chain.validators[self]!);
    let left = signatures;
    const sign = async (message: Uint8Array) => {
      left -= 1;
      if (left < 0) throw new Error('CKR_TOKEN_NOT_PRESENT');
      return primary.sign(message);
    };
    const standby = { signer: signerOf(chain.standbys.get(self)!), returns: 0, onFailOver: () => {} };
    const keys = { signer: { publicKey: primary.publicKey, sign }, standby };
    return rig({ validators, self, members: chain, keys });
  }

  it.each([1, 2])('goes on in the next round when it is alone and %i of three signatures are made', async (made) => {
    const chain = await failingAfter(1, 0, made);
    for (let i = 0; i < 20 && chain.store.height === 0; i++) await chain.pass(1_000);
    const [round, signatures] = (await chain.store.certified(1))!.certificate;
    expect([round, signatures.map(([index, key]) => [index, key])]).toEqual([1, [[0, 1]]]);
    expect(chain.fatal).toEqual([]);
    expect(chain.logged).toContain('warn: no vote in a round in which the other key has signed');
  });
});

it('a sole key that fails ends the node: it says that it does not sign, and first that it begins to end', async () => {
  let next = 1;
  const random = (length: number) => new Uint8Array(length).fill(next++);
  const chain = await consortium(crypto, random, { validators: 1, suite: 'ed25519', timeMs: START_MS });
  const { publicKey } = signerOf(chain.validators[0]!);
  const signer = { publicKey, sign: () => Promise.reject(new Error('DisabledException')) };
  const fatalWhenEnding: number[] = [];
  const node: Rig = await rig({
    ...{ validators: 1, self: 0, members: chain, keys: { signer, standby: null } },
    onEnding: () => fatalWhenEnding.push(node.fatal.length),
  });
  await node.pass(3_000);
  expect([fatalWhenEnding, node.fatal.map(String)]).toEqual([[0], ['Error: DisabledException']]);
  expect(node.logged.filter((line) => line.startsWith('error'))).toEqual([
    'error: not signing',
    'error: the node stops',
  ]);
});

const step = fc.record({
  act: fc.constantFrom('propose', 'prevote', 'precommit', 'restart', 'token', 'return', 'height'),
  round: fc.nat({ max: 2 }),
  value: fc.constantFrom(...VALUES, null),
  isPrimaryGone: fc.boolean(),
  write: fc.constantFrom('kept', 'kept', 'kept', 'lost', 'unanswered' as const),
});

it('in any history no step is let out twice, no round has two keys, and none but the one on duty signs', async () => {
  const history = fc.array(step, { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      const left: Remains = { bytes: null, returns: 0 };
      const out = new Map<string, string>();
      const keys = new Map<string, number>();
      let [running, height, mayBePrimary] = [await start(left), 1, true];
      for (const { act, round, value, isPrimaryGone, write } of steps) {
        if (act === 'token') running.isPrimaryGone = isPrimaryGone;
        if (act === 'height') height += 1;
        if (act === 'return') left.returns = running.voting.nextReturn;
        if (act === 'restart') {
          running = await start(left, { isPrimaryGone });
          mayBePrimary = !running.voting.isOnStandby;
        }
        if (act !== 'propose' && act !== 'prevote' && act !== 'precommit') continue;
        running.write = write as Process['write'];
        const asked =
          act === 'propose'
            ? propose(running, height, round, value ?? VALUES[0]!)
            : vote(running, act, height, round, value);
        const signed = await asked.catch(() => null);
        if (signed === null) continue;
        const name = `${act}/${height}/${round}`;
        const said = `${signed.key}/${toHex(signed.signature)}`;
        expect(out.get(name) ?? said).toBe(said);
        const inRound = `${height}/${round}`;
        expect([inRound, keys.get(inRound) ?? signed.key]).toEqual([inRound, signed.key]);
        keys.set(inRound, signed.key);
        const isNew = !out.has(name);
        out.set(name, said);
        if (isNew && signed.key === 0) expect([name, mayBePrimary]).toEqual([name, true]);
        if (signed.key === 1) mayBePrimary = false;
      }
    }),
    { numRuns: 300 },
  );
});
