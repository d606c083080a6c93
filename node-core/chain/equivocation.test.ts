import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Member, SyntheticChain, sign } from '../../test/proofs/synthetic-chain.ts';
import { cachedCrypto } from '../../test/simulation/cached-crypto.ts';
import { type CborMap, decode, encode } from '../codec/cbor.ts';
import { pureCrypto } from '../crypto/pure.ts';
import type { SetChange } from './anchor.ts';
import {
  EQUIVOCATION_KINDS,
  type EquivocationFile,
  type EquivocationKind,
  encodeEquivocation,
  type SignedContent,
  verifyEquivocation,
} from './equivocation.ts';
import { PROOF_LIMITS } from './receipt.ts';
import { proposalMessage, voteMessage } from './votes.ts';

const crypto = cachedCrypto(pureCrypto);
const HEIGHT = 12;
const ROUND = 2;
const value = (fill: number) => [new Uint8Array(32).fill(fill), new Uint8Array(32).fill(fill + 1)] as const;
type Value = ReturnType<typeof value> | null;

/** The genesis set A → B after height 10 → C after height 20. */
let chain: SyntheticChain;
let b: Member[];
let toB: SetChange;
let toC: SetChange;
let parent: ReturnType<typeof certified>;

beforeAll(async () => {
  chain = await SyntheticChain.make(crypto, 'equivocation', { standby: true });
  b = chain.newMembers(4);
  toB = change(10, chain.members, b);
  parent = certified(HEIGHT - 1, b);
  toC = change(20, b, chain.newMembers(3));
});

function blockOf(height: number, by: readonly Member[], next: readonly Member[]) {
  const hashes = { validatorsHash: chain.rawSet(by).hash, nextValidatorsHash: chain.rawSet(next).hash };
  return chain.block(height, [], hashes);
}

function certified(height: number, by: readonly Member[], next = by) {
  const block = blockOf(height, by, next);
  return [
    block.headerBytes,
    chain.certify(
      block,
      by.map((_, i) => [i, 0] as const),
      { members: by },
    ),
  ] as const;
}

function change(height: number, by: readonly Member[], next: readonly Member[]): SetChange {
  return [...certified(height, by, next), chain.rawSet(next).bytes];
}

interface Said {
  readonly kind?: EquivocationKind;
  readonly by?: Member;
  readonly key?: 0 | 1;
  readonly height?: number;
  readonly round?: number;
  readonly validRound?: number;
}

function said(what: Value, options: Said = {}): SignedContent {
  const { kind = 'precommit', by = b[0]!, key = 0, height = HEIGHT, round = ROUND, validRound = -1 } = options;
  const pair = by.keys[key]!;
  const scope = { chain: chain.genesis.hash, protocolVersion: 1, height, round, validator: by.id, key: pair.publicKey };
  const block = what === null ? null : { headerHash: what[0], logRoot: what[1] };
  const message =
    kind === 'proposal' ? proposalMessage(crypto, scope, block!, validRound) : voteMessage(crypto, kind, scope, block);
  return [key, what, kind === 'proposal' ? validRound : null, sign(pair, message)];
}

function file(
  first: SignedContent,
  second: SignedContent,
  change: Omit<Partial<EquivocationFile>, 'kind'> & Said = {},
): Uint8Array {
  const { kind, ...rest } = change;
  return encodeEquivocation({
    type: 'brop.equivocation.v1',
    genesis: chain.genesis.bytes,
    setChanges: [toB],
    parent,
    height: HEIGHT,
    round: ROUND,
    validator: b[0]!.id,
    ...rest,
    kind: EQUIVOCATION_KINDS.indexOf(kind ?? 'precommit'),
    first,
    second,
  } as EquivocationFile);
}

function outcome(bytes: Uint8Array): string {
  const facts = verifyEquivocation(crypto, bytes, chain.genesis.hash);
  return 'code' in facts ? facts.code : facts.kind;
}

describe('evidence of equivocation', () => {
  it.each(EQUIVOCATION_KINDS)('holds for two %ss, and names who, where and what', (kind) => {
    const evidence = file(said(value(1), { kind }), said(value(3), { kind }), { kind });
    const facts = verifyEquivocation(crypto, evidence, chain.genesis.hash);
    expect(facts).toMatchObject({ validator: b[0]!.id, height: HEIGHT, round: ROUND, kind });
  });

  it('is one file, whichever message was heard first', () => {
    const [one, other] = [said(value(1)), said(value(3))];
    expect(file(one, other)).toEqual(file(other, one));
  });

  it('counts a block against nil, a log root against another, a valid round against another', () => {
    expect(outcome(file(said(value(1)), said(null)))).toBe('precommit');
    const twoRoots: Value = [value(1)[0], new Uint8Array(32)];
    expect(outcome(file(said(value(1)), said(twoRoots)))).toBe('precommit');
    const kind = 'proposal';
    expect(outcome(file(said(value(1), { kind }), said(value(1), { kind, validRound: 0 }), { kind }))).toBe(kind);
  });

  it('counts across the two keys of one validator, and not the same said with both', () => {
    const by = chain.members[2]!;
    const place = { height: 1, by };
    const where = { height: 1, validator: by.id, setChanges: [], parent: null };
    expect(outcome(file(said(value(1), place), said(value(3), { ...place, key: 1 }), where))).toBe('precommit');
    const same = file(said(value(1), place), said(value(1), { ...place, key: 1 }), where);
    expect(outcome(same)).toBe('PROOF_EQUIVOCATION');
  });

  it('holds right after a set change without the block before, and not with the set of then', () => {
    const place = { height: 11 };
    const [one, other] = [said(value(1), place), said(value(3), place)];
    expect(outcome(file(one, other, { height: 11, parent: null }))).toBe('precommit');
    const old = chain.members[0]!;
    const [mine, again] = [said(value(1), { ...place, by: old }), said(value(3), { ...place, by: old })];
    const where = { height: 11, validator: old.id };
    expect(outcome(file(mine, again, { ...where, parent: null }))).toBe('PROOF_EQUIVOCATION');
    expect(outcome(file(mine, again, { ...where, setChanges: [], parent: null }))).toBe('PROOF_VALIDATORS');
  });
});

describe('what proves nothing', () => {
  it.each([
    ['the same vote twice', () => file(said(value(1)), said(value(1)))],
    ['two kinds', () => file(said(value(1)), said(value(3), { kind: 'prevote' }))],
    ['two rounds', () => file(said(value(1)), said(value(3), { round: 3 }))],
    ['two heights', () => file(said(value(1)), said(value(3), { height: 13 }))],
    ['two validators', () => file(said(value(1)), said(value(3), { by: b[1]! }))],
    ['a key that the validator has not', () => file(said(value(1)), [1, ...said(value(3)).slice(1)] as never)],
    ['votes in place of proposals', () => file(said(value(1)), said(value(3)), { kind: 'proposal' })],
    ['the set of another height', () => file(said(value(1)), said(value(3)), { parent: certified(14, b) })],
    ['no word of the set', () => file(said(value(1)), said(value(3)), { parent: null })],
    ['a set change after the height', () => file(said(value(1)), said(value(3)), { setChanges: [toB, toC] })],
  ])('%s', (_, make) => {
    expect(['PROOF_EQUIVOCATION', 'PROOF_FORM', 'PROOF_VALIDATORS']).toContain(outcome(make()));
  });

  it('the two messages the other way round', () => {
    const evidence = file(said(value(1)), said(value(3)));
    const map = new Map(decode(evidence, PROOF_LIMITS) as CborMap);
    const [first, second] = [map.get('first')!, map.get('second')!];
    expect(outcome(encode(map))).toBe('precommit');
    expect(outcome(encode(map.set('first', second).set('second', first)))).toBe('PROOF_FORM');
  });

  it('evidence with any byte changed, cut or added', () => {
    const evidence = file(said(value(1)), said(null));
    fc.assert(
      fc.property(fc.nat(evidence.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = evidence.slice();
        changed[at]! ^= flip;
        expect(outcome(changed)).toMatch(/^PROOF_/);
      }),
      { numRuns: 300 },
    );
    expect(outcome(evidence.slice(0, -1))).toBe('PROOF_FORM');
    expect(outcome(new Uint8Array([...evidence, 0]))).toBe('PROOF_FORM');
  });

  it('evidence of another chain', () => {
    const facts = verifyEquivocation(crypto, file(said(value(1)), said(null)), new Uint8Array(32));
    expect(facts).toMatchObject({ code: 'PROOF_GENESIS' });
  });
});
