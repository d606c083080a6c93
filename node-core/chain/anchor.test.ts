import { beforeAll, describe, expect, it } from 'vitest';
import { type Member, type SyntheticBlock, SyntheticChain } from '../../test/proofs/synthetic-chain.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { type Anchor, type SetChange, verifyAnchor } from './anchor.ts';
import { encodeHeader, type Header } from './header.ts';
import { decodeReceipt, encodeReceipt, verifyReceipt } from './receipt.ts';

/** Sets A (the genesis) → B after height 10 → C after height 20. */
let chain: SyntheticChain;
let b: Member[];
let c: Member[];
let toB: SetChange;
let toC: SetChange;
let last: SyntheticBlock;

beforeAll(async () => {
  chain = await SyntheticChain.make(crypto, 'set changes');
  b = chain.newMembers(4);
  c = chain.newMembers(3);
  toB = change(10, chain.members, b);
  toC = change(20, b, c);
  last = blockOf(25, c);
});

function blockOf(height: number, by: readonly Member[], next = by, changes: Partial<Header> = {}): SyntheticBlock {
  const hashes = { validatorsHash: chain.rawSet(by).hash, nextValidatorsHash: chain.rawSet(next).hash };
  return chain.block(height, [], { ...hashes, ...changes });
}

const all = (members: readonly Member[]) => members.map((_, i) => [i, 0] as const);
const certify = (block: SyntheticBlock, members: readonly Member[]) => chain.certify(block, all(members), { members });

/** A change from `by` to `next`, signed by `signers`: who should be `by`. */
function change(
  height: number,
  by: readonly Member[],
  next: readonly Member[],
  signers = by,
  changes: Partial<Header> = {},
): SetChange {
  const block = blockOf(height, by, next, changes);
  return [block.headerBytes, certify(block, signers), chain.rawSet(next).bytes];
}

function outcome(
  setChanges: readonly SetChange[],
  block = last,
  signers: readonly Member[] = c,
  from: Partial<Anchor> = {},
) {
  const anchor = {
    genesis: chain.genesis.bytes,
    setChanges,
    header: block.headerBytes,
    certificate: certify(block, signers),
    ...from,
  };
  const result = verifyAnchor(crypto, anchor, chain.genesis.hash);
  return 'code' in result ? result.code : 'trusted';
}

describe('the way from the genesis to a header', () => {
  it('goes over every change of the validator set', () => {
    expect(outcome([toB, toC])).toBe('trusted');
    expect(outcome([toB], blockOf(15, b), b)).toBe('trusted');
    expect(outcome([toB], blockOf(20, b, c), b)).toBe('trusted');
    expect(outcome([], blockOf(10, chain.members, b), chain.members)).toBe('trusted');
  });

  it('may come back to an earlier set', () => {
    const back = change(30, c, chain.members);
    expect(outcome([toB, toC, back], blockOf(31, chain.members), chain.members)).toBe('trusted');
  });

  it('names the validators that signed', () => {
    const anchor = {
      genesis: chain.genesis.bytes,
      setChanges: [toB, toC],
      header: last.headerBytes,
      certificate: certify(last, c),
    };
    expect(verifyAnchor(crypto, anchor, chain.genesis.hash)).toMatchObject({
      validators: { hash: chain.setOf(c).hash },
    });
  });
});

describe('forged set changes', () => {
  it('one left out', () => {
    expect(outcome([toC])).toBe('PROOF_VALIDATORS');
    expect(outcome([toB])).toBe('PROOF_VALIDATORS');
    expect(outcome([])).toBe('PROOF_VALIDATORS');
  });

  it('in another order, or twice', () => {
    expect(outcome([toC, toB])).toBe('PROOF_VALIDATORS');
    expect(outcome([toB, toB, toC])).toBe('PROOF_VALIDATORS');
    expect(outcome([toB, toC, toC])).toBe('PROOF_VALIDATORS');
  });

  it('signed by the new set itself', () => {
    expect(outcome([change(10, chain.members, c, c)])).toBe('PROOF_VALIDATORS');
    expect(outcome([change(10, c, c, c)])).toBe('PROOF_VALIDATORS');
  });

  it('signed by half of the old set', () => {
    const block = blockOf(10, chain.members, c);
    const certificate = chain.certify(block, [
      [0, 0],
      [1, 0],
    ]);
    expect(outcome([[block.headerBytes, certificate, chain.setOf(c).bytes]])).toBe('PROOF_VALIDATORS');
  });

  it('at equal and at descending heights', () => {
    expect(outcome([toB, change(10, b, c)])).toBe('PROOF_VALIDATORS');
    expect(outcome([toB, change(9, b, c)])).toBe('PROOF_VALIDATORS');
    expect(outcome([toB, toC], blockOf(20, c))).toBe('PROOF_VALIDATORS');
    expect(outcome([toB, toC], blockOf(19, c))).toBe('PROOF_VALIDATORS');
  });

  it('with another set than the header names', () => {
    const mallory = chain.newMembers(4);
    expect(outcome([toB, [toC[0], toC[1], chain.setOf(mallory).bytes]], blockOf(25, mallory), mallory)).toBe(
      'PROOF_VALIDATORS',
    );
  });

  it('with the power of one validator raised', () => {
    const heavier = c.map((member, i) => ({ ...member, power: i === 0 ? 1_000 : 1 }));
    const block = blockOf(25, heavier);
    const certificate = chain.certify(block, [[0, 0]], { members: heavier });
    const setChanges = [toB, [toC[0], toC[1], chain.setOf(heavier).bytes] as const];
    expect(outcome(setChanges, block, heavier, { certificate })).toBe('PROOF_VALIDATORS');
  });

  it('that change nothing', () => {
    expect(outcome([change(5, chain.members, chain.members), toB, toC])).toBe('PROOF_VALIDATORS');
  });

  it('a set that names one validator or one key twice, though the old set signed it', () => {
    const twin = [c[0]!, { ...c[1]!, id: c[0]!.id }, c[2]!];
    expect(outcome([toB, change(20, b, twin)], blockOf(25, twin), twin)).toBe('PROOF_FORM');
    const sharedKey = [c[0]!, { ...c[1]!, keys: c[0]!.keys }, c[2]!];
    expect(outcome([toB, change(20, b, sharedKey)], blockOf(25, sharedKey), sharedKey)).toBe('PROOF_FORM');
    const ownTwice: Member[] = [{ ...c[0]!, keys: [c[0]!.keys[0], c[0]!.keys[0]] }, c[1]!, c[2]!];
    expect(outcome([toB, change(20, b, ownTwice)], blockOf(25, ownTwice), ownTwice)).toBe('PROOF_FORM');
  });

  it('an old set that goes on after it has handed over, shown with the change', () => {
    expect(outcome([toB], blockOf(15, chain.members), chain.members)).toBe('PROOF_VALIDATORS');
  });
});

describe('other chains', () => {
  it('a set change, a header and a genesis of another chain', async () => {
    const other = await SyntheticChain.make(crypto, 'another chain');
    const foreign = { chain: other.genesis.hash };
    expect(outcome([change(10, chain.members, b, chain.members, foreign), toC])).toBe('PROOF_VALIDATORS');
    expect(outcome([toB, toC], blockOf(25, c, c, foreign))).toBe('PROOF_GENESIS');
    expect(outcome([toB, toC], last, c, { genesis: other.genesis.bytes })).toBe('PROOF_GENESIS');
  });

  it('a header of a protocol version that this verifier does not know', () => {
    expect(outcome([toB, toC], blockOf(25, c, c, { protocolVersion: 2 }))).toBe('PROOF_FORM');
  });

  it('a header with trailing bytes or a field too many', () => {
    const longer = new Uint8Array([...encodeHeader(last.header), 0]);
    expect(outcome([toB, toC], last, c, { header: longer })).toBe('PROOF_FORM');
  });
});

it('a receipt carries its set changes through its file form', () => {
  const tx = chain.transaction([{ type: 'x', body: 1 }]);
  const block = chain.block(26, [tx], { validatorsHash: chain.setOf(c).hash, nextValidatorsHash: chain.setOf(c).hash });
  const receipt = chain.receipt(block, 0, chain.anchor(block, certify(block, c), [toB, toC]));
  expect(verifyReceipt(crypto, encodeReceipt(receipt), chain.genesis.hash)).toMatchObject({
    trusted: { header: { height: 26 } },
  });
  expect(decodeReceipt(encodeReceipt(receipt)).setChanges).toHaveLength(2);
});
